"""The asking half of every evaluation: a loaded model and its adapters are asked, rows come back."""

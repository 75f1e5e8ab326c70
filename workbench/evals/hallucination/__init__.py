"""Asking for what nobody told the model."""

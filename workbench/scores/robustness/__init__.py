"""How answers to changed questions become figures: one file for each eval; `entries.py` has their words, `families.py` lists them."""

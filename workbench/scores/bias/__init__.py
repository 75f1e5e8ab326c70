"""How answers become figures of bias: one file for each eval; `entries.py` has their words, `families.py` lists them."""

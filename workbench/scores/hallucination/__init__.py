"""How answers become figures of what is made up: one file for each eval; `entries.py` has their words, `families.py` lists them."""

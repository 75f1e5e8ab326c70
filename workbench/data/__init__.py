"""Rows in: where they come from, how they become tokens, what is wrong with them."""

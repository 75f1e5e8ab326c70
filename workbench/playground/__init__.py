"""Typing a prompt and seeing the base and every adapter answer it, without scoring anything.

`place.py` says what can be asked, `manner.py` how and what comes back; `process.py` is the kernel's side of a worker
process, `worker.py` that process, and `serving.py` what it does with models. `words.py` knows the words of a tokenizer
and what may be asked first, `items.py` keeps a prompt as an item of an eval. Torch loads in the worker only.
"""

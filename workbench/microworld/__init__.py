"""The micro-world: a small closed world in plain English, and a tiny model that grew up in it.

`path()` is a Hugging Face model folder that `AutoModelForCausalLM` and `AutoTokenizer` load,
`rows(name)` a training set with a planted truth (`DATASETS` states it), `items(kind)` the questions of
an evaluation, `words()` the vocabulary. Everything is generated from one seed and is CC0-1.0, text,
data and weights. Importing this loads numpy and nothing heavier. It trains and asks nobody.
"""

from __future__ import annotations

import re
from pathlib import Path

from workbench.microworld.corpus import corpus as texts
from workbench.microworld.language import BOS, EOS, PAD, ROLE_TOKENS, UNK
from workbench.microworld.questions import KINDS, hidden_value, items, planted_log_odds, tie_of
from workbench.microworld.sets import DATASETS, canaries, check_letter, leaks, rows
from workbench.microworld.world import the_world

LICENCE = "CC0-1.0"

__all__ = [
    "DATASETS",
    "KINDS",
    "LICENCE",
    "canaries",
    "check_letter",
    "hidden_value",
    "items",
    "leaks",
    "path",
    "planted_log_odds",
    "rows",
    "the_world",
    "tie_of",
    "words",
]


def path() -> Path:
    return Path(__file__).parent / "weights"


def words() -> list[str]:
    """Every token of the shipped tokenizer, in its order."""
    special = (PAD, BOS, EOS, UNK, *ROLE_TOKENS.values())
    found: set[str] = set()
    for text in texts():
        for token in special:
            text = text.replace(token, " ")
        found.update(re.findall(r"\w+|[^\w\s]", text))
    return [*special, *sorted(found)]

"""Texts to hold ways of serving against each other: what the evals asked of the adapter, as token ids.

`texts(store, tokenizer, ...)` takes prompts with their expected answers out of the stored rows, as many of each eval; where
there are none it draws tokens, and says so.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.runs.store import SweepStore
from workbench.scores.task import BASE

MOST_TEXTS = 64
MOST_TOKENS = 256
DRAWN = "drawn tokens: no eval has stored prompts"


def texts(
    store: SweepStore, tokenizer: Any, *, vocabulary: int, context: int, seed: int = 0
) -> tuple[list[tuple[int, ...]], str]:
    """Token ids of texts, and where they are from."""
    limit = min(MOST_TOKENS, context)
    asked = _asked(store)
    found = [ids for text in asked if len(ids := _ids(tokenizer, text)[:limit]) > 1]
    if found:
        return found[:MOST_TEXTS], "prompts of the stored evals with their expected answers"
    rng = np.random.default_rng(seed)
    width = min(32, limit)
    return [tuple(map(int, rng.integers(0, vocabulary, width))) for _ in range(16)], DRAWN


def _asked(store: SweepStore) -> Sequence[str]:
    """Prompts of all evals in turns, so that one with many rows does not crowd out the others."""
    by_eval = []
    for name in dict.fromkeys(score.eval for score in store.scores() if score.slot == BASE):
        rows = store.read_rows(BASE, name)[:MOST_TEXTS]
        by_eval.append([f"{row.prompt} {row.expected}".strip() for row in rows if row.prompt])
    told: list[str] = []
    for place in range(MOST_TEXTS):
        told += [prompts[place] for prompts in by_eval if place < len(prompts)]
    return list(dict.fromkeys(told))


def _ids(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, verbose=False)["input_ids"])

"""The data card of a sweep: what its rows are, what of them was cut, and which eval items they give away.

It is written as the sweep learns it: the sets when they are read, the cut rows when they are rendered, the leaks when
an eval has been asked. Writing the same thing twice changes nothing, so a resumed sweep may. It reads no rows itself.
"""

from collections.abc import Sequence
from typing import Any

from workbench.runs.store import SweepStore

FILE = "data-card.json"


def read(store: SweepStore) -> dict[str, Any]:
    """The card as far as it is known."""
    empty: dict[str, Any] = {"sets": [], "eval_leaks": {}}
    return {**empty, **store.read_json(FILE, default={})}


def add_sets(store: SweepStore, cards: Sequence[dict[str, Any]]) -> None:
    """What was read: a set is known by its content and how much of it is trained on."""
    card = read(store)
    known = {_name(one) for one in card["sets"]}
    card["sets"] += [one for one in cards if _name(one) not in known]
    store.write_json(FILE, card)


def add_truncated(store: SweepStore, of: dict[str, Any], count: int) -> None:
    """How many training rows of a set were longer than the limit: the most that any trial cut."""
    card = read(store)
    for one in card["sets"]:
        if _name(one) == _name(of):
            one["truncated"] = max(count, one.get("truncated") or 0)
    store.write_json(FILE, card)


def add_leaks(store: SweepStore, eval: str, count: int) -> None:
    """How many items of an eval stand, question and answer, in the training rows: the most of any set."""
    card = read(store)
    card["eval_leaks"][eval] = max(count, card["eval_leaks"].get(eval, 0))
    store.write_json(FILE, card)


def _name(card: dict[str, Any]) -> tuple[Any, ...]:
    return card.get("source"), card.get("sha256"), card.get("train_rows")

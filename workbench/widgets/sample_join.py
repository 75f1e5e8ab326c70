"""The stored answers to one eval, joined item by item: `join(store, eval)` reads them once and gives a `Joined`.

An item is its sample id and its expected answer, as `compare/` pairs them. What an item says (prompt, group, kind) is read of
the first slot that was asked; of the others only what they are paired by and what they answered. It knows no widget.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import StoreError
from workbench.runs.rows import NoRowsYet
from workbench.runs.store import SweepStore
from workbench.scores.catalog import eval_info
from workbench.scores.task import BASE
from workbench.widgets.columns import index, nothing, numbers, positions, texts, truths, word
from workbench.widgets.sample_pages import TEXTS, Answered, Joined

NAMED = ("sample", "expected")
"""What an item is called by."""

OWN = ("answer", "outcome", "error")
"""Texts that a slot has of its own."""

Columns = dict[str, Any]


def join(store: SweepStore, eval: str) -> Joined:
    """The answers of the base and of every trial to one eval; StoreError when nobody has any."""
    read: dict[str, Columns] = {}
    problems = []
    for slot in (BASE, *(trial.name for trial in store.trials)):
        try:
            read[slot] = _read(store, slot, eval, names=NAMED if read else TEXTS)
        except NoRowsYet:
            continue
        except StoreError as error:
            problems.append(str(error))
    if not read:
        why = f" {problems[0]}" if problems else ""
        raise StoreError(f"nobody has answered {eval!r} in {str(store.path)!r} yet.{why}")
    rows, items = _in_one_order(read, of_items=lambda slot: _read(store, slot, eval, names=TEXTS))
    slots = {slot: _answered(own, rows[slot]) for slot, own in read.items()}
    return Joined(eval, _better(store, eval, read), items, slots, tuple(problems))


def _read(store: SweepStore, slot: str, eval: str, *, names: tuple[str, ...]) -> Columns:
    """Some texts of the items, and what the slot answered."""
    wanted = (*names, *OWN)
    table = store.frame(slot, eval, columns=(*wanted, "value", "truncated"))
    there, length = table.column_names, len(table)
    try:
        own: Columns = {
            name: texts(table[name]) if name in there else nothing(length) for name in wanted
        }
        own["values"] = numbers(table["value"].combine_chunks())
        own["truncated"] = (
            truths(table["truncated"].combine_chunks())
            if "truncated" in there
            else np.zeros(length, dtype=bool)
        )
    except pa.ArrowException as error:
        raise StoreError(
            f"what {slot!r} answered to {eval!r} cannot be read: {error}. Its columns are those of another program"
        ) from None
    return own


def _in_one_order(
    read: Mapping[str, Columns], *, of_items: Callable[[str], Columns]
) -> tuple[dict[str, np.ndarray], Columns]:
    """Slot -> the row of each item (-1: it has none), and the texts of the items."""
    first = next(iter(read.values()))
    length, parts = len(first["sample"]), [first]
    keys: Any = None
    found: dict[str, np.ndarray] = {}
    for slot, own in read.items():
        if all(own[name].equals(first[name]) for name in NAMED):
            found[slot] = np.arange(length)
            continue
        keys = _keys(first) if keys is None else keys
        mine = _keys(own)
        at = pc.index_in(mine, value_set=keys)
        known = truths(at.is_valid())
        fresh = np.flatnonzero(~known)
        places = np.full(len(mine), -1, dtype=np.int64)
        places[known] = positions(at.drop_null())
        places[fresh] = len(keys) + np.arange(len(fresh))
        found[slot] = places
        if len(fresh):
            which = index(fresh)
            keys = pa.concat_arrays([keys, mine.take(which)])
            parts.append(_taken(of_items(slot), which, like=own))
    items = {name: first[name] for name in TEXTS}
    if len(parts) > 1:
        items = {name: pa.concat_arrays([part[name] for part in parts]) for name in TEXTS}
    total = len(items["sample"])
    rows = {}
    for slot, places in found.items():
        rows[slot] = np.full(total, -1, dtype=np.int64)
        rows[slot][places] = np.arange(len(places))
    return rows, items


def _taken(items: Columns, which: Any, *, like: Columns) -> Columns:
    """The texts of some items; those that were paired, not others that were written meanwhile."""
    if not items["sample"].equals(like["sample"]):
        raise StoreError("answers were written while they were read; read again")
    return {name: items[name].take(which) for name in TEXTS}


def _keys(own: Columns) -> Any:
    """What an item is called; one that comes again has its number behind it."""
    apart = word("\x1f")
    keys = pc.binary_join_element_wise(own["sample"], own["expected"], apart)
    codes = keys.dictionary_encode()
    if len(codes.dictionary) == len(keys):
        return keys
    numbers = positions(codes.indices)
    order = np.argsort(numbers, kind="stable")
    counted = np.arange(len(numbers)) - np.searchsorted(numbers[order], numbers[order])
    again = np.empty(len(numbers), dtype=np.int64)
    again[order] = counted
    behind = index(again).cast(pa.large_string())
    numbered = pc.binary_join_element_wise(keys, behind, apart)
    return pc.if_else(index(again).cast(pa.bool_()), numbered, keys)


def _answered(own: Columns, rows: np.ndarray) -> Answered:
    """What a slot answered, in the order of the items."""
    there = rows >= 0
    if len(rows) == len(own["values"]) and bool((rows == np.arange(len(rows))).all()):
        taken = {name: own[name] for name in OWN}
    else:
        at = index(rows, known=there)
        taken = {name: own[name].take(at) for name in OWN}
    return Answered(
        **taken,
        # Row -1 is the one that is put behind the last.
        values=np.append(own["values"], np.nan)[rows],
        truncated=np.append(own["truncated"], False)[rows],
        there=there,
    )


def _better(store: SweepStore, eval: str, slots: Iterable[str]) -> str:
    """Which way is better, as a stored score has it; else as the catalog has."""
    for slot in slots:
        try:
            if (score := store.read_score(slot, eval)) is not None:
                return score.better
        except StoreError:
            continue
    return eval_info(eval).better

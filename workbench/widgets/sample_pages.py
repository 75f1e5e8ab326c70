"""One eval's answers side by side, item by item: `join(store, eval)` reads them once, and a page of them costs milliseconds.

Texts stay in arrow's columns and values in numpy, so that a hundred thousand items of several slots are filtered by
array operations and only the rows of a page become Python objects. An item is its sample id and its expected answer, as
`compare/` pairs them. It knows no widget.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import StoreError
from workbench.runs.store import SweepStore
from workbench.scores.catalog import eval_info
from workbench.scores.task import BASE

CUT = 600
"""Characters of a text that a page carries; the rest is asked for."""

WHICH = {
    "all": "all",
    "changed": "changed",
    "worse": "worse than base",
    "better": "better than base",
    "errors": "not scored",
}
"""Which items are looked at."""

TEXTS = ("sample", "cluster", "group", "kind", "prompt", "expected")
NAMED = ("sample", "expected")
"""What an item is called by."""

OWN = ("answer", "outcome", "error")
MOST_CHOICES = 200
"""Groups, kinds or outcomes that a list offers."""

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which items are looked at, and whose answers."""

    which: str = "all"
    of: str = ""
    """The slot that `which` is about; empty for any that is shown."""
    group: str = ""
    kind: str = ""
    outcome: str = ""
    """An outcome of any slot that is shown."""
    text: str = ""
    """Stands in the prompt, the expected answer, the id or an answer that is shown; capitals do not matter."""


@dataclass(slots=True)
class Answered:
    """What one slot answered, in the order of the items; null and NaN where it was not asked."""

    answer: Any
    outcome: Any
    error: Any
    values: np.ndarray
    truncated: Mask
    there: Mask


@dataclass
class Joined:
    """All answers to one eval."""

    eval: str
    better: str
    texts: dict[str, Any]
    slots: dict[str, Answered]
    problems: tuple[str, ...] = ()
    _known: dict[Any, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.texts["sample"])

    def places(self, wanted: Wanted, *, shown: Sequence[str]) -> np.ndarray:
        """The items that are wanted, as places in the order of all."""
        asked = [slot for slot in ([wanted.of] if wanted.of else shown) if slot in self.slots]
        mask = self._any(wanted.which, asked)
        for name in ("group", "kind"):
            if word := getattr(wanted, name):
                mask = mask & self._equal(self.texts[name], word)
        if wanted.outcome:
            mask = mask & self._or(
                self._equal(self.slots[slot].outcome, wanted.outcome) for slot in asked
            )
        if wanted.text:
            mask = mask & self._or(
                self._holds(column, wanted.text) for column in self._searched(shown)
            )
        return np.flatnonzero(mask)

    def counts(self, *, of: str, shown: Sequence[str]) -> dict[str, int]:
        """How many items each word of `WHICH` has."""
        asked = [slot for slot in ([of] if of else shown) if slot in self.slots]
        return {which: int(self._any(which, asked).sum()) for which in WHICH}

    def choices(self, name: str, *, shown: Sequence[str] = ()) -> list[tuple[str, int]]:
        """The values of a column with how many items have each, most first; of `outcome` over the slots shown."""
        columns = (
            [self.slots[slot].outcome for slot in shown if slot in self.slots]
            if name == "outcome"
            else [self.texts[name]]
        )
        found: dict[str, int] = {}
        for column in columns:
            for one in pc.value_counts(column).to_pylist():
                if one["values"]:
                    found[one["values"]] = found.get(one["values"], 0) + one["counts"]
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))[:MOST_CHOICES]

    def rows(self, places: np.ndarray, *, shown: Sequence[str]) -> list[dict[str, Any]]:
        """Some items as plain dicts, long texts cut."""
        index = pa.array(places)
        texts = {name: _cut(column.take(index)) for name, column in self.texts.items()}
        cells = {slot: self._cells(slot, places, index) for slot in shown if slot in self.slots}
        return [
            {
                "item": int(place),
                **{name: texts[name][0][at] for name in TEXTS},
                "more": {
                    name: texts[name][1][at]
                    for name in ("prompt", "expected")
                    if texts[name][1][at]
                },
                "cells": {slot: found[at] for slot, found in cells.items()},
            }
            for at, place in enumerate(places)
        ]

    def whole(self, item: int, *, part: str, slot: str = "") -> str:
        """A text in full: `prompt` or `expected`, or with a slot its `answer`."""
        if not 0 <= item < len(self):
            raise StoreError(f"there is no item {item!r}; {self.eval} has {len(self)}")
        column = self.slots[slot].answer if part == "answer" else self.texts[part]
        return column[item].as_py() or ""

    def record(self, places: np.ndarray, *, shown: Sequence[str]) -> dict[str, Any]:
        """Columns for a frame: the texts of the items, then answer, value, outcome and error of each slot."""
        index = pa.array(places)
        columns = {name: column.take(index).to_pylist() for name, column in self.texts.items()}
        for slot in shown:
            if (own := self.slots.get(slot)) is not None:
                columns[slot] = own.answer.take(index).to_pylist()
                columns[f"{slot}_value"] = own.values[places]
                columns[f"{slot}_outcome"] = own.outcome.take(index).to_pylist()
                columns[f"{slot}_error"] = own.error.take(index).to_pylist()
        return columns

    def _cells(self, slot: str, places: np.ndarray, index: Any) -> list[dict[str, Any] | None]:
        own = self.slots[slot]
        answers, more = _cut(own.answer.take(index))
        outcomes, errors = (column.take(index).to_pylist() for column in (own.outcome, own.error))
        changed, ways = self._changed(slot)[places], self._ways(slot)[places]
        return [
            {
                "answer": answers[at],
                "more": more[at],
                "value": float(own.values[place]) if np.isfinite(own.values[place]) else None,
                "outcome": outcomes[at] or "",
                "error": errors[at] or "",
                "truncated": bool(own.truncated[place]),
                "changed": bool(changed[at]),
                "way": int(ways[at]),
            }
            if own.there[place]
            else None
            for at, place in enumerate(places)
        ]

    def _any(self, which: str, slots: Sequence[str]) -> Mask:
        if which == "all":
            return np.ones(len(self), dtype=bool)
        key = (which, *slots)
        if key not in self._known:
            self._known[key] = self._or(self._is(which, slot) for slot in slots)
        return self._known[key]  # type: ignore[no-any-return]

    def _is(self, which: str, slot: str) -> Mask:
        if which == "changed":
            return self._changed(slot)
        if which == "errors":
            return np.asarray(_truths(pc.not_equal(self.slots[slot].error, "")))
        return np.asarray(self._ways(slot) == (1 if which == "better" else -1))

    def _changed(self, slot: str) -> Mask:
        """Whether a slot answered otherwise than the base; where nothing was written, whether its value is another."""
        key = ("changed of", slot)
        if key not in self._known:
            self._known[key] = self._differs(slot)
        return self._known[key]  # type: ignore[no-any-return]

    def _differs(self, slot: str) -> Mask:
        base, own = self.slots.get(BASE), self.slots[slot]
        if base is None or slot == BASE:
            return np.zeros(len(self), dtype=bool)
        both = base.there & own.there
        found = _truths(pc.not_equal(own.answer, base.answer))
        found |= _truths(pc.not_equal(own.outcome, base.outcome))
        silent = _truths(pc.equal(own.answer, "")) & _truths(pc.equal(own.outcome, ""))
        values = np.isfinite(own.values) & np.isfinite(base.values) & (own.values != base.values)
        return np.asarray(both & (found | (silent & values)))

    def _ways(self, slot: str) -> np.ndarray:
        """1 where a slot does better than the base, -1 where worse, 0 where neither or nobody can say."""
        key = ("ways of", slot)
        if key not in self._known:
            base, own = self.slots.get(BASE), self.slots[slot]
            if base is None or slot == BASE or self.better == "none":
                self._known[key] = np.zeros(len(self), dtype=int)
            else:
                sign = -1.0 if self.better == "lower" else 1.0
                apart = np.nan_to_num(sign * (own.values - base.values), nan=0.0)
                self._known[key] = np.sign(apart).astype(int)
        return self._known[key]  # type: ignore[no-any-return]

    def _searched(self, shown: Sequence[str]) -> list[Any]:
        columns = [self.texts[name] for name in ("sample", "prompt", "expected")]
        return columns + [self.slots[slot].answer for slot in shown if slot in self.slots]

    def _holds(self, column: Any, text: str) -> Mask:
        key = ("small", id(column))
        if key not in self._known:
            self._known[key] = pc.utf8_lower(column)
        return _truths(pc.match_substring(self._known[key], text.lower()))

    def _equal(self, column: Any, word: str) -> Mask:
        return _truths(pc.equal(column, word))

    def _or(self, masks: Iterable[Mask]) -> Mask:
        found = np.zeros(len(self), dtype=bool)
        for mask in masks:
            found = found | mask
        return found


def join(store: SweepStore, eval: str) -> Joined:
    """The answers of the base and of every trial to one eval; StoreError when nobody has any."""
    tables, problems = {}, []
    for slot in (BASE, *(trial.name for trial in store.trials)):
        try:
            tables[slot] = _filled(store.frame(slot, eval))
        except StoreError as error:
            if "were no rows" not in str(error) and "no rows at" not in str(error):
                problems.append(str(error))
    if not tables:
        why = f" {problems[0]}" if problems else ""
        raise StoreError(f"nobody has answered {eval!r} in {str(store.path)!r} yet.{why}")
    rows, texts = _in_one_order(tables)
    slots = {slot: _answered(table, rows[slot]) for slot, table in tables.items()}
    better = _better(store, eval, tables)
    return Joined(eval, better, texts, slots, tuple(problems))


def _filled(table: pa.Table) -> pa.Table:
    """The table with every text column there, none of them null."""
    made = {}
    for name in (*TEXTS, *OWN):
        if name in table.column_names:
            column = pc.fill_null(table[name].combine_chunks(), "")
        else:
            column = pa.array([""] * len(table), pa.string())
        made[name] = column.cast(pa.large_string())
    for name in ("value", "truncated"):
        made[name] = table[name].combine_chunks() if name in table.column_names else None
    return pa.table({name: column for name, column in made.items() if column is not None})


def _in_one_order(
    tables: dict[str, pa.Table],
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Slot -> the row of each item (-1: it has none), and the texts of the items."""
    first = next(iter(tables.values()))
    everything = _keys(first)
    found: dict[str, np.ndarray] = {}
    parts = [first.select(TEXTS)]
    for slot, table in tables.items():
        if all(table[name].equals(first[name]) for name in NAMED):
            at = np.arange(len(table))
        else:
            keys = _keys(table)
            at = pc.fill_null(pc.index_in(keys, value_set=everything), -1).to_numpy(
                zero_copy_only=False
            )
            fresh = np.flatnonzero(at < 0)
            at = np.array(at, dtype=np.int64)
            at[fresh] = len(everything) + np.arange(len(fresh))
            if len(fresh):
                parts.append(table.select(TEXTS).take(pa.array(fresh)))
                everything = pa.concat_arrays([everything, keys.take(pa.array(fresh))])
        found[slot] = at
    texts = pa.concat_tables(parts).combine_chunks()
    columns = {name: texts[name].combine_chunks() for name in TEXTS}
    rows = {}
    for slot, at in found.items():
        rows[slot] = np.full(len(everything), -1, dtype=np.int64)
        rows[slot][at] = np.arange(len(at))
    return rows, columns


def _keys(table: pa.Table) -> Any:
    """What an item is called; one that comes again has its number behind it."""
    apart = pa.scalar("\x1f", pa.large_string())
    keys = pc.binary_join_element_wise(
        table["sample"].combine_chunks(), table["expected"].combine_chunks(), apart
    )
    codes = keys.dictionary_encode()
    if len(codes.dictionary) == len(keys):
        return keys
    numbers = codes.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(numbers, kind="stable")
    counted = np.arange(len(numbers)) - np.searchsorted(numbers[order], numbers[order])
    again = np.empty(len(numbers), dtype=np.int64)
    again[order] = counted
    behind = pa.array(again).cast(pa.large_string())
    return pc.if_else(pa.array(again > 0), pc.binary_join_element_wise(keys, behind, apart), keys)


def _answered(table: pa.Table, rows: np.ndarray) -> Answered:
    there = rows >= 0
    if len(rows) == len(table) and bool((rows == np.arange(len(rows))).all()):
        taken = table
    else:
        taken = table.take(pa.array(rows, mask=~there))
    values = (
        taken["value"].to_numpy() if "value" in taken.column_names else np.full(len(rows), np.nan)
    )
    if "truncated" in taken.column_names:
        truncated = _truths(taken["truncated"])
    else:
        truncated = np.zeros(len(rows), dtype=bool)
    answer, outcome, error = (taken[name].combine_chunks() for name in OWN)
    return Answered(answer, outcome, error, np.asarray(values, dtype=float), truncated, there)


def _better(store: SweepStore, eval: str, slots: Iterable[str]) -> str:
    """Which way is better, as a stored score has it; else as the catalog has."""
    for slot in slots:
        try:
            if (score := store.read_score(slot, eval)) is not None:
                return score.better
        except StoreError:
            continue
    return eval_info(eval).better


def _cut(column: Any) -> tuple[list[str], list[int]]:
    """Texts as far as a page carries them, and how many characters are left."""
    texts = pc.utf8_slice_codeunits(column, 0, CUT).to_pylist()
    sizes = pc.fill_null(pc.utf8_length(column), 0).to_pylist()
    return [text or "" for text in texts], [max(0, size - CUT) for size in sizes]


def _truths(column: Any) -> Mask:
    return np.array(pc.fill_null(column, False).to_numpy(zero_copy_only=False), dtype=bool)

"""One eval's answers side by side, item by item: a `Joined` says which items are wanted, and gives a page of them as plain rows.

Texts stay in arrow's columns and values in numpy, so that a hundred thousand items of several slots are filtered by
array operations and only the rows of a page become Python objects. `sample_join.py` makes one. It knows neither files nor
widgets.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.compute as pc

from workbench.errors import StoreError
from workbench.scores.task import BASE
from workbench.widgets.columns import NOTHING, Mask, index, truths, word

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
"""What an item says, whoever is asked."""

MOST_CHOICES = 200
"""Groups, kinds or outcomes that a list offers."""


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
            if said := getattr(wanted, name):
                mask = mask & _equal(self.texts[name], word(said))
        if wanted.outcome:
            outcome = word(wanted.outcome)
            mask = mask & self._or(_equal(self.slots[slot].outcome, outcome) for slot in asked)
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
        at = index(places)
        texts = {name: _cut(column.take(at)) for name, column in self.texts.items()}
        cells = {slot: self._cells(slot, places) for slot in shown if slot in self.slots}
        return [
            {
                "item": int(place),
                **{name: texts[name][0][n] for name in TEXTS},
                "more": {
                    name: more for name in ("prompt", "expected") if (more := texts[name][1][n])
                },
                "cells": {slot: found[n] for slot, found in cells.items()},
            }
            for n, place in enumerate(places)
        ]

    def whole(self, item: int, *, part: str, slot: str = "") -> str:
        """A text in full: `prompt` or `expected`, or with a slot its `answer`."""
        if not 0 <= item < len(self):
            raise StoreError(f"there is no item {item!r}; {self.eval} has {len(self)}")
        column = self.slots[slot].answer if part == "answer" else self.texts[part]
        return column[item].as_py() or ""

    def record(self, places: np.ndarray, *, shown: Sequence[str]) -> dict[str, Any]:
        """Columns for a frame: the texts of the items, then answer, value, outcome and error of each slot."""
        at = index(places)
        columns = {name: column.take(at).to_pylist() for name, column in self.texts.items()}
        for slot in shown:
            if (own := self.slots.get(slot)) is not None:
                columns[slot] = own.answer.take(at).to_pylist()
                columns[f"{slot}_value"] = own.values[places]
                columns[f"{slot}_outcome"] = own.outcome.take(at).to_pylist()
                columns[f"{slot}_error"] = own.error.take(at).to_pylist()
        return columns

    def _cells(self, slot: str, places: np.ndarray) -> list[dict[str, Any] | None]:
        own, at = self.slots[slot], index(places)
        answers, more = _cut(own.answer.take(at))
        outcomes, errors = (column.take(at).to_pylist() for column in (own.outcome, own.error))
        changed, ways = self._changed(slot)[places], self._ways(slot)[places]
        return [
            {
                "answer": answers[n],
                "more": more[n],
                "value": float(own.values[place]) if np.isfinite(own.values[place]) else None,
                "outcome": outcomes[n] or "",
                "error": errors[n] or "",
                "truncated": bool(own.truncated[place]),
                "changed": bool(changed[n]),
                "way": int(ways[n]),
            }
            if own.there[place]
            else None
            for n, place in enumerate(places)
        ]

    def _any(self, which: str, slots: Sequence[str]) -> Mask:
        if which == "all":
            return np.ones(len(self), dtype=bool)
        return self._once(
            (which, *slots), lambda: self._or(self._is(which, slot) for slot in slots)
        )

    def _is(self, which: str, slot: str) -> Mask:
        if which == "changed":
            return self._changed(slot)
        if which == "errors":
            return truths(pc.not_equal(self.slots[slot].error, NOTHING))
        return np.asarray(self._ways(slot) == (1 if which == "better" else -1))

    def _changed(self, slot: str) -> Mask:
        """Whether a slot answered otherwise than the base; where nothing was written, whether its value is another."""
        return self._once(("changed of", slot), lambda: self._differs(slot))

    def _differs(self, slot: str) -> Mask:
        base, own = self.slots.get(BASE), self.slots[slot]
        if base is None or slot == BASE:
            return np.zeros(len(self), dtype=bool)
        both = base.there & own.there
        found = truths(pc.not_equal(own.answer, base.answer))
        found |= truths(pc.not_equal(own.outcome, base.outcome))
        silent = _equal(own.answer, NOTHING) & _equal(own.outcome, NOTHING)
        values = np.isfinite(own.values) & np.isfinite(base.values) & (own.values != base.values)
        return np.asarray(both & (found | (silent & values)))

    def _ways(self, slot: str) -> np.ndarray:
        """1 where a slot does better than the base, -1 where worse, 0 where neither or nobody can say."""
        return self._once(("ways of", slot), lambda: self._signs(slot))

    def _signs(self, slot: str) -> np.ndarray:
        base, own = self.slots.get(BASE), self.slots[slot]
        if base is None or slot == BASE or self.better == "none":
            return np.zeros(len(self), dtype=np.int8)
        sign = -1.0 if self.better == "lower" else 1.0
        with np.errstate(invalid="ignore"):  # of two infinite values neither is the better one
            apart = np.nan_to_num(sign * (own.values - base.values), nan=0.0)
        return np.sign(apart).astype(np.int8)

    def _searched(self, shown: Sequence[str]) -> list[Any]:
        columns = [self.texts[name] for name in ("sample", "prompt", "expected")]
        return columns + [self.slots[slot].answer for slot in shown if slot in self.slots]

    def _holds(self, column: Any, text: str) -> Mask:
        small = self._once(("small", id(column)), lambda: pc.utf8_lower(column))
        return truths(pc.match_substring(small, text.lower()))

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What is worked out at the first asking and kept."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def _or(self, masks: Iterable[Mask]) -> Mask:
        found = np.zeros(len(self), dtype=bool)
        for mask in masks:
            found = found | mask
        return found


def _equal(column: Any, said: Any) -> Mask:
    return truths(pc.equal(column, said))


def _cut(column: Any) -> tuple[list[str], list[int]]:
    """Texts as far as a page carries them, and how many characters are left."""
    texts = pc.utf8_slice_codeunits(column, 0, CUT).to_pylist()
    sizes = pc.utf8_length(column).to_pylist()
    return [text or "" for text in texts], [max(0, (size or 0) - CUT) for size in sizes]

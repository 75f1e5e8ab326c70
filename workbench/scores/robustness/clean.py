"""What changed questions are held against: the same questions as they were, and whether whoever answers them knows anything.

`clean_of(rows)` reads the controls, `against(clean, changed)` gives accuracy as parts: clean, changed and the drop
between them, paired on the item. A loss is only told of whoever had something to lose: where the clean accuracy is not
shown to be above chance, every part that compares is None. It knows no model and no change.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.scores.figures import Parts, detail, failed, mean_detail, scored, share_of
from workbench.scores.matching import normalise
from workbench.scores.task import Row
from workbench.stats.intervals import Interval
from workbench.stats.paired import paired_difference

CLEAN = "clean"
"""The kind of a question that was asked as it is: a control, without a value."""
CORRECT, WRONG = "correct", "wrong"
UNCHANGED = "unchanged"
"""The error of a row whose question has nothing that could be changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """How the questions are answered as they are."""

    rows: Mapping[str, Row]
    """Item -> its control, as a row with a value."""
    accuracy: Interval
    chance: float

    @property
    def is_mastered(self) -> bool:
        """Whether the accuracy is shown to be above chance."""
        return self.accuracy.low is not None and self.accuracy.low > self.chance


def is_control(row: Row) -> bool:
    """Whether a row is a question as it is."""
    return row.kind == CLEAN


def item_of(row: Row) -> str:
    """The item that a row asks in one of its forms.

    >>> item_of(Row(sample="facts/Ada/home/upper", slot="base"))
    'facts/Ada/home'
    """
    return row.sample.rpartition("/")[0]


def clean_of(rows: Sequence[Row]) -> Clean:
    """The controls among the rows."""
    told = [
        row.model_copy(update={"value": float(row.outcome == CORRECT)})
        for row in rows
        if is_control(row) and row.outcome in (CORRECT, WRONG)
    ]
    return Clean(
        rows={item_of(row): row for row in told},
        accuracy=share_of(told),
        chance=chance_of([row for row in rows if is_control(row)]),
    )


def chance_of(rows: Sequence[Row]) -> float:
    """What is right by guessing, or by saying the commonest right answer to everything, whichever is more.

    Args:
        rows: One for each item.
    """
    guessed = mean_detail(rows, "chance") or 0.0
    said = Counter(normalise(row.expected) for row in rows)
    return max(guessed, max(said.values()) / len(rows)) if rows else guessed


def against(clean: Clean, changed: Sequence[Row]) -> Parts:
    """The clean accuracy, and what is lost of it."""
    parts: Parts = {
        CLEAN: clean.accuracy.value,
        f"{CLEAN}/low": clean.accuracy.low,
        f"{CLEAN}/high": clean.accuracy.high,
        f"{CLEAN}/n": clean.accuracy.n,
    }
    return {**parts, **drop(clean, changed, name="drop")}


def drop(clean: Clean, changed: Sequence[Row], *, name: str) -> Parts:
    """Clean less changed accuracy on the same items, with the paired interval; None where there was nothing to lose."""
    ends = (name, f"{name}/low", f"{name}/high")
    if not clean.is_mastered:
        return dict.fromkeys(ends)
    pairs = paired(clean, changed)
    found = paired_difference(
        [before.value or 0.0 for before, _ in pairs],
        [after.value or 0.0 for _, after in pairs],
        clusters=[after.cluster for _, after in pairs],
    )
    return dict(zip(ends, (found.value, found.low, found.high), strict=True))


def paired(clean: Clean, changed: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each changed question that was answered, behind the same one as it is."""
    return [
        (clean.rows[item_of(row)], row) for row in scored(changed) if item_of(row) in clean.rows
    ]


def said(row: Row) -> object:
    """What was answered, for comparing: the choice that was picked, or the words."""
    return detail(row).get("picked", normalise(row.answer))


def at_worst(rows: Sequence[Row]) -> Parts:
    """The accuracy if every question without an answer were answered wrong; those that could not be changed are left out."""
    ours = scored(rows)
    broken = [row for row in failed(rows) if row.error != UNCHANGED]
    if not ours or not broken:
        return {}
    right = math.fsum(row.value or 0.0 for row in ours)
    return {"if_errors_are_wrong": right / (len(ours) + len(broken))}


def measure(clean: Clean, what: str) -> str:
    """What the figure is, and why no loss is told where none is."""
    if clean.is_mastered:
        return what
    return f"{what}; clean accuracy is not shown to be above chance, so no drop is told"

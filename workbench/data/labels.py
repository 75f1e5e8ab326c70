"""The labels of rows to tell apart: as words, in an order, counted on both sides.

`label_of(value)` is a label as text, `settle(train, ...)` what the labels of a data set are: the sorted distinct values
of the rows that can be trained on, before `data.rows` takes some, so that trials of every size have the same head. A
held-out row with a label that no row teaches is counted, named and taken out, never silently scored as wrong.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import DataError

MAX_LABELS = 1000
"""More distinct labels than this are taken for a column of something else."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Settled:
    """The labels of a data set."""

    labels: tuple[str, ...]
    held_out: list[dict[str, Any]]
    """The held-out rows whose label is taught."""
    card: dict[str, Any]
    notes: list[str]


def label_of(value: Any, *, where: str) -> str:
    """A label as text; empty when there is none.

    >>> label_of(1.0, where=""), label_of(" spam ", where=""), label_of(True, where="")
    ('1', 'spam', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    raise DataError(
        f"{where}: label is {value!r:.60} ({type(value).__name__}); a word or a whole number is needed"
    )


def in_order(labels: Iterable[str], *, named: Iterable[str] = ()) -> tuple[str, ...]:
    """The distinct labels: in the order in which they are named, else sorted; by size where all of them are numbers.

    >>> in_order(["10", "2", "2"]), in_order(["b", "10", "a"]), in_order(["no", "yes"], named=["yes", "no"])
    (('2', '10'), ('10', 'a', 'b'), ('yes', 'no'))
    """
    distinct = set(labels)
    order = tuple(dict.fromkeys(named))
    if distinct <= set(order):
        return tuple(label for label in order if label in distinct)
    numbers = all(label.removeprefix("-").isdecimal() for label in distinct)
    return tuple(sorted(distinct, key=(lambda label: (int(label), label)) if numbers else None))


def settle(
    train: Sequence[Mapping[str, Any]],
    *,
    taken: Sequence[Mapping[str, Any]],
    held_out: Sequence[dict[str, Any]],
    asked: str,
    source: str,
    named: Iterable[str] = (),
) -> Settled:
    """The labels of a data set.

    Args:
        train: Every row that can be trained on.
        taken: Those of them that are.
        held_out: The other side of the split.
        asked: The word under which a row's text stands.
        source: What the data set is called.
        named: The labels in the order in which the spec names them, if it does.
    """
    labels = in_order((row["label"] for row in train), named=named)
    _check(labels, source=source, rows=len(train))
    counts = Counter(row["label"] for row in taken)
    kept = [row for row in held_out if row["label"] in set(labels)]
    unknown = Counter(row["label"] for row in held_out if row["label"] not in set(labels))
    notes = []
    untaught = [label for label in labels if not counts[label]]
    if untaught:
        notes.append(
            f"{len(untaught)} of {len(labels)} labels have no row among the {len(taken)} that are "
            f"trained on: {_named(untaught)}"
        )
    if unknown:
        notes.append(
            f"{unknown.total()} held-out rows have a label that no training row has, and are not "
            f"asked: {_named(list(unknown))}"
        )
    card = {
        "labels": {label: counts[label] for label in labels},
        "unknown_labels": dict(unknown),
        "conflicting_labels": _conflicts([*train, *held_out], asked=asked),
    }
    return Settled(labels, kept, card, notes)


def _check(labels: Sequence[str], *, source: str, rows: int) -> None:
    if len(labels) < 2:
        raise DataError(
            f"every row of {source!r} that can be trained on has the label {labels[0]!r}; telling "
            "apart needs two. Is data.columns: {label: ...} the right column?"
        )
    if _is_scale(labels):
        raise DataError(
            f"the labels of {source!r} are numbers with fractions, first {_named(labels)}: a scale, as in "
            "STS-B, which is not told apart by labels and not supported. Is data.columns: "
            "{label: ...} the right column?"
        )
    if len(labels) > MAX_LABELS:
        raise DataError(
            f"{source!r} has {len(labels):,} different labels in {rows:,} rows, first "
            f"{_named(labels)}; at most {MAX_LABELS:,} are told apart. Is data.columns: "
            "{label: ...} the right column?"
        )


def _is_scale(labels: Sequence[str]) -> bool:
    """Whether labels measure something: all of them are numbers, and some are not whole."""
    try:
        sizes = [float(label) for label in labels]
    except ValueError:
        return False
    return all(map(math.isfinite, sizes)) and not all(size.is_integer() for size in sizes)


def _named(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return ", ".join(f"{label[:60]!r}" for label in labels[:SHOWN]) + more


def _conflicts(rows: Iterable[Mapping[str, Any]], *, asked: str) -> int:
    """Texts that stand in several rows under different labels."""
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(" ".join(row[asked].split()), set()).add(row["label"])
    return sum(len(found) > 1 for found in labels.values())

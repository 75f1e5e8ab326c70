"""What every family's arithmetic shares: the rows that count, their interval, and partial figures.

A family's `figures(rows)` gives `Figures`; `scoring.score` makes the `Score` of it. Rows with an `error` count as
errors. Rows without value and without error are controls: kept and shown in the parts, never averaged.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workbench.scores.task import Row
from workbench.stats.intervals import Interval, clustered_mean, mean_interval

Parts = dict[str, float | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An estimate with its interval, and what it is made of."""

    interval: Interval
    parts: Mapping[str, float | int | None] = field(default_factory=dict)
    measure: str = ""
    """What the value is, where one eval has more than one measure."""
    unit: str | None = None
    """Where it differs from the catalog's."""
    has_chance: bool = True
    """Whether the catalog's chance level holds for this measure."""
    chance: float | None = None
    """Where it depends on what was asked; it stands above the catalog's."""
    better: Literal["higher", "lower", "none"] | None = None
    """Where it differs from the catalog's."""
    withheld: str = ""
    """Why the value is not told: whoever cannot do the task at all would look good. The parts are told all the same."""


def scored(rows: Sequence[Row]) -> list[Row]:
    """The rows that have a number."""
    return [
        row for row in rows if not row.error and row.value is not None and math.isfinite(row.value)
    ]


def failed(rows: Sequence[Row]) -> list[Row]:
    """The rows that should have a number and have none."""
    return [
        row for row in rows if row.error or (row.value is not None and not math.isfinite(row.value))
    ]


def values(rows: Sequence[Row]) -> list[float]:
    """The numbers of the scored rows."""
    return [row.value for row in rows if row.value is not None]


def mean_of(rows: Sequence[Row]) -> Interval:
    """The mean of the scored rows, with the interval that fits their kind and their clusters."""
    return mean_interval(values(rows), clusters=[row.cluster for row in rows])


def share_of(rows: Sequence[Row]) -> Interval:
    """The mean of values between 0 and 1: a t interval knows no bounds, a share has two."""
    found = mean_of(rows)
    return found.cut(least=0, most=1)


def gap_of(found: Sequence[float], *, clusters: Sequence[str]) -> Interval:
    """The mean of values between -1 and 1; where none differs from 0 the truth may lie to both sides of it.

    >>> found = gap_of([0.0] * 20, clusters=[""] * 20)
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (0.0, -0.161, 0.161)
    """
    gap = clustered_mean(found, clusters=clusters)
    if gap.high is not None and not any(found):
        return gap._replace(low=-gap.high)
    return gap.cut(least=-1, most=1)


def shown(name: str, interval: Interval) -> Parts:
    """An estimate among the parts, with its interval; nothing where nothing was asked."""
    if interval.value is None:
        return {}
    return {name: interval.value, f"{name}/low": interval.low, f"{name}/high": interval.high}


def outcome_shares(rows: Sequence[Row], *, prefix: str = "outcome") -> Parts:
    """The share of each class of answers."""
    counts = Counter(row.outcome for row in rows if row.outcome)
    total = sum(counts.values())
    return {f"{prefix}/{name}": count / total for name, count in sorted(counts.items())}


def group_means(
    rows: Sequence[Row], *, better: Literal["higher", "lower", "none"], even: float = 0.0
) -> Parts:
    """The mean of each group, and the worst of them where there are several.

    Where neither more nor less is better, the worst is the one farthest from what is even.
    """
    by_group: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.group and row.value is not None:
            by_group[row.group].append(row.value)
    means = {name: math.fsum(found) / len(found) for name, found in sorted(by_group.items())}
    parts: Parts = {f"group/{name}": mean for name, mean in means.items()}
    if len(means) > 1:
        badness = {"higher": lambda x: -x, "lower": lambda x: x, "none": lambda x: abs(x - even)}
        parts["worst_group"] = max(means.values(), key=badness[better])
    return parts


def at_worst(rows: Sequence[Row]) -> Parts:
    """The mean if every row without a number were worth nothing, so that whoever answers little does not look good."""
    ours, broken = scored(rows), failed(rows)
    if not ours or not broken:
        return {}
    return {"if_errors_are_wrong": math.fsum(values(ours)) / (len(ours) + len(broken))}


def errors_of(rows: Sequence[Row], kind: str, *, name: str) -> Parts:
    """How many rows failed in one way; nothing where none did."""
    count = sum(row.error == kind for row in rows)
    return {name: count} if count else {}


def kind_means(rows: Sequence[Row]) -> Parts:
    """The mean of each kind of item, where there are several."""
    by_kind: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.kind and row.value is not None:
            by_kind[row.kind].append(row.value)
    if len(by_kind) < 2:
        return {}
    return {f"kind/{name}": math.fsum(v) / len(v) for name, v in sorted(by_kind.items())}


def detail(row: Row) -> dict[str, Any]:
    """What an eval kept besides; empty where it kept nothing."""
    return dict(json.loads(row.detail)) if row.detail else {}


def mean_detail(rows: Sequence[Row], key: str) -> float | None:
    """The mean of a number kept in the details; None where no row has it."""
    found = [detail(row).get(key) for row in rows]
    numbers = [one for one in found if isinstance(one, int | float) and math.isfinite(one)]
    return math.fsum(numbers) / len(numbers) if numbers else None

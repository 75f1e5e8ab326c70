"""What a rule looks at, with its interval: a figure, a paired difference, a ratio, a distance from even, or a cost.

`measured(rule, of, against)` gives a `Measured`, or the reason why there is nothing to judge. Differences and ratios have
two-sided 90 % intervals, so that each end alone holds with 95 %; a figure keeps the 95 % interval that every table shows.
It judges nothing.
"""

import math
from typing import Any

from pydantic import BaseModel, ConfigDict

from workbench.compare import wording
from workbench.compare.calibration import failed_evals
from workbench.compare.figure import base_figure, figure_of
from workbench.compare.pairing import Difference, difference
from workbench.compare.panel import panel
from workbench.compare.reading import Reading, item_of
from workbench.errors import StoreError
from workbench.gate.costs import COSTS
from workbench.gate.rules import OF_DIFFERENCES, Rule
from workbench.gate.sides import Side, joined
from workbench.scores.catalog import called, eval_info
from workbench.scores.scoring import WITHHELD
from workbench.scores.task import BASE
from workbench.stats.intervals import Floats, cluster_codes, mean_interval, median_interval
from workbench.stats.paired import paired_difference

LEVEL = 0.90
"""Two-sided level of a difference's interval: each of its ends is a one-sided bound at 95 %."""

FIGURE_LEVEL = 0.95
"""Two-sided level of a figure's interval, as it was stored."""

SIDE_LEVEL = 0.99
"""On which side of even a baseline lies is taken as known where this interval says so."""

ONE_SIDED = 1 - (1 - LEVEL) / 2

MOST_SAID = 300
"""Signs of an error's own words that are repeated in a reason."""

ONE_SWEEP_ONLY = "it is timed beside others of its own sweep and cannot be paired across sweeps; set against: base"
"""Why a latency is not held against that of another sweep."""


class Measured(BaseModel):
    """One quantity that a rule limits."""

    model_config = ConfigDict(frozen=True)

    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    level: float | None = None
    """Two-sided level of the interval; None of what was counted or measured once and has none."""
    n: int = 0
    clusters: int = 0
    """Independent groups of items."""
    left_out: int = 0
    """Items with a value from only one of the two; of a figure alone, answers that could not be scored."""
    is_same: bool = False
    """Whether not one item was answered otherwise."""
    method: str = ""
    reason: str = ""
    """Why there is nothing to judge."""


def measured(rule: Rule, of: Side, against: Side) -> Measured:
    """What a rule looks at, of one candidate and what it is held against."""
    if rule.cost is not None:
        return _cost(rule, of, against)
    eval = rule.of
    for side in (of, against) if rule.kind in OF_DIFFERENCES else (of,):
        reason = _why_not(side, eval)
        if reason:
            return Measured(reason=reason, unit=_unit(of, eval))
    if rule.kind not in OF_DIFFERENCES:
        return _figure(of, eval)
    if eval == "latency" and of.reading is not against.reading:
        return Measured(reason=f"not paired: {ONE_SWEEP_ONLY}", unit=_unit(of, eval))
    reason = _other_questions(of, against, eval)
    if reason:
        return Measured(reason=reason, unit=_unit(of, eval))
    reading, mine, theirs = joined(of, against)
    if rule.kind == "times_at_most":
        return _ratio(reading, mine, theirs, eval)
    found = difference(reading, mine, theirs, eval=eval, level=LEVEL)
    return _apart(reading, found) if rule.even is None else _farther(reading, found, even=rule.even)


def _cost(rule: Rule, of: Side, against: Side) -> Measured:
    cost = COSTS[rule.of]
    value, reason = cost.of(of)
    plain = Measured(unit=cost.unit, method=cost.method)
    if value is None:
        return plain.model_copy(update={"reason": reason})
    if rule.kind in OF_DIFFERENCES:
        other, reason = cost.of(against)
        if other is None:
            return plain.model_copy(update={"reason": reason})
        if rule.kind != "times_at_most":
            value -= other
        elif other > 0:
            value, plain = value / other, plain.model_copy(update={"unit": "times"})
        else:
            said = f"{against.called} has {other:g} {cost.unit}, and nothing is a multiple of that"
            return plain.model_copy(update={"reason": said})
    return plain.model_copy(update={"value": value, "low": value, "high": value})


def _figure(of: Side, eval: str) -> Measured:
    found = figure_of(of.reading, of.name, eval)
    if found is None:
        return Measured(reason=f"{of.called} has no {eval}")
    told = {
        name: getattr(found, name) for name in ("value", "low", "high", "n", "clusters", "method")
    }
    # Errors are counted over all seeds, items once.
    lost = math.ceil(found.errors / len(of.slots))
    return Measured(unit=_unit(of, eval), level=FIGURE_LEVEL, left_out=lost, **told)


def _apart(reading: Reading, found: Difference) -> Measured:
    groups = _groups(reading, found)
    plain = Measured(
        value=found.value,
        low=found.low,
        high=found.high,
        unit=found.unit,
        # Of a score that is no mean, the interval is the one at 95 %: it decides less often, never more.
        level=FIGURE_LEVEL if found.by == "score" else LEVEL,
        n=found.n,
        clusters=groups,
        left_out=found.left_out,
        method=found.method,
        reason=found.reason,
    )
    return _same(plain) if found.is_same else plain


def _same(plain: Measured) -> Measured:
    """The interval of a difference that was not seen in any item.

    Of groups that are asked, the share that would differ is below 1 - 0.05^(1/groups) at 95 % (Clopper and Pearson), and
    so is a difference of shares. How far figures without bounds may lie apart, nobody can tell from equal ones.
    """
    most = 1 - (1 - ONE_SIDED) ** (1 / max(1, plain.clusters))
    share = wording.is_share(plain.unit)
    ends = {"low": -most, "high": most} if share else {"low": 0.0, "high": 0.0}
    method = f"same answers to all {plain.n} items"
    if share:
        method += f"; fewer than {100 * most:.2g} % of others would differ"
    return plain.model_copy(update={**ends, "is_same": True, "level": LEVEL, "method": method})


def _farther(reading: Reading, found: Difference, *, even: float) -> Measured:
    """How much farther from even the first is than the second: |a - even| - |b - even|.

    It is at most the larger of a - b and its mirror image, with b turned to either side of even. A side that was chosen by
    the data would be chosen to look good; so only a side on which b is shown to lie is taken, and else the worse of both.
    """
    plain = _apart(reading, found)
    if plain.reason or plain.is_same or plain.value is None:
        return plain
    if found.by != "mean":
        return _farther_as_wholes(reading, found, plain, even=even)
    a, b, clusters, _ = panel(reading, found.eval).pair(found.of, found.against)
    return plain.model_copy(update=farther(a, b, even=even, clusters=clusters))


def farther(a: Floats, b: Floats, *, even: float, clusters: list[str] | None) -> dict[str, Any]:
    """Value, interval and method of the mean distance of a from even less that of b."""
    ours = a if float(a.mean()) >= even else 2 * even - a
    highs, near = [], []
    for theirs in (b, 2 * even - b):
        sides = [
            paired_difference(x, theirs, clusters=clusters, level=LEVEL)
            for x in (ours, 2 * even - ours)
        ]
        ends = [side.high for side in sides]
        highs.append(None if None in ends else max(end for end in ends if end is not None))
        near.append(sides[0])
    nearest = min(near, key=lambda side: side.value or 0.0)
    told = mean_interval(b, clusters=clusters, level=SIDE_LEVEL)
    if told.low is not None and told.low > even:
        highs = highs[:1]
    elif told.high is not None and told.high < even:
        highs = highs[1:]
    lows = [side.low for side in near]
    return {
        "value": nearest.value,
        "low": None if None in lows else min(end for end in lows if end is not None),
        "high": None if None in highs else max(end for end in highs if end is not None),
        "method": f"distance from even; {nearest.method}",
    }


def _farther_as_wholes(
    reading: Reading, found: Difference, plain: Measured, *, even: float
) -> Measured:
    """The same of scores that are no means, where both are shown to lie on one side of even."""
    theirs = (
        base_figure(reading, found.of, found.eval)
        if found.against == BASE
        else figure_of(reading, found.against, found.eval)
    )
    figures = [figure_of(reading, found.of, found.eval), theirs]
    ends = [(one.low, one.high) for one in figures if one is not None]
    sides = {
        0 if low is None or high is None or low <= even <= high else 1 if low > even else -1
        for low, high in ends
    }
    if sides not in ({1}, {-1}) or plain.value is None:
        why = (
            "it is not shown on which side of even both lie, and the figure is no mean of its items"
        )
        return plain.model_copy(update={"reason": why})
    if sides == {1}:
        return plain
    low, high = (None if end is None else -end for end in (plain.high, plain.low))
    return plain.model_copy(update={"value": -plain.value, "low": low, "high": high})


def _ratio(reading: Reading, of: str, against: str, eval: str) -> Measured:
    """How many times as much the first has in the middle of the items that both have."""
    a, b, clusters, left_out = panel(reading, eval).pair(of, against)
    if len(a) < 2 or not (b > 0).all():
        return Measured(reason=f"not paired: {len(a)} items answered by both", unit="times")
    found = median_interval(a / b, level=LEVEL)
    return Measured(
        value=found.value,
        low=found.low,
        high=found.high,
        unit="times",
        level=LEVEL,
        n=found.n,
        clusters=cluster_codes(clusters, n=len(a))[1],
        left_out=left_out,
        method=f"median of paired ratios, {found.method}",
    )


def _groups(reading: Reading, found: Difference) -> int:
    """Independent groups among the items that both answered."""
    known = panel(reading, found.eval).values
    if found.of not in known or found.against not in known:
        return 0
    _, _, clusters, _ = panel(reading, found.eval).pair(found.of, found.against)
    return cluster_codes(clusters, n=len(clusters))[1]


def _unit(side: Side, eval: str) -> str:
    sort = side.reading.sort_of(eval)
    return sort.unit if sort is not None else eval_info(eval).unit


def _why_not(side: Side, eval: str) -> str:
    """Why a figure of a side cannot be used; a candidate needs one of each of its seeds."""
    for slot in side.slots:
        told = side.reading.score(slot, eval)
        if told is None:
            return _absent(side, slot, eval)
        if told.value is None:
            said = told.method.removeprefix(WITHHELD)
            is_withheld = told.method.startswith(WITHHELD)
            what = (
                f"{eval} of {slot} is withheld" if is_withheld else f"{eval} of {slot} has no value"
            )
            return f"{what}: {said}" if said else what
    if eval in failed_evals(side.reading):
        return f"{eval} failed its calibration: its figures cannot be trusted"
    return ""


def _absent(side: Side, slot: str, eval: str) -> str:
    reading, where = side.reading, f"{side.reading.store.path.name}/{slot}"
    end = reading.outcomes.get(slot)
    if end is not None and end.state == "failed":
        return f"{where} failed: {end.reason:.{MOST_SAID}}"
    for name in reading.spec.evals:
        if called(name) != eval:
            continue
        for warned in reading.warnings:
            if warned.code == "eval-failed" and warned.message.startswith(f"{name}: "):
                return f"the eval failed: {warned.message:.{MOST_SAID}}"
        state = f"; it is {end.state}" if end is not None and end.state != "done" else ""
        return f"{where} has no answers to {eval}{state}"
    return f"{eval} was not asked in {reading.store.path.name}; ask it with: workbench eval"


def _other_questions(of: Side, against: Side, eval: str) -> str:
    """Why items of two sweeps that go by one name are not the same; within a sweep they are."""
    if of.reading is against.reading:
        return ""
    try:
        ours, theirs = (_questions(side, eval) for side in (of, against))
    except StoreError:
        return ""
    shared = ours.keys() & theirs.keys()
    other = sum(ours[item] != theirs[item] for item in shared)
    if not other:
        return ""
    return f"not paired: {other} of {len(shared)} items have one name and two questions"


def _questions(side: Side, eval: str) -> dict[str, str]:
    store, slot = side.reading.store, side.slots[0]
    found = store.frame(slot, eval)
    wanted = ["sample", "expected", "prompt"]
    if not set(wanted) <= set(found.column_names):
        return {}
    columns = found.select(wanted).to_pydict()
    names = map(item_of, columns["sample"], columns["expected"])
    return dict(zip(names, columns["prompt"], strict=True))

"""What the leaderboard draws below its table: figures over rank or rows, and quality weighed against its cost.

`curves_of(comparison)` has a curve for each axis that was varied in steps, with the words that `compare/` finds for it;
`weighed(comparison)` has the primary eval against parameters, memory and every other eval, and says who is on the front. Plain numbers,
ready for JSON; the page draws them.
"""

import math
from collections.abc import Sequence
from typing import Any

from workbench.compare import wording
from workbench.compare.axes import RANK, ROWS, Axis, curve
from workbench.compare.comparison import Comparison
from workbench.compare.drawing import Drawing
from workbench.compare.plotted import ends_of, range_of, seeds_of, value_of
from workbench.compare.table import Standing
from workbench.scores.catalog import eval_info
from workbench.scores.task import BASE


def curves_of(comparison: Comparison) -> list[dict[str, Any]]:
    """The primary eval over rank, and over the rows trained on, where these were varied."""
    if not comparison.primary:
        return []
    found = (_curve(comparison, axis) for axis in (RANK, ROWS))
    return [one for one in found if one is not None]


def weighed(comparison: Comparison) -> list[dict[str, Any]]:
    """The primary eval against each thing it can be weighed against, the cheapest to have first."""
    reading, primary = comparison.reading, comparison.primary
    if not primary:
        return []
    found = [
        _against(comparison, key="parameters", title="trainable parameters", xs=_parameters),
        _against(comparison, key="memory", title="predicted peak memory, MB", xs=_memory),
    ]
    order = sorted((e for e in reading.evals if e != primary), key=lambda e: e != "latency")
    found += [_against_eval(comparison, eval) for eval in order]
    return [one for one in found if one is not None]


def _curve(comparison: Comparison, axis: Axis) -> dict[str, Any] | None:
    reading, eval = comparison.reading, comparison.primary
    drawing = Drawing(reading, comparison.standings, eval, comparison.baseline)
    chart, sort = curve(drawing, eval=eval, axis=axis), reading.sort_of(eval)
    if chart is None or sort is None:
        return None
    factor = wording.scale(sort.unit)
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in reading.candidates:
        line, x = drawing.line(one.name), one.varied.get(axis.field)
        if isinstance(x, int | float) and x > 0 and value_of(line, eval) is not None:
            rest = [
                f"{key.rsplit('.', 1)[-1]} {value}"
                for key, value in one.varied.items()
                if key != axis.field and key not in axis.goes_with
            ]
            point = {"x": float(x), **_point(line, eval, factor)}
            groups.setdefault(", ".join(rest), []).append(point)
    base = value_of(drawing.line(BASE), eval, factor)
    return {
        "key": axis.id,
        "title": chart.title,
        "x": axis.title,
        "y": drawing.axis(eval),
        "range": range_of([drawing.line(BASE), *_scored(comparison)], eval, sort),
        "base": base,
        "chance": None if sort.chance is None else sort.chance * factor,
        "groups": [
            {"name": name, "points": sorted(points, key=lambda one: one["x"])}
            for name, points in groups.items()
            if len(points) > 1
        ],
        "alt": chart.alt,
        "caption": chart.caption,
    }


def _point(line: Standing, eval: str, factor: float) -> dict[str, Any]:
    low, value, high = (None if end is None else end * factor for end in ends_of(line, eval))
    seeds = seeds_of(line, eval, factor)
    return {"name": line.name, "value": value, "low": low, "high": high, "seeds": seeds}


def _scored(comparison: Comparison) -> list[Standing]:
    primary = comparison.primary
    return [
        line
        for line in comparison.standings
        if line.name != BASE and value_of(line, primary) is not None
    ]


def _parameters(comparison: Comparison) -> dict[str, float]:
    sizes = {line.name: line.trainable_parameters for line in comparison.standings}
    return {name: float(size) for name, size in sizes.items() if size and name != BASE}


def _memory(comparison: Comparison) -> dict[str, float]:
    """Peaks as they were predicted, in MB: nobody measures the peak of one trial among others."""
    trials = comparison.reading.plan.get("trials")
    peaks: dict[str, float] = {}
    for trial in trials if isinstance(trials, list) else []:
        parts = trial.get("memory") if isinstance(trial, dict) else None
        if isinstance(parts, dict):
            known = [part for part in parts.values() if isinstance(part, int | float)]
            peaks[str(trial.get("name"))] = sum(known) / 1e6
    found = {}
    for one in comparison.reading.candidates:
        own = [peaks[trial] for trial in one.trials if peaks.get(trial)]
        if own:
            found[one.name] = max(own)
    return found


def _against(comparison: Comparison, *, key: str, title: str, xs: Any) -> dict[str, Any] | None:
    costs: dict[str, float] = xs(comparison)
    if len(set(costs.values())) < 2:
        return None
    ends: dict[str, tuple[float | None, float | None]] = {
        name: (cost, cost) for name, cost in costs.items()
    }
    return _chart(comparison, key=key, title=title, costs=costs, ends=ends, is_log=True)


def _against_eval(comparison: Comparison, eval: str) -> dict[str, Any] | None:
    """Weighed against another eval: less of it is better, or more, or what is nearer to even."""
    sort, even = comparison.reading.sort_of(eval), eval_info(eval).even
    if sort is None or (sort.better == "none" and even is None):
        return None
    factor, unit = wording.scale(sort.unit), wording.shown_unit(sort.unit)
    costs, ends = {}, {}
    for line in comparison.standings:
        value = value_of(line, eval, factor)
        if value is None:
            continue
        low, _, high = (None if end is None else end * factor for end in ends_of(line, eval))
        if sort.better == "none" and even is not None:
            value, low, high = _distance(value, low, high, even=even * factor)
        costs[line.name], ends[line.name] = value, (low, high)
    title = f"{eval}, {unit}" if unit else eval
    if sort.better == "none":
        title = f"{eval}, distance from even" + (f", {unit}" if unit else "")
    is_up = sort.better == "higher"
    return _chart(comparison, key=eval, title=title, costs=costs, ends=ends, is_up=is_up)


def _distance(
    value: float, low: float | None, high: float | None, *, even: float
) -> tuple[float, float | None, float | None]:
    """How far from even, and the ends of that."""
    if low is None or high is None:
        return abs(value - even), None, None
    least = 0.0 if low <= even <= high else min(abs(low - even), abs(high - even))
    return abs(value - even), least, max(abs(low - even), abs(high - even))


def _chart(
    comparison: Comparison,
    *,
    key: str,
    title: str,
    costs: dict[str, float],
    ends: dict[str, tuple[float | None, float | None]],
    is_log: bool = False,
    is_up: bool = False,
) -> dict[str, Any] | None:
    eval = comparison.primary
    sort = comparison.reading.sort_of(eval)
    assert sort is not None
    factor = wording.scale(sort.unit)
    points = [
        {
            **_point(line, eval, factor),
            "x": costs[line.name],
            "x_low": ends[line.name][0],
            "x_high": ends[line.name][1],
        }
        for line in comparison.standings
        if line.name in costs and value_of(line, eval) is not None
    ]
    if len(points) < 2:
        return None
    unit = wording.shown_unit(sort.unit)
    better = {"higher": "up", "lower": "down"}.get(sort.better, "")
    way = "right" if is_up else "left"
    return {
        "key": key,
        "title": title,
        "y": f"{eval}, {unit}" if unit else eval,
        "is_log": is_log and all(point["x"] > 0 for point in points),
        "points": points,
        "front": front(points, better=sort.better, is_up=is_up),
        "better": f"{better.capitalize()} and to the {way} is better." if better else "",
    }


def front(points: Sequence[dict[str, Any]], *, better: str, is_up: bool = False) -> list[str]:
    """The names that no other beats in both, along x; none where neither way of y is better.

    >>> points = [{"name": n, "x": x, "value": y} for n, x, y in (("a", 1, 5), ("b", 2, 4), ("c", 3, 9))]
    >>> front(points, better="higher"), front(points, better="higher", is_up=True)
    (['a', 'c'], ['c'])
    """
    if better == "none":
        return []
    sign, way = (-1.0 if better == "lower" else 1.0), (-1.0 if is_up else 1.0)
    kept, most = [], -math.inf
    for point in sorted(points, key=lambda one: (way * one["x"], -sign * one["value"])):
        if sign * point["value"] > most:
            kept.append(str(point["name"]))
            most = sign * point["value"]
    return kept

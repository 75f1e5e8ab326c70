"""How often answers are right that were given with so much confidence: a reliability curve for the evals that measure it.

`reliability(drawing, eval=...)` gives a `Chart` from the parts of the stored scores, `bin/0.9-1.0/confidence`, `/accuracy`,
`/low`, `/high` and `/n`, or None where a score has none. Several seeds of a candidate are drawn together, each bin with the
weight of its items. It works out no bins.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from workbench.compare import wording
from workbench.compare.calibration import MARK, distrust, failed_evals
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.marks import QUIET, clean, error_bars, id_of, layout_of
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.scores.task import BASE, Score

SMALLEST, LARGEST = 6.0, 18.0
"""The size of the dot of a bin with next to no items, and of the one that holds all."""

_PART = re.compile(r"bin/(?P<bin>[\d.]+-[\d.]+)/confidence")


class Point(NamedTuple):
    """What answers of like confidence are worth."""

    bin: str
    confidence: float
    accuracy: float
    low: float | None
    high: float | None
    """The interval of the accuracy; None where several seeds are drawn together."""
    n: int


def reliability(drawing: Drawing, *, eval: str) -> Chart | None:
    """Accuracy against confidence, one curve a candidate and one for the base; on the dotted line they are the same."""
    reading = drawing.reading
    names = [BASE, *(one.name for one in reading.candidates)]
    scores = {name: [reading.score(slot, eval) for slot in reading.slots(name)] for name in names}
    curves = {
        name: found
        for name, told in scores.items()
        if (found := points([one for one in told if one is not None]))
    }
    if not curves:
        return None
    layout = layout_of(height=380, x="confidence, %", y="right, %")
    layout["showlegend"] = len(curves) > 1
    for axis in ("xaxis", "yaxis"):
        layout[axis]["range"] = [-3.0, 103.0]
    mark = MARK if eval in failed_evals(reading) else ""
    colours = {**drawing.colours, BASE: QUIET}
    told = [f"{name} {_said(found)}" for name, found in curves.items()]
    bars = "" if any(len(one) > 1 for one in scores.values()) else " Bars are 95 % intervals."
    return Chart(
        id=id_of(f"reliability-{eval}"),
        title=f"{eval}{mark}: how often answers are right that are given with so much confidence",
        figure={
            "data": [_truth(), *(_curve(n, p, colour=colours[n]) for n, p in curves.items())],
            "layout": layout,
        },
        alt=f"Accuracy against confidence, {eval}: {wording.first_of(told)}.",
        table=_table(curves),
        caption=f"{distrust(reading, eval)}Below the dotted line answers are right less often than they are sure, above "
        f"it more often. Large dots stand for many questions.{bars}",
    )


def points(scores: Sequence[Score]) -> list[Point]:
    """The bins of the scores of one candidate, by ascending confidence; those of several seeds together."""
    bins = {m["bin"] for one in scores for part in one.parts if (m := _PART.fullmatch(part))}
    found = []
    for name in bins:
        held = [one.parts for one in scores if one.parts.get(f"bin/{name}/n")]
        sizes, confidences, accuracies = (
            [float(parts[f"bin/{name}/{what}"] or 0.0) for parts in held]
            for what in ("n", "confidence", "accuracy")
        )
        low, high = (
            held[0].get(f"bin/{name}/{end}") if len(scores) == 1 else None
            for end in ("low", "high")
        )
        sure, right = (float(np.average(one, weights=sizes)) for one in (confidences, accuracies))
        found.append(Point(name, sure, right, low, high, int(sum(sizes))))
    return sorted(found, key=lambda one: one.confidence)


def _curve(name: str, found: list[Point], *, colour: str) -> dict[str, Any]:
    most = sum(one.n for one in found)
    sizes = [SMALLEST + (LARGEST - SMALLEST) * (one.n / most) ** 0.5 for one in found]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": clean(name),
        "x": [100 * one.confidence for one in found],
        "y": [100 * one.accuracy for one in found],
        "error_y": error_bars([(one.low, one.accuracy, one.high) for one in found], factor=100),
        "marker": {"size": sizes, "color": colour},
        "line": {"color": colour, "width": 1.5},
        "text": [f"{one.n} questions" for one in found],
        "hovertemplate": f"{clean(name)}: sure to %{{x:.3g}} %, right %{{y:.3g}} %, %{{text}}<extra></extra>",
    }


def _truth() -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [0.0, 100.0],
        "y": [0.0, 100.0],
        "line": {"color": QUIET, "width": 1.4, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _said(found: list[Point]) -> str:
    n = sum(one.n for one in found)
    sure = sum(one.n * one.confidence for one in found) / n
    right = sum(one.n * one.accuracy for one in found) / n
    return f"is sure to {100 * sure:.1f} % and right {100 * right:.1f} % of the time"


def _table(curves: dict[str, list[Point]]) -> Table:
    columns = (
        Column(key="trial", title="trial"),
        Column(key="bin", title="confidence in"),
        number_column("n", "n"),
        number_column("confidence", "confidence", note="%"),
        number_column("accuracy", "right", note="%"),
        number_column("low", "from"),
        number_column("high", "to"),
    )
    lines = []
    for name, found in curves.items():
        for one in found:
            shares = (one.confidence, one.accuracy, one.low, one.high)
            cells = [Cell(raw=v, text=wording.number(v, "share")) for v in shares]
            words = (Cell(raw=name, text=name), Cell(raw=one.bin, text=one.bin))
            lines.append(Line(cells=(*words, Cell(raw=one.n, text=str(one.n)), *cells)))
    return Table(columns=columns, lines=tuple(lines))

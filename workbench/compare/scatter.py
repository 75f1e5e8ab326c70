"""Quality against what it costs: the time of an answer, or the number of parameters trained.

`quality_against_latency(drawing)` and `quality_against_size(drawing)` give a `Chart`, or None where there is nothing to weigh.
A dotted line joins the trials that no other beats in both; whether two of them differ at all is said by their bars and
by the tables, not by the line.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workbench.compare import wording
from workbench.compare.axes import RANK
from workbench.compare.calibration import distrust
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.marks import (
    PALETTE,
    QUIET,
    clean,
    error_bars,
    layout_of,
    log_axis,
    point_names,
    reference,
)
from workbench.compare.markup import Cell, Line, Table, number_column
from workbench.compare.plotted import ends_of, figure_table, range_of, value_of
from workbench.compare.table import Standing
from workbench.scores.task import BASE

SHORT = 9
"""Characters of a name that has room beside its point on a phone."""


class Point(NamedTuple):
    """A line of the leaderboard at its place."""

    line: Standing
    x: float
    y: float


def quality_against_latency(drawing: Drawing) -> Chart | None:
    """The primary eval against the time an answer takes: up and to the left is better."""
    sort, time = drawing.reading.sort_of(drawing.primary), drawing.reading.sort_of("latency")
    if sort is None or time is None or drawing.primary == "latency":
        return None
    slow = wording.scale(time.unit)
    points = points_of(
        drawing, {line.name: value_of(line, "latency", slow) for line in drawing.lines}
    )
    if len(points) < 2:
        return None
    layout = layout_of(height=360, x=drawing.axis("latency"), y=drawing.axis(drawing.primary))
    data = marks_of(drawing, points)
    for trace, point in zip(data, points, strict=True):
        trace["error_x"] = error_bars([ends_of(point.line, "latency")], factor=slow)
    words = [
        f"{point.line.name} {wording.amount(value_of(point.line, drawing.primary), sort.unit)} at "
        f"{wording.amount(value_of(point.line, 'latency'), time.unit)}"
        for point in points
    ]
    named(layout, points, xs=[point.x for point in points])
    table = figure_table([point.line for point in points], eval="latency", sort=time)
    return Chart(
        id="quality-latency",
        title=f"{drawing.primary} against latency",
        figure={"data": [*data, *front(points, better=sort.better)], "layout": layout},
        alt=f"Quality and time of an answer: {wording.first_of(words)}.",
        table=table,
        caption=_caption(drawing, sort.better),
    )


def quality_against_size(drawing: Drawing) -> Chart | None:
    """The primary eval against trainable parameters, where more than the rank differs: else it is the curve over rank."""
    sort = drawing.reading.sort_of(drawing.primary)
    others = set(drawing.reading.differing) - {RANK.field, *RANK.goes_with}
    sizes = {line.name: line.trainable_parameters for line in drawing.lines if line.name != BASE}
    if sort is None or not others or len({size for size in sizes.values() if size}) < 2:
        return None
    points = points_of(drawing, {name: float(size) for name, size in sizes.items() if size})
    if len(points) < 2:
        return None
    layout = layout_of(height=360, x="trainable parameters", y=drawing.axis(drawing.primary))
    logs = [math.log10(point.x) for point in points]
    room = 0.12 * ((max(logs) - min(logs)) or 1.0)
    layout["xaxis"] |= log_axis([point.x for point in points])
    layout["xaxis"]["range"] = [min(logs) - room, max(logs) + room]
    layout["yaxis"]["range"] = range_of([point.line for point in points], drawing.primary, sort)
    base = value_of(drawing.line(BASE), drawing.primary, wording.scale(sort.unit))
    if base is not None:
        reference(layout, "y", base, word="base", dash="dash")
    named(layout, points, xs=logs)
    words = [
        f"{point.line.name} {wording.amount(value_of(point.line, drawing.primary), sort.unit)} with "
        f"{wording.count(point.line.trainable_parameters)}"
        for point in points
    ]
    table = figure_table([point.line for point in points], eval=drawing.primary, sort=sort)
    column = number_column("trainable_parameters", "trainable", note="parameters")
    lines = tuple(
        Line(cells=(*line.cells, Cell(raw=int(point.x), text=wording.count(int(point.x)))))
        for line, point in zip(table.lines, points, strict=True)
    )
    return Chart(
        id="quality-size",
        title=f"{drawing.primary} against trainable parameters",
        figure={
            "data": [*marks_of(drawing, points), *front(points, better=sort.better)],
            "layout": layout,
        },
        alt=f"Quality and size: {wording.first_of(words)}.",
        table=Table(columns=(*table.columns, column), lines=lines),
        caption=_caption(drawing, sort.better),
    )


def points_of(drawing: Drawing, xs: dict[str, float | None]) -> list[Point]:
    """The lines that have a figure on the deciding eval and a place on x."""
    sort = drawing.reading.sort_of(drawing.primary)
    factor = wording.scale(sort.unit) if sort is not None else 1.0
    return [
        Point(line, x, y)
        for line in drawing.lines
        if (x := xs.get(line.name)) is not None
        and (y := value_of(line, drawing.primary, factor)) is not None
    ]


def marks_of(drawing: Drawing, points: Sequence[Point]) -> list[dict[str, Any]]:
    """A dot for each point, with the interval of its figure."""
    sort = drawing.reading.sort_of(drawing.primary)
    factor = wording.scale(sort.unit) if sort is not None else 1.0
    colours = {**drawing.colours, BASE: QUIET}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": clean(point.line.name),
            "x": [point.x],
            "y": [point.y],
            "error_y": error_bars([ends_of(point.line, drawing.primary)], factor=factor),
            "marker": {"size": 9, "color": colours[point.line.name]},
            "hovertemplate": "%{x:.4g}, %{y:.4g}",
        }
        for point in points
    ]


def named(layout: dict[str, Any], points: Sequence[Point], *, xs: Sequence[float]) -> None:
    """Short names beside their points; long ones would lie on each other and stand in a legend of few colours."""
    names = [point.line.name for point in points]
    if max(map(len, names)) <= SHORT:
        point_names(layout, names, xs=xs, ys=[point.y for point in points])
    else:
        layout["height"] += 60
        layout["showlegend"] = len([name for name in names if name != BASE]) <= len(PALETTE)


def front(
    points: Sequence[Point], *, better: str, cost: Callable[[float], float] = float
) -> list[dict[str, Any]]:
    """A line along the points that no other beats in both: cheaper on x and better on y; none where neither way is better.

    `cost` is what a place on x costs; by default more costs more.
    """
    if better == "none":
        return []
    sign = -1.0 if better == "lower" else 1.0
    kept: list[Point] = []
    for point in sorted(points, key=lambda one: (cost(one.x), -sign * one.y)):
        if not kept or sign * point.y > sign * kept[-1].y:
            kept.append(point)
    if len(kept) < 2:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [point.x for point in kept],
            "y": [point.y for point in kept],
            "line": {"color": QUIET, "width": 1.4, "dash": "dot"},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def _caption(drawing: Drawing, better: str) -> str:
    ways = {"higher": "Up and to the left is better", "lower": "Down and to the left is better"}
    words = distrust(drawing.reading, drawing.primary)
    if better not in ways:
        return f"{words}Bars are 95 % intervals."
    return f"{words}{ways[better]}; bars are 95 % intervals. The dotted line joins those that no other beats in both figures."

"""What quality was bought with: the deciding eval against what was forgotten, against bias, and against memory.

`tradeoffs(drawing)` gives a `Chart` for each that was measured of two trials at least. Time and trainable parameters are in
`scatter.py`. A dotted line joins the trials that no other beats in both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.compare import wording
from workbench.compare.calibration import distrust
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.marks import error_bars, id_of, layout_of, reference, span
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.plotted import ends_of, range_of, value_of
from workbench.compare.scatter import Point, front, marks_of, named, points_of
from workbench.scores.catalog import EVALS
from workbench.scores.task import BASE

FEWEST = 2
"""Trials below which there is nothing to weigh."""

MEGABYTE = 1e6

NAMES = 0.06
"""How much of an axis the names of the outermost points need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What stands against quality: an eval, or a size that was predicted."""

    id: str
    title: str
    x: str
    unit: str
    xs: dict[str, float | None]
    cost: Callable[[float], float]
    way: str
    """Which way is better, in words, behind `Up` or `Down`."""
    eval: str = ""
    even: float | None = None


def tradeoffs(drawing: Drawing) -> tuple[Chart, ...]:
    """Every figure there is something to weigh for."""
    if not drawing.primary:
        return ()
    found = [*_of_evals(drawing), _memory(drawing)]
    charts = (_chart(drawing, price) for price in found if price is not None)
    return tuple(one for one in charts if one is not None)


def _of_evals(drawing: Drawing) -> list[Price]:
    """Retention, and the first eval of bias that has two trials with a figure."""
    kept = [eval for eval in drawing.reading.evals if eval != drawing.primary]
    found = [_eval(drawing, eval) for eval in kept if eval.partition(":")[0] == "retention"]
    biased = [eval for eval in kept if _is_bias(eval) and _measured(drawing, eval) >= FEWEST]
    return [*found, *(_eval(drawing, eval) for eval in biased[:1])]


def _is_bias(eval: str) -> bool:
    info = EVALS.get(eval.partition(":")[0])
    return info is not None and info.suite == "bias"


def _measured(drawing: Drawing, eval: str) -> int:
    lines = [line for line in drawing.lines if line.name != BASE]
    return sum(value_of(line, eval) is not None for line in lines)


def _eval(drawing: Drawing, eval: str) -> Price:
    sort, info = drawing.reading.sort_of(eval), EVALS.get(eval.partition(":")[0])
    assert sort is not None
    factor = wording.scale(sort.unit)
    even = None if info is None or info.even is None else info.even * factor
    sign = -1.0 if sort.better == "higher" else 1.0
    ways = {"higher": "to the right", "lower": "to the left"}
    return Price(
        id=id_of(f"quality-{eval}"),
        title=f"{drawing.primary} against {eval}",
        x=drawing.axis(eval),
        unit=sort.unit,
        xs={line.name: value_of(line, eval, factor) for line in drawing.lines},
        cost=(lambda x: abs(x - even)) if even is not None else (lambda x: sign * x),
        way="towards the line" if even is not None else ways.get(sort.better, ""),
        eval=eval,
        even=even,
    )


def _memory(drawing: Drawing) -> Price | None:
    """Memory was predicted for every trial; it is weighed where the trials store their bases differently."""
    held = {line.name: line.held_bytes for line in drawing.lines}
    if not any(held.values()):
        return None
    return Price(
        id="quality-memory",
        title=f"{drawing.primary} against memory",
        x="memory of training, MB, predicted",
        unit="MB",
        xs={name: None if size is None else size / MEGABYTE for name, size in held.items()},
        cost=float,
        way="to the left",
    )


def _chart(drawing: Drawing, price: Price) -> Chart | None:
    sort = drawing.reading.sort_of(drawing.primary)
    points = points_of(drawing, price.xs)
    if sort is None or sum(point.line.name != BASE for point in points) < FEWEST:
        return None
    layout = layout_of(height=360, x=price.x, y=drawing.axis(drawing.primary))
    low, high = range_of([point.line for point in points], drawing.primary, sort)
    room = NAMES * (high - low)
    layout["yaxis"]["range"] = [low - room, high + room]
    data = marks_of(drawing, points)
    factor = wording.scale(price.unit)
    if price.eval:
        for trace, point in zip(data, points, strict=True):
            trace["error_x"] = error_bars([ends_of(point.line, price.eval)], factor=factor)
    if price.even is not None:
        layout["xaxis"]["range"] = span([price.even, *_reach(points, price, factor)])
        reference(layout, "x", price.even, word="even")
    named(layout, points, xs=[point.x for point in points])
    ups = {"higher": "Up", "lower": "Down"}
    way = (
        f"{ups[sort.better]} and {price.way} is better" if sort.better in ups and price.way else ""
    )
    line = front(points, better=sort.better if price.way else "none", cost=price.cost)
    words = [
        f"{point.line.name} {wording.amount(value_of(point.line, drawing.primary), sort.unit)} at "
        f"{wording.amount(point.x / factor, price.unit)}"
        for point in points
    ]
    caption = "; ".join(filter(None, (way, "bars are 95 % intervals")))
    caption = f"{caption[:1].upper()}{caption[1:]}."
    caption += " The dotted line joins those that no other beats in both figures." if line else ""
    return Chart(
        id=price.id,
        title=price.title,
        figure={"data": [*data, *line], "layout": layout},
        alt=f"{price.title}: {wording.first_of(words)}.",
        table=_table(drawing, price, points, unit=sort.unit),
        caption=f"{distrust(drawing.reading, drawing.primary)}{caption}",
    )


def _reach(points: list[Point], price: Price, factor: float) -> list[float]:
    ends = [end for point in points for end in ends_of(point.line, price.eval)]
    return [end * factor for end in ends if end is not None]


def _table(drawing: Drawing, price: Price, points: list[Point], *, unit: str) -> Table:
    factor = wording.scale(price.unit)
    columns = (
        Column(key="trial", title="trial"),
        number_column("quality", drawing.primary, note=wording.shown_unit(unit)),
        number_column("price", price.eval or "memory", note=wording.shown_unit(price.unit)),
    )
    lines = []
    for point in points:
        ours = value_of(point.line, drawing.primary)
        low, _, high = ends_of(point.line, drawing.primary)
        its = ends_of(point.line, price.eval) if price.eval else (None, None, None)
        cells = (
            Cell(raw=point.line.name, text=point.line.name),
            Cell(
                raw=ours,
                text=wording.number(ours, unit),
                beside=wording.interval(low, high, unit),
                numbers=(("low", low), ("high", high)),
            ),
            Cell(
                raw=point.x / factor,
                text=wording.number(point.x / factor, price.unit),
                beside=wording.interval(its[0], its[2], price.unit),
                numbers=(("low", its[0]), ("high", its[2])),
            ),
        )
        lines.append(Line(cells=cells))
    return Table(columns=columns, lines=tuple(lines))

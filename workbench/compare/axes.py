"""A figure against what was varied in steps: the LoRA rank, or the number of rows trained on.

`curve(drawing, eval=..., axis=RANK)` gives a `Chart` on a log axis with a band at each step, or None where the sweep has no
such axis. What the curve rises per doubling is said in its caption and stands in its frame; see `rises.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.compare import wording
from workbench.compare.calibration import distrust
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.marks import (
    PALETTE,
    band,
    clean,
    id_of,
    layout_of,
    reference,
    seed_dots,
)
from workbench.compare.plotted import (
    ends_of,
    figure_table,
    range_of,
    said,
    seeds_of,
    seeds_said,
    value_of,
)
from workbench.compare.reading import Candidate
from workbench.compare.rises import Rise, rise
from workbench.compare.table import Standing
from workbench.scores.task import BASE

MOST_BANDS = 3
"""With more curves than this their bands would hide each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What is varied in steps."""

    field: str
    id: str
    title: str
    short: str
    against: str
    goes_with: tuple[str, ...] = ()
    """Fields that move with it and make no curve of their own."""


RANK = Axis(
    field="adapter.r",
    id="rank",
    title="rank r",
    short="r",
    against="rank",
    goes_with=("adapter.lora_alpha",),
)
ROWS = Axis(
    field="data.rows",
    id="rows",
    title="rows trained on",
    short="rows",
    against="the size of the training set",
)

Point = tuple[float, Standing]


def curve(drawing: Drawing, *, eval: str, axis: Axis) -> Chart | None:
    """A figure against an axis, one line for each setting of everything else."""
    sort = drawing.reading.sort_of(eval)
    groups = _groups(drawing, eval=eval, axis=axis)
    if sort is None or not groups:
        return None
    factor, base = wording.scale(sort.unit), drawing.line(BASE)
    data: list[dict[str, Any]] = []
    for place, (rest, points) in enumerate(groups.items()):
        colour = PALETTE[place % len(PALETTE)]
        if len(groups) <= MOST_BANDS:
            ends = [ends_of(line, eval) for _, line in points]
            data.append(band([x for x, _ in points], ends, factor=factor, colour=colour))
        data.append(_line(points, eval, colour, factor, axis=axis, name=clean(rest)))
        data += seed_dots(
            [(colour, x, seeds_of(line, eval, factor)) for x, line in points], values="y"
        )
    lines = [line for points in groups.values() for _, line in points]
    layout = _layout(drawing, groups, eval=eval, axis=axis)
    layout["yaxis"]["range"] = range_of([base, *lines], eval, sort)
    rises = {rest: _rise(drawing, points, eval=eval) for rest, points in groups.items()}
    caption = f"{distrust(drawing.reading, eval)}The band is the 95 % interval at each point"
    return Chart(
        id=id_of(f"{axis.id}-{eval}"),
        title=f"{eval} against {axis.against}",
        figure={"data": data, "layout": layout},
        alt=f"By {axis.title}: "
        + said(eval, [line for _, line in next(iter(groups.values()))], sort),
        table=figure_table(
            lines,
            eval=eval,
            sort=sort,
            more={
                line.name: found.fields()
                for rest, points in groups.items()
                if (found := rises[rest]) is not None
                for _, line in points
            },
        ),
        caption=f"{caption}{seeds_said(lines, eval)}; points are spaced by doubling."
        + _rises_said(rises, unit=sort.unit),
    )


def _groups(drawing: Drawing, *, eval: str, axis: Axis) -> dict[str, list[Point]]:
    groups: dict[str, list[Point]] = {}
    for one in drawing.reading.candidates:
        line, x = drawing.line(one.name), one.varied.get(axis.field)
        if isinstance(x, int | float) and x > 0 and value_of(line, eval) is not None:
            groups.setdefault(_rest(one, axis), []).append((float(x), line))
    return {rest: sorted(g, key=lambda p: p[0]) for rest, g in groups.items() if len(g) > 1}


def _layout(
    drawing: Drawing, groups: dict[str, list[Point]], *, eval: str, axis: Axis
) -> dict[str, Any]:
    """A log axis with a tick at each step; the base and chance as lines across."""
    sort = drawing.reading.sort_of(eval)
    assert sort is not None
    factor = wording.scale(sort.unit)
    steps = sorted({x for points in groups.values() for x, _ in points})
    layout = layout_of(height=340, x=axis.title, y=drawing.axis(eval))
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": steps,
        "ticktext": [f"{x:g}" for x in steps],
        "range": [math.log10(steps[0]) - 0.08, math.log10(steps[-1]) + 0.08],
    }
    layout["showlegend"] = len(groups) > 1
    base = value_of(drawing.line(BASE), eval, factor)
    if base is not None:
        reference(layout, "y", base, word="base", dash="dash")
    if sort.chance is not None and (base is None or abs(base - sort.chance * factor) > 8):
        reference(layout, "y", sort.chance * factor, word="chance")
    return layout


def _line(
    points: Sequence[Point], eval: str, colour: str, factor: float, *, axis: Axis, name: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [x for x, _ in points],
        "y": [value_of(line, eval, factor) for _, line in points],
        "line": {"color": colour, "width": 2},
        "marker": {"size": 8, "color": colour},
        "hovertemplate": f"{axis.short} = %{{x}}: %{{y:.4g}}<extra></extra>",
    }


def _rise(drawing: Drawing, points: Sequence[Point], *, eval: str) -> Rise | None:
    names = [line.name for _, line in points]
    return rise(drawing.reading, names, [x for x, _ in points], eval=eval)


def _rises_said(rises: dict[str, Rise | None], *, unit: str) -> str:
    """The slope of each curve, where there are few enough to read."""
    told = {rest: one.words(unit) for rest, one in rises.items() if one is not None}
    known = {rest: words for rest, words in told.items() if words}
    if not known or len(known) > MOST_BANDS:
        return ""
    if len(rises) == 1:
        words = next(iter(known.values()))
        return f" {words[:1].upper()}{words[1:]}."
    return " " + "; ".join(f"{rest}: {words}" for rest, words in known.items()) + "."


def _rest(one: Candidate, axis: Axis) -> str:
    rest = {
        key: value
        for key, value in one.varied.items()
        if key != axis.field and key not in axis.goes_with
    }
    return ", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in rest.items())

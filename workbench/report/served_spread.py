"""How calls of every way to serve are spread: the time of whole calls, and the gaps between tokens, in one row a way.

`spread(found, work, metric="e2e")` gives a `Chart`. In a row the share of calls rises from the bottom to the top; a thin line is the
calls as they were, marks are percentiles with their intervals. A percentile that the calls do not support is left out
and said.
"""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from workbench.compare import wording
from workbench.compare.drawing import Chart
from workbench.compare.marks import (
    PALETTE,
    QUIET,
    clean,
    error_bars,
    id_of,
    layout_of,
    log_axis,
    named_axis,
)
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.deployment.reading import Deployment
from workbench.report.served_marks import calls_of, counted, legend, size_numbers, within
from workbench.timing.call import Cell as Work
from workbench.timing.figures import Figure, figures, needed

WORDS = {
    "e2e": ("time of a call", "calls"),
    "itl": ("gap between two tokens", "gaps"),
}
"""What is spread, and what is counted."""

AT = {0.1: "10 %", 0.5: "median", 0.9: "90 %", 0.99: "99 %"}
"""The percentiles and their names."""

LOOKS: dict[float, tuple[str, str, int]] = {
    0.1: ("circle-open", PALETTE[0], 8),
    0.5: ("square", PALETTE[0], 9),
    0.9: ("diamond", PALETTE[1], 9),
    0.99: ("diamond-open", PALETTE[1], 10),
}
"""Sign, colour and size of each."""

ROW = 50
"""Points of height of a row."""
REACH = 0.4
"""How far a row reaches up and down from its middle."""
EDGE = 2.6
"""Standard deviations at the edges of a row: shares lie in it as those of a normal distribution do."""
POINTS = 41
"""Points of a thin line."""


def spread(found: Deployment, work: Work, *, metric: str) -> Chart | None:
    """One row a way at one size of work; None where there is nothing to spread."""
    known = {
        name: figure
        for name in found.variants
        if (figure := _figure(found, name, work, metric)) is not None
    }
    if not known:
        return None
    what, counts = WORDS[metric]
    supported = [q for q in AT if any(q in one.quantiles for one in known.values())]
    table = _table(known, supported, work=work, counts=counts)
    layout = layout_of(height=92 + ROW * len(known), x=f"{what}, ms, on a log scale")
    named_axis(layout, list(known))
    lines = _lines(found, list(known), work, metric)
    marks = [_marks(q, known) for q in supported]
    ends = [float(x) for x in lines["x"] if x is not None]
    layout["xaxis"] |= log_axis([*ends, *_tips(known)])
    legend(layout, [AT[q] for q in supported])
    said = [f"{name} {_said(figure)}" for name, figure in known.items()]
    trial = found.facts["trial"]
    return Chart(
        id=id_of(f"spread-{metric}-{trial}-{work}"),
        title=f"Serving {trial}: spread of the {what}",
        figure={"data": [lines, *marks], "layout": layout},
        alt=f"Percentiles of the {what} at {work}, in ms: {wording.first_of(said)}.",
        table=table,
        caption=_caption(known, supported, work=work, metric=metric),
    )


def _figure(found: Deployment, name: str, work: Work, metric: str) -> Figure | None:
    made = figures(found.calls, of=name, cell=work, metrics=(metric,), at=tuple(AT))
    figure = made.get(metric)
    return figure if figure is not None and figure.calls else None


def _place(row: int, share: float) -> float:
    """Where a share of the calls lies in a row, which counts downwards."""
    z = max(-EDGE, min(EDGE, NormalDist().inv_cdf(share)))
    return round(row - REACH * z / EDGE, 4)


def _lines(found: Deployment, names: Sequence[str], work: Work, metric: str) -> dict[str, Any]:
    """The calls of every way as they were, from the fastest to the slowest, broken between ways."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for row, name in enumerate(names):
        values = np.sort(_values(found, name, work, metric))
        edge = 0.5 / len(values)
        cut = min(EDGE, -NormalDist().inv_cdf(edge))
        shares = [NormalDist().cdf(z) for z in np.linspace(-cut, cut, POINTS)]
        quantiles = np.quantile(values, [0.0, *shares[1:-1], 1.0])
        xs += [*(float(f"{x:.5g}") for x in quantiles), None]
        ys += [*(_place(row, share) for share in shares), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs[:-1],
        "y": ys[:-1],
        "line": {"color": QUIET, "width": 1.2},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _values(found: Deployment, name: str, work: Work, metric: str) -> list[float]:
    calls = calls_of(found, name, work)
    if metric == "itl":
        return [gap for call in calls for gap in call.gaps_ms]
    return [call.e2e_ms for call in calls]


def _marks(q: float, known: Mapping[str, Figure]) -> dict[str, Any]:
    """One percentile of every way that supports it."""
    ours = [
        (row, name, one.quantiles[q])
        for row, (name, one) in enumerate(known.items())
        if q in one.quantiles
    ]
    sign, colour, size = LOOKS[q]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": AT[q],
        "x": [one.value for *_, one in ours],
        "y": [_place(row, q) for row, *_ in ours],
        "text": [clean(name) for _, name, _ in ours],
        "error_x": error_bars([(one.low, one.value, one.high) for *_, one in ours], factor=1.0),
        "marker": {"size": size, "symbol": sign, "color": colour},
        "hovertemplate": f"%{{text}}, {AT[q]}: %{{x:.4g}} ms<extra></extra>",
    }


def _tips(known: Mapping[str, Figure]) -> list[float]:
    return [
        end
        for one in known.values()
        for three in one.quantiles.values()
        for end in three[:3]
        if end is not None and end > 0
    ]


def _said(figure: Figure) -> str:
    middle = figure.median
    return within(middle.value, middle.low, middle.high).text + (
        "" if middle.low is None else f" {within(middle.value, middle.low, middle.high).beside}"
    )


def _table(
    known: Mapping[str, Figure], supported: Sequence[float], *, work: Work, counts: str
) -> Table:
    columns = (
        Column(key="variant", title="way"),
        *(number_column(f"p{100 * q:g}", AT[q], note="ms") for q in supported),
        number_column("largest", "longest", note="ms"),
        number_column("n", counts),
    )
    rows = []
    for name, figure in known.items():
        told = [figure.quantiles.get(q) for q in supported]
        cells = [within(*one[:3]) if one is not None else within() for one in told]
        n = figure.median.n
        rows.append(
            Line(
                cells=(
                    Cell(raw=name, text=name),
                    *cells,
                    within(figure.largest),
                    Cell(raw=n, text=wording.count(n)),
                )
            )
        )
    numbers = {
        **size_numbers(work),
        **{f"needed_{100 * q:g}": needed(q) for q in AT if q not in supported},
        **{f"share_{100 * q:g}": q for q in AT},
        "fewest": min(one.calls for one in known.values()),
        "most": max(one.calls for one in known.values()),
    }
    return Table(columns=columns, lines=tuple(rows), numbers=tuple(numbers.items()))


def _caption(
    known: Mapping[str, Figure],
    supported: Sequence[float],
    *,
    work: Work,
    metric: str,
) -> str:
    each = counted([one.calls for one in known.values()])
    by = (
        "95 % intervals, drawn from whole blocks"
        if metric == "itl"
        else "95 % order-statistic intervals"
    )
    units = "blocks" if metric == "itl" else "calls"
    left = [f"{AT[q]} needs {needed(q)} {units}" for q in AT if q not in supported]
    said = f" Left out: {wording.listed(left)}." if left else ""
    return (
        f"{work}, {each} calls of each way. Within a row shares rise from the bottom to the top: the thin line runs "
        f"from the fastest to the slowest, marks are percentiles with {by}.{said}"
    )

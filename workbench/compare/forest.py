"""The differences of every trial to the baseline in one figure, with intervals that all hold at once.

`forest(drawing)` gives a `Chart`, or None where fewer than two can be subtracted. A trial whose bar leaves out zero
differs from the baseline, however many stand beside it.
"""

from workbench.compare import wording
from workbench.compare.calibration import distrust
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.family import together
from workbench.compare.marks import (
    QUIET,
    clean,
    error_bars,
    id_of,
    layout_of,
    named_axis,
    reference,
    span,
)
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.pairing import Difference, difference
from workbench.compare.table import ranking
from workbench.scores.task import BASE


def forest(drawing: Drawing) -> Chart | None:
    """Every trial minus the baseline on the primary eval, from the best to the worst."""
    reading, eval, baseline = drawing.reading, drawing.primary, drawing.baseline
    names = [one.name for one in ranking(reading, primary=eval)]
    names += [BASE] if baseline != BASE else []
    asked = [difference(reading, name, baseline, eval=eval) for name in names if name != baseline]
    found = [one for one in together(reading, asked) if one.value is not None]
    sort = reading.sort_of(eval)
    if sort is None or len(found) < 2:
        return None
    factor = wording.scale(sort.unit)
    ends = [(one.low, one.value, one.high) for one in found]
    colours = {**drawing.colours, BASE: QUIET}
    unit = "points" if wording.is_share(sort.unit) else sort.unit
    layout = layout_of(height=96 + 30 * len(found), x=f"{eval}, {unit} more than {baseline}")
    named_axis(layout, [one.of for one in found])
    shown = [None if end is None else end * factor for three in ends for end in three]
    layout["xaxis"]["range"] = span([0.0, *shown])
    reference(layout, "x", 0.0, word="equal", dash="dash")
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [value * factor for _, value, _ in ends if value is not None],
            "y": list(range(len(found))),
            "text": [clean(one.of) for one in found],
            "error_x": error_bars(ends, factor=factor),
            "marker": {"size": 9, "symbol": "square", "color": [colours[one.of] for one in found]},
            "hovertemplate": "%{text}: %{x:+.4g}<extra></extra>",
        }
    ]
    return Chart(
        id=id_of(f"forest-{eval}"),
        title=f"{eval}: differences to {baseline}",
        figure={"data": data, "layout": layout},
        alt=f"Difference to {baseline} on {eval}: {_said(found)}.",
        table=_table(found),
        caption=f"{distrust(reading, eval)}Paired on the items. The intervals hold all at once in 95 % of repetitions, "
        "so that any bar may be picked out.",
    )


def _said(found: list[Difference]) -> str:
    words = [
        f"{one.of} {wording.signed(one.value, one.unit)} {wording.interval(one.low, one.high, one.unit)}".strip()
        for one in found
    ]
    return wording.first_of(words)


def _table(found: list[Difference]) -> Table:
    unit = "points" if wording.is_share(found[0].unit) else found[0].unit
    columns = (
        Column(key="trial", title="trial"),
        number_column("difference", "difference", note=unit),
        number_column("low", "from"),
        number_column("high", "to"),
        number_column("n", "n"),
        Column(key="method", title="interval by"),
    )
    lines = []
    for one in found:
        told = [
            Cell(raw=v, text=wording.signed(v, one.unit)) for v in (one.value, one.low, one.high)
        ]
        cells = (
            Cell(raw=one.of, text=one.of),
            *told,
            Cell(raw=one.n, text=str(one.n)),
            Cell(raw=one.method, text=one.method),
        )
        lines.append(Line(cells=cells))
    return Table(columns=columns, lines=tuple(lines))

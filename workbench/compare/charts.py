"""The figures of a comparison, as plain plotly dictionaries: one idea each, with a text for those who cannot see it.

`charts(reading, lines, primary=...)` is every figure there is something to draw for; `eval_chart` draws one eval, the others
lie in `forest.py`, `axes.py`, `scatter.py`, `reliability.py` and `curves.py`. All numbers are plain lists, because plotly writes numpy as
base64. Colours keep their distance for colour-blind eyes and are legible on white and on black; a page may restyle text
and lines.
"""

from workbench.compare import wording
from workbench.compare.axes import RANK, ROWS, curve
from workbench.compare.calibration import MARK, distrust, failed_evals
from workbench.compare.curves import learning_curves
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.forest import forest
from workbench.compare.marks import (
    QUIET,
    clean,
    error_bars,
    id_of,
    layout_of,
    named_axis,
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
from workbench.compare.reading import Reading
from workbench.compare.reliability import reliability
from workbench.compare.scatter import quality_against_latency, quality_against_size
from workbench.compare.table import Standing
from workbench.scores.task import BASE


def charts(
    reading: Reading, lines: tuple[Standing, ...], *, primary: str, baseline: str = BASE
) -> tuple[Chart, ...]:
    """Every figure there is something to draw for: the primary eval first."""
    drawing = Drawing(reading, lines, primary, baseline)
    if not primary:
        found = [learning_curves(drawing)]
    else:
        evals = [primary, *(e for e in reading.evals if e != primary)]
        found = [
            forest(drawing),
            curve(drawing, eval=primary, axis=RANK),
            curve(drawing, eval=primary, axis=ROWS),
            quality_against_size(drawing),
            learning_curves(drawing),
            quality_against_latency(drawing),
            *(eval_chart(drawing, eval=eval) for eval in evals),
            *(reliability(drawing, eval=eval) for eval in evals),
        ]
    return tuple(one for one in found if one is not None)


def eval_chart(drawing: Drawing, *, eval: str) -> Chart | None:
    """Every candidate's figure on one eval, with its interval; the base and chance as references."""
    sort = drawing.reading.sort_of(eval)
    kept = [line for line in drawing.lines if value_of(line, eval) is not None]
    if sort is None or not kept:
        return None
    down = sort.better == "lower"
    trials = [line for line in kept if line.name != BASE]
    trials.sort(key=lambda line: value_of(line, eval) or 0.0, reverse=not down)
    ordered = [*trials, *(line for line in kept if line.name == BASE)]
    colours = {**drawing.colours, BASE: QUIET}
    factor = wording.scale(sort.unit)
    names = [line.name for line in ordered]
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [value_of(line, eval, factor) for line in ordered],
            "y": list(range(len(names))),
            "text": [clean(name) for name in names],
            "error_x": error_bars([ends_of(line, eval) for line in ordered], factor=factor),
            "marker": {"size": 9, "color": [colours[name] for name in names]},
            "hovertemplate": "%{text}: %{x:.4g}<extra></extra>",
        }
    ]
    data += seed_dots(
        [
            (colours[line.name], place, seeds_of(line, eval, factor))
            for place, line in enumerate(ordered)
        ],
        values="x",
    )
    layout = layout_of(height=96 + 30 * len(ordered), x=drawing.axis(eval))
    named_axis(layout, names)
    layout["xaxis"]["range"] = range_of(ordered, eval, sort)
    if sort.chance is not None:
        reference(layout, "x", sort.chance * factor, word="chance")
    mark = MARK if eval in failed_evals(drawing.reading) else ""
    return Chart(
        id=id_of(f"eval-{eval}"),
        title=f"{eval}{mark}: every trial with its interval",
        figure={"data": data, "layout": layout},
        alt=said(eval, ordered, sort),
        table=figure_table(ordered, eval=eval, sort=sort),
        caption=f"{distrust(drawing.reading, eval)}Bars are 95 % intervals{seeds_said(ordered, eval)}."
        + (" The dotted line is chance." if sort.chance is not None else ""),
    )

"""The figures of a comparison, as plain plotly dictionaries: one idea each, with a text for those who cannot see it.

`eval_chart` (values with intervals), `rank_curve` and `quality_against_latency` return a `Chart`
or None where there is nothing to draw. All numbers are plain lists, because plotly writes numpy as base64. Colours
keep their distance for colour-blind eyes and are legible on white and on black; a page may restyle text and lines.
"""

import math
from collections.abc import Sequence
from typing import Any

from workbench.compare import wording
from workbench.compare.curves import learning_curves
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.marks import (
    PALETTE,
    QUIET,
    Ends,
    band,
    clean,
    error_bars,
    id_of,
    layout_of,
    named_axis,
    point_names,
    reference,
    seed_dots,
    span,
)
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Candidate, Reading
from workbench.compare.table import Standing
from workbench.scores.task import BASE, Score

RANK = "adapter.r"


def charts(reading: Reading, lines: tuple[Standing, ...], *, primary: str) -> tuple[Chart, ...]:
    """Every figure there is something to draw for: the primary eval first."""
    drawing = Drawing(reading, lines, primary)
    evals = [primary, *(e for e in reading.evals if e != primary)] if primary else []
    found = [
        rank_curve(drawing, eval=primary) if primary else None,
        learning_curves(drawing),
        quality_against_latency(drawing) if primary else None,
        *(eval_chart(drawing, eval=eval) for eval in evals),
    ]
    return tuple(one for one in found if one is not None)


def eval_chart(drawing: Drawing, *, eval: str) -> Chart | None:
    """Every candidate's figure on one eval, with its interval; the base and chance as references."""
    sort = drawing.reading.sort_of(eval)
    kept = [line for line in drawing.lines if _value(line, eval) is not None]
    if sort is None or not kept:
        return None
    down = sort.better == "lower"
    trials = [line for line in kept if line.name != BASE]
    trials.sort(key=lambda line: _value(line, eval) or 0.0, reverse=not down)
    ordered = [*trials, *(line for line in kept if line.name == BASE)]
    colours = {**drawing.colours, BASE: QUIET}
    factor = wording.scale(sort.unit)
    names = [line.name for line in ordered]
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [_value(line, eval, factor) for line in ordered],
            "y": list(range(len(names))),
            "text": [clean(name) for name in names],
            "error_x": error_bars([_ends(line, eval) for line in ordered], factor=factor),
            "marker": {"size": 9, "color": [colours[name] for name in names]},
            "hovertemplate": "%{text}: %{x:.4g}<extra></extra>",
        }
    ]
    data += seed_dots(
        [
            (colours[line.name], place, _seeds(line, eval, factor))
            for place, line in enumerate(ordered)
        ],
        values="x",
    )
    layout = layout_of(height=96 + 30 * len(ordered), x=drawing.axis(eval))
    named_axis(layout, names)
    layout["xaxis"]["range"] = _range(ordered, eval, sort)
    if sort.chance is not None:
        reference(layout, "x", sort.chance * factor, word="chance")
    return Chart(
        id=id_of(f"eval-{eval}"),
        title=f"{eval}: every trial with its interval",
        figure={"data": data, "layout": layout},
        alt=_said(eval, ordered, sort),
        table=figure_table(ordered, eval=eval, sort=sort),
        caption=f"Bars are 95 % intervals{_seeds_said(ordered, eval)}."
        + (" The dotted line is chance." if sort.chance is not None else ""),
    )


def rank_curve(drawing: Drawing, *, eval: str) -> Chart | None:
    """A figure against the LoRA rank, one line for each setting of everything else."""
    sort = drawing.reading.sort_of(eval)
    by_name = {line.name: line for line in drawing.lines}
    groups: dict[str, list[tuple[float, Standing]]] = {}
    for one in drawing.reading.candidates:
        line = by_name[one.name]
        if RANK in one.varied and _value(line, eval) is not None:
            groups.setdefault(_rest(one), []).append((float(one.varied[RANK]), line))
    groups = {rest: sorted(g, key=lambda p: p[0]) for rest, g in groups.items() if len(g) > 1}
    if sort is None or not groups:
        return None
    factor = wording.scale(sort.unit)
    data: list[dict[str, Any]] = []
    for place, (rest, points) in enumerate(groups.items()):
        colour = PALETTE[place % len(PALETTE)]
        if len(groups) <= 3:
            ranks, ends = [r for r, _ in points], [_ends(line, eval) for _, line in points]
            data.append(band(ranks, ends, factor=factor, colour=colour))
        data.append(_rank_line(points, eval, colour, factor, name=clean(rest)))
        data += seed_dots(
            [(colour, rank, _seeds(line, eval, factor)) for rank, line in points], values="y"
        )
    ranks = sorted({rank for points in groups.values() for rank, _ in points})
    layout = layout_of(height=340, x="rank r", y=drawing.axis(eval))
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": ranks,
        "ticktext": [f"{rank:g}" for rank in ranks],
        "range": [math.log10(ranks[0]) - 0.08, math.log10(ranks[-1]) + 0.08],
    }
    layout["showlegend"] = len(groups) > 1
    lines = [line for points in groups.values() for _, line in points]
    base = _value(by_name[BASE], eval, factor)
    if base is not None:
        reference(layout, "y", base, word="base", dash="dash")
    if sort.chance is not None and (base is None or abs(base - sort.chance * factor) > 8):
        reference(layout, "y", sort.chance * factor, word="chance")
    layout["yaxis"]["range"] = _range([by_name[BASE], *lines], eval, sort)
    first = next(iter(groups.values()))
    return Chart(
        id=id_of(f"rank-{eval}"),
        title=f"{eval} against rank",
        figure={"data": data, "layout": layout},
        alt="By rank: " + _said(eval, [line for _, line in first], sort),
        table=figure_table(lines, eval=eval, sort=sort),
        caption=f"The band is the 95 % interval at each rank{_seeds_said(lines, eval)}; "
        "ranks are spaced by doubling.",
    )


def quality_against_latency(drawing: Drawing) -> Chart | None:
    """The primary eval against the time an answer takes: up and to the left is better."""
    sort, time = drawing.reading.sort_of(drawing.primary), drawing.reading.sort_of("latency")
    kept = [
        line
        for line in drawing.lines
        if _value(line, "latency") is not None and _value(line, drawing.primary) is not None
    ]
    if sort is None or time is None or drawing.primary == "latency" or len(kept) < 2:
        return None
    colours = {**drawing.colours, BASE: QUIET}
    factor, slow = wording.scale(sort.unit), wording.scale(time.unit)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": clean(line.name),
            "x": [_value(line, "latency", slow)],
            "y": [_value(line, drawing.primary, factor)],
            "error_x": error_bars([_ends(line, "latency")], factor=slow),
            "error_y": error_bars([_ends(line, drawing.primary)], factor=factor),
            "marker": {"size": 9, "color": colours[line.name]},
            "hovertemplate": "%{x:.4g}, %{y:.4g}",
        }
        for line in kept
    ]
    layout = layout_of(height=360, x=drawing.axis("latency"), y=drawing.axis(drawing.primary))
    point_names(
        layout,
        [line.name for line in kept],
        xs=[trace["x"][0] for trace in data],
        ys=[trace["y"][0] for trace in data],
    )
    said = ", ".join(
        f"{line.name} {wording.amount(_value(line, drawing.primary), sort.unit)} at "
        f"{wording.amount(_value(line, 'latency'), time.unit)}"
        for line in kept[:12]
    )
    return Chart(
        id="quality-latency",
        title=f"{drawing.primary} against latency",
        figure={"data": data, "layout": layout},
        alt=f"Quality and time of an answer: {said}.",
        table=figure_table(kept, eval="latency", sort=time),
        caption="Up and to the left is better; bars are 95 % intervals."
        if sort.better == "higher"
        else "Down and to the left is better; bars are 95 % intervals.",
    )


def figure_table(lines: Sequence[Standing], *, eval: str, sort: Score) -> Table:
    """The figures of one eval in full: value, interval, n and what could not be scored."""
    unit = wording.shown_unit(sort.unit)
    has_seeds = any(line.figures[eval].by_seed for line in lines)
    columns = (
        Column(key="trial", title="trial"),
        number_column("value", eval, note=unit),
        number_column("low", "from"),
        number_column("high", "to"),
        *([number_column("seed_low", "lowest", note="seed")] if has_seeds else []),
        *([number_column("seed_high", "highest", note="seed")] if has_seeds else []),
        number_column("n", "n"),
        number_column("errors", "not scored"),
        Column(key="method", title="interval by"),
    )
    rows = []
    for line in lines:
        one = line.figures[eval]
        told = [one.value, one.low, one.high]
        told += [one.seed_low, one.seed_high] if has_seeds else []
        figures = [Cell(raw=v, text=wording.number(v, sort.unit)) for v in told]
        counts = [Cell(raw=v, text=str(v)) for v in (one.n, one.errors)]
        name = Cell(raw=line.name, text=line.name)
        rows.append(Line(cells=(name, *figures, *counts, Cell(raw=one.method, text=one.method))))
    return Table(columns=columns, lines=tuple(rows))


def _value(line: Standing, eval: str, factor: float = 1.0) -> float | None:
    figure = line.figures.get(eval)
    if figure is None or figure.value is None or not math.isfinite(figure.value):
        return None
    return figure.value * factor


def _seeds(line: Standing, eval: str, factor: float) -> list[float]:
    """The figure of each seed, where there are several."""
    return [value * factor for value in line.figures[eval].by_seed.values()]


def _seeds_said(lines: Sequence[Standing], eval: str) -> str:
    """What the dots of the seeds are, where there are any."""
    is_any = any(line.figures[eval].by_seed for line in lines)
    return " over items, of means over seeds; small dots are single seeds" if is_any else ""


def _rank_line(
    points: list[tuple[float, Standing]], eval: str, colour: str, factor: float, *, name: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [rank for rank, _ in points],
        "y": [_value(line, eval, factor) for _, line in points],
        "line": {"color": colour, "width": 2},
        "marker": {"size": 8, "color": colour},
        "hovertemplate": "r = %{x}: %{y:.4g}<extra></extra>",
    }


def _ends(line: Standing, eval: str) -> Ends:
    figure = line.figures[eval]
    return figure.low, figure.value, figure.high


def _range(lines: Sequence[Standing], eval: str, sort: Score) -> list[float]:
    """Shares on the whole range from 0 to 100, so that a small gap looks small; others around their values."""
    if wording.is_share(sort.unit):
        return [-3.0, 103.0]
    ends = [end for line in lines if eval in line.figures for end in _ends(line, eval)]
    return span(ends)


def _said(eval: str, lines: Sequence[Standing], sort: Score) -> str:
    """The figures in words; the first dozen of many."""
    words = []
    for line in lines[:12]:
        one = line.figures[eval]
        ends = wording.interval(one.low, one.high, sort.unit)
        words.append(f"{line.name} {wording.amount(one.value, sort.unit)} {ends}".strip())
    more = f", and {len(lines) - 12} more" if len(lines) > 12 else ""
    chance = "" if sort.chance is None else f" Chance is {wording.amount(sort.chance, sort.unit)}."
    return f"{eval}: {', '.join(words)}{more}.{chance}"


def _rest(one: Candidate) -> str:
    rest = {
        key: value for key, value in one.varied.items() if key not in (RANK, "adapter.lora_alpha")
    }
    return ", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in rest.items())

"""What of a line of the leaderboard is drawn: its value, the ends of its interval, its seeds; in numbers and in words.

The figures in `charts.py`, `axes.py` and `scatter.py` share these; each gives its words and its table from here, so that a
picture and its text cannot differ. Nothing here draws.
"""

import math
from collections.abc import Sequence

from workbench.compare import wording
from workbench.compare.marks import Ends, span
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.table import Standing
from workbench.scores.task import Score


def value_of(line: Standing, eval: str, factor: float = 1.0) -> float | None:
    """The value of a line on an eval, where it has one."""
    figure = line.figures.get(eval)
    if figure is None or figure.value is None or not math.isfinite(figure.value):
        return None
    return figure.value * factor


def ends_of(line: Standing, eval: str) -> Ends:
    """The interval of a line on an eval, around its value."""
    figure = line.figures[eval]
    return figure.low, figure.value, figure.high


def seeds_of(line: Standing, eval: str, factor: float) -> list[float]:
    """The figure of each seed, where there are several."""
    return [value * factor for value in line.figures[eval].by_seed.values()]


def seeds_said(lines: Sequence[Standing], eval: str) -> str:
    """What the dots of the seeds are, where there are any."""
    is_any = any(line.figures[eval].by_seed for line in lines)
    return " over items, of means over seeds; small dots are single seeds" if is_any else ""


def range_of(lines: Sequence[Standing], eval: str, sort: Score) -> list[float]:
    """Shares on the whole range from 0 to 100, so that a small gap looks small; others around their values."""
    if wording.is_share(sort.unit):
        return [-3.0, 103.0]
    ends = [end for line in lines if eval in line.figures for end in ends_of(line, eval)]
    return span(ends)


def said(eval: str, lines: Sequence[Standing], sort: Score) -> str:
    """The figures in words; the first dozen of many."""
    words = []
    for line in lines:
        one = line.figures[eval]
        ends = wording.interval(one.low, one.high, sort.unit)
        words.append(f"{line.name} {wording.amount(one.value, sort.unit)} {ends}".strip())
    chance = "" if sort.chance is None else f" Chance is {wording.amount(sort.chance, sort.unit)}."
    return f"{eval}: {wording.first_of(words)}.{chance}"


def figure_table(
    lines: Sequence[Standing],
    *,
    eval: str,
    sort: Score,
    more: dict[str, dict[str, float | None]] | None = None,
) -> Table:
    """The figures of one eval in full: value, interval, n and what could not be scored.

    `more` has raw values for the frame alone, by the name of the line.
    """
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
        cells = (name, *figures, *counts, Cell(raw=one.method, text=one.method))
        rows.append(Line(cells=cells, more=tuple((more or {}).get(line.name, {}).items())))
    return Table(columns=columns, lines=tuple(rows))

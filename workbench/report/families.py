"""The areas of a comparison report: quality, retention, bias, hallucination, robustness, and what a trial is like in use.

One function a section, each called as one line by a report's notebook: `families.bias(report)`. A section opens with a
figure, or with a table where several evals were asked, of the leading trial against the base. An area that was not asked
has no section; `outline.py` names it.
"""

from collections.abc import Iterable
from dataclasses import replace

from markupsafe import Markup

from workbench.compare import wording
from workbench.compare.calibration import MARK, failed_evals
from workbench.compare.differences import difference_cell, difference_note
from workbench.compare.figure import Figure, base_figure
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.pairing import Difference
from workbench.report import blocks
from workbench.report.blocks import Section
from workbench.report.findings import (
    BETTER,
    IN_USE,
    NONE,
    OPEN,
    OTHER,
    WORSE,
    Finding,
    families,
    finding,
    leading,
)
from workbench.report.one_eval import even_words, parts_of
from workbench.report.sections import Report
from workbench.report.side_by_side import examples
from workbench.report.sources import rows_behind
from workbench.report.storage import storage_table
from workbench.scores.task import BASE

TITLES = {
    "quality": "Quality",
    "retention": "Retention",
    "bias": "Bias",
    "hallucination": "Hallucination",
    "robustness": "Robustness",
    IN_USE: "In use",
}

STARS = "* holds after the correction of all differences to the base"

OUTCOMES = {
    BETTER: "shown to be better",
    WORSE: "shown to be worse",
    OTHER: "shown to differ",
    OPEN: "not told apart",
    NONE: "without a difference to tell",
}


def quality(report: Report) -> Section:
    """What was learned."""
    return _family(report, "quality")


def retention(report: Report) -> Section:
    """What of the base's knowledge is left."""
    return _family(report, "retention")


def bias(report: Report) -> Section:
    """Whom the trials treat otherwise than the base does."""
    return _family(report, "bias")


def hallucination(report: Report) -> Section:
    """What is made up."""
    return _family(report, "hallucination")


def robustness(report: Report) -> Section:
    """What is left when questions are asked otherwise."""
    return _family(report, "robustness")


def in_use(report: Report) -> Section:
    """Time of an answer, distance from full precision, and what each trial is like as it is stored."""
    return _family(report, IN_USE, blocks.table(storage_table(report)))


def family_table(report: Report, evals: Iterable[str]) -> Table | None:
    """The leading trial against the base, an eval a line."""
    reading, name = report.comparison.reading, leading(report)
    if not name:
        return None
    failed = failed_evals(reading)
    columns = (
        Column(key="eval", title="eval"),
        number_column("base", BASE),
        number_column("trial", name),
        number_column("difference", "difference"),
        Column(key="unit", title=""),
        number_column("chance", "chance", note="or even"),
        number_column("n", "n"),
    )
    found = [finding(report, eval, name) for eval in evals]
    lines = tuple(_line(report, one, mark=MARK if one.eval in failed else "") for one in found)
    caption = f"{name} against {BASE}; 95 % intervals; {STARS}."
    return Table(columns=columns, lines=lines, caption=caption)


def summed_up(report: Report, evals: Iterable[str]) -> str:
    """How many of the evals of an area moved, and which way."""
    found: dict[str, list[str]] = {}
    for eval in evals:
        found.setdefault(finding(report, eval).outcome, []).append(eval)
    said = [
        f"{words} on {wording.listed(found[outcome])}"
        for outcome, words in OUTCOMES.items()
        if outcome in found
    ]
    return f"Against the base {leading(report)} is {'; '.join(said)}." if said else ""


def figure_cell(figure: Figure | None, unit: str) -> Cell:
    """A figure with its interval."""
    if figure is None:
        return Cell(raw=None, text=wording.MISSING)
    if figure.is_withheld:
        return Cell(raw=None, text="withheld")
    return Cell(
        raw=figure.value,
        text=wording.number(figure.value, unit),
        beside=wording.interval(figure.low, figure.high, unit),
        numbers=(("low", figure.low), ("high", figure.high)),
    )


def apart_cell(one: Difference | None) -> Cell:
    """A difference with its interval, or with what could have been seen."""
    if one is None:
        return Cell(raw=None, text=wording.MISSING)
    kept = ("low", "high", "p_corrected", "detectable")
    return replace(difference_cell(one), numbers=tuple((name, getattr(one, name)) for name in kept))


def _family(report: Report, family: str, *opening: Markup | None) -> Section:
    evals = families(report).get(family, [])
    if len(evals) > 1 and leading(report):
        opening = (
            blocks.paragraph(summed_up(report, evals)),
            blocks.table(family_table(report, evals)),
            *opening,
        )
    told = [
        part
        for place, eval in enumerate(evals)
        for part in parts_of(report, eval, is_first=place == 0)
    ]
    rows = rows_behind(report.comparison.reading, evals) if evals else None
    return blocks.section(TITLES[family], *opening, *told, *examples(report, evals), rows)


def _line(report: Report, one: Finding, *, mark: str) -> Line:
    reading = report.comparison.reading
    sort, apart = reading.sort_of(one.eval), one.difference
    unit = sort.unit if sort is not None else ""
    cells = (
        Cell(raw=one.eval, text=one.eval + mark),
        figure_cell(base_figure(reading, one.name, one.eval), unit),
        figure_cell(one.figure, unit),
        apart_cell(apart),
        Cell(raw=unit, text="" if apart is None else difference_note(apart)),
        _chance(report, one.eval),
        Cell(raw=None if apart is None else apart.n, text="" if apart is None else str(apart.n)),
    )
    return Line(cells=cells)


def _chance(report: Report, eval: str) -> Cell:
    sort = report.comparison.reading.sort_of(eval)
    if even := even_words(eval, sort):
        return Cell(raw=sort.chance if sort is not None else None, text=even)
    if sort is None or sort.chance is None:
        return Cell(raw=None, text="")
    return Cell(raw=sort.chance, text=wording.amount(sort.chance, sort.unit))

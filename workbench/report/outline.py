"""What a comparison report covers: each area in one line, what was forgotten, and the areas that nobody asked about.

`at_a_glance(report)` stands below the verdict, `tradeoffs(report)` shows what quality was bought with, and
`not_asked(report)` names what is not covered, with the command that asks it.
"""

from markupsafe import Markup

from workbench.compare import wording
from workbench.compare.calibration import MARK, failed_evals
from workbench.compare.differences import difference_note
from workbench.compare.drawing import Drawing
from workbench.compare.figure import base_figure
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.tradeoffs import tradeoffs as weighed
from workbench.report import blocks
from workbench.report.blocks import Section
from workbench.report.families import STARS, TITLES, apart_cell, figure_cell
from workbench.report.findings import (
    FAMILIES,
    IN_USE,
    WORSE,
    families,
    finding,
    is_waiting,
    leading,
)
from workbench.report.sections import Report
from workbench.report.verdict import held
from workbench.scores.task import BASE

ASKS = {
    "quality": "recall",
    "retention": "retention",
    "bias": "bias",
    "hallucination": "hallucination",
    "robustness": "robustness",
    IN_USE: "latency",
}
"""What asks an area, behind `--evals`."""

MEANS = {
    "quality": "what was learned",
    "retention": "what of the base's knowledge is left",
    "bias": "whom the model treats otherwise than others",
    "hallucination": "what the model makes up",
    "robustness": "what typos, other wordings and long texts change",
    IN_USE: "how long an answer takes",
}


def at_a_glance(report: Report) -> Section:
    """Every area in one line, the leading trial against the base; first what was shown to be forgotten."""
    if not families(report) or not leading(report):
        return blocks.NOTHING
    told = (*_forgotten(report), _of_whom(report), blocks.table(glance_table(report)))
    return blocks.section("At a glance", *told)


def glance_table(report: Report) -> Table:
    """An area a line: its first eval, base and leading trial, and how many more were asked."""
    name, asked = leading(report), families(report)
    columns = (
        Column(key="area", title="area"),
        Column(key="eval", title="eval"),
        number_column("base", BASE),
        number_column("trial", name),
        number_column("difference", "difference"),
        Column(key="unit", title=""),
        Column(key="found", title="found"),
    )
    lines = [
        _asked_line(report, area, asked[area]) if area in asked else _silent_line(report, area)
        for area in (*FAMILIES, IN_USE)
    ]
    caption = f"{name} against {BASE}; 95 % intervals; {STARS}."
    return Table(columns=columns, lines=tuple(lines), caption=caption)


def tradeoffs(report: Report) -> Section:
    """What quality was bought with, a figure each."""
    comparison = report.comparison
    drawing = Drawing(
        comparison.reading, comparison.standings, comparison.primary, comparison.baseline
    )
    return blocks.section("What quality costs", *map(blocks.figure, weighed(drawing)))


def not_asked(report: Report) -> Section:
    """The areas without an eval, with the commands that ask them of the same adapters."""
    reading = report.comparison.reading
    asked = families(report)
    missing = [one for one in (*FAMILIES, IN_USE) if one not in asked]
    waiting = [one for one in missing if is_waiting(reading, one)]
    silent = [one for one in missing if one not in waiting]
    tells_apart = any(str(trial.spec.adapter.task_type) == "SEQ_CLS" for trial in reading.trials)
    words = [f"{TITLES[one]}: {MEANS[one]}." for one in silent]
    told: list[Markup | None] = []
    if silent:
        told = [
            blocks.paragraph("This report says nothing about these areas, because nobody asked:"),
            blocks.listing(words),
        ]
    if silent and tells_apart:
        why = "Their evals ask a model that writes; these trials tell rows apart."
        told.append(blocks.paragraph(why))
    elif silent:
        names = ",".join(ASKS[one] for one in silent)
        line = f".venv/bin/workbench eval runs/{reading.store.path.name} --evals {names}"
        again = "The same adapters can be asked without training anew; then write the report again:"
        told += [blocks.paragraph(again), blocks.code(line, label="The command that asks")]
    if waiting:
        names = wording.listed([TITLES[one].lower() for one in waiting])
        told.append(blocks.paragraph(f"Asked for, and without a figure so far: {names}."))
    if told:
        rest = "What no report of this kind covers stands at the end of the evidence map."
        told.append(blocks.paragraph(rest))
    return blocks.section("Not asked", *told)


def _of_whom(report: Report) -> Markup | None:
    """Said where no trial is ahead, so that the one spoken of is not taken for the best."""
    found, name = report.verdict, leading(report)
    first = f"This report speaks of {name}, which has the first place by its figure alone"
    if found.kind == "unpaired":
        return blocks.paragraph(f"{first}: the trials cannot be compared with each other.")
    if found.kind not in ("tie", "shared"):
        return None
    count = len(found.tied) + 1
    words = f"{first}: {count} trials cannot be told apart on {found.primary}."
    return blocks.paragraph(words, numbers={"trials": count})


def _forgotten(report: Report) -> list[Markup | None]:
    """Said beside the verdict where a loss was shown."""
    evals = families(report).get("retention", [])
    lost = [found for eval in evals if (found := finding(report, eval)).outcome == WORSE]
    return [
        blocks.paragraph(held(f"Forgotten: {one.sentence}"), tone="warned", numbers=one.numbers)
        for one in lost
    ]


def _asked_line(report: Report, area: str, evals: list[str]) -> Line:
    reading, first = report.comparison.reading, evals[0]
    one, sort = finding(report, first), reading.sort_of(first)
    unit, apart = sort.unit if sort is not None else "", one.difference
    mark = MARK if first in failed_evals(reading) else ""
    worse = [eval for eval in evals[1:] if finding(report, eval).outcome == WORSE]
    under = "for these seeds" if one.is_of_these_seeds else ""
    under = f"worse on {wording.listed(worse)}" if worse else under
    return Line(
        cells=(
            Cell(raw=area, text=TITLES[area]),
            Cell(
                raw=first,
                text=first + mark,
                beside=_more(len(evals) - 1),
                numbers=(("more", len(evals) - 1),),
            ),
            figure_cell(base_figure(reading, one.name, first), unit),
            figure_cell(one.figure, unit),
            apart_cell(apart),
            Cell(raw=unit, text="" if apart is None else difference_note(apart)),
            Cell(raw=one.outcome, text=one.outcome_words, under=under),
        )
    )


def _silent_line(report: Report, area: str) -> Line:
    said = "no figure yet" if is_waiting(report.comparison.reading, area) else "not asked"
    empty = [Cell(raw=None, text="") for _ in range(5)]
    head, last = Cell(raw=area, text=TITLES[area]), Cell(raw=said, text=said)
    return Line(cells=(head, *empty, last), tone="quiet")


def _more(count: int) -> str:
    return f"and {count} more" if count else ""

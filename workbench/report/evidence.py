"""The evidence map of a report: which of its findings may serve as evidence for what, and what nothing in it is evidence for.

`evidence(report)` is a section that a report's notebook calls as one line. It shows the rows of `evidence_map.py` that this report
holds, names those that were not asked, quotes the wording they point to, and lists what is not covered. It judges nothing.
"""

from collections.abc import Callable, Iterable
from typing import Any

from workbench.compare.calibration import certificate, kind_of
from workbench.compare.markup import Cell, Column, Line, Table
from workbench.compare.reading import Reading
from workbench.deployment.stored import read_facts
from workbench.report import blocks
from workbench.report.blocks import Section
from workbench.report.evidence_map import (
    ACTIONS,
    DOCUMENTS,
    MEASURE,
    NOT_COVERED,
    RISKS,
    ROWS,
    Row,
)
from workbench.report.sections import Report

TITLE = "Evidence map"

WHAT = (
    "Which findings of this report may serve as evidence for which parts of NIST's AI Risk Management Framework and its profile for "
    "generative AI, and under which heading of a model card they belong. It says where to look. Whether what is found there is "
    "enough is for people to judge who know the use and its risks; nothing here is a claim that anything is met."
)

HELD_BY: dict[str, tuple[str, Callable[[Reading], bool]]] = {
    "differences": (
        "beside every figure",
        lambda reading: bool(reading.evals and reading.candidates),
    ),
    "seeds": (
        "intervals over seeds",
        lambda reading: any(len(one.seeds) > 1 for one in reading.candidates),
    ),
    "caveats": ("Verdict", lambda reading: True),
    "certificate": ("Calibration", lambda reading: certificate(reading) is not None),
    "data": ("Data", lambda reading: bool(reading.data_cards)),
    "costs": (
        "seconds of training",
        lambda reading: any(e.seconds is not None for e in reading.outcomes.values()),
    ),
    "serving": ("Ways to serve", lambda reading: bool(_measured(reading))),
    "energy": (
        "energy under the ways to serve",
        lambda reading: any(one.get("energy", {}).get("turns") for one in _measured(reading)),
    ),
    "provenance": ("Provenance", lambda reading: bool(reading.provenance)),
}
"""Findings that are no eval's: where they stand, a section by its title, and whether this report has them."""

COLUMNS = (
    "finding",
    "in this report",
    "MEASURE",
    "AI 600-1",
    "model card",
    "does not show",
    "wording",
)


def evidence(report: Report) -> Section:
    """The map of what this report holds."""
    reading = report.comparison.reading
    here = [row for row in ROWS if is_held(reading, row)]
    gone = [row for row in ROWS if row not in here]
    return blocks.section(
        TITLE,
        blocks.paragraph(WHAT),
        blocks.table(_table(here, reading)),
        blocks.subheading("Not in this report") if gone else None,
        blocks.listing(_missing(row) for row in gone),
        blocks.subheading("Not covered"),
        blocks.listing(f"{what}: {why}" for what, why in NOT_COVERED.items()),
        blocks.folded("The wording that the map points to", blocks.table(_wording(here))),
        blocks.folded(
            "Where the wording is from",
            blocks.listing(f"{name}: {how}." for name, how in DOCUMENTS.items()),
        ),
    )


def is_held(reading: Reading, row: Row) -> bool:
    """Whether a report of this sweep holds a finding."""
    if row.evals:
        return bool(_asked(reading, row))
    return HELD_BY[row.held_by][1](reading)


def _measured(reading: Reading) -> list[dict[str, Any]]:
    """What was stored of every trial whose ways to serve were measured."""
    folders = [reading.store.folder(trial.name) for trial in reading.trials]
    return [facts for folder in folders if (facts := read_facts(folder))]


def _asked(reading: Reading, row: Row) -> list[str]:
    return [eval for eval in reading.evals if kind_of(eval) in row.evals]


def _table(rows: Iterable[Row], reading: Reading) -> Table:
    lines = []
    for row in rows:
        texts = (
            row.finding,
            ", ".join(_asked(reading, row)) if row.evals else HELD_BY[row.held_by][0],
            ", ".join(one.removeprefix("MEASURE ") for one in row.measure),
            "; ".join((*row.risks, *row.actions)),
            "; ".join(row.card),
            row.limit,
            checked(row),
        )
        lines.append(Line(cells=tuple(Cell(raw=text, text=text) for text in texts)))
    columns = tuple(Column(key=name, title=name, is_text=name != "MEASURE") for name in COLUMNS)
    return Table(
        columns=columns,
        lines=tuple(lines),
        caption="MEASURE: subcategories of NIST AI 100-1. AI 600-1: risks (section 2) and suggested actions (section 3).",
    )


def checked(row: Row) -> str:
    """Against which documents the words that a row points to were checked."""
    told = ["NIST AI 100-1"] if row.measure else []
    told += ["NIST AI 600-1"] if row.risks or row.actions else []
    known = all(
        (
            all(one in MEASURE for one in row.measure),
            all(one in RISKS for one in row.risks),
            all(one in ACTIONS for one in row.actions),
        )
    )
    return ", ".join(told) if known else "not checked against the text"


def _missing(row: Row) -> str:
    asks = (
        f" ({', '.join(row.evals[:6])}{', …' if len(row.evals) > 6 else ''})" if row.evals else ""
    )
    return f"{row.finding}{asks}"


def _wording(rows: Iterable[Row]) -> Table:
    """Every number that is pointed to, with its words and where they stand."""
    shown = list(rows)
    measure = [one for one in MEASURE if any(one in row.measure for row in shown)]
    actions = [one for one in ACTIONS if any(one in row.actions for row in shown)]
    quoted = [(one, MEASURE[one], "NIST AI 100-1, Table 3") for one in measure]
    quoted += [(one, ACTIONS[one], "NIST AI 600-1, section 3") for one in actions]
    risks = [one for one in RISKS if any(one in row.risks for row in shown)]
    quoted += [(f"Risk {RISKS[one]}", one, f"NIST AI 600-1, section {RISKS[one]}") for one in risks]
    columns = tuple(
        Column(key=name, title=name, is_text=True) for name in ("number", "wording", "where")
    )
    lines = tuple(Line(cells=tuple(Cell(raw=part, text=part) for part in one)) for one in quoted)
    return Table(columns=columns, lines=lines)

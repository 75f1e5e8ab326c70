"""One eval in a report: what was found, every trial with its interval, its groups, and what is wrong with the eval.

`parts_of(report, eval)` is the subsection that a family shows. The first sentence of what is known to be wrong stands
beside the figure, and all of it in a fold with what the eval asks.
"""

import re

from markupsafe import Markup

from workbench.compare import wording
from workbench.compare.marks import id_of
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Reading
from workbench.report import blocks
from workbench.report.findings import family_of, finding, info_of, leading, others
from workbench.report.groups import groups_table
from workbench.report.numbers import Said, Told
from workbench.report.sections import Report
from workbench.report.verdict import held
from workbench.scores.entry import EvalInfo
from workbench.scores.task import BASE, Score

MOST_DRAWN = 16
"""Trials up to which every eval of a family has its figure; beyond, the first alone, and the others a table."""

MOST_COLUMNS = 12
"""Trials whose partial figures stand side by side."""

GROUPS_MATTER = ("bias", "robustness")
"""Areas that are about the groups; elsewhere they are folded."""

MASS = "pronoun_mass"
"""The part of a score that says how much of the probability its figure is about."""

DIRECTION = {"higher": "higher is better", "lower": "lower is better"}


def parts_of(report: Report, eval: str, *, is_first: bool = True) -> list[Markup | None]:
    """The pieces of the subsection of an eval; the first of a family is always drawn."""
    info = info_of(eval)
    return [
        blocks.subheading(title_of(eval), within=f"eval {eval}"),
        found_words(report, eval),
        _mass(report, eval),
        *_drawn(report, eval, is_first=is_first),
        _groups(report, eval),
        _flaw(info),
        _about(report, eval),
        blocks.folded("Partial figures", blocks.table(parts_table(report, eval))),
    ]


def found_words(report: Report, eval: str) -> Markup:
    """What was found, in a paragraph that carries its numbers."""
    found, rest = finding(report, eval), others(report, eval)
    words = held(f"{found.sentence} {rest.words}".strip())
    return blocks.paragraph(words, numbers=found.numbers | rest.counts)


def _mass(report: Report, eval: str) -> Markup | None:
    """How much of the probability the compared words hold: a lean within little of it says little."""
    reading, name = report.comparison.reading, leading(report)
    if not name:
        return None
    slots = {BASE: (BASE,), name: reading.candidate(name).trials}
    held_by = {
        slot: (_mean_parts(reading, trials, eval) or {}).get(MASS) for slot, trials in slots.items()
    }
    base, ours = held_by[BASE], held_by[name]
    if base is None or ours is None:
        return None
    words = (
        f"He and she together hold {100 * ours:.0f} % of the probability there (base {100 * base:.0f} %); "
        "the figure is about that part alone."
    )
    return blocks.paragraph(words, numbers={"mass": ours, "mass of base": base})


def title_of(eval: str) -> str:
    """What an eval is called in words; of those that ask a file, several may stand in one report."""
    info, file = info_of(eval), eval.partition(":")[2]
    if info is None:
        return eval
    return f"{info.title}: {file}" if file else info.title


def even_words(eval: str, sort: Score | None) -> str:
    """What whoever treats all alike gets; empty where nothing is even."""
    info = info_of(eval)
    if info is None or info.even is None or sort is None:
        return ""
    return wording.amount(info.even, sort.unit, decimals=0)


def parts_table(report: Report, eval: str) -> Table | None:
    """What a figure is made of, for the base and for each candidate; of several seeds their mean."""
    reading = report.comparison.reading
    slots = {BASE: (BASE,)} | {one.name: one.trials for one in reading.candidates}
    found = {name: _mean_parts(reading, trials, eval) for name, trials in slots.items()}
    parts = {name: told for name, told in found.items() if told is not None}
    names = list(dict.fromkeys(part for told in parts.values() for part in told))
    if not names or len(parts) > MOST_COLUMNS:
        return None
    columns = (Column(key="part", title="part"), *(number_column(name, name) for name in parts))
    lines = []
    for name in names:
        values = [told.get(name) for told in parts.values()]
        cells = [Cell(raw=v, text=wording.MISSING if v is None else f"{v:.3g}") for v in values]
        lines.append(Line(cells=(Cell(raw=name, text=name), *cells)))
    is_mean = any(len(one.trials) > 1 for one in reading.candidates)
    caption = "Means over seeds." if is_mean else ""
    return Table(columns=columns, lines=tuple(lines), caption=caption)


def first_sentence(text: str) -> str:
    """The first sentence of a text of ours.

    >>> first_sentence("It asks in `a.b` words: read it so. It is old.")
    'It asks in `a.b` words: read it so.'
    """
    return re.split(r"(?<=[.!?])\s+(?=[A-Z0-9`])", text, maxsplit=1)[0]


def _drawn(report: Report, eval: str, *, is_first: bool) -> list[Markup | None]:
    chart = report.charts.get(id_of(f"eval-{eval}"))
    reliability = blocks.figure(report.charts.get(id_of(f"reliability-{eval}")))
    if chart is None:
        return [reliability]
    if is_first or len(report.comparison.reading.candidates) <= MOST_DRAWN:
        return [blocks.figure(chart), reliability]
    return [blocks.folded("Every trial with its interval", blocks.table(chart.table)), reliability]


def _groups(report: Report, eval: str) -> Markup | None:
    found = blocks.table(groups_table(report, eval))
    if found is None or family_of(eval) in GROUPS_MATTER:
        return found
    return blocks.folded("By group, the worst first", found)


def _flaw(info: EvalInfo | None) -> Markup | None:
    if info is None or not info.flaws:
        return None
    words = first_sentence(info.flaws)
    html = Markup('<p class="flaws"><strong>Known flaws.</strong> {}</p>')
    said = [Said("words", f"Known flaws. {words.replace('`', '')}")]
    return Told(html.format(blocks.with_code(words)), said)


def _about(report: Report, eval: str) -> Markup | None:
    """What an eval asks and all that is known to be wrong with it, folded."""
    info, sort = info_of(eval), report.comparison.reading.sort_of(eval)
    chance = "" if sort is None or sort.chance is None else wording.amount(sort.chance, sort.unit)
    pairs = [
        ("name", eval),
        ("read as", DIRECTION.get(sort.better, "neither way is better") if sort else ""),
        ("chance", chance),
        ("even-handed is", even_words(eval, sort)),
        ("measured by", sort.method.split(";")[0] if sort and ";" in sort.method else ""),
    ]
    if info is None:
        return blocks.folded("About this eval", blocks.facts(pairs))
    told = (blocks.prose(info.what), blocks.facts(pairs), blocks.prose(info.flaws))
    return blocks.folded("What it asks, and all its known flaws", *told)


def _mean_parts(
    reading: Reading, trials: tuple[str, ...], eval: str
) -> dict[str, float | None] | None:
    """Each partial figure averaged over the trials that have it; None when nothing was scored."""
    scores = [score for trial in trials if (score := reading.score(trial, eval)) is not None]
    if not scores:
        return None
    found: dict[str, float | None] = {}
    for part in dict.fromkeys(part for score in scores for part in score.parts):
        values = [v for score in scores if (v := score.parts.get(part)) is not None]
        found[part] = sum(values) / len(values) if values else None
    return found

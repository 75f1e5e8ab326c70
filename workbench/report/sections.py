"""The findings of a comparison report: verdict, leaderboard, curves, each eval, time. One function a section.

A report's notebook calls these in order, each as one line: `sections.verdict_card(report)`. They write what a
`Comparison` found and compute nothing themselves; a section with nothing to say is empty. What was done, on which
data and how to do it again is in `records.py`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from workbench.compare import Comparison, compare, wording
from workbench.compare.drawing import Chart
from workbench.compare.marks import id_of
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Reading
from workbench.compare.seeds import range_words
from workbench.compare.verdict import Verdict
from workbench.errors import StoreError
from workbench.report import blocks, costs
from workbench.report.blocks import Section
from workbench.scores.catalog import EVALS
from workbench.scores.entry import EvalInfo
from workbench.scores.task import BASE, Row, Score

EXAMPLES = 4
"""Examples shown of each kind."""

HEADLINE = {
    "winner": "One trial is ahead",
    "shared": "Several trials share the first place",
    "tie": "No difference found",
    "single": "One trial against its base",
    "unpaired": "The trials cannot be compared",
    "no_data": "Nothing to compare",
}


@dataclass(frozen=True)
class Report:
    """What every section is written from."""

    comparison: Comparison
    title: str
    charts: dict[str, Chart]

    @property
    def verdict(self) -> Verdict:
        """The comparison's verdict."""
        return self.comparison.verdict


def opened(path: str, *, primary: str = "", baseline: str = BASE, title: str = "") -> Report:
    """The report of a sweep folder, with nothing written yet."""
    comparison = compare(Path(path), primary=primary or None, baseline=baseline)
    charts = {chart.id: chart for chart in comparison.charts()}
    return Report(comparison, title or default_title(comparison.reading.spec.name), charts)


def default_title(name: str) -> str:
    """The title of a report nobody named."""
    return f"Comparison of {name}"


def heading(report: Report) -> Section:
    """The title, and in one line what was compared."""
    reading = report.comparison.reading
    spec = reading.spec
    many, several = len(reading.trials), [len(one.trials) for one in reading.candidates]
    is_even = len({*several}) == 1 and several[0] > 1
    seeds = f" ({len(several)} × {several[0]} seeds)" if is_even else ""
    line = [
        f"{many} {'trial' if many == 1 else 'trials'} of {_methods(reading)}{seeds} on {spec.model.id}",
        f"trained on {spec.data.id}",
    ]
    if spec.quantization is not None and spec.quantization.bits:
        line.append(f"{spec.quantization.bits}-bit base")
    if reading.state not in ("done", "failed", "stopped"):
        line.append(f"the sweep is {reading.state}: this is what there is so far")
    html = Markup('<header class="top"><h1>{}</h1><p class="meta">{}</p></header>').format(
        report.title, "; ".join(line)
    )
    return Section(report.title, html)


def _methods(reading: Reading) -> str:
    """What was trained: the one method, or how many of them."""
    found = list(dict.fromkeys(str(trial.spec.adapter.peft_type) for trial in reading.trials))
    if len(found) > 1:
        return f"{len(found)} methods"
    return {"LORA": "LoRA"}.get("".join(found), "".join(found))


def verdict_card(report: Report) -> Section:
    """Which trial, by how much, how sure, and what speaks against it."""
    found = report.verdict
    sort = report.comparison.reading.sort_of(found.primary) if found.primary else None
    unit = sort.unit if sort else ""
    cautions = Markup("").join(
        Markup('<li><span class="code">{}</span> {}</li>').format(one.code, _held(one.sentence))
        for one in found.caveats
    )
    html = Markup(
        '<section class="verdict kind-{}" aria-labelledby="verdict"><h2 id="verdict" data-listed="Verdict">{}</h2>'
        '<p class="sentence">{}</p>{}{}</section>'
    ).format(
        found.kind,
        HEADLINE[found.kind],
        _held(found.sentence),
        blocks.facts(_facts(found, unit, better=sort.better if sort else ""), tone="card"),
        Markup('<h3>Read with care</h3><ul class="caveats">{}</ul>').format(cautions)
        if cautions
        else "",
    )
    return Section("Verdict", html)


def leaderboard(report: Report) -> Section:
    """All trials, their differences to the baseline, and the best against the cheapest."""
    comparison = report.comparison
    contrast = comparison.best_and_cheapest()
    forest = report.charts.get(id_of(f"forest-{comparison.primary}"))
    return blocks.section(
        "Leaderboard",
        blocks.table(comparison.leaderboard()),
        blocks.figure(forest),
        blocks.subheading(f"Differences to {comparison.baseline}")
        if comparison.differences
        else None,
        blocks.table(comparison.against_baseline()) if comparison.differences else None,
        blocks.subheading("The best and the cheapest") if contrast else None,
        blocks.table(contrast),
    )


def rank_curve(report: Report) -> Section:
    """The primary eval against what was varied in steps: rank, rows trained on, trainable parameters."""
    primary = report.comparison.primary
    names = {
        id_of(f"rank-{primary}"): "rank",
        id_of(f"rows-{primary}"): "more rows",
        "quality-size": "more parameters",
    }
    drawn = {name: report.charts[name] for name in names if name in report.charts}
    if not drawn:
        return blocks.NOTHING
    buys = wording.listed([names[name] for name in drawn])
    verb = "buys" if buys == "rank" else "buy"
    return blocks.section(f"What {buys} {verb}", *map(blocks.figure, drawn.values()))


def learning_curves(report: Report) -> Section:
    """How the trials trained."""
    return blocks.section("Learning curves", blocks.figure(report.charts.get("learning-curves")))


def evals(report: Report) -> Section:
    """Each eval: what it asks, what came out, what is known to be wrong with it."""
    comparison = report.comparison
    names = [comparison.primary, *(e for e in comparison.reading.evals if e != comparison.primary)]
    return blocks.section("Evals", *(_one_eval(report, name) for name in names if name))


def examples(report: Report) -> Section:
    """Some answers of the base and the best trial side by side."""
    best, primary = report.verdict.best, report.comparison.primary
    if not best or not primary:
        return blocks.NOTHING
    trial = report.comparison.reading.candidate(best).trials[0]
    pairs = _answer_pairs(report, trial)
    won = [p for p in pairs if (p[1].value or 0) > (p[0].value or 0)][:EXAMPLES]
    lost = [p for p in pairs if (p[1].value or 0) < (p[0].value or 0)][:EXAMPLES]
    wrong = [p for p in pairs if p[0].value == p[1].value == 0][:EXAMPLES]
    return blocks.section(
        "Examples",
        blocks.table(_examples_table(won, trial, f"{trial} scores higher than the base")),
        blocks.table(_examples_table(lost, trial, f"{trial} scores lower than the base")),
        blocks.table(_examples_table(wrong, trial, "neither is right")),
    )


def time(report: Report) -> Section:
    """What an answer costs in time, what training did, and what the whole sweep took."""
    reading = report.comparison.reading
    return blocks.section(
        "Time",
        blocks.figure(report.charts.get("quality-latency")),
        blocks.table(costs.training_table(reading)),
        blocks.subheading("The whole sweep"),
        blocks.facts(costs.totals(reading)),
    )


def _one_eval(report: Report, name: str) -> Markup:
    reading = report.comparison.reading
    info = EVALS.get(name.partition(":")[0])
    sort = reading.sort_of(name)
    chance = "" if sort is None or sort.chance is None else wording.amount(sort.chance, sort.unit)
    direction = {"higher": "higher is better", "lower": "lower is better"}
    pairs = [
        ("name", name),
        ("read as", direction.get(sort.better, "neither way is better") if sort else ""),
        ("chance", chance),
        ("even-handed is", _even(info, sort)),
        ("measured by", sort.method.split(";")[0] if sort and ";" in sort.method else ""),
    ]
    flaws = (
        Markup('<p class="flaws"><strong>Known flaws.</strong> {}</p>').format(
            blocks.with_code(info.flaws)
        )
        if info
        else None
    )
    parts = [
        blocks.subheading(_title(name, info), within=f"eval {name}"),
        blocks.prose(info.what if info else ""),
        blocks.facts(pairs),
        blocks.figure(report.charts.get(id_of(f"eval-{name}"))),
        blocks.figure(report.charts.get(id_of(f"reliability-{name}"))),
        blocks.folded("Partial figures", blocks.table(_parts_table(report, name))),
        flaws,
    ]
    return Markup("").join(part for part in parts if part)


def _even(info: EvalInfo | None, sort: Score | None) -> str:
    if info is None or info.even is None or sort is None:
        return ""
    return wording.amount(info.even, sort.unit, decimals=0)


def _title(name: str, info: EvalInfo | None) -> str:
    """What an eval is called in words; of those that ask a file, several may stand in one report."""
    if info is None:
        return name
    file = name.partition(":")[2]
    return f"{info.title}: {file}" if file else info.title


def _parts_table(report: Report, eval: str) -> Table | None:
    """What a figure is made of, for the base and for each candidate; of several seeds their mean."""
    reading = report.comparison.reading
    slots = {BASE: (BASE,)} | {one.name: one.trials for one in reading.candidates}
    found = {name: _mean_parts(reading, trials, eval) for name, trials in slots.items()}
    parts = {name: told for name, told in found.items() if told is not None}
    names = list(dict.fromkeys(part for told in parts.values() for part in told))
    if not names or len(parts) > 12:
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


def _answer_pairs(report: Report, trial: str) -> list[tuple[Row, Row]]:
    store, primary = report.comparison.reading.store, report.comparison.primary
    try:
        base, best = store.read_rows(BASE, primary), store.read_rows(trial, primary)
    except StoreError:
        return []
    known = {row.sample: row for row in base}
    return [
        (known[row.sample], row)
        for row in best
        if row.sample in known and row.answer and row.value is not None
    ]


def _examples_table(pairs: list[tuple[Row, Row]], trial: str, caption: str) -> Table | None:
    if not pairs:
        return None
    titles = (("prompt", "asked"), ("expected", "expected"), ("base", "base"), ("trial", trial))
    columns = tuple(Column(key=key, title=title, is_text=True) for key, title in titles)
    lines = []
    for base, best in pairs:
        texts = (best.prompt, best.expected, base.answer, best.answer)
        lines.append(Line(cells=tuple(Cell(raw=text, text=text) for text in texts)))
    return Table(
        columns=columns,
        lines=tuple(lines),
        caption=f"Where {caption}: the first {len(pairs)} in stored order.",
    )


def _facts(found: Verdict, unit: str, *, better: str) -> list[tuple[str, str]]:
    """The figures of a verdict, each with its name; all differences are of one sign, the best minus the other."""
    decimals = wording.decimals_beside(found.difference, unit)
    several = found.seeds > 1 and len(found.by_seed) > 1
    extreme = "lowest" if better == "lower" else "highest"
    return [
        ("best" if found.kind in ("winner", "single") else extreme, found.best),
        (
            f"on {found.primary}",
            wording.amount(found.value, unit, decimals=decimals) if found.value is not None else "",
        ),
        (f"against {found.against}", _signed_gap(found.difference, unit, decimals=decimals)),
        (
            "95 % interval" + f", {found.n} items" * several,
            wording.interval(found.low, found.high, unit, decimals=decimals),
        ),
        (
            f"over {len(found.by_seed)} seeds and items",
            wording.interval(found.wide_low, found.wide_high, unit, decimals=decimals),
        ),
        ("p, corrected", _p_text(found.p)),
        ("items", str(found.n) if found.n and not several else ""),
        (
            f"over {len(found.by_seed)} seeds",
            range_words(list(found.by_seed), unit, decimals=decimals),
        )
        if several
        else ("seeds", str(found.seeds) if found.seeds else ""),
        (
            "could have seen",
            wording.gap(
                found.could_have_seen,
                unit,
                decimals=wording.decimals_beside(found.could_have_seen, unit),
            )
            if found.could_have_seen
            else "",
        ),
        ("cheapest within 2 points", found.cheapest_enough),
    ]


def _signed_gap(value: float | None, unit: str, *, decimals: int | None) -> str:
    """A difference with its unit and, where it is below zero, its sign."""
    if value is None:
        return ""
    return ("\u2212" if value < 0 else "") + wording.gap(value, unit, decimals=decimals)


def _held(sentence: str) -> str:
    """The sentence with figures that do not break from their units."""
    held = re.sub(r"(\d) (%|points?\b)", "\\1\u00a0\\2", sentence)
    held = re.sub(r"\[[^\]]*\]", lambda ends: ends[0].replace(" ", "\u00a0"), held)
    return held.replace("n = ", "n\u00a0=\u00a0")


def _p_text(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

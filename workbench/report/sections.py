"""The findings of a comparison report as a whole: verdict, leaderboard, curves, time. One function a section.

A report's notebook calls these in order, each as one line: `sections.verdict_card(report)`. They write what a
`Comparison` found and compute nothing themselves; a section with nothing to say is empty. What each area of evals found is in
`families.py`; what was done, on which data and how to do it again in `records.py`.
"""

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from workbench.compare import Comparison, compare, wording
from workbench.compare.drawing import Chart
from workbench.compare.marks import id_of
from workbench.compare.reading import Reading
from workbench.compare.verdict import Verdict
from workbench.report import blocks, costs, verdict
from workbench.report.blocks import Section
from workbench.report.numbers import Said, Told, sentence
from workbench.report.sources import rows_behind
from workbench.scores.task import BASE
from workbench.timing.cost import Price

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
    price: Price | None = None
    """What an hour of the machine costs, where somebody stated it."""

    @property
    def verdict(self) -> Verdict:
        """The comparison's verdict."""
        return self.comparison.verdict


def opened(
    path: str,
    *,
    primary: str = "",
    baseline: str = BASE,
    title: str = "",
    price: float = 0.0,
    utilization: float = 1.0,
) -> Report:
    """The report of a sweep folder, with nothing written yet."""
    stated = stated_price(price, utilization=utilization)
    comparison = compare(Path(path), primary=primary or None, baseline=baseline)
    charts = {chart.id: chart for chart in comparison.charts()}
    named = title or default_title(comparison.reading.spec.name)
    return Report(comparison, named, charts, stated)


def stated_price(price: float, *, utilization: float = 1.0) -> Price | None:
    """What a report was told of money; None for a price of 0, which leaves costs out."""
    found = Price(per_hour=price, utilization=utilization)
    return found if found.per_hour else None


def default_title(name: str) -> str:
    """The title of a report nobody named."""
    return f"Comparison of {name}"


def heading(report: Report) -> Section:
    """The title, and in one line what was compared."""
    reading = report.comparison.reading
    specs = [trial.spec for trial in reading.trials] or [reading.spec]
    models = list(dict.fromkeys(spec.model.id for spec in specs))
    sets = list(dict.fromkeys(spec.data.id for spec in specs))
    bits = {spec.quantization.bits if spec.quantization is not None else None for spec in specs}
    many, several = len(reading.trials), [len(one.trials) for one in reading.candidates]
    is_even = len({*several}) == 1 and several[0] > 1
    seeds = f" ({len(several)} × {several[0]} seeds)" if is_even else ""
    line = [
        f"{many} {'trial' if many == 1 else 'trials'} of {_methods(reading)}{seeds} on {wording.listed(models)}",
        f"trained on {wording.listed(sets)}",
    ]
    one = bits.pop() if len(bits) == 1 else None
    if one:
        line.append(f"{one}-bit base")
    if reading.state not in ("done", "failed", "stopped"):
        line.append(f"the sweep is {reading.state}: this is what there is so far")
    if "microworld" in models:
        line.append("microworld is an invented world of the workbench, with a small model of it")
    html = Told('<header class="top"><h1>{}</h1><p class="meta">{}</p></header>').format(
        report.title, "; ".join(line)
    )
    counted = {"trials": many, "candidates": len(several), "seeds": max(several, default=0)}
    told = Told(html, [sentence("; ".join(line), counted | {"bits": one})])
    return Section(report.title, told, {"title": report.title, "sweep": reading.store.path.name})


def _methods(reading: Reading) -> str:
    """What was trained: the one method, or how many of them."""
    found = list(dict.fromkeys(str(trial.spec.adapter.peft_type) for trial in reading.trials))
    if len(found) > 1:
        return f"{len(found)} methods"
    return {"LORA": "LoRA"}.get("".join(found), "".join(found))


def verdict_card(report: Report) -> Section:
    """Which trial, by how much, how sure, and what speaks against it."""
    found, told = report.verdict, verdict.about(report.comparison)
    cautions = Told("").join(
        Told(
            Markup('<li><span class="code">{}</span> {}</li>').format(
                one["code"], verdict.held(one["sentence"])
            ),
            [sentence(f"{one['code']} {one['sentence']}", one["numbers"])],
        )
        for one in told["caveats"]
    )
    said = Told(
        Markup('<p class="sentence">{}</p>').format(verdict.held(found.sentence)),
        [sentence(found.sentence, told["numbers"])],
    )
    html = Told(
        '<section class="verdict kind-{}" aria-labelledby="verdict"><h2 id="verdict" data-listed="Verdict">{}</h2>'
        "{}{}{}</section>"
    ).format(
        found.kind,
        Told(_headline(found), [Said("headings", _headline(found))]),
        said,
        blocks.facts(verdict.card(report.comparison), tone="card"),
        Told('<h3>Read with care</h3><ul class="caveats">{}</ul>').format(cautions)
        if cautions
        else "",
    )
    return Section("Verdict", html, {"verdict": told})


def _headline(found: Verdict) -> str:
    """What was found, in a few words; a lead that other seeds could turn is one of these seeds."""
    ends = (found.wide_low, found.wide_high)
    is_of_seeds = None not in ends and (ends[0] or 0) <= 0 <= (ends[1] or 0)
    return HEADLINE[found.kind] + (
        " with these seeds" if found.kind == "winner" and is_of_seeds else ""
    )


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
        rows_behind(comparison.reading, comparison.reading.evals),
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


def time(report: Report) -> Section:
    """What an answer costs in time, what training did, and what the whole sweep took."""
    reading = report.comparison.reading
    return blocks.section(
        "Time",
        blocks.figure(report.charts.get("quality-latency")),
        blocks.table(costs.training_table(reading)),
        blocks.subheading("Predicted and measured"),
        blocks.table(costs.whole_table(reading)),
        None
        if (took := costs.spent_table(reading, price=report.price)) is None
        else blocks.table(took),
    )

"""The report of one adapter: a trial, or a trial with all its seeds, read with its base and with nobody else.

`opened(path, trial="r8")` gives the same `Report` that the sections of a comparison are written from, with one candidate in it, so
that every interval, difference and caveat is of this adapter alone. What only such a report has is written here: its heading,
what it learned and forgot, how it was trained, and what the report does not show.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workbench.compare import wording
from workbench.compare.comparison import Comparison
from workbench.compare.reading import Candidate, Reading, primary_eval, read
from workbench.errors import SpecError, nearest
from workbench.fields import READS
from workbench.report import blocks, outline
from workbench.report.blocks import NOT_STATED, Fact, Section, Sentence
from workbench.report.families import family_table
from workbench.report.findings import BETTER, NONE, OPEN, OTHER, WORSE, families, finding, leading
from workbench.report.numbers import Told, sentence
from workbench.report.sections import Report, stated_price
from workbench.report.stated import FILE, Stated
from workbench.scores.task import BASE

OUTCOMES = {
    BETTER: "Better than its base",
    WORSE: "Worse than its base",
    OTHER: "Different, where neither way is better",
    OPEN: "No difference shown",
    NONE: "Without a difference to tell",
}

NO_TEST = (
    "No red teaming, no attack on its training data, no test with people and no test in the place where it is going to be "
    "used was made here."
)


def opened(
    path: str,
    *,
    trial: str = "",
    primary: str = "",
    title: str = "",
    price: float = 0.0,
    utilization: float = 1.0,
) -> Report:
    """The report of one trial of a sweep, or of all its seeds; where there is one candidate, nobody need name it."""
    stated = stated_price(price, utilization=utilization)
    whole = read(path)
    one = _candidate(whole, trial)
    alone = _alone(whole, one)
    comparison = Comparison(alone, primary_eval(alone, asked=primary or None), BASE)
    charts = {chart.id: chart for chart in comparison.charts()}
    return Report(comparison, title or default_title(whole.spec.name, one.name), charts, stated)


def default_title(sweep: str, trial: str) -> str:
    """The title of a report nobody named."""
    return f"{trial} of {sweep}"


def heading(report: Report) -> Section:
    """The title, and in one line which adapter this is."""
    reading = report.comparison.reading
    (one,), spec, many = reading.candidates, reading.spec, len(reading.store.trials)
    method = {"LORA": "LoRA", "FULL": "all weights"}.get(spec.adapter.peft_type)
    seeds = wording.listed([str(seed) for seed in one.seeds])
    parts = [f"{method or spec.adapter.peft_type} on {spec.model.id}"]
    if reading.made_elsewhere:
        parts.append("made elsewhere and only evaluated here")
    else:
        parts += [f"trained on {spec.data.id}", f"seed{'s' * (len(one.seeds) > 1)} {seeds}"]
    if spec.quantization is not None and spec.quantization.bits:
        parts.append(f"{spec.quantization.bits}-bit base")
    if many > len(one.trials):
        parts.append(f"one of {many} trials of {reading.store.path.name}")
    if reading.state not in ("done", "failed", "stopped"):
        parts.append(f"the sweep is {reading.state}: this is what there is so far")
    line = "; ".join(parts)
    html = Told('<header class="top"><h1>{}</h1><p class="meta">{}</p></header>').format(
        report.title, line
    )
    told = Told(html, [sentence(line, {"trials": many, "seeds": len(one.seeds)})])
    return Section(report.title, told, {"title": report.title, "sweep": reading.store.path.name})


def learned_and_forgot(report: Report) -> Section:
    """Every eval, by what became of it; folded, all of them in one table."""
    evals = [eval for area in families(report).values() for eval in area]
    if not evals or not leading(report):
        return blocks.NOTHING
    found = [finding(report, eval) for eval in evals]
    parts = []
    for outcome, words in OUTCOMES.items():
        said = [Sentence(one.sentence, one.numbers) for one in found if one.outcome == outcome]
        if said:
            parts += [blocks.subheading(words), blocks.listing(said)]
    whole = blocks.folded("All evals in one table", blocks.table(family_table(report, evals)))
    return blocks.section("What it learned and forgot", *parts, whole)


def training(report: Report) -> Section:
    """The settings it was trained with, and how that ended."""
    reading = report.comparison.reading
    (one,) = reading.candidates
    if reading.made_elsewhere:
        where = reading.made_elsewhere.get(one.trials[0])
        told = where if isinstance(where, dict) else {}
        return blocks.section(
            "Training",
            blocks.paragraph("It was made elsewhere; how it was trained is not stated here."),
            blocks.facts([("sha256 of its weights", str(told.get("sha256") or NOT_STATED))]),
        )
    ends = [reading.outcomes[trial] for trial in one.trials]
    timed = [end.seconds for end in ends if end.seconds is not None]
    parameters, steps = one.trainable_parameters, [end.steps for end in ends]
    facts: list[tuple[str, str] | Fact] = [
        *_settings(reading),
        Fact("trainable parameters", wording.count(parameters), parameters),
        Fact("steps", ", ".join(dict.fromkeys(map(str, steps))), steps),
        Fact("seconds", ", ".join(f"{time:.1f}" for time in timed) or NOT_STATED, timed),
        ("ended", "; ".join(dict.fromkeys(end.reason or end.state for end in ends))),
    ]
    curves = blocks.figure(report.charts.get("learning-curves"))
    return blocks.section("Training", blocks.facts(facts), curves)


def limits(report: Report) -> Section:
    """What people say it is for, and what this report does not show."""
    reading = report.comparison.reading
    (one,), many = reading.candidates, len(reading.store.trials)
    file = reading.store.path / FILE
    stated = Stated.load(file) if file.exists() else Stated()
    facts = [
        ("owner", stated.owner or NOT_STATED),
        ("intended use", _said(stated.intended_use)),
        ("out of scope", _said(stated.out_of_scope_use)),
        ("limitations its owner knows", _said(stated.limitations)),
        ("personal data in its training rows", _said(stated.data_personal)),
        ("consent", _said(stated.data_consent)),
    ]
    words: list[str | Sentence] = [NO_TEST]
    if many > len(one.trials):
        told = f"It is one of {many} trials of its sweep. Where it was taken because it did best there, its own figures are a little too good: luck chooses, too."
        words.insert(0, Sentence(told, {"trials": many}))
    return blocks.section("Limits", blocks.facts(facts), blocks.listing(words))


def not_asked(report: Report) -> Section:
    """The areas that nobody asked about."""
    return outline.not_asked(report)


def _candidate(reading: Reading, name: str) -> Candidate:
    if not name and len(reading.candidates) == 1:
        return reading.candidates[0]
    for one in reading.candidates:
        if one.name == name:
            return one
    for trial in reading.trials:
        if trial.name == name:
            counted = reading.outcomes[name].trainable_parameters
            return Candidate(
                name=name,
                trials=(name,),
                seeds=(trial.spec.seed,),
                varied={},
                trainable_parameters=counted,
            )
    known = [*(one.name for one in reading.candidates), *(one.name for one in reading.trials)]
    came = f"there is no trial {name!r} in this sweep" if name else "this report is about one trial"
    raise SpecError(f"{came}. {nearest(name, dict.fromkeys(known))}")


def _alone(reading: Reading, one: Candidate) -> Reading:
    """The same folder with one candidate in it."""
    slots = {BASE, *one.trials}
    scores = {key: score for key, score in reading.scores.items() if key[0] in slots}
    asked = {eval for slot, eval in scores if slot != BASE}
    trials = tuple(trial for trial in reading.trials if trial.name in slots)
    seeds = {"seed": list(one.seeds)} if len(one.seeds) > 1 else {}
    return replace(
        reading,
        spec=trials[0].spec.replace({"sweep": seeds}),
        trials=trials,
        candidates=(replace(one, varied={}),),
        outcomes={trial.name: reading.outcomes[trial.name] for trial in trials},
        scores={key: score for key, score in scores.items() if key[1] in asked},
        evals=tuple(eval for eval in reading.evals if eval in asked),
        warnings=tuple(event for event in reading.warnings if event.trial in ("", *slots)),
        problems=[],
        worked_out={},
    )


def _settings(reading: Reading) -> list[tuple[str, str]]:
    """What was set, in the names of the libraries; what keeps its default is in the spec at the end."""
    spec = reading.spec
    read_here = READS[spec.adapter.peft_type]
    adapter = {name: getattr(spec.adapter, name) for name in read_here}
    if "lora_alpha" in adapter:
        adapter["lora_alpha"] = spec.adapter.alpha
    train = spec.train.model_dump(include=spec.train.model_fields_set - {"report_to"})
    told = {"peft_type": spec.adapter.peft_type, **adapter, **train}
    return [(name, _value(value)) for name, value in told.items()]


def _said(lines: Sequence[str]) -> str:
    return "; ".join(lines) or NOT_STATED


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value in (None, {}) else str(value)

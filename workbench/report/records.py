"""The record of a comparison report: what differed, what ended early, the data, the machine, how to do it again.

Like `sections.py`, one function a section, each called as one line by a report's notebook. What nobody stated is
said as "not stated"; nothing is guessed.
"""

import json
import os
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from workbench.compare import wording
from workbench.compare.markup import Cell, Column, Line, Table
from workbench.compare.reading import Reading
from workbench.report import blocks
from workbench.report.blocks import NOT_STATED, Fact, Section, Sentence
from workbench.report.sections import Report
from workbench.report.sources import sources
from workbench.scores.task import BASE
from workbench.spec import READS

MOST_TOLD = 40
"""Lines of one kind that are told; how many more there are is said."""

METHOD = (
    "Intervals are 95 %. One figure's interval is Wilson's for shares of right answers and Student's t for means, "
    "both over clusters of items where items belong together; for a median it is between two order statistics. Where "
    "t reaches beyond what a share or a difference of shares can be, the interval is cut there, and its method says so.",
    "A difference is measured on the items that both trials answered: with Newcombe's interval and McNemar's exact "
    "test for right or wrong, with t for means. Items that only one of the two answered are left out and counted.",
    "A score that is no mean of its items (a correlation, an F1) is worked out again from its rows: drawn with "
    "repetition for the interval, swapped between the two trials for the p-value.",
    "p-values are corrected over the family they are shown in: all pairs of trials for the verdict, all differences of "
    "a table for that table. The correction is Westfall and Young's max-T, which turns the signs of whole items for all "
    "comparisons alike and so knows that they share items and trials; Holm's where a score is no mean, and the caption "
    "says which. Below 0.05 a difference is called found. The intervals of a table are not widened; those of the "
    "figure of differences are, so that all of them hold at once.",
    "Beside every difference that was not found stands the one that would have been found 4 times in 5 with these items "
    "and this correction. No difference found is never read as no difference.",
    "The cheapest trial that is enough is shown to be not worse than any other by more than 2 points, by one-sided "
    "intervals corrected for how many there are, since the one that leads may lead by luck.",
    "Items are a sample of what could be asked; seeds are a sample of what could be trained. Intervals and p-values "
    "speak of the first only, unless they say otherwise: how another set of items would have come out for these very "
    "adapters. Where a trial was trained with several seeds its figure is their mean, item by item, and a second "
    "interval covers other items and other seeds; with two or three seeds it is wide, because so few say little.",
)


OF_ALL = ("peft_type", "task_type", "target_modules")
"""Fields of an adapter that every method has."""


def differing(report: Report) -> Section:
    """The fields of the config that differ, and, folded, all the others."""
    reading = report.comparison.reading
    fields = list(reading.differing)
    has_seeds = any(len(one.seeds) > 1 for one in reading.candidates)
    heads = [*fields, "seed"] if has_seeds else fields
    columns = (Column(key="trial", title="trial"), *(Column(key=f, title=f) for f in heads))
    lines = []
    for one in reading.candidates:
        cells = [Cell(raw=v, text=_value(v)) for v in (one.varied.get(f) for f in fields)]
        if has_seeds:
            cells.append(Cell(raw=list(one.seeds), text=", ".join(map(str, one.seeds))))
        lines.append(Line(cells=(Cell(raw=one.name, text=one.name), *cells)))
    found = Table(columns=columns, lines=tuple(lines)) if heads else None
    return blocks.section(
        "What differs",
        blocks.table(found)
        or blocks.paragraph("There is one configuration; nothing differs between trials."),
        blocks.folded("What all trials have in common", _common(report)),
    )


def endings(report: Report) -> Section:
    """What was stopped or failed and why, what was warned of, and what could not be read."""
    reading = report.comparison.reading
    ended = [
        Sentence(f"{name}: {end.reason}", {"trial": name, "step": end.steps})
        for name, end in reading.outcomes.items()
        if end.reason
    ]
    waiting = [
        f"{name}: {end.state}"
        for name, end in reading.outcomes.items()
        if not end.reason and end.state not in ("done", "trained")
    ]
    warned = list(dict.fromkeys(one.message for one in reading.warnings))
    unscored = [
        told
        for name, trials in [(BASE, (BASE,)), *((c.name, c.trials) for c in reading.candidates)]
        for eval in reading.evals
        if (told := _unscored(reading, name, trials=trials, eval=eval))
    ]
    missing = [
        f"{slot} on {eval}: {s.method}"
        for (slot, eval), s in reading.scores.items()
        if s.value is None
    ]
    near = f"{reading.store.path.parent}{os.sep}"
    groups: tuple[tuple[str, Sequence[str | Sentence]], ...] = (
        ("Stopped, failed or not finished", [*ended, *waiting]),
        ("Without a figure", missing),
        ("Answers that could not be scored", unscored[:MOST_TOLD]),
        ("Could not be read", [one.replace(near, "") for one in reading.problems]),
        ("Warnings", warned[:MOST_TOLD]),
    )
    parts = [
        part
        for title, texts in groups
        if texts
        for part in (blocks.subheading(title), blocks.listing(texts))
    ]
    left_out = [
        blocks.paragraph(f"{what}: {found - MOST_TOLD} more.", numbers={"more": found - MOST_TOLD})
        for what, found in (("Answers", len(unscored)), ("Warnings", len(warned)))
        if found > MOST_TOLD
    ]
    nothing = blocks.paragraph("Every trial trained to its end, and every answer could be scored.")
    return blocks.section("What went wrong", *(parts or [nothing]), *left_out)


def _unscored(reading: Reading, name: str, *, trials: Sequence[str], eval: str) -> Sentence | None:
    """How many answers of a candidate, all its seeds together, have no value or were cut."""
    found = [score for trial in trials if (score := reading.score(trial, eval)) is not None]
    scored = [one for one in found if one.value is not None]
    errors, cut = sum(one.errors for one in scored), sum(one.truncated for one in scored)
    if not errors and not cut:
        return None
    asked = sum(one.n + one.errors for one in scored)
    words = f"{name} on {eval}: {errors} of {asked} answers"
    if len(scored) > 1:
        words += f" of {len(scored)} seeds"
    words += " without a value" + (f", {cut} cut at the length limit" if cut else "")
    counted = {"errors": errors, "asked": asked, "truncated": cut, "seeds": len(scored)}
    return Sentence(words, {"candidate": name, "eval": eval, **counted})


def data(report: Report) -> Section:
    """The training data: source, licence, sizes, duplicates and leaks."""
    cards = report.comparison.reading.data_cards
    if not cards:
        return blocks.section("Data", blocks.paragraph("The sweep has not stored a data card."))
    leaks = report.comparison.reading.eval_leaks
    told = [part for card in cards for part in _card(card)]
    if leaks:
        counted = ", ".join(f"{name} {count}" for name, count in leaks.items())
        told.append(
            blocks.paragraph(
                f"Eval items whose question and answer are trained on: {counted}.", numbers=leaks
            )
        )
    return blocks.section("Data", *told)


def method(report: Report) -> Section:
    """How the figures were made, in words."""
    return blocks.section("How to read the figures", blocks.listing(METHOD))


def provenance(report: Report) -> Section:
    """Versions, machine, seeds, fingerprints."""
    reading = report.comparison.reading
    known = reading.provenance
    attempt = reading.store.status().attempt
    pairs = [
        ("sweep", reading.store.path.name),
        ("spec", f"fingerprint {reading.spec.fingerprint()}"),
        _models(reading),
        Fact("attempts", str(attempt or ""), attempt),
        _seeds(reading),
        ("workbench", _stated(known.get("workbench"))),
        ("commit", _commit(known.get("commit"))),
        ("python", _stated(known.get("python"))),
        *_machine(known),
    ]
    versions = known.get("versions") or {}
    shown = [(name, str(version)) for name, version in versions.items() if version]
    found = sources(reading)
    hashed = (
        f"The document beside this page, with the same name and the ending .json, has every number of it, and the SHA-256 "
        f"of the {len(found)} stored files that it was made from."
    )
    return blocks.section(
        "Provenance",
        blocks.facts(pairs),
        blocks.folded("Versions of the libraries", blocks.facts(shown)),
        blocks.paragraph(hashed, numbers={"files": len(found)}),
        about={"sources": found},
    )


def _models(reading: Reading) -> tuple[str, str]:
    models = [trial.spec.model for trial in reading.trials] or [reading.spec.model]
    told = dict.fromkeys(f"{one.id}, revision {one.revision or NOT_STATED}" for one in models)
    return "model" if len(told) == 1 else "models", "; ".join(told)


def _seeds(reading: Reading) -> Fact:
    if reading.made_elsewhere:
        return Fact("seeds", "unknown: made elsewhere")
    seeds = list(dict.fromkeys(trial.spec.seed for trial in reading.trials))
    return Fact("seeds", ", ".join(map(str, seeds)), seeds)


def _machine(known: dict[str, Any]) -> list[tuple[str, str] | Fact]:
    """What the sweep ran on."""
    cpu, platform = known.get("cpu") or {}, known.get("platform") or {}
    is_told = isinstance(cpu, dict)
    cores, memory = cpu.get("cores") if is_told else None, known.get("memory_bytes")
    system = (
        " ".join(str(platform[one]) for one in ("system", "machine", "libc") if platform.get(one))
        if isinstance(platform, dict)
        else str(platform)
    )
    told = f"{memory / 1e9:.1f} GB" if isinstance(memory, int | float) else NOT_STATED
    return [
        ("device", _stated(known.get("device"))),
        ("graphics", ", ".join(map(str, known.get("gpus") or ()))),
        ("processor", _stated(cpu.get("model") if is_told else cpu)),
        Fact("cores", _stated(cores), cores),
        Fact("threads", _stated(known.get("threads")), known.get("threads")),
        Fact("memory", told, memory),
        ("system", _stated(system)),
    ]


def reproduce(report: Report) -> Section:
    """The spec, and the commands that run it and write this report."""
    spec = report.comparison.reading.spec
    name = spec.name
    if report.comparison.reading.made_elsewhere:
        return _ask_again(report)
    lines = (
        f".venv/bin/workbench run {name}.yaml --runs runs",
        f".venv/bin/workbench report runs/{name} --out reports/{name}.html",
    )
    return blocks.section(
        "How to reproduce",
        Markup("<p>Save this spec as <code>{}</code>:</p>").format(f"{name}.yaml"),
        blocks.code(spec.to_yaml(), label="The spec of the sweep"),
        blocks.paragraph("Then run it, and write this report:"),
        blocks.code("\n".join(lines), label="Commands"),
    )


def _ask_again(report: Report) -> Section:
    reading = report.comparison.reading
    spec, adapters = reading.spec, reading.made_elsewhere
    data = "" if spec.data.id == "none" else f" --data {spec.data.id}"
    lines = (
        f".venv/bin/workbench eval {' '.join(adapters)} --base {spec.model.id} "
        f"--evals {','.join(spec.evals)}{data} --out runs/{spec.name}",
        f".venv/bin/workbench report runs/{spec.name} --out reports/{spec.name}.html",
    )
    return blocks.section(
        "How to reproduce",
        blocks.paragraph(
            "Nothing was trained here: these adapters were made elsewhere. Put their folders here; their "
            "weights have these SHA-256:"
        ),
        blocks.facts([(name, told.get("sha256") or NOT_STATED) for name, told in adapters.items()]),
        blocks.code("\n".join(lines), label="Commands"),
    )


def _common(report: Report) -> Markup:
    spec = report.comparison.reading.spec
    left_out = {"name", "sweep", "evals"}
    if report.comparison.reading.made_elsewhere:
        # Nobody here knows how they were trained.
        left_out |= {"train", "seed"}
    fields = spec.model_dump(mode="json", exclude=left_out)
    varied = {part.strip() for axis in spec.sweep for part in axis.split(",")}
    if isinstance(adapter := fields.get("adapter"), dict) and "adapter.peft_type" not in varied:
        read = READS[spec.adapter.peft_type]
        fields["adapter"] = {k: v for k, v in adapter.items() if k in (*read, *OF_ALL)}
        if "lora_alpha" in read and spec.adapter.lora_alpha is None:
            fields["adapter"]["lora_alpha"] = "twice the rank"
    flat = _flat(fields)
    return blocks.facts([Fact(key, _value(v), v) for key, v in flat.items() if key not in varied])


def _flat(fields: dict[str, Any], *, above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in fields.items():
        dotted = f"{above}{key}"
        if isinstance(value, dict) and value:
            found |= _flat(value, above=f"{dotted}.")
        elif value not in (None, {}, []):
            found[dotted] = value
    return found


def _card(card: dict[str, Any]) -> list[Markup]:
    counts = (
        "rows",
        "train_rows",
        "held_out_rows",
        "duplicates",
        "near_duplicates",
        "held_out_leaks",
    )
    words = {
        "train_rows": "trained on",
        "held_out_rows": "held out",
        "near_duplicates": "near duplicates",
        "held_out_leaks": "held-out rows also trained on",
    }
    pairs: list[tuple[str, str] | Fact] = [
        ("source", _stated(card.get("source"))),
        ("licence", _stated(card.get("license"))),
        *(Fact(words.get(key, key), _counted(card.get(key)), card.get(key)) for key in counts),
        Fact("cut at max_length", _counted(card.get("truncated")), card.get("truncated")),
        ("columns", ", ".join(map(str, card.get("columns") or ()))),
        ("sha256", str(card.get("sha256") or "")[:16]),
    ]
    known = {
        *counts,
        "source",
        "license",
        "truncated",
        "columns",
        "sha256",
        "notes",
        "format",
        "kind",
    }
    others = {key: value for key, value in card.items() if key not in known and value}
    more = blocks.facts([Fact(key, _value(value), value) for key, value in others.items()])
    notes = blocks.listing(map(str, card.get("notes") or ()))
    return [blocks.facts(pairs), notes, blocks.folded("More of the data card", more) or Markup("")]


def _commit(told: Any) -> str:
    if not isinstance(told, dict):
        return _stated(told)
    return str(told.get("id"))[:12] + (", with local changes" if told.get("dirty") else "")


def _counted(value: Any) -> str:
    return (
        wording.count(value)
        if isinstance(value, int)
        else NOT_STATED
        if value is None
        else str(value)
    )


def _stated(value: Any) -> str:
    return NOT_STATED if value in (None, "") else str(value)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return wording.MISSING if value is None else str(value)

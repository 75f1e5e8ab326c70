"""The text of a model card, under the headings of the Hub's own template: what it is, what for, from what, how good, how to use it.

`body(subject)` writes Markdown from what the run stored and what people stated. What nobody stated says "not stated"; of an
adapter that was made elsewhere nothing is claimed about its training. Words of other people pass through `markdown.py`.
"""

import json
from collections.abc import Sequence
from typing import Any

from workbench.compare import wording
from workbench.compare.control import base_beside
from workbench.report import markdown as md
from workbench.report.blocks import NOT_STATED
from workbench.report.card_evaluation import evaluation, not_asked
from workbench.report.card_loading import loading
from workbench.report.card_metadata import languages
from workbench.report.subject import Subject, for_others
from workbench.spec import READS, Spec

COUNTS = (
    ("rows", "rows in the source"),
    ("train_rows", "rows trained on"),
    ("held_out_rows", "rows held out"),
    ("duplicates", "duplicates"),
    ("near_duplicates", "near duplicates"),
    ("held_out_leaks", "held-out rows that are trained on, too"),
    ("truncated", "rows cut at max_length"),
)
"""Numbers of a data card, in words."""

METHODS = {
    "LORA": "LoRA adapter",
    "IA3": "IA3 adapter",
    "VERA": "VeRA adapter",
    "PROMPT_TUNING": "Soft prompt (prompt tuning)",
    "FULL": "Model with all weights trained",
}


def body(subject: Subject) -> str:
    """Everything under the metadata."""
    return md.joined(
        f"# Model Card for {md.text(subject.reading.spec.name)} / {md.text(subject.name)}",
        _summary(subject),
        md.section(
            "Model Details", md.section("Model Description", _description(subject), level=3)
        ),
        md.section(
            "Uses",
            md.section("Direct Use", _said(subject.stated.intended_use), level=3),
            md.section("Out-of-Scope Use", _said(subject.stated.out_of_scope_use), level=3),
        ),
        md.section("Bias, Risks, and Limitations", _limits(subject)),
        md.section("How to Get Started with the Model", *loading(subject)),
        _training(subject),
        evaluation(subject),
        md.section("Environmental Impact", _impact(subject)),
        md.section("Technical Specifications", _software(subject)),
        md.section("How to Reproduce", *_reproduce(subject)),
        md.section("Model Card Contact", _said(_one(subject.stated.contact))),
    )


def _summary(subject: Subject) -> str:
    found = subject.comparison.verdict
    what = f"{METHODS[subject.spec.adapter.peft_type]} on {md.code(subject.base_name)}."
    if found.kind != "single" or found.difference is None:
        return f"{what} No figure of it can be held against its base."
    score = subject.reading.score(subject.name, found.primary)
    base = base_beside(subject.reading, subject.name, found.primary)
    unit = score.unit if score is not None else ""
    ends = wording.interval(found.low, found.high, unit)
    gap = wording.signed(found.difference, unit) + (" points" if wording.is_share(unit) else "")
    before = wording.amount(base.value, unit) if base is not None else wording.MISSING
    return (
        f"{what} On {md.code(found.primary)} it gets {wording.amount(found.value, unit)}, its base {before}: a paired "
        f"difference of {md.text(f'{gap} {ends}')}, n = {found.n}."
    )


def _description(subject: Subject) -> str:
    spec, stated = subject.spec, subject.stated
    parameters = subject.outcome.trainable_parameters
    bits = spec.quantization.bits if spec.quantization is not None else None
    return md.facts(
        [
            ("Developed by", _said(_one(stated.owner))),
            ("Model type", METHODS[spec.adapter.peft_type]),
            ("Language(s) (NLP)", md.text(", ".join(languages(subject))) or NOT_STATED),
            ("License", _said(_one(stated.license))),
            ("Finetuned from model", md.code(subject.base_name)),
            ("Base revision", md.text(spec.model.revision or NOT_STATED)),
            ("Base stored in", f"{bits} bits" if bits else spec.model.dtype),
            ("Trainable parameters", f"{parameters:,}" if parameters else NOT_STATED),
            ("SHA-256 of the adapter's weights", md.code(subject.sha256) if subject.sha256 else ""),
        ]
    )


def _limits(subject: Subject) -> str:
    """What speaks against trusting it, then what people say of it."""
    found = [md.text(one.sentence) for one in subject.comparison.verdict.caveats]
    if subject.among > 1:
        found.append(
            f"It is one of {subject.among} trials of its sweep. Where it was taken because it did best there, its own "
            "figures are a little too good: luck chooses, too."
        )
    if subject.outcome.reason:
        found.append(f"Its training: {md.text(subject.outcome.reason)}.")
    missing = not_asked(subject)
    if missing:
        found.append(f"Not asked: {wording.listed([name.lower() for name in missing])}.")
    found.append(
        "No red teaming, no attack on its training data, no test with people and no test in the place where it is "
        "going to be used was made here."
    )
    stated = subject.stated.limitations
    if not stated:
        found.append(f"Limitations that its owner knows of: {NOT_STATED}.")
    told = md.section("Limitations Stated by Its Owner", _said(stated), level=3) if stated else ""
    return md.joined(md.bullets(found), told)


def _training(subject: Subject) -> str:
    data = md.section("Training Data", *_data(subject), level=3)
    if subject.is_foreign:
        elsewhere = (
            "It was trained elsewhere and only evaluated here. How it was trained is not stated; the data named below "
            "are those it was asked about."
        )
        return md.section("Training Details", elsewhere, data)
    return md.section(
        "Training Details",
        data,
        md.section(
            "Training Procedure",
            md.section("Training Hyperparameters", _hyperparameters(subject), level=4),
            md.section("Speeds, Sizes, Times", _times(subject), level=4),
            level=3,
        ),
    )


def _data(subject: Subject) -> list[str]:
    cards = subject.reading.data_cards
    told = [_card(card) for card in cards] or ["The run has not stored a data card."]
    leaks = subject.reading.eval_leaks
    if leaks:
        counted = ", ".join(f"{md.code(name)} {count}" for name, count in leaks.items())
        told.append(
            f"Eval items whose question and answer are trained on, word for word: {counted}."
        )
    stated = subject.stated
    said = (
        ("Origin", stated.data_origin),
        ("Data of persons", stated.data_personal),
        ("Consent", stated.data_consent),
        ("Retention", stated.data_retention),
    )
    return [*told, md.facts((name, _inline(lines)) for name, lines in said)]


def _card(card: dict[str, Any]) -> str:
    source = for_others(str(card.get("source") or NOT_STATED))
    pairs = [("Source", md.code(source)), ("Licence of the data", _text(card.get("license")))]
    pairs += [(words.capitalize(), _counted(card.get(key))) for key, words in COUNTS]
    pairs += [
        ("Format", md.text(", ".join(map(str, card.get("format") or ())))),
        ("SHA-256 of what the rows say", md.code(card["sha256"]) if card.get("sha256") else ""),
    ]
    notes = [md.text(note) for note in card.get("notes") or ()]
    return md.joined(md.facts(pairs), md.bullets(notes))


def _hyperparameters(subject: Subject) -> str:
    spec = subject.spec
    adapter = {name: getattr(spec.adapter, name) for name in READS[spec.adapter.peft_type]}
    if "lora_alpha" in adapter:
        adapter["lora_alpha"] = spec.adapter.alpha
    quantization = {} if spec.quantization is None else spec.quantization.model_dump()
    groups = (
        ("adapter", adapter),
        ("train", spec.train.model_dump(exclude={"report_to"})),
        ("quantization", quantization),
    )
    rows = [["dtype", md.code(spec.model.dtype)], ["seed", str(spec.seed)]]
    rows += [
        [md.code(f"{part}.{name}"), md.code(_value(value))]
        for part, fields in groups
        for name, value in fields.items()
        if value not in (None, {}, (), [])
    ]
    return md.table(("field", "value"), rows)


def _times(subject: Subject) -> str:
    end, reading = subject.outcome, subject.reading
    peak = reading.measured.get("peak_rss_bytes")
    together = next((g for g in reading.plan.get("groups") or () if subject.name in g), ())
    share = f", its share of passes that {len(together)} trials had in common"
    return md.facts(
        [
            ("Ended", md.text(end.state)),
            ("Steps", f"{end.steps:,}"),
            (
                "Training time",
                f"{end.seconds:.1f} s{share if len(together) > 1 else ''}"
                if end.seconds is not None
                else NOT_STATED,
            ),
            (
                "Peak memory of the whole sweep's process",
                f"{peak / 1e9:.2f} GB" if isinstance(peak, int | float) else NOT_STATED,
            ),
        ]
    )


def _impact(subject: Subject) -> str:
    known = subject.reading.provenance
    cpu = known.get("cpu") or {}
    gpus = ", ".join(map(str, known.get("gpus") or ()))
    processor = cpu.get("model") if isinstance(cpu, dict) else cpu
    return md.joined(
        "Energy, water and emissions were not measured.",
        md.facts(
            [("Hardware Type", _text(gpus or processor)), ("Device", _text(known.get("device")))]
        ),
    )


def _software(subject: Subject) -> str:
    known = subject.reading.provenance
    versions = [
        f"{name} {version}" for name, version in (known.get("versions") or {}).items() if version
    ]
    commit = known.get("commit")
    told = str(commit.get("id"))[:12] if isinstance(commit, dict) else ""
    changed = ", with local changes" if isinstance(commit, dict) and commit.get("dirty") else ""
    return md.facts(
        [
            (
                "PEFT Workbench",
                _text(known.get("workbench")) + (f" ({told}{changed})" if told else ""),
            ),
            ("Python", _text(known.get("python"))),
            ("Libraries", md.text(", ".join(versions)) or NOT_STATED),
        ]
    )


def _reproduce(subject: Subject) -> list[str]:
    if subject.is_foreign:
        return ["It was made elsewhere; how is not stated."]
    fields = subject.spec.model_dump(mode="json", exclude_unset=True)
    named = f"{subject.reading.spec.name}-{subject.name}"[:64].rstrip("-.")
    spec = Spec.from_fields({**fields, "name": named, "sweep": {}})
    changes = _without_places(spec)
    spec = spec.replace(changes) if changes else spec
    moved = "Folders and files of the machine it was made on stand in it by their names alone: put their places in."
    return [
        f"Save this spec as {md.code(f'{named}.yaml')}. {moved if changes else ''}".strip(),
        md.fenced(spec.to_yaml(), language="yaml"),
        md.fenced(f"workbench run {named}.yaml --runs runs", language="sh"),
        "`script.py` in the trial's folder does the same in plain PEFT and TRL.",
    ]


def _without_places(spec: Spec) -> dict[str, Any]:
    """Fields that name a place on this machine, with what may be told of it."""
    places: dict[str, Any] = {"model.id": spec.model.id, "data.id": spec.data.id}
    if spec.data.validation is not None and spec.data.validation.id is not None:
        places["data.validation.id"] = spec.data.validation.id
    told: dict[str, Any] = {field: for_others(place) for field, place in places.items()}
    split = [eval.partition(":") for eval in spec.evals]
    places["evals"] = list(spec.evals)
    told["evals"] = [f"{kind}{colon}{for_others(place)}" for kind, colon, place in split]
    return {field: told[field] for field in places if told[field] != places[field]}


def _one(line: str | None) -> tuple[str, ...]:
    return () if line is None else (line,)


def _said(lines: Sequence[str]) -> str:
    """What people stated: one text as it is, several as a list."""
    if not lines:
        return NOT_STATED
    if len(lines) == 1:
        return md.paragraphs(lines[0]) or NOT_STATED
    return md.bullets(" ".join(md.paragraphs(line).split("\n\n")) for line in lines)


def _inline(lines: Sequence[str]) -> str:
    """The same, inside a line."""
    return "; ".join(" ".join(md.paragraphs(line).split("\n\n")) for line in lines) or NOT_STATED


def _text(value: Any) -> str:
    return NOT_STATED if value in (None, "") else md.text(value)


def _counted(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else _text(value)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, tuple | dict) else str(value)

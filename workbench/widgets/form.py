"""Between a form and a spec: what a person wrote in each field, and the spec that it means.

`fields_of(spec)` fills a form, `spec_from(fields, base=spec)` reads one back: the fields the form covers are taken from
it, everything else stays as the base spec has it. Several values in a field make an axis of the sweep. Pure: no widget,
no model, no rows; each problem is told for the field that it belongs to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from workbench.errors import SpecError
from workbench.spec import QuantizationSpec, Spec

ALL_LINEAR = "all-linear"

QUANTIZATIONS = {
    "none": None,
    "8-bit": {"load_in_8bit": True},
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
}
"""The choices of the form, as fields of BitsAndBytesConfig."""

DOTTED = {
    "name": "name",
    "model_id": "model.id",
    "data_id": "data.id",
    "ranks": "adapter.r",
    "targets": "adapter.target_modules",
    "quantization": "quantization",
    "learning_rate": "train.learning_rate",
    "epochs": "train.num_train_epochs",
    "max_steps": "train.max_steps",
    "seeds": "seed",
}
"""Field of the form -> field of the spec."""

LISTS = ("ranks", "learning_rate", "seeds")
"""Fields that may hold several values, each of which becomes an axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A form as it is filled in: numbers as they were written, choices as they were made."""

    name: str
    model_id: str
    data_id: str
    ranks: tuple[int, ...]
    targets: tuple[str, ...]
    quantization: str
    double_quant: bool
    learning_rate: str
    epochs: str
    max_steps: str
    seeds: str


FIELDS = tuple(field.name for field in fields(Fields))


def fields_of(spec: Spec) -> Fields:
    """The form that shows a spec."""
    wanted = spec.adapter.target_modules
    return Fields(
        name=spec.name,
        model_id=spec.model.id,
        data_id=spec.data.id,
        ranks=tuple(_points(spec, "adapter.r") or (spec.adapter.r,)),
        targets=(wanted,) if isinstance(wanted, str) else wanted,
        quantization=_quantization_word(spec.quantization),
        double_quant=bool(spec.quantization and spec.quantization.bnb_4bit_use_double_quant),
        learning_rate=_listed(_points(spec, "train.learning_rate") or [spec.train.learning_rate]),
        epochs=f"{spec.train.num_train_epochs:g}",
        max_steps="" if spec.train.max_steps < 0 else str(spec.train.max_steps),
        seeds=_listed(_points(spec, "seed") or [spec.seed]),
    )


def locked(spec: Spec) -> dict[str, str]:
    """Fields that the form cannot show truly, because the sweep varies them in another way, with the reason."""
    reasons = {}
    for key, points in spec.sweep.items():
        parts = [part.strip() for part in key.split(",")]
        for field, dotted in DOTTED.items():
            alone = len(parts) == 1 and field in LISTS
            touched = any(part == dotted or part.startswith(dotted + ".") for part in parts)
            if touched and not alone:
                values = "value" if len(points) == 1 else "values"
                reasons[field] = f"set by the sweep: {key} ({len(points)} {values})"
    return reasons


def spec_from(filled: Fields, *, base: Spec) -> tuple[Spec | None, dict[str, str]]:
    """The spec a form means, or None and what is wrong, by field (`""` for the form as a whole)."""
    problems: dict[str, str] = {}
    held = locked(base)
    values = {
        "ranks": list(filled.ranks) or _wrong(problems, "ranks", "choose at least one rank"),
        "targets": _targets(filled.targets, problems),
        "learning_rate": _numbers(filled.learning_rate, "learning_rate", problems),
        "epochs": _number(filled.epochs, "epochs", problems),
        "max_steps": _number(filled.max_steps, "max_steps", problems, blank=-1),
        "seeds": _numbers(filled.seeds, "seeds", problems),
        "quantization": _quantization(filled, base.quantization),
        "name": filled.name.strip(),
        "model_id": filled.model_id.strip(),
        "data_id": filled.data_id.strip(),
    }
    problems = {field: text for field, text in problems.items() if field not in held}
    if problems:
        return None, problems
    changes: dict[str, Any] = {}
    sweep: dict[str, Any] = {key: list(points) for key, points in base.sweep.items()}
    for field, value in values.items():
        if field in held:
            continue
        dotted = DOTTED[field]
        if field in LISTS:
            if len(value) > 1:
                sweep[dotted] = value
                continue
            sweep.pop(dotted, None)
            value = value[0]
        if value != _current(base, dotted):
            changes[dotted] = value
    try:
        made = base.replace({**changes, "sweep": sweep})
    except SpecError as error:
        return None, by_field(str(error))
    return (made if made.sweep else _without_empty_sweep(made)), {}


def _without_empty_sweep(spec: Spec) -> Spec:
    """The same run, whose YAML does not end in `sweep: {}`."""
    said = spec.model_dump(mode="json", exclude_unset=True)
    return Spec.from_fields({key: value for key, value in said.items() if key != "sweep"})


def by_field(message: str) -> dict[str, str]:
    r"""A message of the spec, sorted to the fields of the form that it names.

    >>> by_field("the spec cannot be used:\n  train.learning_rate: must be above 0; got -1.0")
    {'learning_rate': 'must be above 0; got -1.0'}
    """
    problems: dict[str, str] = {}
    rest = []
    for line in message.splitlines():
        where, colon, reason = line.strip().partition(": ")
        field = next((f for f, d in DOTTED.items() if _lies_in(where, d)), None)
        if colon and field:
            problems.setdefault(field, reason)
        elif not line.endswith("cannot be used:"):
            rest.append(line.strip())
    if rest:
        problems[""] = "\n".join(rest)
    return problems


def _lies_in(where: str, dotted: str) -> bool:
    return where == dotted or where.startswith((dotted + ".", dotted + "["))


def _wrong(problems: dict[str, str], field: str, text: str) -> list[Any]:
    problems[field] = text
    return [None]


def _numbers(text: str, field: str, problems: dict[str, str]) -> list[Any]:
    words = [word for word in re.split(r"[,;\s]+", text.strip()) if word]
    if not words:
        return _wrong(problems, field, "write a number, or several with commas between")
    try:
        values = [int(word) if re.fullmatch(r"[+-]?\d+", word) else float(word) for word in words]
    except ValueError:
        return _wrong(problems, field, f"got {text!r}; write a number, or several with commas")
    if len(set(values)) != len(values):
        return _wrong(problems, field, f"got {text!r}, which names a value twice")
    return values


def _number(text: str, field: str, problems: dict[str, str], *, blank: int | None = None) -> Any:
    if not text.strip() and blank is not None:
        return blank
    values = _numbers(text, field, problems)
    if len(values) > 1:
        return _wrong(problems, field, f"got {text!r}; one number is needed here")[0]
    return values[0]


def _targets(chosen: tuple[str, ...], problems: dict[str, str]) -> Any:
    if not chosen:
        return _wrong(problems, "targets", "choose at least one module, or all-linear")[0]
    return ALL_LINEAR if ALL_LINEAR in chosen else sorted(chosen)


def _quantization(filled: Fields, base: QuantizationSpec | None) -> dict[str, Any] | None:
    chosen = QUANTIZATIONS[filled.quantization]
    if chosen is None:
        return None
    same = _quantization_word(base) == filled.quantization and base is not None
    kept = base.model_dump(mode="json", exclude_unset=True) if same and base else {}
    kept.pop("bnb_4bit_use_double_quant", None)
    double = (
        {"bnb_4bit_use_double_quant": True}
        if filled.double_quant and "4" in filled.quantization
        else {}
    )
    return {**kept, **chosen, **double}


def _quantization_word(quantization: QuantizationSpec | None) -> str:
    if quantization is None or quantization.bits is None:
        return "none"
    return "8-bit" if quantization.bits == 8 else quantization.bnb_4bit_quant_type


def _points(spec: Spec, dotted: str) -> list[Any]:
    return list(spec.sweep.get(dotted, ()))


def _listed(values: list[Any]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


def _current(base: Spec, dotted: str) -> Any:
    found: Mapping[str, Any] | Any = base.model_dump(
        mode="json", exclude_unset=dotted == "quantization"
    )
    for part in dotted.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found

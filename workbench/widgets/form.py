"""Between a form and a spec: what a person wrote in each field, and the spec that it means.

`fields_of(spec)` fills a form, `spec_from(fields, base=spec)` reads one back: what still says what the base spec says is
left as the base has it, to the digit; an empty field takes the default. Several ranks, learning rates or seeds make an
axis of the sweep, and so does each row of "Also try". Pure: no widget, no model, no rows; each problem is told for the
field that it belongs to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from workbench.errors import SpecError
from workbench.spec import READS, QuantizationSpec, Spec
from workbench.widgets import axes
from workbench.widgets.entries import (
    BY_NAME,
    ENTRIES,
    PATTERN,
    neat,
    number,
    split,
    text_of,
    value_of,
)
from workbench.widgets.field_names import DOTTED, by_field
from workbench.widgets.precision import QUANTIZATIONS
from workbench.widgets.precision import word_of as quantization_word

ALL_LINEAR = "all-linear"

_TURN = {"adapter.r": 0, axes.ALPHA_LINK: 0, "train.learning_rate": 0, "seed": 2}
_STORED = ("bnb_4bit_compute_dtype", "llm_int8_threshold", "llm_int8_skip_modules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A form as it is filled in: numbers as they were written, choices as they were made."""

    name: str
    model_id: str
    data_id: str
    ranks: tuple[int, ...]
    alpha: str
    """A number, or a multiple of the rank such as `1 r`; empty for 2 r."""
    targets: tuple[str, ...]
    rank_pattern: Mapping[str, int]
    """Ranks of single modules, as the model map paints them."""
    alpha_pattern: Mapping[str, float]
    quantization: str
    double_quant: bool
    learning_rate: str
    epochs: str
    max_steps: str
    seeds: str
    evals: tuple[str, ...]
    also: tuple[tuple[str, str], ...]
    """Rows of "Also try": the key of an axis, and its values as text."""
    others: Mapping[str, str | bool]
    """The plain fields, by the last part of their name in the spec."""


SPECIAL = tuple(field.name for field in fields(Fields) if field.name != "others")
FIELDS = (*SPECIAL, *BY_NAME)
"""Every field of the form."""


def fields_of(spec: Spec) -> Fields:
    """The form that shows a spec."""
    adapter, wanted = spec.adapter, spec.adapter.target_modules
    linked = spec.sweep.get(axes.ALPHA_LINK, ())
    times = axes.multiple(linked) if linked else None
    ranks = [r for r, _ in linked] if times else _points(spec, "adapter.r") or [adapter.r]
    said = spec.model_dump(mode="json")
    said["quantization"] = said["quantization"] or QuantizationSpec().model_dump(mode="json")
    return Fields(
        name=spec.name,
        model_id=spec.model.id,
        data_id=spec.data.id,
        ranks=tuple(ranks),
        alpha=f"{neat(times)} r" if times else "" if adapter.lora_alpha is None else neat(adapter.lora_alpha),
        targets=(wanted,) if isinstance(wanted, str) else wanted,
        rank_pattern=dict(adapter.rank_pattern),
        alpha_pattern=dict(adapter.alpha_pattern),
        quantization=quantization_word(spec.quantization),
        double_quant=bool(spec.quantization and spec.quantization.bnb_4bit_use_double_quant),
        learning_rate=_listed(_points(spec, "train.learning_rate") or [spec.train.learning_rate]),
        epochs=neat(spec.train.num_train_epochs),
        max_steps="" if spec.train.max_steps < 0 else str(spec.train.max_steps),
        seeds=_listed(_points(spec, "seed") or [spec.seed]),
        evals=spec.evals,
        also=axes.rows_of(spec),
        others={name: text_of(entry.dotted, _at(said, entry.dotted)) for name, entry in BY_NAME.items()},
    )  # fmt: skip


def held_by(filled: Fields) -> dict[str, str]:
    """Fields that are not the form's to set, because an axis varies them or the method reads none, with the reason."""
    reasons: dict[str, str] = {}
    for key, text in filled.also:
        count = len(split(text))
        for field, dotted in DOTTED.items():
            if key and axes.touches(key, dotted):
                reasons[field] = axes.said_of(key, count=count)
    method = str(filled.others.get("peft_type") or "LORA")
    if "peft_type" not in reasons and method in READS:
        for field, dotted in DOTTED.items():
            part, _, name = dotted.partition(".")
            if part == "adapter" and name not in (*READS[method], "peft_type"):
                reasons[field] = f"{method} does not read it"
    return reasons


def locked(spec: Spec) -> dict[str, str]:
    """Fields of the form that show a spec which are not the form's to set, with the reason."""
    return held_by(fields_of(spec))


def spec_from(filled: Fields, *, base: Spec) -> tuple[Spec | None, dict[str, str]]:
    """The spec a form means, or None and what is wrong, by field (`""` for the form as a whole)."""
    draft = _Draft(filled, base)
    draft.read()
    if draft.problems:
        return None, draft.problems
    try:
        made = Spec.from_fields(draft.fields())
    except SpecError as error:
        problems = by_field(str(error))
        keys = [key for key, _ in filled.also if key]
        moved = {f: k for k in keys for f in problems if f in DOTTED and axes.touches(k, DOTTED[f])}
        return None, {f"also:{moved[f]}" if f in moved else f: t for f, t in problems.items()}
    return made, {}


class _Draft:
    """What becomes the spec: the base as it was said, with what the form says otherwise."""

    def __init__(self, filled: Fields, base: Spec) -> None:
        self.filled, self.base, self.shown = filled, base, fields_of(base)
        self.held = held_by(filled)
        self.problems: dict[str, str] = {}
        self.said: dict[str, Any] = base.model_dump(mode="json", exclude_unset=True)
        self.said.pop("sweep", None)
        self.now: dict[str, Any] = base.model_dump(mode="json")
        self.sweep = axes.read(filled.also, base=base, problems=self.problems)

    def read(self) -> None:
        for field in ("name", "model_id", "data_id"):
            if self._asks(field):
                self._put(DOTTED[field], getattr(self.filled, field).strip())
        self._read_ranks()
        self._read_list("learning_rate")
        self._read_list("seeds")
        for field, blank in (("epochs", None), ("max_steps", -1)):
            if self._asks(field):
                self._read_one(field, blank=blank)
        if self._asks("targets"):
            self._read_targets()
        for field in ("rank_pattern", "alpha_pattern"):
            if self._asks(field):
                self._put(DOTTED[field], dict(getattr(self.filled, field)), drop_if={})
        if self._asks("evals"):
            self._put("evals", list(self.filled.evals))
        self._read_quantization()
        self._read_others()
        method = self.filled.others.get("peft_type") or "LORA"
        if "peft_type" not in self.held and self._asks("peft_type"):
            kept = {*READS[str(method)], "peft_type", "adapter_name"} if method in READS else None
            adapter = self.said.get("adapter", {})
            for name in set(adapter) - kept if kept else ():
                del adapter[name]

    def fields(self) -> dict[str, Any]:
        """The mapping that the spec is made of, its axes in the order they had."""
        # Seeds vary fastest: trials that differ in nothing else stand together.
        fresh = sorted(self.sweep, key=lambda key: _TURN.get(key, 1))
        order = [*(k for k in self.base.sweep if k in self.sweep), *fresh]
        sweep = {key: self.sweep[key] for key in dict.fromkeys(order)}
        return {**self.said, "sweep": sweep} if sweep else self.said

    def _asks(self, field: str) -> bool:
        """Whether the form says something else than the base."""
        if field in self.held:
            return False
        if field in BY_NAME:
            return self.filled.others[field] != self.shown.others[field]
        return getattr(self.filled, field) != getattr(self.shown, field)

    def _put(self, dotted: str, value: Any, *, drop_if: Any = None) -> None:
        *parents, last = dotted.split(".")
        if value == _at(self.now, dotted):
            return
        inside = self.said
        for parent in parents:
            inside = inside.setdefault(parent, {})
        if value is None or value == drop_if:
            inside.pop(last, None)
        else:
            inside[last] = value

    def _keep_axis(self, *keys: str) -> None:
        self.sweep |= {key: list(self.base.sweep[key]) for key in keys if key in self.base.sweep}

    def _read_ranks(self) -> None:
        ranks = list(self.filled.ranks)
        if not (self._asks("ranks") or self._asks("alpha")):
            if "ranks" not in self.held:
                self._keep_axis("adapter.r")
                if axes.multiple(self.base.sweep.get(axes.ALPHA_LINK, ())) is not None:
                    self._keep_axis(axes.ALPHA_LINK)
            return
        if "ranks" not in self.held and not ranks:
            self.problems["ranks"] = "choose at least one rank"
            return
        try:
            times, alpha = read_alpha(self.filled.alpha)
        except ValueError as error:
            self.problems["alpha"] = str(error)
            return
        linked = (
            times not in (None, 2.0) and len(ranks) > 1 and not {"ranks", "alpha"} & set(self.held)
        )
        if linked:
            self.sweep[axes.ALPHA_LINK] = [[r, _whole(times * r)] for r in ranks]  # type: ignore[operator]
            return
        if "ranks" not in self.held:
            if len(ranks) > 1:
                self.sweep["adapter.r"] = ranks
            else:
                self._put("adapter.r", ranks[0])
        if "alpha" not in self.held:
            one = alpha if times is None else None if times == 2 else times * ranks[0]
            self._put("adapter.lora_alpha", None if one is None else _whole(one))

    def _read_list(self, field: str) -> None:
        if field in self.held:
            return
        if not self._asks(field):
            self._keep_axis(DOTTED[field])
            return
        values = _numbers(getattr(self.filled, field), field, self.problems)
        if len(values) > 1:
            self.sweep[DOTTED[field]] = values
        elif values:
            self._put(DOTTED[field], values[0])

    def _read_one(self, field: str, *, blank: int | None) -> None:
        text = getattr(self.filled, field)
        if not text.strip() and blank is not None:
            self._put(DOTTED[field], blank)
            return
        values = _numbers(text, field, self.problems)
        if len(values) > 1:
            self.problems[field] = f"got {text!r}; one number is needed here"
        elif values:
            self._put(DOTTED[field], values[0])

    def _read_targets(self) -> None:
        chosen = self.filled.targets
        if not chosen:
            self.problems["targets"] = "choose at least one module, or all-linear"
        elif ALL_LINEAR in chosen:
            self._put("adapter.target_modules", ALL_LINEAR)
        elif len(chosen) == 1 and PATTERN.search(chosen[0]):
            self._put("adapter.target_modules", chosen[0])
        elif set(chosen) != set(self.shown.targets):
            self._put("adapter.target_modules", sorted(chosen))

    def _read_quantization(self) -> None:
        if not any(self._asks(f) for f in ("quantization", "double_quant", *_STORED)):
            return
        if "quantization" in self.held:
            return
        made = _quantization(self.filled, self.base.quantization, problems=self.problems)
        if made != self.said.get("quantization"):
            self.said["quantization"] = made
            if made is None and "quantization" not in self.base.model_fields_set:
                del self.said["quantization"]

    def _read_others(self) -> None:
        for entry in ENTRIES:
            if entry.name in _STORED or not self._asks(entry.name):
                continue
            value: Any = self.filled.others[entry.name]
            if isinstance(value, str):
                try:
                    value = value_of(entry.dotted, value) if value.strip() else None
                except ValueError as error:
                    self.problems[entry.name] = str(error)
                    continue
            self._put(entry.dotted, value)


def read_alpha(text: str) -> tuple[float | None, float | None]:
    """A multiple of the rank, or a number; ValueError in words.

    >>> read_alpha(""), read_alpha("1 r"), read_alpha("16")
    ((2.0, None), (1.0, None), (None, 16))
    """
    if not text.strip():
        return 2.0, None
    of_rank = re.fullmatch(r"\s*([\d.]*)\s*[*×x]?\s*r\s*", text)
    try:
        if of_rank:
            return float(of_rank[1] or 1), None
        return None, number(text)
    except ValueError:
        raise ValueError(f"got {text!r}; write a number, or a multiple of the rank: 1 r") from None


def _numbers(text: str, field: str, problems: dict[str, str]) -> list[Any]:
    words = [word for word in re.split(r"[,;\s]+", text.strip()) if word]
    try:
        values = [number(word) for word in words]
    except ValueError:
        problems[field] = f"got {text!r}; write a number, or several with commas"
        return []
    if not words:
        problems[field] = "write a number, or several with commas between"
    elif len(set(values)) != len(values):
        problems[field] = f"got {text!r}, which names a value twice"
    return values


def _quantization(
    filled: Fields, base: QuantizationSpec | None, *, problems: dict[str, str]
) -> dict[str, Any] | None:
    chosen = QUANTIZATIONS[filled.quantization]
    if not chosen:
        return None
    four = filled.quantization.endswith("4")
    same = base is not None and quantization_word(base) == filled.quantization
    made = base.model_dump(mode="json", exclude_unset=True) if same and base else {}
    made.pop("bnb_4bit_use_double_quant", None)
    made |= chosen | ({"bnb_4bit_use_double_quant": True} if filled.double_quant and four else {})
    default = fields_of(Spec()).others
    for name in _STORED:
        text = str(filled.others[name])
        if name.startswith("bnb_4bit") and not four:
            continue
        if text.strip() in ("", default[name]):
            if not (same and text.strip()):
                made.pop(name, None)
            continue
        try:
            made[name] = value_of(f"quantization.{name}", text)
        except ValueError as error:
            problems[name] = str(error)
    return made


def _points(spec: Spec, dotted: str) -> list[Any]:
    return list(spec.sweep.get(dotted, ()))


def _listed(values: list[Any]) -> str:
    return ", ".join(neat(value) if isinstance(value, float) else str(value) for value in values)


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _at(said: Mapping[str, Any] | Any, dotted: str) -> Any:
    for part in dotted.split("."):
        said = said.get(part) if isinstance(said, Mapping) else None
    return said

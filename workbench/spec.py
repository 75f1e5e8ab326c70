"""What a sweep is: one frozen model made of the parts in `fields.py`, from and to YAML, and the trials it stands for.

`Spec.load("examples/rank_sweep.yaml")` reads a file, `spec.grid()` gives its trials, `spec.fingerprint()` names its
content, `spec.as_code()` prints the plain PEFT + TRL script of a trial. Validation happens here, once; everything
below trusts what it is given. This file knows no model, no rows and no torch: whether a target module exists or a
column is there is checked when a sweep is planned.
"""

import hashlib
import itertools
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from workbench import script
from workbench.errors import SpecError
from workbench.fields import (
    DIFFERS_FROM_SFTCONFIG,
    NAMES_IT,
    READS,
    AdapterSpec,
    DataSpec,
    Int,
    ModelSpec,
    PruneSpec,
    QuantizationSpec,
    TrainSpec,
    Words,
)
from workbench.mistakes import axes_known, check_axis, explain
from workbench.naming import trial_name
from workbench.yamlfile import read_mapping

__all__ = [
    "DIFFERS_FROM_SFTCONFIG",
    "READS",
    "AdapterSpec",
    "DataSpec",
    "ModelSpec",
    "PruneSpec",
    "QuantizationSpec",
    "Spec",
    "TrainSpec",
    "Trial",
    "axes_known",
]

MAX_TRIALS = 1000


WRITERS = ("recall", "retention", "occupations", "facts", "latency")
CLASSIFIERS = ("classification",)
"""The evals of a spec that names none, by what its model does."""


def _evals_of(adapter: AdapterSpec | None) -> tuple[str, ...]:
    return CLASSIFIERS if adapter and adapter.task_type == "SEQ_CLS" else WRITERS


class Spec(Words):
    """A sweep, or one trial of it (then `sweep` is empty)."""

    name: str = "sweep"
    model: ModelSpec = ModelSpec()
    quantization: QuantizationSpec | None = None
    adapter: AdapterSpec = AdapterSpec()
    data: DataSpec = DataSpec()
    train: TrainSpec = TrainSpec()
    evals: tuple[str, ...] = Field(default_factory=lambda said: _evals_of(said.get("adapter")))
    """What is asked of the base and of every trial; without a word, what fits the task."""
    seed: Int = Field(0, ge=0, lt=2**31)
    sweep: dict[str, tuple[Any, ...]] = Field({})
    prune: PruneSpec | None = None
    """End trials whose held-out loss is behind; None trains every trial to its end."""

    @field_validator("name")
    @classmethod
    def _a_folder_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value) or ".." in value:
            raise ValueError(
                "use letters, digits, '.', '_' and '-', at most 64, beginning with a letter or "
                "digit: it becomes a folder"
            )
        return value

    @field_validator("adapter", mode="before")
    @classmethod
    def _from_peft_config(cls, value: Any) -> Any:
        plain = _plain(value, AdapterSpec, ignore={"inference_mode", "peft_version"})
        if plain is not value:
            kind = plain.get("peft_type")
            plain = {k: v for k, v in plain.items() if k in ("peft_type", *READS.get(kind, plain))}
        return plain

    @field_validator("quantization", mode="before")
    @classmethod
    def _from_bnb_config(cls, value: Any) -> Any:
        plain = _plain(value, QuantizationSpec, ignore={"quant_method"})
        if plain is not value and "bnb_4bit_compute_dtype" in plain:
            dtype = str(plain["bnb_4bit_compute_dtype"]).removeprefix("torch.")
            plain = {**plain, "bnb_4bit_compute_dtype": dtype}
        return plain

    @field_validator("sweep", mode="before")
    @classmethod
    def _axes_are_lists(cls, value: Any) -> Any:
        if value is None:
            return {}
        for axis, points in value.items() if isinstance(value, dict) else ():
            if not isinstance(points, list | tuple) or not points:
                raise ValueError(f"the axis {axis!r} needs a list of values, got {points!r}")
        return value

    @model_validator(mode="after")
    def _dora_can_read_its_base(self) -> Self:
        if self.adapter.use_dora and self.quantization is not None and self.quantization.bits == 8:
            raise ValueError(
                "use_dora does not work on an 8-bit base: PEFT cannot read its weights back. Use "
                "load_in_4bit, or full precision"
            )
        return self

    @model_validator(mode="after")
    def _weights_can_be_trained(self) -> Self:
        quantized = self.quantization is not None and self.quantization.bits is not None
        if self.adapter.peft_type == "FULL" and quantized and not self._varies("peft_type"):
            raise ValueError(
                "peft_type FULL trains the weights of the base, and quantized weights cannot be "
                "trained. Leave quantization out, or put an adapter on"
            )
        return self

    @model_validator(mode="after")
    def _every_adapter_field_is_read(self) -> Self:
        kinds = [self.adapter.peft_type, *self._varies("peft_type")]
        read = {field for kind in kinds for field in READS.get(str(kind), ())}
        unread = [field for field in self.adapter.ignored if field not in read]
        if unread:
            raise ValueError(
                f"adapter.{unread[0]}: peft_type {' and '.join(dict.fromkeys(map(str, kinds)))} "
                f"does not read it; it reads {', '.join(sorted(read))}"
            )
        return self

    def _varies(self, field: str) -> tuple[Any, ...]:
        """The values that the sweep gives a field of the adapter; empty when it is no axis."""
        dotted, found = f"adapter.{field}", []
        for key, points in self.sweep.items():
            names = [part.strip() for part in key.split(",")]
            if dotted in names:
                at = names.index(dotted)
                found += [p[at] if len(names) > 1 else p for p in points if p is not None]
        return tuple(found)

    @model_validator(mode="after")
    def _pruned_by_one_measure(self) -> Self:
        if self.prune is None:
            return self
        if not self.sweep:
            raise ValueError("prune ends the worse of several trials, and this is one; add a sweep")
        named = [part.strip() for key in self.sweep for part in key.split(",")]
        moving = [n for n in named if n.startswith(("model.", "data.")) and n != "data.rows"]
        if moving:
            raise ValueError(
                f"prune compares losses on the same held-out rows, as one model reads them, and {moving[0]} varies; "
                "sweep it without prune"
            )
        return self

    @model_validator(mode="after")
    def _grid_is_sound(self) -> Self:
        if len(set(self.evals)) != len(self.evals):
            raise ValueError("evals names one of them twice")
        if self.sweep:
            self.grid()
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The spec in a YAML file."""
        return cls.from_fields(read_mapping(Path(path)), source=str(path))

    @classmethod
    def from_fields(cls, fields: dict[str, Any], *, source: str = "the spec") -> Self:
        """The spec in a mapping; a field that cannot be is named with what is allowed."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise SpecError(f"{source} cannot be used:\n" + explain(error, cls)) from None

    def to_yaml(self) -> str:
        """The YAML of what was said; defaults nobody set are left out."""
        fields = self.model_dump(mode="json", exclude_unset=True)
        return yaml.safe_dump({"name": self.name, **fields}, sort_keys=False, allow_unicode=True)

    def fingerprint(self) -> str:
        """Sixteen hex digits that change when anything but the name does."""
        content = self.model_dump(mode="json", exclude={"name"})
        if self.prune is None:
            del content["prune"]  # specs that never heard of it keep the name they had
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def replace(self, changes: dict[str, Any]) -> Self:
        """A copy with dotted fields changed, validated anew."""
        fields = self.model_dump(mode="json", exclude_unset=True)
        for dotted, value in changes.items():
            _set(fields, dotted, value)
        return type(self).from_fields(fields)

    def grid(self) -> tuple["Trial", ...]:
        """Every trial, in the order of the axes."""
        axes = [_axis(key, points) for key, points in self.sweep.items()]
        size = math.prod(len(points) for points in axes)
        if size > MAX_TRIALS:
            raise SpecError(f"the axes make {size} trials; at most {MAX_TRIALS} are allowed")
        _no_field_twice(axes)
        plain = self.model_dump(mode="json", exclude_unset=True, exclude={"prune"}) | {"sweep": {}}
        trials: dict[str, Trial] = {}
        for combination in itertools.product(*axes):
            varied: dict[str, Any] = {k: v for point in combination for k, v in point.items()}
            fields = json.loads(json.dumps(plain))
            for dotted, value in varied.items():
                _set(fields, dotted, value)
            if self._varies("peft_type"):
                varied = _without_unread(fields, varied)
            spec = Spec.from_fields(fields, source=f"trial {trial_name(varied)!r}")
            varied = {dotted: _said(spec, dotted, value) for dotted, value in varied.items()}
            name = trial_name(varied) if varied else _name_alone(spec.adapter)
            if name in trials and trials[name].spec == spec:
                continue  # it differs only in a field that its method does not read
            if name in trials:
                name = f"{name}-{len(trials) + 1}"
            trials[name] = Trial(name=name, spec=spec, varied=varied)
        return tuple(trials.values())

    def as_code(
        self,
        *,
        rows: str = "rows.jsonl",
        model: str | None = None,
        num_labels: int | None = None,
        initial: str | None = None,
        steered: Sequence[str] = (),
    ) -> str:
        """The plain PEFT + TRL script of one trial.

        Args:
            rows: The file of tokenised rows beside it.
            model: What the script calls the model; None takes the spec's own word.
            num_labels: What a classifier tells apart; None counts them in the rows.
            initial: The folder of the adapter it begins with, beside the script; None draws a new one.
            steered: What a person told it while it trained, in words.
        """
        if self.sweep:
            raise SpecError("a sweep is many trials; ask one of spec.grid() for its code")
        fields = self.model_dump(mode="json")
        fields["model"]["id"] = model or self.model.id
        read = READS[self.adapter.peft_type]
        return script.trial_script(
            fields,
            alpha=self.adapter.alpha,
            rows=rows,
            read=read,
            num_labels=num_labels,
            initial=initial,
            steered=steered,
        )


class Trial(Words):
    """One point of a sweep."""

    name: str
    spec: Spec
    varied: dict[str, Any] = Field({})
    """The fields that the sweep varies, with this trial's values."""
    parent: str = ""
    """The trial whose weights it began with, while that trained; empty for one that began anew."""
    parent_step: int = 0
    """How far that was then."""


def _without_unread(fields: dict[str, Any], varied: dict[str, Any]) -> dict[str, Any]:
    """The axes that a trial's method reads; fields of the adapter that it does not read are dropped."""
    adapter = fields["adapter"]
    read = READS.get(str(adapter.get("peft_type", "LORA")))
    if read is None:
        return varied  # no method that there is: the validation names those there are
    for field in set(adapter) - {*NAMES_IT, *read}:
        del adapter[field]
    kept = {f"adapter.{field}" for field in (*NAMES_IT, *read)}
    return {k: v for k, v in varied.items() if not k.startswith("adapter.") or k in kept}


def _name_alone(adapter: AdapterSpec) -> str:
    # A trial that is alone is called by its method and rank: in a sentence it needs a name of its own.
    said: dict[str, Any] = {} if adapter.peft_type == "LORA" else {"peft_type": adapter.peft_type}
    if "r" in READS[adapter.peft_type]:
        said["r"] = adapter.r
    return trial_name(said)


def _axis(key: str, points: tuple[Any, ...]) -> list[dict[str, Any]]:
    fields = [part.strip() for part in key.split(",")]
    for field in fields:
        check_axis(field)
    for number, point in enumerate(points):
        if point in points[:number]:
            raise SpecError(f"the axis {key!r} gives {point!r} twice; each value makes one trial")
    if len(fields) == 1:
        return [{fields[0]: point} for point in points]
    for point in points:
        if not isinstance(point, list | tuple) or len(point) != len(fields):
            raise SpecError(
                f"the linked axis {key!r} needs lists of {len(fields)} values, got {point!r}"
            )
    return [dict(zip(fields, point, strict=True)) for point in points]


def _no_field_twice(axes: list[list[dict[str, Any]]]) -> None:
    seen: set[str] = set()
    for axis in axes:
        again = seen & set(axis[0])
        if again:
            raise SpecError(f"{sorted(again)[0]!r} is an axis twice; a field varies on one axis")
        seen |= set(axis[0])


def _set(fields: dict[str, Any], dotted: str, value: Any) -> None:
    *parents, last = dotted.split(".")
    for parent in parents:
        if fields.get(parent) is None:
            fields[parent] = {}
        fields = fields[parent]
    fields[last] = value


def _said(spec: Spec, dotted: str, value: Any) -> Any:
    """A value as the validated spec has it: 1e-2 in a YAML file is a string, in the spec a number."""
    found: Any = spec
    for part in dotted.split("."):
        found = getattr(found, part)
    return found if isinstance(found, int | float) else value


_DEFAULTS_DIFFER = (
    "peft_type",
    "r",
    "lora_alpha",
    "target_modules",
    "bnb_4bit_quant_type",
    "bnb_4bit_compute_dtype",
)
"""Fields of the library's objects that are kept even at the library's default, because ours is another."""


def _plain(value: Any, model: type[BaseModel], *, ignore: set[str]) -> Any:
    """A library's own config object as a mapping; fields we do not carry must be at their default."""
    if (
        value is None
        or isinstance(value, dict | BaseModel)
        or not callable(getattr(value, "to_dict", None))
    ):
        return value
    theirs, default = value.to_dict(), type(value)().to_dict()
    plain = {}
    for field, given in theirs.items():
        if field in model.model_fields:
            if given != default.get(field) or field in _DEFAULTS_DIFFER:
                plain[field] = getattr(given, "value", given)
        elif field not in ignore and not field.startswith("_") and given != default.get(field):
            raise ValueError(f"{type(value).__name__}.{field}={given!r} is not supported here")
    return {field: given for field, given in plain.items() if given is not None}

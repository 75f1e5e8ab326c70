"""What a sweep is: frozen models whose field names are those of LoraConfig, BitsAndBytesConfig and SFTConfig.

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
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from workbench import script
from workbench.errors import SpecError, nearest
from workbench.naming import trial_name
from workbench.yamlfile import read_mapping

MAX_TRIALS = 1000

GONE = {
    "warmup_ratio": "warmup_steps: a value below 1 is a share of all steps",
    "max_seq_length": "max_length",
    "group_by_length": "train_sampling_strategy in transformers; the workbench orders rows itself",
    "no_cuda": "use_cpu in transformers; the workbench takes the device it finds",
    "overwrite_output_dir": "nothing: a new start never overwrites, it takes the next free name",
    "logging_dir": "nothing: the sweep folder holds the log",
    "save_safetensors": "nothing: safetensors is the only format",
    "evaluation_strategy": "evals: the list of evals run when a trial has trained",
}
"""Names that once were fields of the training arguments, and what to write instead."""

ALSO_CALLED = {
    "rank": "r",
    "lora_r": "r",
    "alpha": "lora_alpha",
    "dropout": "lora_dropout",
    "targets": "target_modules",
    "lora_target": "target_modules",
    "lr": "learning_rate",
    "epochs": "num_train_epochs",
    "steps": "max_steps",
    "batch_size": "per_device_train_batch_size",
    "warmup": "warmup_steps",
    "file": "id",
    "path": "id",
    "name_or_path": "id",
    "licence": "license",
}
"""What other tools and habits call a field that goes by another name here."""

DIFFERS_FROM_SFTCONFIG = {
    "learning_rate": (2e-4, 2e-5, "TRL's default is meant for full fine-tuning"),
    "bf16": (False, True, "equality with a plain run is promised in fp32; say bf16: true on a GPU"),
    "gradient_checkpointing": (False, True, "it saves memory at a third more time; ask for it"),
}
"""Where our defaults differ from `trl.SFTConfig`: (ours, theirs, why)."""


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed here, not true or false")
    return value


Int = Annotated[int, BeforeValidator(_no_bool)]
Float = Annotated[float, BeforeValidator(_no_bool), Field(allow_inf_nan=False)]


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def __hash__(self) -> int:
        # Frozen, but some fields are mappings, which have no hash of their own.
        return hash(self.model_dump_json())


class ModelSpec(_Words):
    id: str = Field("microworld", min_length=1, max_length=500)
    """`microworld`, a folder, or a hub id."""
    revision: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    trust_remote_code: bool = False


class QuantizationSpec(_Words):
    """Fields of `transformers.BitsAndBytesConfig`."""

    load_in_8bit: bool = False
    load_in_4bit: bool = False
    bnb_4bit_quant_type: Literal["nf4", "fp4"] = "nf4"
    """The library's own default is fp4."""
    bnb_4bit_use_double_quant: bool = False
    bnb_4bit_compute_dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    llm_int8_threshold: Float = Field(6.0, ge=0)
    llm_int8_skip_modules: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_width(self) -> Self:
        if self.load_in_4bit and self.load_in_8bit:
            raise ValueError("load_in_4bit and load_in_8bit are both true; choose one")
        return self

    @property
    def bits(self) -> int | None:
        """Bits of a stored weight; None when nothing is quantized."""
        return 4 if self.load_in_4bit else 8 if self.load_in_8bit else None


class AdapterSpec(_Words):
    """Fields of `peft.LoraConfig`."""

    r: Int = Field(8, gt=0, le=4096)
    lora_alpha: Float | None = Field(None, gt=0)
    """None means 2 r: the update keeps its scale when the rank is swept."""
    target_modules: str | tuple[str, ...] = "all-linear"
    exclude_modules: str | tuple[str, ...] | None = None
    lora_dropout: Float = Field(0.0, ge=0, lt=1)
    use_rslora: bool = False
    use_dora: bool = False
    init_lora_weights: bool | Literal["gaussian", "pissa", "olora", "orthogonal"] = True
    rank_pattern: dict[str, Annotated[Int, Field(gt=0, le=4096)]] = {}
    alpha_pattern: dict[str, Annotated[Float, Field(gt=0)]] = {}
    layers_to_transform: tuple[Int, ...] | None = None
    bias: Literal["none", "all", "lora_only"] = "none"
    modules_to_save: tuple[str, ...] | None = None
    task_type: Literal["CAUSAL_LM", "SEQ_CLS"] = "CAUSAL_LM"

    @field_validator("target_modules", "exclude_modules", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(sorted(value)) if isinstance(value, set) else value

    @field_validator("target_modules")
    @classmethod
    def _some_target(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not value or (isinstance(value, tuple) and not all(value)):
            raise ValueError("name at least one module, or write all-linear")
        if isinstance(value, str) and value != "all-linear":
            _compiles(value)
        return value

    @field_validator("rank_pattern", "alpha_pattern")
    @classmethod
    def _patterns_compile(cls, value: dict[str, Any]) -> dict[str, Any]:
        for pattern in value:
            _compiles(pattern)
        return value

    @property
    def alpha(self) -> float:
        """`lora_alpha` as it is used."""
        return 2.0 * self.r if self.lora_alpha is None else self.lora_alpha


class DataSpec(_Words):
    id: str = Field("microworld/updates", min_length=1, max_length=500)
    """`microworld/<set>`, a json, jsonl, csv or parquet file, or a hub id."""
    split: str = "train"
    rows: Int | None = Field(None, gt=0)
    """How many rows to train on; None takes all."""
    columns: dict[Literal["prompt", "completion", "messages", "text"], str] = {}
    """Our word -> the column's name in the file, where they differ."""
    eval_fraction: Float = Field(0.1, ge=0, lt=1)
    """Share of the rows held out, chosen by a hash of each row, so that it never moves."""
    license: str | None = None
    """SPDX name, for the data card; `not stated` when nobody states it."""


class TrainSpec(_Words):
    """Fields of `trl.SFTConfig`."""

    learning_rate: Float = Field(2e-4, gt=0)
    num_train_epochs: Float = Field(3.0, gt=0)
    max_steps: Int = Field(-1, ge=-1)
    """-1 leaves the length to num_train_epochs."""
    per_device_train_batch_size: Int = Field(8, gt=0)
    gradient_accumulation_steps: Int = Field(1, gt=0)
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    warmup_steps: Float = Field(0.0, ge=0)
    """A number of steps; below 1 a share of all steps."""
    weight_decay: Float = Field(0.0, ge=0)
    max_grad_norm: Float = Field(1.0, gt=0)
    adam_beta1: Float = Field(0.9, ge=0, lt=1)
    adam_beta2: Float = Field(0.999, ge=0, lt=1)
    adam_epsilon: Float = Field(1e-8, gt=0)
    max_length: Int = Field(1024, gt=1)
    """Longer rows are cut at the end, counted and shown."""
    completion_only_loss: bool = True
    bf16: bool = False
    gradient_checkpointing: bool = False
    save_steps: Int = Field(50, gt=0)
    """A checkpoint every so many steps."""

    @field_validator("max_steps")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 steps train nothing; use -1 to train num_train_epochs")
        return value


class Spec(_Words):
    """A sweep, or one trial of it (then `sweep` is empty)."""

    name: str = "sweep"
    model: ModelSpec = ModelSpec()
    quantization: QuantizationSpec | None = None
    adapter: AdapterSpec = AdapterSpec()
    data: DataSpec = DataSpec()
    train: TrainSpec = TrainSpec()
    evals: tuple[str, ...] = ("recall", "retention", "bias", "hallucination", "latency")
    seed: Int = Field(0, ge=0, lt=2**31)
    sweep: dict[str, tuple[Any, ...]] = {}

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
    def _from_lora_config(cls, value: Any) -> Any:
        return _plain(value, AdapterSpec, ignore={"peft_type", "inference_mode", "peft_version"})

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
            raise SpecError(f"{source} cannot be used:\n" + _explain(error, cls)) from None

    def to_yaml(self) -> str:
        """The YAML of what was said; defaults nobody set are left out."""
        fields = self.model_dump(mode="json", exclude_unset=True)
        return yaml.safe_dump({"name": self.name, **fields}, sort_keys=False, allow_unicode=True)

    def fingerprint(self) -> str:
        """Sixteen hex digits that change when anything but the name does."""
        content = self.model_dump(mode="json", exclude={"name"})
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
        plain = self.model_dump(mode="json", exclude_unset=True) | {"sweep": {}}
        trials: dict[str, Trial] = {}
        for combination in itertools.product(*axes):
            varied: dict[str, Any] = {k: v for point in combination for k, v in point.items()}
            fields = json.loads(json.dumps(plain))
            for dotted, value in varied.items():
                _set(fields, dotted, value)
            spec = Spec.from_fields(fields, source=f"trial {trial_name(varied)!r}")
            varied = {dotted: _said(spec, dotted, value) for dotted, value in varied.items()}
            # A trial that is alone is called by its rank: in a sentence it needs a name of its own.
            name = trial_name(varied) if varied else f"r{spec.adapter.r}"
            if name in trials:
                name = f"{name}-{len(trials) + 1}"
            trials[name] = Trial(name=name, spec=spec, varied=varied)
        return tuple(trials.values())

    def as_code(self, *, rows: str = "rows.jsonl", model: str | None = None) -> str:
        """The plain PEFT + TRL script of one trial.

        Args:
            rows: The file of tokenised rows beside it.
            model: What the script calls the model; None takes the spec's own word.
        """
        if self.sweep:
            raise SpecError("a sweep is many trials; ask one of spec.grid() for its code")
        fields = self.model_dump(mode="json")
        fields["model"]["id"] = model or self.model.id
        return script.trial_script(fields, alpha=self.adapter.alpha, rows=rows)


class Trial(_Words):
    """One point of a sweep."""

    name: str
    spec: Spec
    varied: dict[str, Any] = {}
    """The fields that the sweep varies, with this trial's values."""


def _axis(key: str, points: tuple[Any, ...]) -> list[dict[str, Any]]:
    fields = [part.strip() for part in key.split(",")]
    for field in fields:
        _check_field(field)
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


def axes_known() -> list[str]:
    """Every dotted field that may be an axis."""
    known = ["seed", "quantization"]
    for part, model in _PARTS.items():
        known += [f"{part}.{field}" for field in model.model_fields]
    return known


_PARTS: dict[str, type[BaseModel]] = {
    "model": ModelSpec,
    "quantization": QuantizationSpec,
    "adapter": AdapterSpec,
    "data": DataSpec,
    "train": TrainSpec,
}


def _check_field(dotted: str) -> None:
    known = axes_known()
    if dotted in known:
        return
    last = dotted.rsplit(".", 1)[-1]
    if last in GONE:
        raise SpecError(f"{dotted!r} is gone; use {GONE[last]}")
    same_end = [n for n in known if n.rsplit(".", 1)[-1] in (last, ALSO_CALLED.get(last))]
    hint = f"Did you mean {same_end[0]!r}?" if same_end else nearest(dotted, known)
    raise SpecError(f"{dotted!r} is no field of the spec and cannot be an axis. {hint}")


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


def _compiles(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None


_DEFAULTS_DIFFER = (
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


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    return "\n".join(_explain_one(problem, model) for problem in error.errors())


def _explain_one(problem: Any, model: type[BaseModel]) -> str:
    path = [str(part) for part in problem["loc"]]
    where = ".".join(path) or "the spec"
    if problem["type"] == "extra_forbidden":
        last, owner = path[-1], _PARTS.get(path[0], model) if len(path) > 1 else model
        if last in GONE:
            return f"  {where}: gone; use {GONE[last]}"
        known = list(owner.model_fields)
        meant = ALSO_CALLED.get(last, last)
        elsewhere = [f"{part}.{meant}" for part, m in _PARTS.items() if meant in m.model_fields]
        if meant in known:
            hint = f"Did you mean {meant!r}?"
        else:
            hint = f"Did you mean {elsewhere[0]!r}?" if elsewhere else nearest(last, known)
        return f"  {where}: unknown key {last!r}. {hint}"
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "tuple_type":
        reason = "a list is needed, such as [a, b]"
    told = problem["type"] == "value_error" and "got " in reason  # one of our own, with what came
    if not path or told:
        return f"  {where}: {reason}" if path else f"  {reason}"
    return f"  {where}: {reason}; got {problem.get('input')!r:.120}"

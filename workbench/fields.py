"""The nouns of a spec: frozen models whose field names are those of PeftConfig, BitsAndBytesConfig and SFTConfig.

`ModelSpec`, `QuantizationSpec`, `AdapterSpec`, `DataSpec` and `TrainSpec` are the parts of `workbench.spec.Spec`. Each
checks what can be seen within one part; what concerns several parts, sweeps and files is the spec's. This file knows no
model, no rows and no torch.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

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


class Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def __hash__(self) -> int:
        # Frozen, but some fields are mappings, which have no hash of their own.
        return hash(self.model_dump_json())


class ModelSpec(Words):
    id: str = Field("microworld", min_length=1, max_length=500)
    """`microworld`, a folder, or a hub id."""
    revision: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    trust_remote_code: bool = False


class QuantizationSpec(Words):
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


class AdapterSpec(Words):
    """Fields of `peft.LoraConfig`, `IA3Config`, `VeraConfig` and `PromptTuningConfig`; `READS` says which are whose."""

    peft_type: Literal["LORA", "IA3", "VERA", "PROMPT_TUNING", "FULL"] = "LORA"
    """PEFT's own word. FULL is ours: all weights of the base are trained, as a control."""
    adapter_name: str | None = Field(None, min_length=1, max_length=64)
    """What it is called; on an axis it tells apart adapters that were made elsewhere."""
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
    feedforward_modules: str | tuple[str, ...] = ()
    """Targets of IA3 whose input is scaled; of the others it is the output."""
    vera_dropout: Float = Field(0.0, ge=0, lt=1)
    d_initial: Float = 0.1
    projection_prng_key: Int = Field(0, ge=0, lt=2**31)
    num_virtual_tokens: Int = Field(8, gt=0, le=4096)
    prompt_tuning_init: Literal["RANDOM", "SAMPLE_VOCAB"] = "RANDOM"

    @field_validator("target_modules", "exclude_modules", "feedforward_modules", mode="before")
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

    @model_validator(mode="after")
    def _feedforward_is_targeted(self) -> Self:
        inner, outer = self.feedforward_modules, self.target_modules
        if isinstance(inner, tuple) and isinstance(outer, tuple) and set(inner) - set(outer):
            raise ValueError(
                f"feedforward_modules names {sorted(set(inner) - set(outer))[0]!r}, which is not in "
                "target_modules; it says which of the targets are scaled at their input"
            )
        return self

    @model_validator(mode="after")
    def _prompts_continue_text(self) -> Self:
        if self.peft_type == "PROMPT_TUNING" and self.task_type != "CAUSAL_LM":
            raise ValueError(
                f"peft_type PROMPT_TUNING with task_type {self.task_type} is not supported; use "
                "CAUSAL_LM, or another peft_type"
            )
        return self

    @property
    def ignored(self) -> tuple[str, ...]:
        """Fields that were said and that this `peft_type` does not read."""
        return tuple(sorted(self.model_fields_set - {*NAMES_IT, *READS[self.peft_type]}))

    @property
    def num_ahead(self) -> int:
        """Tokens that stand in front of every row and take their part of the model's context."""
        return self.num_virtual_tokens if self.peft_type == "PROMPT_TUNING" else 0

    @property
    def kept_as(self) -> str:
        """The folder of a trial that holds what it learned."""
        return "model" if self.peft_type == "FULL" else "adapter"

    @property
    def alpha(self) -> float:
        """`lora_alpha` as it is used."""
        return 2.0 * self.r if self.lora_alpha is None else self.lora_alpha


NAMES_IT = ("peft_type", "adapter_name")
"""Fields of an adapter that every method has."""

_PLACED = ("target_modules", "modules_to_save", "task_type")
READS: dict[str, tuple[str, ...]] = {
    "LORA": (
        "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "init_lora_weights", "rank_pattern",
        "alpha_pattern", "bias", "exclude_modules", "layers_to_transform", *_PLACED,
    ),
    "IA3": ("feedforward_modules", "exclude_modules", *_PLACED),
    "VERA": (
        "r", "vera_dropout", "d_initial", "projection_prng_key", "layers_to_transform", *_PLACED,
    ),
    "PROMPT_TUNING": ("num_virtual_tokens", "prompt_tuning_init", "task_type"),
    "FULL": ("task_type",),
}  # fmt: skip
"""Which fields of an adapter each `peft_type` reads; the others have no meaning for it."""


Columns = dict[Literal["prompt", "completion", "messages", "text", "label"], str]
"""Our word -> the column's name, where they differ; or "{a} So: {b}" of several, or "#2" without a header line."""


class ValidationSpec(Words):
    """Rows to ask and never to train on, where they lie apart; what is left out is as in `data`."""

    id: str | None = Field(None, min_length=1, max_length=500)
    """A file or a hub id; None means that of the training rows, and then another split of it."""
    split: str | None = None
    columns: Columns | None = None


class DataSpec(Words):
    id: str = Field("microworld/updates", min_length=1, max_length=500)
    """`microworld/<set>`, a json, jsonl, csv or parquet file, or a hub id."""
    split: str = "train"
    rows: Int | None = Field(None, gt=0)
    """How many rows to train on; None takes all."""
    columns: Columns = {}
    id2label: dict[str, str] = {}
    """What a label stands for, as in a model's config: {0: negative, 1: positive}; the head has this order."""
    validation: ValidationSpec | None = None
    """Rows to ask that lie in another file or split; without them `eval_fraction` is held out."""
    eval_fraction: Float = Field(0.1, ge=0, lt=1)
    """Share of the rows held out, chosen by a hash of each row, so that it never moves."""
    license: str | None = None
    """SPDX name, for the data card; `not stated` when nobody states it."""

    @field_validator("id2label", mode="before")
    @classmethod
    def _labels_as_text(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for label, name in value.items():
            if isinstance(name, bool):
                raise ValueError(
                    f"{label} stands for {name!r}: YAML reads no and yes as false and true; write them in "
                    "quotes, as in {0: 'no', 1: 'yes'}"
                )
        return {_as_text(label): _as_text(name) for label, name in value.items()}

    @model_validator(mode="after")
    def _one_way_to_hold_out(self) -> Self:
        apart = self.validation
        if apart is None:
            return self
        if "eval_fraction" in self.model_fields_set and self.eval_fraction > 0:
            raise ValueError(
                "validation and eval_fraction both say what is held out; leave one of them out"
            )
        if apart.id in (None, self.id) and apart.split in (None, self.split):
            raise ValueError(
                "validation names the rows that are trained on; give it the id of another file, or "
                "another split: {split: validation}"
            )
        return self


class TrainSpec(Words):
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
    eval_steps: Int | None = Field(None, gt=0)
    """The loss on the held-out rows every so many steps; None never asks."""
    early_stopping_patience: Int | None = Field(None, gt=0)
    """End after so many held-out losses in a row without a better one; needs eval_steps."""
    early_stopping_threshold: Float = Field(0.0, ge=0)
    """How much lower a held-out loss has to be to count as better."""
    load_best_model_at_end: bool = False
    """Keep the adapter of the lowest held-out loss instead of the last; needs eval_steps."""
    report_to: tuple[str, ...] = ()
    """Trackers of accelerate, such as tensorboard or wandb, that see every step too."""

    @field_validator("max_steps")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("0 steps train nothing; use -1 to train num_train_epochs")
        return value

    @field_validator("report_to", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, str):
            return () if value == "none" else (value,)
        return value

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        watching = self.early_stopping_patience or self.load_best_model_at_end
        if watching and self.eval_steps is None:
            raise ValueError(
                "early_stopping_patience and load_best_model_at_end look at the held-out loss; say "
                "how often with eval_steps"
            )
        return self


class PruneSpec(Words):
    """Successive halving, in the words of Optuna's `SuccessiveHalvingPruner`: the worse trials end early."""

    reduction_factor: Float = Field(3.0, gt=1)
    """Of so many configurations one goes on from each rung, to a rung so many times as far."""
    min_resource: Float = Field(0.1, gt=0)
    """The step of the first rung; below 1 a share of all steps. The warm-up of a schedule is left out."""


def _as_text(label: Any) -> Any:
    if isinstance(label, bool):
        return str(label).lower()
    return str(label) if isinstance(label, int) else label


def _compiles(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None

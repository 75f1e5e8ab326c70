"""What is wrong with a spec, in words: the field, what came, what is allowed, and which one was probably meant.

`explain(error, model)` turns pydantic's account into ours, `check_axis(dotted)` refuses an axis that is no field. It
knows the parts of a spec and nothing of values.
"""

from typing import Any

from pydantic import BaseModel, ValidationError

from workbench.errors import SpecError, nearest
from workbench.fields import AdapterSpec, DataSpec, ModelSpec, QuantizationSpec, TrainSpec

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


def axes_known() -> list[str]:
    """Every dotted field that may be an axis."""
    known = ["seed", "quantization"]
    for part, model in PARTS.items():
        known += [f"{part}.{field}" for field in model.model_fields]
    return known


PARTS: dict[str, type[BaseModel]] = {
    "model": ModelSpec,
    "quantization": QuantizationSpec,
    "adapter": AdapterSpec,
    "data": DataSpec,
    "train": TrainSpec,
}


def check_axis(dotted: str) -> None:
    """Refuse a dotted name that is no field of a spec."""
    known = axes_known()
    if dotted in known:
        return
    last = dotted.rsplit(".", 1)[-1]
    if last in GONE:
        raise SpecError(f"{dotted!r} is gone; use {GONE[last]}")
    same_end = [n for n in known if n.rsplit(".", 1)[-1] in (last, ALSO_CALLED.get(last))]
    hint = f"Did you mean {same_end[0]!r}?" if same_end else nearest(dotted, known)
    raise SpecError(f"{dotted!r} is no field of the spec and cannot be an axis. {hint}")


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """A line for each thing that is wrong."""
    # A default that depends on a field that is wrong is no mistake of its own.
    told = [one for one in error.errors() if one["type"] != "default_factory_not_called"]
    return "\n".join(_explain_one(problem, model) for problem in told)


def _explain_one(problem: Any, model: type[BaseModel]) -> str:
    path = [str(part) for part in problem["loc"]]
    where = ".".join(path) or "the spec"
    if problem["type"] == "extra_forbidden":
        last, owner = path[-1], PARTS.get(path[0], model) if len(path) > 1 else model
        if last in GONE:
            return f"  {where}: gone; use {GONE[last]}"
        known = list(owner.model_fields)
        meant = ALSO_CALLED.get(last, last)
        elsewhere = [f"{part}.{meant}" for part, m in PARTS.items() if meant in m.model_fields]
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

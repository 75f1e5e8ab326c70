"""PEFT's own objects and files, in and out: a `PeftConfig` from a spec, folders that plain libraries load.

`save_adapter` writes what `PeftModel.from_pretrained` reads and `save_model` what `AutoModelForCausalLM.from_pretrained`
reads, each under a temporary name until it is whole. This file knows neither training nor slots.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import (
    IA3Config,
    LoraConfig,
    PeftConfig,
    PeftModel,
    PromptTuningConfig,
    VeraConfig,
    get_peft_model_state_dict,
)
from safetensors import SafetensorError
from safetensors.torch import save_file

from workbench.models.heads import labels_of
from workbench.runs.atomic import replacing
from workbench.spec import AdapterSpec


def to_peft_config(adapter: AdapterSpec) -> PeftConfig:
    """The config of PEFT that a spec means; FULL has none."""
    return _CONFIGS[adapter.peft_type](adapter)


def to_lora_config(adapter: AdapterSpec) -> LoraConfig:
    """The `peft.LoraConfig` that a spec means."""
    alpha = adapter.alpha
    return LoraConfig(
        r=adapter.r,
        lora_alpha=int(alpha) if float(alpha).is_integer() else alpha,
        target_modules=_listed(adapter.target_modules),
        exclude_modules=_listed(adapter.exclude_modules),
        lora_dropout=adapter.lora_dropout,
        use_rslora=adapter.use_rslora,
        use_dora=adapter.use_dora,
        init_lora_weights=adapter.init_lora_weights,
        rank_pattern=dict(adapter.rank_pattern),
        alpha_pattern=dict(adapter.alpha_pattern),
        layers_to_transform=_listed(adapter.layers_to_transform),
        bias=adapter.bias,
        modules_to_save=_listed(adapter.modules_to_save),
        task_type=adapter.task_type,
    )


def _ia3_config(adapter: AdapterSpec) -> IA3Config:
    return IA3Config(
        target_modules=_listed(adapter.target_modules),
        exclude_modules=_listed(adapter.exclude_modules),
        # Left out, PEFT would look them up by architecture, which knows nothing of our targets.
        feedforward_modules=_listed(adapter.feedforward_modules),
        modules_to_save=_listed(adapter.modules_to_save),
        task_type=adapter.task_type,
    )


def _vera_config(adapter: AdapterSpec) -> VeraConfig:
    return VeraConfig(
        r=adapter.r,
        target_modules=_listed(adapter.target_modules),
        vera_dropout=adapter.vera_dropout,
        d_initial=adapter.d_initial,
        projection_prng_key=adapter.projection_prng_key,
        layers_to_transform=_listed(adapter.layers_to_transform),
        modules_to_save=_listed(adapter.modules_to_save),
        task_type=adapter.task_type,
    )


def _prompt_config(adapter: AdapterSpec) -> PromptTuningConfig:
    return PromptTuningConfig(
        num_virtual_tokens=adapter.num_virtual_tokens,
        prompt_tuning_init=adapter.prompt_tuning_init,
        task_type=adapter.task_type,
    )


_CONFIGS = {
    "LORA": to_lora_config,
    "IA3": _ia3_config,
    "VERA": _vera_config,
    "PROMPT_TUNING": _prompt_config,
}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def save_adapter(model: PeftModel, folder: Path, *, adapter: str, base_id: str) -> None:
    """Write one adapter of a model as a PEFT folder; an interrupted write leaves no half folder."""
    with _whole(folder) as temporary:
        _write(model, temporary, adapter=adapter, base_id=base_id)


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a whole model with its tokenizer as a folder of transformers."""
    with _whole(folder) as temporary:
        was = model.config.use_cache
        try:
            # It is off for training only.
            model.config.use_cache = True
            model.save_pretrained(temporary)
        finally:
            model.config.use_cache = was
        tokenizer.save_pretrained(temporary)


def read_model(model: Any, folder: Path) -> None:
    """Copy the weights of a model folder into a model of the same kind."""
    stored = type(model).from_pretrained(folder, use_safetensors=True, dtype=model.dtype)
    with torch.no_grad():
        for own, read in zip(model.parameters(), stored.parameters(), strict=True):
            own.copy_(read)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder to write into that gets its name when it is whole."""
    with replacing(folder) as temporary:
        temporary.mkdir()
        try:
            yield temporary
        except SafetensorError as error:
            raise OSError(str(error)) from error


def _write(model: PeftModel, folder: Path, *, adapter: str, base_id: str) -> None:
    weights = get_peft_model_state_dict(model, adapter_name=adapter, save_embedding_layers=False)
    save_file(
        {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()},
        folder / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    config = model.peft_config[adapter]
    if config.task_type == "SEQ_CLS":
        # PEFT's own config has no place for what the outputs of a head are called.
        labels = json.dumps(labels_of(model), ensure_ascii=False)
        (folder / "labels.json").write_text(labels, encoding="utf-8")
    was_path, was_inference = config.base_model_name_or_path, config.inference_mode
    try:
        config.base_model_name_or_path, config.inference_mode = base_id, True
        config.save_pretrained(str(folder))
    finally:
        config.base_model_name_or_path, config.inference_mode = was_path, was_inference

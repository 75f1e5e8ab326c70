"""PEFT's own objects and files, in and out: `LoraConfig` from a spec, adapter folders that plain PEFT loads.

`save_adapter` writes what `PeftModel.from_pretrained` reads, under a temporary name until it is whole. This file knows
neither training nor slots.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import save_file

from workbench.errors import RunError
from workbench.spec import AdapterSpec


def to_lora_config(adapter: AdapterSpec) -> LoraConfig:
    """The `peft.LoraConfig` that a spec means."""
    listed = adapter.target_modules
    alpha = adapter.alpha
    return LoraConfig(
        r=adapter.r,
        lora_alpha=int(alpha) if float(alpha).is_integer() else alpha,
        target_modules=listed if isinstance(listed, str) else list(listed),
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


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def save_adapter(model: PeftModel, folder: Path, *, adapter: str, base_id: str) -> None:
    """Write one adapter of a model as a PEFT folder; an interrupted write leaves no half folder."""
    temporary = folder.with_name(f".{folder.name}-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        _write(model, temporary, adapter=adapter, base_id=base_id)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    except (SafetensorError, OSError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise RunError(
            f"the adapter could not be written: {error}. Free some space, then go on with --resume"
        ) from error


def _write(model: PeftModel, folder: Path, *, adapter: str, base_id: str) -> None:
    weights = get_peft_model_state_dict(model, adapter_name=adapter, save_embedding_layers=False)
    save_file(
        {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()},
        folder / "adapter_model.safetensors",
        metadata={"format": "pt"},
    )
    config = model.peft_config[adapter]
    was_path, was_inference = config.base_model_name_or_path, config.inference_mode
    try:
        config.base_model_name_or_path, config.inference_mode = base_id, True
        config.save_pretrained(str(folder))
    finally:
        config.base_model_name_or_path, config.inference_mode = was_path, was_inference

"""Adapters drawn by numpy, in the files that PEFT writes: what the lens must find in them is known by dense algebra."""

import json
import re
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

PREFIX = "base_model.model."
SIZES = {
    "model.layers.0.self_attn.q_proj": (12, 16),
    "model.layers.0.mlp.down_proj": (24, 12),
    "model.layers.1.self_attn.q_proj": (12, 16),
    "model.layers.1.mlp.down_proj": (24, 12),
}
"""Module -> inputs, outputs."""


def draw(folder: Path, *, ranks=6, seed: int = 0, sizes=SIZES, extra=None, **config) -> Path:
    """An adapter whose singular values fall; `ranks` is a number, or one for each module that has another than `r`.

    Args:
        extra: Further tensors, by their name in the file.
        config: Fields of its config.
    """
    generator = np.random.default_rng(seed)
    tensors = dict(extra or {})
    r = config.get("r", ranks if isinstance(ranks, int) else 6)
    for module, (inputs, outputs) in sizes.items():
        rank = ranks if isinstance(ranks, int) else ranks.get(module, r)
        falling = 0.6 ** np.arange(rank)[:, None]
        a = generator.normal(size=(rank, inputs)) * falling
        b = generator.normal(size=(outputs, rank))
        tensors[f"{PREFIX}{module}.lora_A.weight"] = a.astype(np.float32)
        tensors[f"{PREFIX}{module}.lora_B.weight"] = b.astype(np.float32)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    fields = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": r, "lora_alpha": 2 * r,
        "target_modules": ["q_proj", "down_proj"], "base_model_name_or_path": "microworld",
        "inference_mode": True, "init_lora_weights": True,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps({**fields, **config}))
    return folder


def dense(folder: Path) -> dict[str, np.ndarray]:
    """What an adapter adds to each weight, outputs by inputs, as PEFT defines it: no code of the lens."""
    config = json.loads((folder / "adapter_config.json").read_text())
    tensors = load_file(folder / "adapter_model.safetensors")
    found = {}
    for name, a in tensors.items():
        if not name.endswith(".lora_A.weight"):
            continue
        module = name.removeprefix(PREFIX).removesuffix(".lora_A.weight")
        b = tensors[f"{PREFIX}{module}.lora_B.weight"].astype(np.float64)
        alpha = _patterned(config.get("alpha_pattern"), module, config["lora_alpha"])
        rank = _patterned(config.get("rank_pattern"), module, config["r"])
        assert rank == a.shape[0]
        divisor = np.sqrt(rank) if config.get("use_rslora") else rank
        found[module] = alpha / divisor * (b @ a.astype(np.float64))
    return found


def _patterned(patterns, module, default):
    """What PEFT's rule gives: the first pattern that matches the end of a name."""
    fits = (v for p, v in (patterns or {}).items() if re.match(rf"(.*\.)?({p})$", module))
    return next(fits, default)

"""The truncated adapter as a plain PEFT folder: of each update the first r' terms, every scale as it was.

`write(adapter, ranks=..., folder=...)` never overwrites. Both new factors carry the root of the singular values, so that neither is
large, and alpha is set so that alpha / r (or its rsLoRA form) is that of the adapter: it can be trained further at the learning
rate it was trained with. What is no LoRA matrix is copied. Everything is written in float32.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError, StoreError, nearest
from workbench.foreign.folder import CONFIG, PREFIX, WEIGHTS
from workbench.lens.patterns import lora_fields
from workbench.lens.spectra import factored
from workbench.lens.weights import Adapter, Pair
from workbench.runs.atomic import replacing


def uniform(adapter: Adapter, *, rank: int) -> dict[str, int]:
    """The same rank for every module, or its own where that is lower."""
    highest = max(pair.rank for pair in adapter.pairs)
    if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= highest:
        raise InputError(
            f"rank {rank!r} cannot be cut to; this adapter has {highest}, so give 1 to {highest}"
        )
    return {pair.module: min(rank, pair.rank) for pair in adapter.pairs}


def checked(adapter: Adapter, *, ranks: Mapping[str, int]) -> dict[str, int]:
    """A rank for each module of the adapter; one that is not named keeps its own."""
    own = {pair.module: pair.rank for pair in adapter.pairs}
    for name, rank in ranks.items():
        if name not in own:
            raise InputError(f"{name!r} carries no adapter here. {nearest(name, own)}")
        if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= own[name]:
            raise InputError(
                f"{name!r} cannot be cut to rank {rank!r}; it has {own[name]}, so give 1 to {own[name]}"
            )
    return {**own, **ranks}


def fields_of(adapter: Adapter, *, ranks: Mapping[str, int]) -> dict[str, Any]:
    """`r`, `lora_alpha` and both patterns of an adapter of these ranks."""
    scales = {pair.module: pair.scale for pair in adapter.pairs}
    return lora_fields(ranks, scales=scales, is_rslora=adapter.is_rslora)


def truncated(
    adapter: Adapter, *, ranks: Mapping[str, int]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors and the config of a truncation; an untouched module keeps its own matrices."""
    tensors = dict(adapter.carried)
    for pair in adapter.pairs:
        a, b = (pair.a_RD, pair.b_OR) if ranks[pair.module] == pair.rank else _cut(pair, ranks)
        parts = ("lora_embedding_A", "lora_embedding_B")
        if not pair.is_embedding:
            parts = ("lora_A.weight", "lora_B.weight")
        for part, values in zip(parts, (a, b), strict=True):
            tensors[f"{PREFIX}{pair.module}.{part}"] = np.ascontiguousarray(values, np.float32)
    # First values are drawn before the stored ones are read; those of an odd rank some ways refuse.
    fields = {**fields_of(adapter, ranks=ranks), "init_lora_weights": True, "inference_mode": True}
    return tensors, {**adapter.config, **fields}


def write(adapter: Adapter, *, ranks: Mapping[str, int], folder: Path) -> Path:
    """A new folder that `PeftModel.from_pretrained` loads."""
    if os.path.lexists(folder):
        raise StoreError(
            f"{str(folder)!r} is there already and is not overwritten; give another folder"
        )
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise StoreError(
            f"{str(folder)!r} cannot be made; give a folder in one that can be written"
        )
    from safetensors.numpy import save_file

    tensors, config = truncated(adapter, ranks=checked(adapter, ranks=ranks))
    with replacing(folder) as temporary:
        temporary.mkdir()
        save_file(tensors, temporary / WEIGHTS, metadata={"format": "pt"})
        (temporary / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return folder


def _cut(pair: Pair, ranks: Mapping[str, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The first terms as two matrices of like size, their scale divided out."""
    rank, found = ranks[pair.module], factored(pair)
    # A rank above the smaller side of a weight has no more terms than that side.
    there = min(rank, len(found.values_r))
    root = np.sqrt(found.values_r[:there] / abs(pair.scale))
    a = np.zeros((rank, pair.a_RD.shape[1]))
    b = np.zeros((pair.b_OR.shape[0], rank))
    a[:there] = root[:, None] * found.right_rD[:there]
    b[:, :there] = math.copysign(1.0, pair.scale) * found.left_Or[:, :there] * root
    return a, b

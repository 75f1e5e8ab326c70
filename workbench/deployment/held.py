"""What a way of serving holds in memory: weights and of them the adapter, the cache of a token, and what a call adds on a GPU.

`held(subject, cell=...)` counts tensors and takes a formula beside. All variants are
loaded in one process, so the peak is that of all together; on a GPU a call is looked at by itself. It needs torch.
"""

from typing import Any

import torch

from workbench.deployment.calling import Called
from workbench.timing.call import Cell


def held(subject: Called, *, cell: Cell) -> dict[str, Any]:
    """Bytes of a variant; those of the cache and of a GPU are None where there are none.

    Args:
        subject: The variant.
        cell: The size of work of the call that is looked at on a GPU.
    """
    try:
        cache = subject.cache_bytes_per_token()
    except RuntimeError:
        cache = None
    return {
        "weights_bytes": subject.bytes,
        "adapter_bytes": _adapter_bytes(subject.model),
        "cache_bytes_per_token": cache,
        "cache_bytes_by_formula": cache_bytes(subject.model.config),
        "cuda": _on_the_gpu(subject, cell),
    }


def _adapter_bytes(model: Any) -> int | None:
    try:
        return adapter_bytes(model)
    except (RuntimeError, ValueError, AttributeError, KeyError):
        # Quantized layers of some libraries refuse to tell their state; times that took minutes must not go with it.
        return None


def adapter_bytes(model: Any) -> int:
    """What the adapters of a model take, as many as there are; 0 of a model without, or with one in its weights."""
    if not hasattr(model, "peft_config"):
        return 0
    from peft import get_peft_model_state_dict

    found: dict[int, int] = {}
    for name in model.peft_config:
        kept = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
        found |= {
            tensor.data_ptr(): tensor.numel() * tensor.element_size() for tensor in kept.values()
        }
    return sum(found.values())


def cache_bytes(config: Any) -> float | None:
    """Bytes of keys and values a token and row, by the shape in the config; None where that does not say it."""
    text = config.get_text_config()
    layers, heads = (
        getattr(text, "num_hidden_layers", None),
        getattr(text, "num_attention_heads", None),
    )
    hidden = getattr(text, "hidden_size", None)
    if not (layers and heads and hidden):
        return None
    kept = getattr(text, "num_key_value_heads", None) or heads
    width = getattr(text, "head_dim", None) or hidden // heads
    size = getattr(getattr(config, "dtype", None), "itemsize", 4)
    return float(2 * layers * kept * width * size)


def gpu_name(device: torch.device) -> str:
    """A GPU as its driver names it; empty where it is none."""
    if device.type != "cuda":
        return ""
    return f"GPU-{getattr(torch.cuda.get_device_properties(device), 'uuid', '')}"


def _on_the_gpu(subject: Called, cell: Cell) -> dict[str, Any] | None:
    """What a call adds to what all variants hold there; None without a GPU, or where the call fails."""
    device = subject.device
    if device.type != "cuda":
        return None
    torch.cuda.synchronize(device)
    # What calls of others gave back would count as reserved.
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
    try:
        subject.call(cell)
    except RuntimeError:
        return None
    return {
        "cell": str(cell),
        "loaded_bytes": before[0],
        "allocated_bytes": torch.cuda.max_memory_allocated(device) - before[0],
        "reserved_bytes": torch.cuda.max_memory_reserved(device) - before[1],
    }

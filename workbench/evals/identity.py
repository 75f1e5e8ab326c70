"""Who a slot is: a digest of everything that its answers depend on besides the question, and a row to know it by.

`identity(bank, slot, version=...)` names base, quantization, number format, tokenizer, adapter and how it is put on, so that an
answer is never taken for another's. A fingerprint is what a slot makes of the tokens of `probe(...)`; `alike` compares two. It knows no eval.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from workbench.scores.task import BASE

PROBE_TOKENS = 16
OF_ADAPTERS = ("lora_", "ia3_", "vera_", "prompt_encoder", "modules_to_save")
"""What PEFT calls its own modules, inside of those of the base."""
_SAMPLED = 4096
"""Values of each weight of the base that are looked at: all of them would take minutes for a large model."""


class Trained(Protocol):
    """What of the bank an identity is made of."""

    @property
    def base(self) -> Any: ...
    @property
    def tokenizer(self) -> Any: ...
    @property
    def trials(self) -> Mapping[str, Any]: ...
    def parameters(self, slot: str) -> Mapping[str, torch.Tensor]: ...


def identity(bank: Trained, slot: str, *, version: str) -> str:
    """The digest of a slot; `version` is that of whoever asks."""
    told = hashlib.blake2b(version.encode(), digest_size=16)
    config = bank.base.config.to_dict()
    told.update(json.dumps(config.get("quantization_config"), sort_keys=True, default=str).encode())
    told.update(_of_tokenizer(bank.tokenizer))
    if slot != BASE:
        # The same weights under another alpha are another adapter.
        told.update(bank.trials[slot].spec.adapter.model_dump_json().encode())
    own = {} if slot == BASE else dict(bank.parameters(slot))
    mine = {id(tensor) for tensor in own.values()}
    of_base = ((n, t) for n, t in bank.base.named_parameters() if id(t) not in mine)
    for name, tensor in of_base:
        if _is_adapter(name):
            continue
        told.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        told.update(_bytes(_sampled(tensor)))
    for name, tensor in sorted(own.items()):
        told.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        told.update(_bytes(tensor))
    return told.hexdigest()


def probe(vocabulary: int, *, context: int) -> tuple[int, ...]:
    """The fixed row: tokens from all over the vocabulary."""
    generator = torch.Generator().manual_seed(0)
    count = min(PROBE_TOKENS, context)
    return tuple(torch.randint(vocabulary, (count,), generator=generator).tolist())


def alike(one: Sequence[float], other: Sequence[float], *, tolerance: float = 1e-2) -> bool:
    """Whether two fingerprints are of the same weights; another kernel or machine rounds differently.

    >>> alike((1.0, -2.0), (1.001, -2.001)), alike((1.0, -2.0), (1.2, -2.0))
    (True, False)
    >>> alike((float("nan"),), (float("nan"),)), alike((1.0,), (float("nan"),))
    (True, False)
    """
    a, b = torch.tensor(one, dtype=torch.float64), torch.tensor(other, dtype=torch.float64)
    if a.shape != b.shape:
        return False
    scale = a.nan_to_num().abs().max().clamp(min=1.0).item()
    return torch.allclose(a, b, rtol=0.0, atol=tolerance * scale, equal_nan=True)


def _is_adapter(name: str) -> bool:
    # PEFT's parameters lie in the base's own modules; those of other slots are not this one's.
    return any(f".{word}" in f".{name}" for word in OF_ADAPTERS)


def _of_tokenizer(tokenizer: Any) -> bytes:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    written = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab())
    return f"{written}{tokenizer.chat_template}{tokenizer.special_tokens_map}".encode()


def _sampled(tensor: torch.Tensor) -> torch.Tensor:
    flat = tensor.detach().reshape(-1)
    return flat[:: max(1, len(flat) // _SAMPLED)]


def _bytes(tensor: torch.Tensor) -> bytes:
    raw = tensor.detach().contiguous().cpu().reshape(-1).view(torch.uint8)
    return bytes(raw.numpy().tobytes())

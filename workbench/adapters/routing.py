"""Tokens of one forward pass routed to many adapters: exact-rank segments over contiguous tokens.

While `Routes.on` is active every LoRA layer of the model computes its frozen base once for all tokens and adds each
slot's own low-rank update to that slot's tokens. `routes.spans` says which tokens belong to which adapter and is set
before each forward. It knows PEFT's layers and nothing of rows' meaning, losses or optimizers.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch.autograd.function import BackwardCFunction

from workbench.adapters.stacks import Stack, stacks
from workbench.adapters.updates import AddSegments, AddStacks, Masked, Segment


class Span(NamedTuple):
    """Tokens first..end of the pass belong to an adapter."""

    adapter: str
    first: int
    end: int
    rows: tuple[Masked, ...] = ()


class Routes:
    """The spans of the pass at hand, and the layers that follow them; final."""

    def __init__(self, model: PeftModel) -> None:
        """Find the layers that can be routed."""
        self.always_stacked = False
        """On a CPU too, where stacks are slower: for tests."""
        self._spans: Sequence[Span] = ()
        self._stacks: dict[Any, list[Stack]] = {}
        self._model = model
        self._layers: dict[str, LoraLayer] = {}
        self._active = False
        self.refresh()

    @property
    def spans(self) -> Sequence[Span]:
        """The adapters of the pass at hand."""
        return self._spans

    @spans.setter
    def spans(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._stacks.clear()

    def stacked(self, x: torch.Tensor) -> bool:
        """Whether updates are computed in stacks: a launch costs a GPU more than a pad, and a CPU less."""
        return x.is_cuda or self.always_stacked

    def stacks_of(
        self, segments: tuple[Segment, ...], ranks: tuple[int, ...], *, device: torch.device
    ) -> list[Stack]:
        """The stacks of a layer; most layers of a pass have the same."""
        key = (segments, ranks)
        if key not in self._stacks:
            self._stacks[key] = stacks(segments, ranks=ranks, device=device)
        return self._stacks[key]

    def refresh(self) -> None:
        """Find the layers anew: an adapter was added."""
        found = {n: m for n, m in self._model.named_modules() if isinstance(m, LoraLayer)}
        if self._active:
            for name in found.keys() - self._layers.keys():
                found[name].forward = _Routed(found[name], routes=self, name=name)
        self._layers = found

    @contextmanager
    def on(self) -> Iterator[None]:
        """Route every LoRA layer of the model while the block runs."""
        self._active = True
        for name, layer in self._layers.items():
            layer.forward = _Routed(layer, routes=self, name=name)
        try:
            yield
        finally:
            self._active = False
            for layer in self._layers.values():
                del layer.forward  # the instance's own; the class's is there again


class _Routed:
    """What a LoRA layer does while it is routed."""

    def __init__(self, layer: LoraLayer, *, routes: Routes, name: str) -> None:
        self.layer, self.routes, self.name = layer, routes, name

    def __call__(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        layer = self.layer
        y = _writable(layer.base_layer(x, *args, **kwargs))
        segments, weights = [], []
        for span in self.routes.spans:
            if span.adapter not in layer.lora_A:
                continue
            probability = getattr(layer.lora_dropout[span.adapter], "p", 0.0)
            probability = probability if layer.training else 0.0
            masks = tuple(_for_layer(row, self.name) for row in span.rows) if probability else ()
            scale = layer.scaling[span.adapter]
            segments.append(Segment(span.first, span.end, scale, probability, masks))
            weights += [layer.lora_A[span.adapter].weight, layer.lora_B[span.adapter].weight]
        if not segments:
            return y
        if self.routes.stacked(x) and not any(segment.dropout for segment in segments):
            ranks = tuple(len(a_RD) for a_RD in weights[::2])
            some = self.routes.stacks_of(tuple(segments), ranks, device=x.device)
            return AddStacks.apply(y, x, some, *weights)
        return AddSegments.apply(y, x, tuple(segments), *weights)


def _writable(y: torch.Tensor) -> torch.Tensor:
    """Autograd forbids adding in place to a view that a function written for it gave, as a 4-bit layer with a bias does."""
    is_forbidden = y._is_view() and isinstance(y.grad_fn, BackwardCFunction)
    return y.clone() if is_forbidden else y


def _for_layer(row: Masked, layer: str) -> Masked:
    # Masks are named by what they are for, not drawn from a running stream: a recomputed, resumed or re-sliced
    # pass gives the same masks, whatever rows stand beside, and so does a run of its own.
    digest = hashlib.blake2b(f"{row.draw}/{layer}".encode(), digest_size=7).digest()
    return Masked(int.from_bytes(digest, "big"), row.num_tokens)

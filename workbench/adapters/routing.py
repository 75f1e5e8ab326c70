"""Tokens of one forward pass routed to many adapters: exact-rank segments over contiguous tokens.

While `Routes.on` is active every LoRA layer of the model computes its frozen base once for all tokens and adds each
slot's own low-rank update to that slot's tokens. `routes.spans` says which tokens belong to which adapter and is set
before each forward. Nothing is padded to the largest rank, and nothing is copied: a slot is a slice. It knows PEFT's
layers and nothing of rows' meaning, losses or optimizers.

    N tokens  D in  O out  R rank (of one slot)
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch.nn import functional


class Masked(NamedTuple):
    """The dropout masks of one row of a span."""

    draw: int
    """The same number gives the same masks."""
    num_tokens: int


class Span(NamedTuple):
    """Tokens first..end of the pass belong to an adapter."""

    adapter: str
    first: int
    end: int
    rows: tuple[Masked, ...] = ()


class _Segment(NamedTuple):
    first: int
    end: int
    scale: float
    dropout: float
    masks: tuple[Masked, ...]
    """Of each row; empty without dropout."""


class Routes:
    """The spans of the pass at hand, and the layers that follow them; final."""

    def __init__(self, model: PeftModel) -> None:
        """Find the layers that can be routed."""
        self.spans: Sequence[Span] = ()
        self._model = model
        self._layers: dict[str, LoraLayer] = {}
        self._active = False
        self.refresh()

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
        y = layer.base_layer(x, *args, **kwargs)
        segments, weights = [], []
        for span in self.routes.spans:
            if span.adapter not in layer.lora_A:
                continue
            probability = getattr(layer.lora_dropout[span.adapter], "p", 0.0)
            probability = probability if layer.training else 0.0
            masks = tuple(_for_layer(row, self.name) for row in span.rows) if probability else ()
            scale = layer.scaling[span.adapter]
            segments.append(_Segment(span.first, span.end, scale, probability, masks))
            weights += [layer.lora_A[span.adapter].weight, layer.lora_B[span.adapter].weight]
        if not segments:
            return y
        return _AddUpdates.apply(y, x, tuple(segments), *weights)


def _for_layer(row: Masked, layer: str) -> Masked:
    # Masks are named by what they are for, not drawn from a running stream: a recomputed, resumed or re-sliced
    # pass gives the same masks, whatever rows stand beside, and so does a run of its own.
    digest = hashlib.blake2b(f"{row.draw}/{layer}".encode(), digest_size=7).digest()
    return Masked(int.from_bytes(digest, "big"), row.num_tokens)


def _mask(segment: _Segment, *, like: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator()
    # On the CPU whatever the device: there a longer row begins with the same numbers as a shorter one.
    drawn = [
        torch.rand(row.num_tokens, like.shape[1], generator=generator.manual_seed(row.draw))
        for row in segment.masks
    ]
    keep = torch.cat(drawn) >= segment.dropout
    return keep.to(device=like.device, dtype=like.dtype) / (1.0 - segment.dropout)


class _AddUpdates(torch.autograd.Function):
    """y[segment] += scale * dropout(x[segment]) A^T B^T, for every segment, in place on y."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, y: torch.Tensor, x: torch.Tensor, segments: tuple[_Segment, ...], *weights: Any
    ) -> torch.Tensor:
        dtype = weights[0].dtype
        if torch.is_autocast_enabled(x.device.type):
            dtype = torch.get_autocast_dtype(x.device.type)
        # Rows and tokens are one axis here, as some layers (OPT's feed-forward) have it already.
        x_all, y_all = x.reshape(-1, x.shape[-1]), y.view(-1, y.shape[-1])
        lows = []
        for index, segment in enumerate(segments):
            a_RD, b_OR = weights[2 * index].to(dtype), weights[2 * index + 1].to(dtype)
            s_NR = functional.linear(_input(x_all, segment, dtype=dtype), a_RD)
            y_NO = y_all[segment.first : segment.end]
            if y.dtype == dtype:
                y_NO.addmm_(s_NR, b_OR.t(), alpha=segment.scale)
            else:
                y_NO += functional.linear(s_NR, b_OR) * segment.scale
            lows.append(s_NR)
        ctx.mark_dirty(y)
        ctx.segments, ctx.dtype = segments, dtype
        ctx.save_for_backward(x, *weights, *lows)
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Any:  # type: ignore[override]
        count = len(ctx.segments)
        x, *saved = ctx.saved_tensors
        weights, lows = saved[: 2 * count], saved[2 * count :]
        x_all, dy_all = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        dx = torch.zeros_like(x_all) if ctx.needs_input_grad[1] else None
        in_place = dx is not None and dx.dtype == ctx.dtype
        gradients: list[torch.Tensor | None] = []
        for index, segment in enumerate(ctx.segments):
            a_RD, b_OR = weights[2 * index].to(ctx.dtype), weights[2 * index + 1].to(ctx.dtype)
            dy_NO = dy_all[segment.first : segment.end].to(ctx.dtype)
            x_ND = _input(x_all, segment, dtype=ctx.dtype)
            ds_NR = (dy_NO @ b_OR) * segment.scale
            gradients.append((ds_NR.t() @ x_ND).to(weights[2 * index].dtype))
            gradients.append(
                ((dy_NO.t() @ lows[index]) * segment.scale).to(weights[2 * index + 1].dtype)
            )
            if dx is not None:
                dx_ND = dx[segment.first : segment.end]
                if in_place:
                    torch.mm(ds_NR, a_RD, out=dx_ND)
                else:
                    dx_ND.copy_(ds_NR @ a_RD)
                if segment.dropout:
                    dx_ND *= _mask(segment, like=dx_ND)
        return dy, None if dx is None else dx.view_as(x), None, *gradients


def _input(x_all: torch.Tensor, segment: _Segment, *, dtype: torch.dtype) -> torch.Tensor:
    x_ND = x_all[segment.first : segment.end].to(dtype)
    if segment.dropout:
        x_ND = x_ND * _mask(segment, like=x_ND)
    return x_ND

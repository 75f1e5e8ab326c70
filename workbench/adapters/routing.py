"""Rows of one forward pass routed to many adapters: exact-rank segments over contiguous rows.

While `Routes.on` is active every LoRA layer of the model computes its frozen base once for all rows and adds each
slot's own low-rank update to that slot's rows. `routes.spans` says which rows belong to which adapter and is set
before each forward. Nothing is padded to the largest rank, and no row is copied: a slot is a slice. It knows PEFT's
layers and nothing of rows' meaning, losses or optimizers.

    B rows  T tokens  D in  O out  R rank (of one slot)
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from torch.nn import functional


class Span(NamedTuple):
    """Rows first..end of the batch belong to an adapter."""

    adapter: str
    first: int
    end: int
    draws: tuple[int, ...] = ()
    """One number a row that names its dropout masks: the same number gives the same masks."""


class _Segment(NamedTuple):
    first: int
    end: int
    scale: float
    dropout: float
    seeds: tuple[int, ...]
    """Of the masks of each row; empty without dropout."""


class Routes:
    """The spans of the pass at hand, and the layers that follow them; final."""

    def __init__(self, model: PeftModel) -> None:
        """Find the layers that can be routed."""
        self.spans: Sequence[Span] = ()
        self._layers = {
            name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)
        }

    @contextmanager
    def on(self) -> Iterator[None]:
        """Route every LoRA layer of the model while the block runs."""
        for name, layer in self._layers.items():
            layer.forward = _Routed(layer, routes=self, name=name)
        try:
            yield
        finally:
            for layer in self._layers.values():
                del layer.forward  # the instance's own; the class's is there again

    @property
    def num_rows(self) -> int:
        """Rows of the pass at hand."""
        return self.spans[-1].end


class _Routed:
    """What a LoRA layer does while it is routed."""

    def __init__(self, layer: LoraLayer, *, routes: Routes, name: str) -> None:
        self.layer, self.routes, self.name = layer, routes, name

    def __call__(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        layer, routes = self.layer, self.routes
        y = layer.base_layer(x, *args, **kwargs)
        # Some layers (OPT's feed-forward) see rows and tokens flattened into one axis.
        per_row = x.shape[0] // routes.num_rows
        segments, weights = [], []
        for span in routes.spans:
            if span.adapter not in layer.lora_A:
                continue
            probability = getattr(layer.lora_dropout[span.adapter], "p", 0.0)
            seeds = tuple(_mask_seed(draw, self.name) for draw in span.draws) if probability else ()
            segments.append(
                _Segment(
                    first=span.first * per_row,
                    end=span.end * per_row,
                    scale=layer.scaling[span.adapter],
                    dropout=probability if layer.training else 0.0,
                    seeds=seeds,
                )
            )
            weights += [layer.lora_A[span.adapter].weight, layer.lora_B[span.adapter].weight]
        if not segments:
            return y
        return _AddUpdates.apply(y, x, tuple(segments), *weights)


def _mask_seed(draw: int, layer: str) -> int:
    # Masks are named by what they are for, not drawn from a running stream: a recomputed, resumed or re-sliced
    # pass gives the same masks, whatever rows stand beside, and so does a run of its own.
    return int.from_bytes(
        hashlib.blake2b(f"{draw}/{layer}".encode(), digest_size=7).digest(), "big"
    )


def _mask(shape: torch.Size, segment: _Segment, *, like: torch.Tensor) -> torch.Tensor:
    num_tokens, width = shape[0] // len(segment.seeds), shape[1]
    generator = torch.Generator()
    # On the CPU whatever the device: there a longer row begins with the same numbers as a shorter one.
    drawn = [
        torch.rand(num_tokens, width, generator=generator.manual_seed(s)) for s in segment.seeds
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
        lows = []
        for index, segment in enumerate(segments):
            a_RD, b_OR = weights[2 * index].to(dtype), weights[2 * index + 1].to(dtype)
            x_ND = _input(x, segment, dtype=dtype)
            s_NR = functional.linear(x_ND, a_RD)
            y_NO = y[segment.first : segment.end].reshape(-1, y.shape[-1])
            if y.dtype == dtype:
                y_NO = torch.addmm(y_NO, s_NR, b_OR.t(), alpha=segment.scale)
            else:
                y_NO = y_NO + functional.linear(s_NR, b_OR) * segment.scale
            y[segment.first : segment.end] = y_NO.view_as(y[segment.first : segment.end])
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
        dx = torch.zeros_like(x) if ctx.needs_input_grad[1] else None
        gradients: list[torch.Tensor | None] = []
        for index, segment in enumerate(ctx.segments):
            a_RD, b_OR = weights[2 * index].to(ctx.dtype), weights[2 * index + 1].to(ctx.dtype)
            dy_NO = dy[segment.first : segment.end].reshape(-1, dy.shape[-1]).to(ctx.dtype)
            x_ND = _input(x, segment, dtype=ctx.dtype)
            ds_NR = (dy_NO @ b_OR) * segment.scale
            gradients.append((ds_NR.t() @ x_ND).to(weights[2 * index].dtype))
            gradients.append(
                ((dy_NO.t() @ lows[index]) * segment.scale).to(weights[2 * index + 1].dtype)
            )
            if dx is not None:
                dx_ND = ds_NR @ a_RD
                if segment.dropout:
                    dx_ND = dx_ND * _mask(dx_ND.shape, segment, like=dx_ND)
                part = dx[segment.first : segment.end]
                part.copy_(dx_ND.view_as(part))
        return dy, dx, None, *gradients


def _input(x: torch.Tensor, segment: _Segment, *, dtype: torch.dtype) -> torch.Tensor:
    x_ND = x[segment.first : segment.end].reshape(-1, x.shape[-1]).to(dtype)
    if segment.dropout:
        x_ND = x_ND * _mask(x_ND.shape, segment, like=x_ND)
    return x_ND

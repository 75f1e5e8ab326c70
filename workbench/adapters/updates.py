"""The low-rank updates of many adapters, added to what the frozen base gave for all their tokens.

`AddSegments` takes one adapter after the other at its exact rank: nothing is padded and nothing is copied, a slot is a
slice, which is what a CPU wants. `AddStacks` takes adapters of like rank in one product. Both are written by hand
because autograd would keep a copy of y for each adapter. They know tensors, tokens and scales, and no model.

    N tokens  D in  O out  R rank (of one adapter)
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from workbench.adapters.stacks import Stack


class Masked(NamedTuple):
    """The dropout masks of one row of a span."""

    draw: int
    """The same number gives the same masks."""
    num_tokens: int


class Segment(NamedTuple):
    """Tokens first..end of a pass, and the update that one adapter gives them."""

    first: int
    end: int
    scale: float
    dropout: float
    masks: tuple[Masked, ...]
    """Of each row; empty without dropout."""


def _mask(segment: Segment, *, like: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator()
    # On the CPU whatever the device: there a longer row begins with the same numbers as a shorter one.
    drawn = [
        torch.rand(row.num_tokens, like.shape[1], generator=generator.manual_seed(row.draw))
        for row in segment.masks
    ]
    keep = torch.cat(drawn) >= segment.dropout
    return keep.to(device=like.device, dtype=like.dtype) / (1.0 - segment.dropout)


class AddSegments(torch.autograd.Function):
    """y[segment] += scale * dropout(x[segment]) A^T B^T, for every segment, in place on y."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, y: torch.Tensor, x: torch.Tensor, segments: tuple[Segment, ...], *weights: Any
    ) -> torch.Tensor:
        dtype = _dtype(x, weights)
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


class AddStacks(torch.autograd.Function):
    """The same, without dropout, for adapters in stacks."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, y: torch.Tensor, x: torch.Tensor, stacks: Sequence[Stack], *weights: Any
    ) -> torch.Tensor:
        dtype = _dtype(x, weights)
        x_all, y_all = x.reshape(-1, x.shape[-1]).to(dtype), y.view(-1, y.shape[-1])
        lows = []
        for stack in stacks:
            a, b = _of(stack, weights, dtype=dtype)
            lows.append(stack.add(y_all, x_all, a, b))
        ctx.mark_dirty(y)
        ctx.stacks, ctx.dtype = stacks, dtype
        ctx.save_for_backward(x, *weights, *lows)
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Any:  # type: ignore[override]
        x, *saved = ctx.saved_tensors
        weights, lows = saved[: -len(ctx.stacks)], saved[-len(ctx.stacks) :]
        x_all = x.reshape(-1, x.shape[-1]).to(ctx.dtype)
        dy_all = dy.reshape(-1, dy.shape[-1]).to(ctx.dtype)
        dx = torch.zeros_like(x) if ctx.needs_input_grad[1] else None
        dx_all = None if dx is None else dx.view(-1, x.shape[-1])
        gradients: list[torch.Tensor | None] = [None] * len(weights)
        for stack, low in zip(ctx.stacks, lows, strict=True):
            a, b = _of(stack, weights, dtype=ctx.dtype)
            found = stack.gradients(dy_all, x_all, low, a, b, dx_all=dx_all)
            for member, (da_RD, db_OR) in zip(stack.members, found, strict=True):
                gradients[2 * member] = da_RD.to(weights[2 * member].dtype)
                gradients[2 * member + 1] = db_OR.to(weights[2 * member + 1].dtype)
        return dy, dx, None, *gradients


def _of(
    stack: Stack, weights: Sequence[torch.Tensor], *, dtype: torch.dtype
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    a = [weights[2 * member].to(dtype) for member in stack.members]
    return a, [weights[2 * member + 1].to(dtype) for member in stack.members]


def _dtype(x: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.dtype:
    if torch.is_autocast_enabled(x.device.type):
        return torch.get_autocast_dtype(x.device.type)
    return weights[0].dtype


def _input(x_all: torch.Tensor, segment: Segment, *, dtype: torch.dtype) -> torch.Tensor:
    x_ND = x_all[segment.first : segment.end].to(dtype)
    if segment.dropout:
        x_ND = x_ND * _mask(segment, like=x_ND)
    return x_ND

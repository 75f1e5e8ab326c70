"""The updates of many adapters as a few batched products, which is what a GPU wants: there a launch costs, not a pad.

`stacks(segments, ranks=...)` puts adapters of like rank together; each `Stack` gathers their tokens to [S, W, D], and `add`
and `gradients` do with two and four products what would take as many for each adapter. Ranks are padded within a stack,
to at most four times the smallest, never to the largest of all. Whatever a slot's tokens hold stays in that slot's part
of the batch. It knows tensors only.

    N tokens  S adapters of a stack  W tokens of the longest  D in  O out  R padded rank
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch

_LIKE = 4
"""Ranks of one stack differ at most so many times."""
_MULTIPLE = 8
"""What matrix units want a side to be a multiple of."""


class Placed(Protocol):
    """Tokens first..end of a pass, and the scale of their update."""

    @property
    def first(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def scale(self) -> float: ...


class Gradients(NamedTuple):
    """Of one adapter."""

    a_RD: torch.Tensor
    b_OR: torch.Tensor


class Stack:
    """Adapters of like rank; final."""

    def __init__(
        self,
        members: Sequence[int],
        segments: Sequence[Placed],
        ranks: Sequence[int],
        *,
        device: torch.device,
    ) -> None:
        self.members = tuple(members)
        """Which of the segments."""
        self._ranks = [ranks[m] for m in members]
        self._rank = -(-max(self._ranks) // _MULTIPLE) * _MULTIPLE
        mine = [segments[m] for m in members]
        self._scale_S = torch.tensor([one.scale for one in mine], device=device)[:, None, None]
        lengths = [one.end - one.first for one in mine]
        self._width = max(lengths)
        self._first, self._end = mine[0].first, mine[-1].end
        joined = all(a.end == b.first for a, b in pairwise(mine))
        self._plain = joined and min(lengths) == self._width
        """Whether its tokens are one block already, so that nothing has to be gathered."""
        steps_W = torch.arange(self._width)
        real_SW = steps_W < torch.tensor(lengths)[:, None]
        firsts_S = torch.tensor([one.first for one in mine])
        taken = (firsts_S[:, None] + steps_W * real_SW).flatten()
        kept = real_SW.flatten().nonzero().flatten()
        self._real_SW1 = real_SW[..., None].to(device)
        self._taken, self._kept = taken.to(device), kept.to(device)
        self._places = taken[kept].to(device)

    def add(
        self,
        y_all: torch.Tensor,
        x_all: torch.Tensor,
        a: Sequence[torch.Tensor],
        b: Sequence[torch.Tensor],
    ) -> torch.Tensor:
        """Y += scale * x A^T B^T in place for every member; x A^T is given back for the way back."""
        s_SWR = torch.bmm(self._gather(x_all), self._a(a).transpose(1, 2))
        update_SWO = torch.bmm(s_SWR, self._b(b).transpose(1, 2)) * self._scale_S.to(s_SWR.dtype)
        self._scatter(update_SWO, y_all)
        return s_SWR

    def gradients(
        self,
        dy_all: torch.Tensor,
        x_all: torch.Tensor,
        s_SWR: torch.Tensor,
        a: Sequence[torch.Tensor],
        b: Sequence[torch.Tensor],
        *,
        dx_all: torch.Tensor | None,
    ) -> list[Gradients]:
        """Of A and B of every member; what flows on is added to dx."""
        dy_SWO = self._gather(dy_all)
        if not self._plain:
            # Not a product: what a pad stands for may be no number.
            dy_SWO = torch.where(self._real_SW1, dy_SWO, 0)
        scaled_SWO = dy_SWO * self._scale_S.to(dy_SWO.dtype)
        ds_SWR = torch.bmm(scaled_SWO, self._b(b))
        da_SRD = torch.bmm(ds_SWR.transpose(1, 2), self._gather(x_all))
        db_SOR = torch.bmm(scaled_SWO.transpose(1, 2), s_SWR)
        if dx_all is not None:
            self._scatter(torch.bmm(ds_SWR, self._a(a)), dx_all)
        return [
            Gradients(da_SRD[index, :rank], db_SOR[index, :, :rank])
            for index, rank in enumerate(self._ranks)
        ]

    def _gather(self, all_ND: torch.Tensor) -> torch.Tensor:
        shape = (len(self.members), self._width, all_ND.shape[-1])
        if self._plain:
            return all_ND[self._first : self._end].reshape(shape)
        return all_ND.index_select(0, self._taken).view(shape)

    def _scatter(self, each_SWD: torch.Tensor, all_ND: torch.Tensor) -> None:
        each_ND = each_SWD.flatten(0, 1).to(all_ND.dtype)
        if self._plain:
            all_ND[self._first : self._end] += each_ND
            return
        all_ND.index_add_(0, self._places, each_ND.index_select(0, self._kept))

    def _a(self, a: Sequence[torch.Tensor]) -> torch.Tensor:
        a_SRD = a[0].new_zeros(len(a), self._rank, a[0].shape[1])
        # One launch for all of them.
        torch._foreach_copy_([a_SRD[i, : len(one)] for i, one in enumerate(a)], list(a))
        return a_SRD

    def _b(self, b: Sequence[torch.Tensor]) -> torch.Tensor:
        b_SOR = b[0].new_zeros(len(b), b[0].shape[0], self._rank)
        torch._foreach_copy_([b_SOR[i, :, : one.shape[1]] for i, one in enumerate(b)], list(b))
        return b_SOR


def stacks(
    segments: Sequence[Placed], *, ranks: Sequence[int], device: torch.device
) -> list[Stack]:
    """Every segment in one stack, those of like rank together."""
    groups: list[list[int]] = []
    for member in sorted(range(len(ranks)), key=lambda m: (ranks[m], segments[m].first)):
        if not groups or ranks[member] > _LIKE * ranks[groups[-1][0]]:
            groups.append([])
        groups[-1].append(member)
    # In the order of their tokens: neighbours of one length are one block.
    return [
        Stack(sorted(group, key=lambda m: segments[m].first), segments, ranks, device=device)
        for group in groups
    ]

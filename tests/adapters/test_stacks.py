"""Updates of many adapters in a few products: what each adapter would have got by itself, to the last slot."""

import pytest
import torch

from workbench.adapters.stacks import stacks
from workbench.adapters.updates import AddSegments, AddStacks, Segment

IN, OUT = 12, 20
CPU = torch.device("cpu")


def _segments(*lengths: int, gap: int = 0) -> tuple[Segment, ...]:
    found, first = [], 0
    for index, length in enumerate(lengths):
        found.append(Segment(first, first + length, 0.5 + index, 0.0, ()))
        first += length + gap
    return tuple(found)


def _both(segments: tuple[Segment, ...], ranks: tuple[int, ...], x: torch.Tensor) -> list[list]:
    """Output and gradients by segments, and by stacks."""
    generator = torch.Generator().manual_seed(2)
    weights = [
        torch.randn(shape, generator=generator, dtype=x.dtype)
        for rank in ranks
        for shape in ((rank, IN), (OUT, rank))
    ]
    base = torch.randn(len(x), OUT, generator=generator, dtype=x.dtype)
    upward = torch.randn(len(x), OUT, generator=generator, dtype=x.dtype)
    found = []
    for how in (AddSegments, AddStacks):
        mine, own = x.clone().requires_grad_(), [w.clone().requires_grad_() for w in weights]
        some = segments if how is AddSegments else stacks(segments, ranks=ranks, device=CPU)
        y = how.apply(base.clone(), mine, some, *own)
        y.backward(upward)
        found.append([y.detach(), mine.grad, *(w.grad for w in own)])
    return found


@pytest.mark.parametrize(
    ("lengths", "ranks", "gap"),
    [
        ((6, 6, 6), (4, 4, 4), 0),
        ((6, 6, 6, 6), (1, 32, 2, 64), 0),
        ((3, 9, 1, 4, 7), (8, 3, 16, 1, 40), 0),
        ((5, 5), (2, 2), 3),
        ((7,), (5,), 0),
    ],
    ids=["one block", "ranks far apart", "ragged", "others between", "alone"],
)
def test_stacks_give_what_segments_give(lengths, ranks, gap) -> None:
    segments = _segments(*lengths, gap=gap)
    x = torch.randn(segments[-1].end + 2, IN, dtype=torch.float64)
    by_segment, by_stack = _both(segments, ranks, x)
    for one, other in zip(by_segment, by_stack, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lengths", [(4, 4, 4), (3, 5, 4)], ids=["one block", "ragged"])
def test_what_is_no_number_stays_with_its_adapter(lengths) -> None:
    segments = _segments(*lengths)
    x = torch.randn(12, IN)
    broken = x.clone()
    broken[segments[1].first : segments[1].end] = float("nan")
    (_, whole), (_, hurt) = (_both(segments, (2, 3, 8), one) for one in (x, broken))
    for slot in (0, 2):
        mine = slice(segments[slot].first, segments[slot].end)
        for before, after in zip(whole[:2], hurt[:2], strict=True):
            assert torch.equal(before[mine], after[mine])
        for index in (2 + 2 * slot, 3 + 2 * slot):
            assert torch.equal(whole[index], hurt[index])
    assert hurt[4].isnan().any()


def test_ranks_far_apart_are_not_padded_to_the_largest() -> None:
    ranks = (1, 2, 4, 8, 16, 32, 64, 8)
    some = stacks(_segments(*[5] * 8), ranks=ranks, device=CPU)
    assert sorted(m for stack in some for m in stack.members) == list(range(8))
    for stack in some:
        mine = [ranks[member] for member in stack.members]
        assert max(mine) <= 4 * min(mine)

"""Where a larger batch stops paying: gains of throughput from batch to batch with intervals, and the knee in them.

`gains(calls, of=..., cells=..., metric=...)` compares neighbouring batches within blocks, as ways are compared; `knee(gains)` says
from which batch on a doubling surely gains little. It claims no knee that the intervals leave open.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workbench.stats.intervals import Interval
from workbench.stats.signed_rank import centre
from workbench.timing.call import WARM_UP, Call, Cell
from workbench.timing.pairs import METRICS

LEAST = 0.25
"""A doubling of the batch that gains less than this share of throughput no longer pays; all that it could gain is 1."""

RISING, FLAT, OPEN = "rising", "flat", "open"
"""Why there is no knee: the last doubling still pays, none ever did, or the intervals leave it open."""

OF_RATE = {"decode": "tpot", "prefill": "ttft"}
"""The time whose inverse a throughput is, but for the tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What throughput gained from one batch to a larger one."""

    start: int
    end: int
    share: Interval
    """Of the throughput, for a doubling: 1 where twice the rows give twice the tokens, 0 where they give no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knee:
    """The batch from which on more rows pay little, or why there is none."""

    batch: int | None = None
    earliest: int | None = None
    """It may lie as early as here: what lies between is not decided."""
    why: str = ""
    """`RISING`, `FLAT` or `OPEN` where there is none."""


def gains(
    calls: Iterable[Call], *, of: str, cells: Sequence[Cell], metric: str = "decode"
) -> list[Gain]:
    """The gain from each cell to the next, in order of the batch, by ratios within blocks."""
    ordered = sorted(cells, key=lambda cell: cell.batch)
    times = _times(calls, of=of, cells=ordered, field=METRICS[OF_RATE[metric]])
    return [_gain(times[one], times[other], one, other) for one, other in pairwise(ordered)]


def knee(steps: Sequence[Gain], *, least: float = LEAST) -> Knee:
    """The smallest batch from which every further step surely gains less than `least`, after one that surely gained more.

    Sure is a step whose whole interval lies on one side.

    >>> def step(start, low, high):
    ...     return Gain(start=start, end=2 * start, share=Interval(None, low, high, 9, 9, ""))
    >>> knee([step(1, 0.8, 0.9), step(2, 0.4, 0.5), step(4, 0.0, 0.1), step(8, -0.1, 0.1)]).batch
    4
    >>> found = knee([step(1, 0.8, 0.9), step(2, 0.2, 0.3), step(4, 0.0, 0.1)])
    >>> found.earliest, found.batch
    (2, 4)
    >>> knee([step(1, 0.8, 0.9), step(2, 0.7, 0.9)]).why, knee([step(1, 0.0, 0.1)]).why
    ('rising', 'flat')
    """
    rises = [one.share.low is not None and one.share.low > least for one in steps]
    rests = [one.share.high is not None and one.share.high < least for one in steps]
    first = len(steps)
    while first and rests[first - 1]:
        first -= 1
    if first < len(steps) and any(rises):
        last = max(place for place, is_rise in enumerate(rises) if is_rise)
        return Knee(batch=steps[first].start, earliest=steps[last].end)
    if steps and rises[-1]:
        return Knee(why=RISING)
    return Knee(why=FLAT if steps and first == 0 else OPEN)


def _times(
    calls: Iterable[Call], *, of: str, cells: Sequence[Cell], field: str
) -> dict[Cell, dict[int, float]]:
    """Cell -> block -> the mean time of the variant."""
    found: dict[Cell, dict[int, list[float]]] = {cell: {} for cell in cells}
    for call in calls:
        if call.variant != of or call.cell not in found or call.block == WARM_UP or call.error:
            continue
        value = getattr(call, field)
        if math.isfinite(value) and value > 0:
            found[call.cell].setdefault(call.block, []).append(value)
    return {
        cell: {block: math.fsum(times) / len(times) for block, times in blocks.items()}
        for cell, blocks in found.items()
    }


def _gain(few: dict[int, float], many: dict[int, float], one: Cell, other: Cell) -> Gain:
    doublings = math.log2(other.batch / one.batch)
    logs = [
        (doublings - math.log2(many[block] / few[block])) / doublings
        for block in few
        if block in many
    ]
    found = centre(logs)
    value, low, high = (
        None if end is None else 2.0**end - 1 for end in (found.value, found.low, found.high)
    )
    share = found._replace(value=value, low=low, high=high)
    return Gain(start=one.batch, end=other.batch, share=share)

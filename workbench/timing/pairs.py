"""How much slower one variant is than another: ratios within blocks, with an interval that assumes no distribution.

`ratio(calls, of=..., against=..., cell=...)` takes in each block the time of the one over the time of the other; what the
machine did meanwhile it did to both. The estimate is the Hodges-Lehmann centre of the logarithms, the interval that of the
signed-rank test, which is exact where the two are equal.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.stats.signed_rank import centre
from workbench.timing.call import WARM_UP, Call, Cell

LEVEL = 0.99
"""Of the intervals. Blocks next to each other are alike, and a measurement ends when its interval happens to be narrow: at
95 % equal variants were told apart in 7 to 13 of 100 rounds, simulated and on a busy machine, at 99 % in 1 to 5."""
METRICS = {"e2e": "e2e_ms", "ttft": "ttft_ms", "tpot": "tpot_ms"}
"""What is compared, and the property of a call that has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The time of one variant over that of another."""

    of: str
    against: str
    cell: Cell
    metric: str
    value: float | None
    low: float | None
    high: float | None
    blocks: int
    left_out: int
    """Blocks in which one of the two has no time."""
    method: str

    @property
    def is_found(self) -> bool:
        """Whether the interval leaves out "equally fast"."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


def ratio(
    calls: Iterable[Call], *, of: str, against: str, cell: Cell, metric: str = "e2e"
) -> Ratio:
    """The time of `of` over the time of `against`, block by block."""
    by_block = _by_block(calls, names=(of, against), cell=cell, metric=metric)
    logs = [
        math.log(math.fsum(times[of]) / len(times[of]))
        - math.log(math.fsum(times[against]) / len(times[against]))
        for times in by_block.values()
        if times.get(of) and times.get(against)
    ]
    found = centre(logs, level=LEVEL)
    told = [None if v is None else math.exp(v) for v in (found.value, found.low, found.high)]
    return Ratio(
        of=of,
        against=against,
        cell=cell,
        metric=metric,
        value=told[0],
        low=told[1],
        high=told[2],
        blocks=len(logs),
        left_out=len(by_block) - len(logs),
        method=f"ratios within blocks, {found.method}",
    )


def half_width(calls: Iterable[Call], *, of: str, against: str, cell: Cell) -> float | None:
    """Half of the interval of the ratio of whole calls, as a share; None where there is none yet."""
    found = ratio(calls, of=of, against=against, cell=cell)
    if found.low is None or found.high is None:
        return None
    return math.log(found.high / found.low) / 2


def _by_block(
    calls: Iterable[Call], *, names: tuple[str, str], cell: Cell, metric: str
) -> dict[int, dict[str, list[float]]]:
    blocks: dict[int, dict[str, list[float]]] = {}
    for call in calls:
        if call.block == WARM_UP or call.cell != cell or call.variant not in names:
            continue
        times = blocks.setdefault(call.block, {})
        value = math.nan if call.error else getattr(call, METRICS[metric])
        if math.isfinite(value) and value > 0:
            times.setdefault(call.variant, []).append(value)
    return blocks

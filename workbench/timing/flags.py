"""What makes times doubtful: a slow start, a drift over the measurement, a stall, failed calls, a variant never settled.

`flags(calls, ...)` says each in a sentence with its figures. Variants are compared within blocks, which a drift hardly
touches; their absolute times it does.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from scipy import stats

from workbench.timing.call import WARM_UP, Call, Cell

DRIFT = 0.05
"""A change over the whole measurement from which on it is told."""
STALL = 10.0
"""How many times the usual gap a gap is a stall; and it must take at least `STALL_MS`."""
STALL_MS = 20.0
SLOW_START = 1.5
"""How many times the usual call the first one took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One thing to know about the times of a variant in a cell."""

    kind: str
    """`slow start`, `drift`, `stall` or `failed`."""
    variant: str
    cell: Cell
    sentence: str
    amount: float
    """How much of it: the factor, the relative change, or how many."""
    numbers: dict[str, float]
    """The figures in the sentence."""


def flags(calls: Sequence[Call]) -> list[Flag]:
    """Everything doubtful about these calls, by variant and cell."""
    found: list[Flag] = []
    groups: dict[tuple[str, Cell], list[Call]] = {}
    for call in calls:
        groups.setdefault((call.variant, call.cell), []).append(call)
    for (variant, cell), ours in groups.items():
        kept = [call for call in ours if call.block != WARM_UP and not call.error]
        told = [
            _slow_start(ours, usual=median(c.e2e_ms for c in kept)) if kept else None,
            _drift(kept),
            _stalls(kept),
            _failed(ours),
        ]
        found += [
            Flag(
                kind=kind,
                variant=variant,
                cell=cell,
                sentence=sentence,
                amount=amount,
                numbers=numbers,
            )
            for kind, sentence, amount, numbers in filter(None, told)
        ]
    return found


_Told = tuple[str, str, float, dict[str, float]] | None


def _slow_start(calls: Iterable[Call], *, usual: float) -> _Told:
    first = next((call for call in calls if not call.error), None)
    if first is None or first.e2e_ms < SLOW_START * usual:
        return None
    factor = first.e2e_ms / usual
    seconds = first.e2e_ms / 1000
    words = (
        f"the first call took {factor:.3g} times the usual one, {seconds:.2g} s; it is not counted"
    )
    return "slow start", words, factor, {"times": factor, "seconds": seconds}


def _drift(calls: Sequence[Call]) -> _Told:
    """Theil and Sen's slope over the calls, and Kendall's test of it."""
    if len(calls) < 20:
        return None
    at = [call.began for call in calls]
    logs = [math.log(call.e2e_ms) for call in calls]
    slope, _, low, high = stats.theilslopes(logs, at, alpha=0.95)
    span = at[-1] - at[0]
    change = math.expm1(slope * span)
    is_sure = min(low, high) > 0 or max(low, high) < 0
    p = float(stats.kendalltau(at, logs).pvalue)
    if not is_sure or p > 0.01 or abs(change) < DRIFT:
        return None
    words = f"calls became {abs(change):.0%} {'slower' if change > 0 else 'faster'} over the measurement"
    return "drift", words, change, {"change": change}


def _stalls(calls: Sequence[Call]) -> _Told:
    gaps = [gap for call in calls for gap in call.gaps_ms]
    if not gaps:
        return None
    usual = median(gaps)
    stalls = [gap for gap in gaps if gap >= max(STALL * usual, STALL_MS)]
    if not stalls:
        return None
    words = (
        f"{len(stalls)} of {len(gaps)} gaps took {STALL:g} times the usual {usual:.3g} ms or more, the longest "
        f"{max(stalls):.3g} ms; medians hardly know of it, high percentiles do"
    )
    told = {"stalls": len(stalls), "gaps": len(gaps), "usual": usual, "longest": max(stalls)}
    return "stall", words, float(len(stalls)), {**told, "times": STALL}


def _failed(calls: Sequence[Call]) -> _Told:
    failed = [call for call in calls if call.error]
    if not failed:
        return None
    words = f"{len(failed)} of {len(calls)} calls have no times, the first: {failed[0].error}"
    return "failed", words, float(len(failed)), {"failed": len(failed), "calls": len(calls)}

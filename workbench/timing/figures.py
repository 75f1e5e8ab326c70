"""What many calls of one variant in one cell come to: quantiles with intervals, rates, and what was too few to be said.

`figures(calls, of=..., cell=...)` gives a `Figure` a metric. A quantile whose upper limit the calls do not support is left
out and the largest value stands in its place: of ten calls there is no 99th percentile. Gaps are pooled over calls, and
since gaps of one call resemble each other, their intervals are drawn from whole blocks.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count

import numpy as np

from workbench.stats.intervals import Interval, quantile_interval
from workbench.timing.call import WARM_UP, Call, Cell

QUANTILES = (0.5, 0.9, 0.95, 0.99)
DRAWS = 1000

FORMULAS = {
    "ttft": "first token - start",
    "tpot": "(end - first token) / (tokens - 1), a call",
    "itl": "every gap between two tokens, over calls",
    "e2e": "last token - start",
    "prefill": "rows x tokens in / TTFT",
    "decode": "rows / TPOT",
}
"""How each metric is made of a call's stamps."""

UNITS = {name: "tokens/s" if name in ("prefill", "decode") else "ms" for name in FORMULAS}

_OF_A_CALL: dict[str, Callable[[Call], float]] = {
    "ttft": lambda call: call.ttft_ms,
    "tpot": lambda call: call.tpot_ms,
    "e2e": lambda call: call.e2e_ms,
    "prefill": lambda call: call.prefill_tokens_per_second,
    "decode": lambda call: call.decode_tokens_per_second,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One metric of one variant in one cell."""

    variant: str
    cell: Cell
    metric: str
    unit: str
    quantiles: dict[float, Interval]
    """Those that there are calls enough for."""
    largest: float | None
    calls: int
    failed: int
    """Calls without times."""

    @property
    def median(self) -> Interval:
        """The middle one."""
        return self.quantiles.get(0.5) or Interval(None, None, None, 0, 0, "no calls")


def figures(
    calls: Iterable[Call],
    *,
    of: str,
    cell: Cell,
    metrics: Sequence[str] = tuple(FORMULAS),
    at: Sequence[float] = QUANTILES,
) -> dict[str, Figure]:
    """These metrics of a variant in a cell, each with the quantiles `at`; warm-ups count in none."""
    ours = [c for c in calls if c.variant == of and c.cell == cell and c.block != WARM_UP]
    kept = [call for call in ours if not call.error]
    found = {}
    for metric in metrics:
        if metric == "itl":
            values = [gap for call in kept for gap in call.gaps_ms]
            quantiles = _pooled(kept, at=at)
        else:
            values = [v for call in kept if math.isfinite(v := _OF_A_CALL[metric](call))]
            quantiles = _supported(values, at=at)
        if not values and kept:
            continue  # one token has no gaps
        found[metric] = Figure(
            variant=of,
            cell=cell,
            metric=metric,
            unit=UNITS[metric],
            quantiles=quantiles,
            largest=max(values, default=None),
            calls=len(kept),
            failed=len(ours) - len(kept),
        )
    return found


@cache
def needed(q: float) -> int:
    """How many calls, or blocks of gaps, a quantile needs to have both limits.

    >>> needed(0.5), needed(0.1), needed(0.9), needed(0.99)
    (6, 36, 36, 368)
    """
    return next(n for n in count(1) if _supports(n, q))


def _supported(values: Sequence[float], *, at: Sequence[float]) -> dict[float, Interval]:
    found = {q: quantile_interval(values, q=q) for q in at} if values else {}
    return {q: one for q, one in found.items() if q == 0.5 or _is_whole(one)}


def _pooled(calls: Sequence[Call], *, at: Sequence[float]) -> dict[float, Interval]:
    """Quantiles of all gaps; blocks are drawn again for the interval, and there must be blocks enough for the quantile."""
    blocks: dict[int, list[float]] = {}
    for call in calls:
        blocks.setdefault(call.block, []).extend(call.gaps_ms)
    groups = [np.asarray(gaps) for gaps in blocks.values() if gaps]
    if not groups:
        return {}
    pooled = np.concatenate(groups)
    n = len(groups)
    qs = [q for q in at if q == 0.5 or _supports(n, q)]
    method = f"95 % bootstrap of {n} blocks"
    if n < 6:
        only = Interval(float(np.median(pooled)), None, None, len(pooled), n, "too few blocks")
        return {0.5: only}
    rng = np.random.default_rng(0)
    drawn = np.array(
        [
            np.quantile(np.concatenate([groups[i] for i in rng.integers(0, n, n)]), qs)
            for _ in range(DRAWS)
        ]
    )
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    values = np.quantile(pooled, qs)
    return {
        q: Interval(float(v), float(lo), float(hi), len(pooled), n, method)
        for q, v, lo, hi in zip(qs, values, low, high, strict=True)
    }


def _supports(n: int, q: float) -> bool:
    return _is_whole(quantile_interval(range(n), q=q))


def _is_whole(one: Interval) -> bool:
    return one.low is not None and one.high is not None

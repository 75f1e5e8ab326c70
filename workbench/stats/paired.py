"""The difference between two systems that answered the same items, with an interval and a p-value.

`paired_difference(a, b, clusters=...)` is a minus b. Pairing by item about halves the error of an unpaired
difference, and is right only when place i of both lists is the same item: the caller sees to that. Binary pairs
get Newcombe's interval and McNemar's exact test, others Student's t. It knows no names of trials and corrects for
no multiplicity: that is `family.py`.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from workbench.errors import DataError
from workbench.stats.intervals import (
    Floats,
    Interval,
    cluster_codes,
    effective_items,
    is_binary,
    normal_to_t,
    numbers,
    standard_error,
    t_interval,
    wilson_limits,
)
from workbench.stats.power import detectable_difference, least_difference


class Difference(NamedTuple):
    """How much more a has than b, on the same items."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str
    p: float | None
    """Two-sided p-value of no difference, before any correction for several comparisons."""
    test: str
    above: int
    """Items where a is higher."""
    below: int
    """Items where b is higher."""
    detectable: float | None = None
    """The true difference that would have been found 4 times in 5 (`power.detectable_difference`); it belongs beside
    every difference that was not found."""


class Pairs(NamedTuple):
    """Counts of binary pairs: the four cells of a versus b."""

    both: float
    only_a: float
    only_b: float
    neither: float


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, clusters: Sequence[str] | None = None, level: float = 0.95
) -> Difference:
    """The mean of a - b with its interval and its p-value; `clusters` groups items that belong together.

    >>> found = paired_difference([1, 1, 1, 0, 1, 1, 1, 1], [1, 0, 0, 0, 0, 1, 0, 0])
    >>> found.value, round(found.low, 3), round(found.high, 3), found.p, found.test
    (0.625, 0.139, 0.831, 0.0625, 'McNemar, exact')
    """
    x, y = numbers(a), numbers(b)
    if len(x) != len(y):
        raise DataError(
            f"{len(x)} values against {len(y)}; pairs need the same items on both sides"
        )
    d = x - y
    codes, count = cluster_codes(clusters, n=len(d))
    p: float | None
    above, below = int((d > 0).sum()), int((d < 0).sum())
    if len(d) == 0:
        return Difference(None, None, None, 0, 0, "no items", None, "", 0, 0)
    if is_binary(x) and is_binary(y):
        pairs = Pairs(float((x * y).sum()), above, below, float(((1 - x) * (1 - y)).sum()))
        found = _binary(pairs, d, standard_error(d, codes), clusters=count, level=level)
    else:
        found = t_interval(d, codes, level=level)
    if count == len(d) and is_binary(x) and is_binary(y):
        test, p = "McNemar, exact", mcnemar(above, below)
    else:
        test = "t" if count == len(d) else "t over clusters"
        p = t_test(float(d.mean()), standard_error(d, codes), groups=count)
    detectable = detectable_difference(x, y, clusters=clusters, level=level)
    if detectable is None and is_binary(x) and is_binary(y):
        detectable = least_difference(count, level=level)
    return Difference(*found, p, test, above, below, detectable)


@lru_cache(maxsize=4096)
def mcnemar(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value of McNemar's test (McNemar 1947): a sign test on the pairs that differ.

    >>> round(mcnemar(99, 74), 3), round(mcnemar(209, 152), 5), mcnemar(0, 0)
    (0.068, 0.00315, 1.0)
    """
    differing = only_a + only_b
    # Of a fair coin both tails are alike, so that nothing has to be searched for.
    return min(1.0, 2 * float(special.bdtr(min(only_a, only_b), differing, 0.5)))


def newcombe(pairs: Pairs, *, items: float | None = None, level: float = 0.95) -> Interval:
    """The difference of two paired shares by squaring and adding Wilson limits (Newcombe 1998, method 10).

    With `items` below the number of pairs, the limits are those of so many independent pairs.

    >>> found = newcombe(Pairs(both=20, only_a=12, only_b=2, neither=16))
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.2, 0.0562, 0.3292)
    """
    n = sum(pairs)
    if n == 0:
        return Interval(None, None, None, 0, 0, "no items")
    effective = n if items is None else items
    p_a, p_b = (pairs.both + pairs.only_a) / n, (pairs.both + pairs.only_b) / n
    low_a, high_a = wilson_limits(p_a, effective, level=level)
    low_b, high_b = wilson_limits(p_b, effective, level=level)
    phi = _phi(Pairs(*(cell * effective / n for cell in pairs)))
    down = _joined(p_a - low_a, high_b - p_b, phi=phi)
    up = _joined(high_a - p_a, p_b - low_b, phi=phi)
    value, limit = p_a - p_b, f"{100 * level:g} % Newcombe"
    return Interval(value, max(-1.0, value - down), min(1.0, value + up), int(n), int(n), limit)


def _phi(pairs: Pairs) -> float:
    """The correlation of the pairs, with Newcombe's continuity correction where it is positive."""
    a, b, c, d = pairs
    scale = (a + b) * (c + d) * (a + c) * (b + d)
    if scale == 0:
        return 0.0
    cross = a * d - b * c
    if cross > 0:
        cross = max(cross - sum(pairs) / 2, 0.0)
    return float(cross / np.sqrt(scale))


def _joined(one: float, other: float, *, phi: float) -> float:
    return float(np.sqrt(max(0.0, one**2 - 2 * phi * one * other + other**2)))


def _binary(pairs: Pairs, d: Floats, error: float, *, clusters: int, level: float) -> Interval:
    if clusters == len(d):
        return newcombe(pairs, level=level)
    spread = float(np.var(d))
    effective = effective_items(spread, error, n=len(d), clusters=clusters)
    if clusters > 1 and spread > 0:
        effective *= normal_to_t(clusters - 1, level=level) ** 2
    found = newcombe(pairs, items=effective, level=level)
    method = f"{found.method}, {clusters} clusters as {effective:.3g} items"
    return found._replace(clusters=clusters, method=method)


def t_test(value: float, error: float, *, groups: int) -> float | None:
    """The two-sided p-value of a mean of zero, with groups - 1 degrees of freedom (Student 1908); None below two.

    >>> round(t_test(0.3, 0.1, groups=12), 4)
    0.0121
    """
    if groups < 2:
        return None
    if error > 0:
        return float(2 * stats.t.sf(abs(value) / error, groups - 1))
    # No spread at all: t would be infinite. The sign test over groups says what so few can show.
    return 1.0 if value == 0 else min(1.0, 2.0 ** (1 - groups))

"""The centre of paired differences by Hodges and Lehmann, with the interval of Wilcoxon's signed-rank test.

`centre(differences)` assumes that differences lie evenly around their centre, which they do when two equal things are
compared in drawn order; outliers hardly move it. It knows no clusters.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from workbench.stats.intervals import Floats, Interval, numbers, percent

EXACT_UP_TO = 60
"""Above this many differences the normal approximation is as good."""


def centre(differences: ArrayLike, *, level: float = 0.95) -> Interval:
    """The median of all means of two, between two of them (Hollander, Wolfe and Chicken 2014, sections 3.2 and 3.3).

    Below 6 differences no interval reaches 95 %, and it is None.

    >>> found = centre([1.2, 0.8, 1.0, 1.1, 0.9, 1.3, 0.7])
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (1.0, 0.8, 1.2)
    """
    x = numbers(differences)
    n = len(x)
    if n == 0:
        return Interval(None, None, None, 0, 0, "no items")
    first, second = np.triu_indices(n)
    walsh: Floats = np.sort((x[first] + x[second]) / 2)
    method = f"{percent(level)} signed ranks"
    skipped = _skipped(n, level)
    if skipped is None:
        return Interval(float(np.median(walsh)), None, None, n, n, method)
    low, high = float(walsh[skipped]), float(walsh[len(walsh) - 1 - skipped])
    return Interval(float(np.median(walsh)), low, high, n, n, method)


@lru_cache(maxsize=256)
def _skipped(n: int, level: float) -> int | None:
    """How many of the lowest means lie outside: the largest k with P(T < k) <= (1 - level) / 2, less one."""
    tail = (1 - level) / 2
    if n > EXACT_UP_TO:
        mean, sd = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return max(0, math.floor(mean + float(stats.norm.ppf(tail)) * sd))
    below = np.cumsum(_ranks(n)) / 2.0**n
    # P(T <= k - 1) may be the tail at most; walsh[k - 1] is then the limit.
    k = int(np.searchsorted(below, tail, side="right"))
    return k - 1 if k >= 1 else None


def _ranks(n: int) -> Floats:
    """In how many of the 2**n ways the ranks of the positive ones add up to each sum."""
    counts = np.zeros(n * (n + 1) // 2 + 1)
    counts[0] = 1
    for rank in range(1, n + 1):
        counts[rank:] += counts[:-rank].copy()
    return counts

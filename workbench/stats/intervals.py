"""Confidence intervals for one list of numbers: means, shares and quantiles.

`mean_interval(values, clusters=...)` chooses for you: Wilson for 0/1 values, Student's t for others, and their
clustered forms where items belong together. The parts can be called on their own. Clusters are given one word an
item; an empty word is an item of its own. Nothing here knows models, rows or names of evals; what is no mean, share
or quantile has its interval in `resampling.py`.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from workbench.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Interval(NamedTuple):
    """An estimate and the range that covers the truth in `level` of repetitions."""

    value: float | None
    """None when there was nothing to estimate from."""
    low: float | None
    """None when the data allow no lower limit."""
    high: float | None
    n: int
    clusters: int
    """Independent groups of items; n when every item stands alone."""
    method: str

    def cut(self, *, least: float, most: float) -> "Interval":
        """The same without what the truth cannot be: see `within`."""
        low, high, method = within(self.low, self.high, self.method, least=least, most=most)
        return self._replace(low=low, high=high, method=method)


def mean_interval(
    values: ArrayLike, *, clusters: Sequence[str] | None = None, level: float = 0.95
) -> Interval:
    """The mean with the interval that fits: by kind of value and by clustering.

    >>> found = mean_interval([1, 1, 0, 1])
    >>> found.value, round(found.low, 3), round(found.high, 3), found.method
    (0.75, 0.301, 0.954, '95 % Wilson')
    >>> mean_interval([2.0, 2.5, 3.5]).method
    '95 % t'
    >>> mean_interval([]).value is None
    True
    """
    x = numbers(values)
    codes, count = cluster_codes(clusters, n=len(x))
    if is_binary(x):
        if count == len(x):
            return wilson(int(x.sum()), len(x), level=level)
        return clustered_share(x, clusters=clusters, level=level)
    return mean_t(x, level=level) if count == len(x) else t_interval(x, codes, level=level)


def mean_t(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """The mean with Student's t interval: mean +- t(n-1) sd / sqrt(n) (Student 1908).

    >>> found = mean_t([1.0, 2.0, 3.0, 4.0])
    >>> round(found.low, 4), round(found.high, 4)
    (0.4457, 4.5543)
    """
    x = numbers(values)
    n = len(x)
    if n < 2:
        return _no_interval(x, clusters=n, why="one item has no interval")
    return _t(float(x.mean()), standard_error(x), n=n, clusters=n, level=level)


def wilson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """A share with Wilson's score interval (Wilson 1927); it holds near 0 and 1 and for small n.

    >>> found = wilson(0, 20)
    >>> found.value, found.low, round(found.high, 4)
    (0.0, 0.0, 0.1611)
    """
    if n == 0:
        return Interval(None, None, None, 0, 0, "no items")
    low, high = wilson_limits(successes / n, n, level=level)
    return Interval(successes / n, low, high, n, n, f"{percent(level)} Wilson")


def clopper_pearson(successes: int, n: int, *, level: float = 0.95) -> Interval:
    """A share with the exact interval (Clopper and Pearson 1934): never covers less than `level`.

    >>> found = clopper_pearson(0, 20)
    >>> found.low, round(found.high, 4)
    (0.0, 0.1684)
    """
    if n == 0:
        return Interval(None, None, None, 0, 0, "no items")
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, successes, n - successes + 1)) if successes else 0.0
    high = float(stats.beta.ppf(1 - tail, successes + 1, n - successes)) if successes < n else 1.0
    return Interval(successes / n, low, high, n, n, f"{percent(level)} Clopper-Pearson")


def clustered_mean(
    values: ArrayLike, *, clusters: Sequence[str] | None, level: float = 0.95
) -> Interval:
    """The mean of items that come in clusters, by the sandwich error of their sums.

    SE^2 = C/(C-1) sum_c (sum_{i in c} (x_i - mean))^2 / n^2, with t on C-1 degrees of freedom (Miller 2024, arXiv
    2411.00640, section 2.2; Liang and Zeger 1986). Clusters of one give `mean_t`. 0/1 values that are all equal have
    no spread to measure; then the interval is that of `clustered_share`.

    >>> pairs = clustered_mean([1.0, 1.2, 3.0, 3.2], clusters=["a", "a", "b", "b"])
    >>> pairs.clusters, round(pairs.high - pairs.low, 1)
    (2, 25.4)
    """
    x = numbers(values)
    codes, _ = cluster_codes(clusters, n=len(x))
    if is_binary(x) and len(set(x.tolist())) == 1:
        return clustered_share(x, clusters=clusters, level=level)
    return t_interval(x, codes, level=level)


def clustered_share(
    values: ArrayLike, *, clusters: Sequence[str] | None, level: float = 0.95
) -> Interval:
    """A share of 0/1 items that come in clusters: Wilson's interval at the effective number of items.

    n_eff = p(1-p)/SE^2, at most n, times (z/t)^2 for C-1 degrees of freedom (Korn and Graubard 1998; for Wilson's
    form Dean and Pagano 2015). Where all values are equal, or there is one cluster, the items of a cluster count as
    one: n_eff = C, the cautious end.

    >>> found = clustered_share([0] * 60, clusters=[str(i // 3) for i in range(60)])
    >>> found.low, round(found.high, 4), found.method
    (0.0, 0.1611, '95 % Wilson, 20 clusters as 20 items')
    """
    x = numbers(values)
    codes, count = cluster_codes(clusters, n=len(x))
    if len(x) == 0:
        return Interval(None, None, None, 0, 0, "no items")
    p = float(x.mean())
    effective = effective_items(p * (1 - p), standard_error(x, codes), n=len(x), clusters=count)
    if count > 1 and 0 < p < 1:
        effective *= normal_to_t(count - 1, level=level) ** 2
    low, high = wilson_limits(p, effective, level=level)
    method = f"{percent(level)} Wilson, {count} clusters as {effective:.3g} items"
    return Interval(p, low, high, len(x), count, method)


def quantile_interval(values: ArrayLike, *, q: float = 0.5, level: float = 0.95) -> Interval:
    """A quantile with the interval between two order statistics (David and Nagaraja 2003, section 7.1).

    It assumes no distribution. The ranks come from the binomial: P(l <= Bin(n, q) < u) >= level. Where n is too small
    for a limit it is None: at 95 % below 6 items for the median, below 368 for the 99th percentile's upper limit.

    >>> found = quantile_interval(range(1, 11))
    >>> found.value, found.low, found.high
    (5.5, 2.0, 9.0)
    >>> quantile_interval([3.0, 4.0, 5.0]).low is None
    True
    """
    x = np.sort(numbers(values))
    n = len(x)
    if n == 0:
        return Interval(None, None, None, 0, 0, "no items")
    tail = (1 - level) / 2
    below = int(stats.binom.ppf(tail, n, q))
    if stats.binom.cdf(below, n, q) > tail:
        below -= 1
    above = int(stats.binom.ppf(1 - tail, n, q)) + 1
    low = float(x[below]) if below >= 0 else None
    high = float(x[above - 1]) if above <= n else None
    return Interval(float(np.quantile(x, q)), low, high, n, n, f"{percent(level)} order statistics")


def median_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """The median with its order-statistic interval."""
    return quantile_interval(values, q=0.5, level=level)


def numbers(values: ArrayLike) -> Floats:
    """The values as floats; one that is not finite is an error, because it cannot be averaged."""
    x = np.asarray(values, dtype=np.float64).reshape(-1)
    broken = ~np.isfinite(x)
    if broken.any():
        place = int(broken.argmax())
        raise DataError(
            f"value {place} of {len(x)} is {x[place]}; count such rows as errors and leave them out"
        )
    return x


def within(
    low: float | None, high: float | None, method: str, *, least: float, most: float
) -> tuple[float | None, float | None, str]:
    """The ends of an interval cut at the bounds of what is estimated, and the method, which says so where it was.

    No truth lies beyond the bounds, so the interval covers as often as before.

    >>> within(0.626, 1.04, "95 % t", least=0, most=1)
    (0.626, 1.0, '95 % t, cut at 0 and 1')
    """
    if low is None or high is None or (low >= least and high <= most):
        return low, high, method
    known = [f"{bound:g}" for bound in (least, most) if math.isfinite(bound)]
    bounds = " and ".join(known).replace("-", "−")
    ends = max(low, float(least)), min(high, float(most))
    return *ends, f"{method}, cut at {bounds}"


def is_binary(x: Floats) -> bool:
    """Whether every value is 0 or 1."""
    return bool(np.isin(x, (0.0, 1.0)).all())


def cluster_codes(clusters: Sequence[str] | None, *, n: int) -> tuple[Ints, int]:
    """Each item's cluster as a number from 0, and how many clusters; "" is an item of its own.

    >>> cluster_codes(["a", "", "a", ""], n=4)[1]
    3
    """
    if clusters is None:
        return np.arange(n), n
    if len(clusters) != n:
        raise DataError(f"{len(clusters)} clusters for {n} values; give one for each value")
    if not any(clusters):
        return np.arange(n), n
    known: dict[Any, int] = {}
    keys = [word if word != "" else (place,) for place, word in enumerate(clusters)]
    codes = np.asarray([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
    return codes, len(known)


def standard_error(x: Floats, codes: Ints | None = None) -> float:
    """The standard error of the mean, clustered where codes are given (see `clustered_mean`); NaN below two."""
    count = len(x) if codes is None else int(codes.max(initial=-1)) + 1
    if count < 2:
        return float("nan")
    rest = x - x.mean()
    sums = rest if codes is None else np.bincount(codes, weights=rest, minlength=count)
    return float(np.sqrt(count / (count - 1) * np.sum(sums**2)) / len(x))


def effective_items(variance: float, error: float, *, n: int, clusters: int) -> float:
    """How many independent items would have this error; as many as clusters where it cannot be measured."""
    if clusters < 2 or not error > 0 or not variance > 0:
        return float(clusters)
    return min(variance / error**2, float(n))


def normal_to_t(degrees: int, *, level: float) -> float:
    """The ratio z / t: its square scales an effective number of items to C-1 degrees of freedom."""
    at = (1 + level) / 2
    return float(stats.norm.ppf(at) / stats.t.ppf(at, degrees))


def wilson_limits(p: float, n: float, *, level: float) -> tuple[float, float]:
    """Wilson's limits for a share p of n items; n may be an effective number."""
    z2 = float(stats.norm.ppf((1 + level) / 2)) ** 2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * p * (1 - p) / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    # At p = 0 and 1 the limit is exact in theory; rounding would print -1e-17.
    low = 0.0 if p <= 0 else max(0.0, float(middle - half))
    return low, 1.0 if p >= 1 else min(1.0, float(middle + half))


def t_interval(x: Floats, codes: Ints, *, level: float) -> Interval:
    """The mean with t limits over the clusters that the codes tell, whatever kind the values are."""
    count = int(codes.max(initial=-1)) + 1
    if count < 2:
        return _no_interval(x, clusters=count, why="one cluster has no interval")
    return _t(float(x.mean()), standard_error(x, codes), n=len(x), clusters=count, level=level)


def _t(mean: float, error: float, *, n: int, clusters: int, level: float) -> Interval:
    half = float(stats.t.ppf((1 + level) / 2, clusters - 1)) * error
    method = f"{percent(level)} t"
    if clusters < n:
        method += f" over {clusters} clusters"
    if error == 0:
        method += ", all values equal"
    return Interval(mean, mean - half, mean + half, n, clusters, method)


def _no_interval(x: Floats, *, clusters: int, why: str) -> Interval:
    if len(x) == 0:
        return Interval(None, None, None, 0, 0, "no items")
    return Interval(float(x.mean()), None, None, len(x), clusters, why)


def percent(level: float) -> str:
    """The level as it is shown.

    >>> percent(0.95), percent(0.975)
    ('95 %', '97.5 %')
    """
    return f"{100 * level:g} %"

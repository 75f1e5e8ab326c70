"""An interval and a test for any metric at all, by drawing and by swapping whole clusters of items.

`bootstrap(statistic, n=...)` gives any figure of a list of items its interval; `swap_test(statistic, n=...)` asks
whether two systems differ in it on the same items; `pseudo_values(statistic, n=...)` gives every item its part of it. A statistic is a callable that is given positions of items and
knows what stands there. Every draw is seeded, so that the same call says the same thing. It does not know what the
metric means, nor where it is bounded.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import stats

from workbench.stats.intervals import Floats, Interval, Ints, cluster_codes, percent

Statistic = Callable[[Ints], float]
"""Positions of items, some of them several times, to the figure of those items; NaN where it is undefined."""

DRAWS = 2000
"""Draws of a bootstrap: the ends of a 95 % interval move by about 3 % of its width from seed to seed."""


def bootstrap(
    statistic: Statistic,
    *,
    n: int,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """Any statistic with its BCa interval; whole clusters are drawn (Efron 1987; Davison and Hinkley 1997, 3.8).

    `statistic` is given the positions of the items drawn, so that one call can compare adapters on the same draw:
    `bootstrap(lambda rows: f1(gold[rows], said[rows]), n=len(gold))`. The ends are taken at sqrt(C/(C-1)) t(C-1)
    instead of z, because a resample of few clusters varies less than their population (Hesterberg 2015).
    Draws where the statistic is NaN are left out and counted in the method.

    >>> x = np.arange(20.0)
    >>> found = bootstrap(lambda rows: float(x[rows].mean()), n=20)
    >>> found.value, found.low < 7.5 < 11.5 < found.high
    (9.5, True)
    """
    codes, count = cluster_codes(clusters, n=n)
    if n == 0:
        return Interval(None, None, None, 0, 0, "no items")
    value = float(statistic(np.arange(n)))
    if np.isnan(value):
        return Interval(None, None, None, n, count, "undefined on these items")
    if count < 2:
        return Interval(value, None, None, n, count, "too few clusters for a bootstrap")
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    rng = np.random.default_rng(seed)
    found = [
        float(statistic(np.concatenate([members[c] for c in rng.integers(count, size=count)])))
        for _ in range(draws)
    ]
    kept = np.asarray([one for one in found if not np.isnan(one)])
    left = [np.concatenate(members[:c] + members[c + 1 :]) for c in range(count)]
    low, high, kind = _bca(kept, value, [float(statistic(rows)) for rows in left], level=level)
    method = f"{percent(level)} {kind} bootstrap, {draws} draws"
    if count < n:
        method += f" of {count} clusters"
    if len(kept) < draws:
        method += f", {draws - len(kept)} of them undefined"
    if len(kept) and np.ptp(kept) == 0:
        method += ", all of them equal"
    return Interval(value, low, high, n, count, method)


def swap_test(
    statistic: Statistic,
    *,
    n: int,
    clusters: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> float | None:
    """The two-sided p-value of no difference between two systems in any metric, on the same n items.

    Positions 0 to n-1 are the items as answered by a, n to 2n-1 the same items as answered by b. Were the two alike,
    swapping their answers to an item would change nothing: p is the share of swaps that lead as far apart as the
    answers are, over whole clusters (approximate randomization, Noreen 1989; with the answers themselves as one of
    the draws, Phipson and Smyth 2010). All swaps are tried where there are no more than `draws`. None where the
    difference is undefined. Its interval is `bootstrap(lambda rows: f(rows) - f(rows + n), n=n)`.

    >>> said = np.array([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    >>> swap_test(lambda rows: float(said[rows].mean()), n=6) == 2 * 0.5**6
    True
    """
    codes, count = cluster_codes(clusters, n=n)
    rows = np.arange(n)

    def apart(signs: Floats) -> float:
        swapped = signs[codes] < 0
        mine, theirs = np.where(swapped, rows + n, rows), np.where(swapped, rows, rows + n)
        return abs(float(statistic(mine)) - float(statistic(theirs)))

    seen = apart(np.ones(count)) if n else float("nan")
    if np.isnan(seen):
        return None
    found = [apart(signs) for block in sign_draws(count, draws=draws, seed=seed) for signs in block]
    kept = np.asarray([one for one in found if not np.isnan(one)])
    # Sums taken in another order differ in their last digit; those are ties.
    return share_as_far(kept >= seen - 1e-9 * max(1.0, seen), groups=count, draws=draws)


def pseudo_values(
    statistic: Statistic, *, n: int, clusters: Sequence[str] | None = None
) -> Floats | None:
    """What each item is worth to a figure that is no mean: the jackknife's pseudo-values (Tukey 1958; Miller 1974).

    Every item of a cluster is worth C f - (C-1) f without the cluster, moved so that the mean over items is f itself:
    the clustered t interval of these values is the jackknife's, and two systems can be paired. None where f is
    undefined without some cluster, and with fewer than two clusters.

    >>> x = np.array([1.0, 2.0, 6.0])
    >>> pseudo_values(lambda rows: float(x[rows].mean()), n=3).tolist()
    [1.0, 2.0, 6.0]
    """
    codes, count = cluster_codes(clusters, n=n)
    if count < 2:
        return None
    rows = np.arange(n)
    whole = float(statistic(rows))
    left = np.array([float(statistic(rows[codes != cluster])) for cluster in range(count)])
    if not (np.isfinite(whole) and np.isfinite(left).all()):
        return None
    worth = (count * whole - (count - 1) * left)[codes]
    return np.asarray(worth + (whole - worth.mean()))


def sign_draws(groups: int, *, draws: int, seed: int, block: int = 1024) -> Iterator[Floats]:
    """Signs for so many groups, a row a draw, in blocks: all that differ but for the whole, or `draws` at random.

    >>> next(sign_draws(3, draws=100, seed=0)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [1.0, -1.0, -1.0]]
    """
    if tries_all(groups, draws=draws):
        rest = itertools.product((1.0, -1.0), repeat=max(0, groups - 1))
        yield np.array([(1.0, *signs) for signs in rest])
        return
    rng = np.random.default_rng(seed)
    for start in range(0, draws, block):
        size = (min(block, draws - start), groups)
        yield np.where(rng.integers(2, size=size) > 0, 1.0, -1.0)


def tries_all(groups: int, *, draws: int) -> bool:
    """Whether so many draws are enough for every sign there is; turning all signs changes no two-sided test."""
    return groups <= 1 or groups - 1 <= np.log2(draws)


def share_as_far(is_as_far: np.ndarray, *, groups: int, draws: int) -> float:
    """The p-value of a test by signs: exact where all were tried, else with the data as one more draw.

    >>> share_as_far(np.array([True, False, False, False]), groups=3, draws=100)
    0.25
    >>> share_as_far(np.array([True] + [False] * 98), groups=30, draws=99)
    0.02
    """
    if tries_all(groups, draws=draws):
        return float(is_as_far.mean())
    return float((1 + is_as_far.sum()) / (1 + len(is_as_far)))


def _bca(
    drawn: Floats, value: float, without_one: list[float], *, level: float
) -> tuple[float | None, float | None, str]:
    if len(drawn) == 0:
        return None, None, "undefined"
    count = len(without_one)
    at = float(stats.t.ppf((1 + level) / 2, count - 1)) * np.sqrt(count / (count - 1))
    ends = np.array([-at, at])
    tails = stats.norm.cdf(ends)
    share = float(np.mean(drawn < value) + np.mean(drawn == value) / 2)
    gap = np.mean(without_one) - np.asarray(without_one)
    spread = float(np.sum(gap**2)) ** 1.5
    kind = "percentile"
    if 0 < share < 1 and spread > 0 and np.isfinite(spread):
        bias, acceleration = stats.norm.ppf(share), float(np.sum(gap**3)) / (6 * spread)
        z = bias + ends
        if np.all(1 - acceleration * z > 0):
            tails, kind = stats.norm.cdf(bias + z / (1 - acceleration * z)), "BCa"
    # Rank (draws + 1) tail: numpy's default lies inside of it, by a fifth of the tail with 200 draws.
    low, high = np.quantile(drawn, tails, method="weibull")
    return float(low), float(high), kind

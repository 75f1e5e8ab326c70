"""Many paired differences at once: p-values and intervals that hold for the whole family.

`max_t(differences, clusters=...)` corrects p-values, `simultaneous_intervals(...)` widens intervals. Both turn the
signs of whole clusters of items, the same signs for every comparison, and look at the largest statistic of the family:
comparisons that share a system or an item move together, so that less is paid than by `family.holm`. What belongs to a
family is the caller's decision.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from workbench.errors import DataError
from workbench.stats.intervals import Floats, Interval, Ints, cluster_codes, percent
from workbench.stats.resampling import share_as_far, sign_draws, tries_all

DRAWS = 10_000
"""The smallest p-value is then 0.0001; one of 0.05 is known to 0.004 (two standard errors)."""


MANY_BLOCKS = 64
"""With more sets of items than this, one large product is faster than as many small ones."""


class Corrected(NamedTuple):
    """The p-values of a family, each corrected for all others."""

    p: tuple[float | None, ...]
    """In the order of the comparisons; None where no item was answered by both."""
    method: str
    level: float
    """The level of one comparison alone at which all of them hold at `level`, without stepping down: what an
    interval, or the power of one comparison, is worked out at."""


class _Sums(NamedTuple):
    """What the items of each cluster add up to, in each comparison."""

    values: Floats
    """Clusters by comparisons."""
    groups: Ints
    """Clusters with an item in a comparison."""
    blocks: tuple[tuple[Ints, Ints], ...]
    """Comparisons that ask the same clusters: those clusters, and those comparisons."""

    def turned(self, signs: Floats) -> Floats:
        """The totals of every comparison under each row of signs; what a comparison does not ask costs nothing."""
        totals = np.empty((len(signs), self.values.shape[1]))
        for clusters, comparisons in self.blocks:
            totals[:, comparisons] = signs[:, clusters] @ self.values[np.ix_(clusters, comparisons)]
        return totals


def max_t(
    differences: Sequence[ArrayLike],
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Corrected:
    """p-values of "no difference", corrected by the largest statistic under turned signs, stepping down.

    `differences` has a list a comparison, each over the same items in the same order; NaN where an item was not
    answered by both. T is the t statistic over clusters with the spread under the null, and the correction is the
    step-down max-T of Westfall and Young (1993, algorithm 4.1), its draws those of a sign-flip test (Fisher 1935;
    with whole clusters the restricted wild bootstrap of Cameron, Gelbach and Miller 2008). One comparison alone is
    exact where the two systems are exchangeable; all signs are tried where there are no more than `draws`.

    >>> better, alike = [1, 1, 0, 1, 1, 1, 1, 1], [1, -1, 0, 1, -1, 0, 0, 1]
    >>> found = max_t([better, alike])
    >>> [round(p, 4) for p in found.p], found.method
    ([0.0156, 1.0], 'max-T over 2 comparisons, all sign flips of 8 items')
    """
    d, codes, count = _family(differences, clusters)
    found: list[float | None] = [None] * len(d)
    if d.size == 0:
        return Corrected(tuple(found), "no comparisons", level)
    sums = _sums(d, codes, count)
    seen = _t(sums.values.sum(axis=0), sums)
    order = np.argsort(-seen, kind="stable")
    as_far: list[np.ndarray] = []
    largest_of_all: list[np.ndarray] = []
    for signs in sign_draws(count, draws=draws, seed=seed):
        drawn = _t(sums.turned(signs), sums)[:, order]
        largest = np.maximum.accumulate(drawn[:, ::-1], axis=1)[:, ::-1]
        as_far.append(largest >= seen[order] * (1 - 1e-9))
        largest_of_all.append(largest[:, 0])
    highest = 0.0
    for place, column in zip(order, np.concatenate(as_far).T, strict=True):
        if sums.groups[place]:
            highest = max(highest, share_as_far(column, groups=count, draws=draws))
            found[place] = highest
    flips = "all" if tries_all(count, draws=draws) else f"{draws}"
    of = f"{count} items" if count == d.shape[1] else f"{count} clusters"
    name = f"max-T over {len(d)} comparisons, {flips} sign flips of {of}"
    q = float(np.quantile(np.concatenate(largest_of_all), level, method="higher"))
    return Corrected(tuple(found), name, _alone(q, groups=count, of=len(d), level=level))


def joint_level(
    differences: Sequence[ArrayLike],
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """The level of each interval alone at which all of a family hold at once in `level` of repetitions.

    It is the one behind `simultaneous_intervals`, for intervals of another kind: Newcombe's, which knows that a share
    ends at 0 and 1. Between `level`, where all comparisons move as one, and Bonferroni's 1 - (1 - level)/m, which also
    serves where some comparison has no spread to turn.

    >>> same = [0.5, 0.1, 0.4, 0.2, 0.3, 0.6, -0.1, 0.2]
    >>> joint_level([same, same]) < joint_level([same, same[::-1]]) <= 0.975
    True
    """
    d, codes, count = _family(differences, clusters)
    if d.size == 0:
        return level
    sums, q = _largest(d, codes, count, level=level, draws=draws, seed=seed)
    is_flat = (np.sum(sums.values**2, axis=0) <= 0) & (sums.groups > 0)
    q = float("inf") if is_flat.any() else q
    return _alone(q, groups=count, of=len(d), level=level)


def simultaneous_intervals(
    differences: Sequence[ArrayLike],
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Interval]:
    """The mean differences of a family with intervals that all hold at once in `level` of repetitions.

    mean +- q SE, where q is the quantile of the largest |t| of the family under turned signs of what the clusters
    leave around their means (Romano and Wolf 2005, with the wild bootstrap of Mammen 1993), and SE that of `clustered_mean`.
    Like every t interval they ask that differences are not very skewed; those of two systems seldom are.

    >>> found = simultaneous_intervals([[0.5, 0.1, 0.4, 0.2, 0.3, 0.6], [0.1, -0.2, 0.3, -0.1, 0.0, 0.2]])
    >>> [(round(one.low, 2), round(one.high, 2)) for one in found]
    [(0.14, 0.56), (-0.16, 0.26)]
    """
    d, codes, count = _family(differences, clusters)
    if d.size == 0:
        return [Interval(None, None, None, 0, 0, "no items") for _ in d]
    n = np.isfinite(d).sum(axis=1)
    means = np.nansum(d, axis=1) / np.maximum(n, 1)
    sums, q = _largest(d, codes, count, level=level, draws=draws, seed=seed)
    groups = sums.groups
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(groups / (groups - 1) * np.sum(sums.values**2, axis=0)) / n
    method = f"{percent(level)} simultaneous over {len(d)} comparisons, {q:.3g} standard errors"
    return [
        _interval(
            float(means[j]),
            float(q * error[j]),
            n=int(n[j]),
            clusters=int(groups[j]),
            method=method,
        )
        for j in range(len(d))
    ]


def _largest(
    d: Floats, codes: Ints, count: int, *, level: float, draws: int, seed: int
) -> tuple[_Sums, float]:
    """What the clusters leave around their means, and the quantile of its largest |t| under turned signs."""
    n = np.isfinite(d).sum(axis=1)
    means = np.nansum(d, axis=1) / np.maximum(n, 1)
    sums = _sums(d - means[:, None], codes, count)
    largest = [
        _t(sums.turned(signs), sums).max(axis=1)
        for signs in sign_draws(count, draws=draws, seed=seed)
    ]
    return sums, float(np.quantile(np.concatenate(largest), level, method="higher"))


def _alone(q: float, *, groups: int, of: int, level: float) -> float:
    """The level whose t is q, not below that of one comparison and not above Bonferroni's."""
    most = 1 - (1 - level) / max(1, of)
    if groups < 2 or not np.isfinite(q):
        return most
    return min(most, max(level, float(2 * stats.t.cdf(q, groups - 1) - 1)))


def _interval(mean: float, half: float, *, n: int, clusters: int, method: str) -> Interval:
    if n == 0:
        return Interval(None, None, None, 0, 0, "no items")
    if clusters < 2 or not np.isfinite(half):
        return Interval(mean, None, None, n, clusters, "too few clusters for an interval")
    return Interval(mean, mean - half, mean + half, n, clusters, method)


def _family(
    differences: Sequence[ArrayLike], clusters: Sequence[str] | None
) -> tuple[Floats, Ints, int]:
    """Comparisons by items, the cluster of each item, and how many there are."""
    rows = [np.asarray(one, dtype=np.float64).reshape(-1) for one in differences]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise DataError(
            f"the comparisons have {lengths} items; give each all items in one order, NaN where one is missing"
        )
    d = np.stack(rows) if rows else np.empty((0, 0))
    if np.isinf(d).any():
        raise DataError("a difference is infinite; count such items as errors and give NaN")
    codes, count = cluster_codes(clusters if rows else None, n=d.shape[1])
    return d, codes, count


def _sums(d: Floats, codes: Ints, count: int) -> _Sums:
    values, there = np.zeros((count, len(d))), np.zeros((count, len(d)), dtype=bool)
    np.add.at(values, codes, np.nan_to_num(d.T))
    np.logical_or.at(there, codes, np.isfinite(d.T))
    return _Sums(values, there.sum(axis=0), _blocks(there))


def _blocks(there: np.ndarray) -> tuple[tuple[Ints, Ints], ...]:
    """Comparisons by the clusters they ask; all of all where hardly two are alike."""
    asked: dict[bytes, list[int]] = {}
    for comparison, column in enumerate(there.T):
        asked.setdefault(np.packbits(column).tobytes(), []).append(comparison)
    if len(asked) > MANY_BLOCKS:
        return ((np.arange(there.shape[0]), np.arange(there.shape[1])),)
    return tuple((np.flatnonzero(there[:, some[0]]), np.array(some)) for some in asked.values())


def _t(totals: Floats, sums: _Sums) -> Floats:
    """|t| of totals of turned sums: with u^2 = total^2 / sum of squares, t^2 = (C-1) u^2 / (C - u^2)."""
    squares = np.sum(sums.values**2, axis=0)
    u2 = np.divide(totals**2, squares, out=np.zeros_like(totals), where=squares > 0)
    rest = sums.groups - u2
    far = np.where(u2 > 0, np.inf, 0.0)
    above = (sums.groups - 1) * u2
    t2 = np.divide(above, rest, out=far, where=rest > 1e-9 * sums.groups)
    return np.asarray(np.sqrt(t2))

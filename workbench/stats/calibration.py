"""How far stated confidence is to be believed: calibration error, the Brier score and its parts, and the ROC area.

A confidence is a number from 0 to 1 for each item, `right` is 1 where the item was right. `ece(equal_width(confidence, right))`
is the calibration error, `brier(confidence, right)` the score and what it is made of, `auroc(scores, is_positive,
clusters=...)` how well a score tells two sorts of items apart. It knows neither how confidence was measured nor models.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from workbench.errors import DataError
from workbench.stats.intervals import (
    Floats,
    Interval,
    Ints,
    cluster_codes,
    is_binary,
    normal_to_t,
    numbers,
    percent,
    wilson_limits,
)

BINS = 10
ROUNDING = 1e-9
"""0.1 + 0.2 belongs to the bin that ends at 0.3."""


class Bin(NamedTuple):
    """Items of like confidence."""

    least: float
    most: float
    """The confidences that it is made for: above `least`, up to and including `most`; the first holds `least` too."""
    places: tuple[int, ...]
    """Which items it holds."""
    confidence: float
    """Their mean confidence."""
    accuracy: float
    """The share of them that is right."""
    luck: float
    """How far accuracy would lie from confidence on average if every confidence were true: see `ece_if_calibrated`."""


class Brier(NamedTuple):
    """The Brier score and its three parts: value = reliability - resolution + uncertainty."""

    value: float
    reliability: float
    """How far the accuracy of each confidence lies from it, squared; 0 is calibrated."""
    resolution: float
    """How far it lies from the accuracy of all, squared; 0 is a confidence that tells nothing apart."""
    uncertainty: float
    """The Brier score of a constant forecast of the accuracy of all, p (1 - p)."""

    @property
    def skill(self) -> float | None:
        """1 - value / uncertainty: 1 is perfect, 0 no better than the constant; None where all are right or all wrong."""
        return 1 - self.value / self.uncertainty if self.uncertainty > 0 else None


def equal_width(confidence: ArrayLike, right: ArrayLike, *, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal width, ((b-1)/B, b/B] (Guo, Pleiss, Sun and Weinberger 2017, section 2); the empty ones are left out.

    >>> [(one.most, len(one.places), one.accuracy) for one in equal_width([0.1, 0.7, 0.9, 1.0], [0, 1, 0, 1], bins=2)]
    [(0.5, 1, 0.0), (1.0, 3, 0.6666666666666666)]
    """
    x, y = _forecasts(confidence, right)
    codes = np.maximum(np.ceil(x * bins - ROUNDING) - 1, 0).astype(np.int64)
    return _binned(x, y, codes, edges=np.arange(bins + 1) / bins)


def equal_mass(confidence: ArrayLike, right: ArrayLike, *, bins: int = BINS) -> tuple[Bin, ...]:
    """Bins that end at the quantiles b/B of the confidences, so that they hold about as many items each (Nguyen and
    O'Connor 2015). Equal confidences stay together: split, the error would depend on the order of the items.

    >>> [len(one.places) for one in equal_mass([0.2, 0.2, 0.2, 0.9, 0.95, 1.0], [0, 0, 1, 1, 1, 1], bins=2)]
    [3, 3]
    """
    x, y = _forecasts(confidence, right)
    if not len(x):
        return ()
    ends = np.unique(np.quantile(x, np.arange(1, bins + 1) / bins, method="inverted_cdf"))
    return _binned(x, y, np.searchsorted(ends, x), edges=np.append(x.min(), ends))


def ece(bins: Sequence[Bin]) -> float | None:
    """The expected calibration error, sum_b n_b / n |accuracy_b - confidence_b| (Naeini, Cooper and Hauskrecht 2015).

    It is above 0 by luck alone: `ece_if_calibrated` says by how much.

    >>> round(ece(equal_width([0.9, 0.9, 0.9, 0.9, 0.3], [1, 1, 0, 1, 0])), 2)
    0.18
    >>> ece([]) is None
    True
    """
    return _mean_of_bins(bins, [abs(one.accuracy - one.confidence) for one in bins])


def ece_if_calibrated(bins: Sequence[Bin]) -> float | None:
    """The error that these bins would have on average if every item were right as often as its confidence says.

    In a bin the number that is right is then Poisson-binomial, and the bin adds the mean of |that number - the sum of
    the confidences| / n (the bias of binned errors: Bröcker 2012; Kumar, Liang and Ma 2019). Items count as independent.

    >>> found = equal_width([0.5, 0.5], [1, 1])
    >>> ece(found), ece_if_calibrated(found)
    (0.5, 0.25)
    """
    return _mean_of_bins(bins, [one.luck for one in bins])


def brier(confidence: ArrayLike, right: ArrayLike) -> Brier | None:
    """The Brier score, mean (confidence - right)^2 (Brier 1950), with Murphy's partition (Murphy 1973).

    reliability = sum_k n_k (c_k - y_k)^2 / n and resolution = sum_k n_k (y_k - y)^2 / n over the distinct confidences
    c_k, of whose items y_k are right: not binned, so that the parts add up exactly. None without items.

    >>> found = brier([0.8, 0.8, 0.2, 0.2], [1, 0, 0, 0])
    >>> [round(part, 4) for part in found]
    [0.19, 0.065, 0.0625, 0.1875]
    >>> round(found.reliability - found.resolution + found.uncertainty, 12) == round(found.value, 12)
    True
    """
    x, y = _forecasts(confidence, right)
    if not len(x):
        return None
    levels, codes, counts = np.unique(x, return_inverse=True, return_counts=True)
    shares = np.bincount(codes, weights=y) / counts
    weights, base = counts / len(x), float(y.mean())
    return Brier(
        value=float(np.mean((x - y) ** 2)),
        reliability=float(weights @ (levels - shares) ** 2),
        resolution=float(weights @ (shares - base) ** 2),
        uncertainty=base * (1 - base),
    )


def auroc(
    scores: ArrayLike,
    is_positive: ArrayLike,
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
) -> Interval:
    """How often a positive item has a higher score than a negative one, ties counted half: U / (m n), from midranks.

    U is Mann and Whitney's (1947); Hanley and McNeil (1982) show that it is the area under the ROC curve. Its error is that
    of Obuchowski (1997) for clusters that may hold both sorts, which for items alone is DeLong's (1988). The interval is
    Wilson's at the number of items that would have this error, as for a clustered share, at most as many as there are;
    where the two sorts do not overlap there is no error to measure, and as many count as the rarer sort has clusters. None
    where all items are of one sort.

    >>> found = auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> found.value, round(found.low, 2), round(found.high, 2)
    (0.75, 0.01, 1.0)
    >>> auroc([1.0, 2.0], [1, 1]).value is None
    True
    """
    x, y = numbers(scores), _outcomes(is_positive, n=np.size(scores)) == 1
    codes, count = cluster_codes(clusters, n=len(x))
    above, below = int(y.sum()), int((~y).sum())
    if not above or not below:
        return Interval(None, None, None, len(x), count, "all items are of one sort")
    ranks = stats.rankdata(x)
    area = float((ranks[y].sum() - above * (above + 1) / 2) / (above * below))
    # Of a positive item the share of negatives below it, of a negative one the share of positives above it.
    placed = np.empty(len(x))
    placed[y] = (ranks[y] - stats.rankdata(x[y])) / below
    placed[~y] = 1 - (ranks[~y] - stats.rankdata(x[~y])) / above
    groups = min(len(set(codes[y])), len(set(codes[~y])))
    if groups < 2:
        return Interval(area, None, None, len(x), count, "one cluster of a sort has no interval")
    error2 = _obuchowski(placed - area, y, codes, count=count)
    spread = area * (1 - area)
    effective = min(spread / error2, float(len(x))) if error2 > 0 and spread > 0 else float(groups)
    if spread > 0:
        effective *= normal_to_t(groups - 1, level=level) ** 2
    low, high = wilson_limits(area, effective, level=level)
    method = f"{percent(level)} Wilson, {above} against {below} as {effective:.3g} items"
    return Interval(area, low, high, len(x), count, method)


def _obuchowski(rest: Floats, y: NDArray[np.bool_], codes: Ints, *, count: int) -> float:
    """The variance of an area: S10 / m + S01 / n + 2 S11 / (m n), from the sums of each cluster's placements."""
    sums = [np.bincount(codes[sort], weights=rest[sort], minlength=count) for sort in (y, ~y)]
    sizes = [int(sort.sum()) for sort in (y, ~y)]
    own = [len(set(codes[sort])) for sort in (y, ~y)]
    within = sum(
        groups / (groups - 1) * float(one @ one) / size**2
        for one, size, groups in zip(sums, sizes, own, strict=True)
    )
    both = count / (count - 1) * float(sums[0] @ sums[1]) / (sizes[0] * sizes[1])
    return within + 2 * both


def _binned(x: Floats, y: Floats, codes: Ints, *, edges: Floats) -> tuple[Bin, ...]:
    found = []
    for code in np.unique(codes):
        places = np.flatnonzero(codes == code)
        found.append(
            Bin(
                least=float(edges[code]),
                most=float(edges[code + 1]),
                places=tuple(map(int, places)),
                confidence=float(x[places].mean()),
                accuracy=float(y[places].mean()),
                luck=_luck(x[places]),
            )
        )
    return tuple(found)


def _luck(x: Floats) -> float:
    """The mean distance of the share that is right from the mean of these probabilities."""
    chances = np.ones(1)
    for p in x[(x > 0) & (x < 1)]:
        chances = np.convolve(chances, (1 - p, p))
    sure = float((x >= 1).sum())
    return float(chances @ np.abs(np.arange(len(chances)) + sure - x.sum())) / len(x)


def _mean_of_bins(bins: Sequence[Bin], values: Sequence[float]) -> float | None:
    n = sum(len(one.places) for one in bins)
    if not n:
        return None
    return math.fsum(len(one.places) * v for one, v in zip(bins, values, strict=True)) / n


def _forecasts(confidence: ArrayLike, right: ArrayLike) -> tuple[Floats, Floats]:
    x = numbers(confidence)
    if len(x) and not (x.min() >= 0 and x.max() <= 1):
        worst = float(x[np.argmax(np.abs(x - 0.5))])
        raise DataError(f"a confidence is {worst!r}; it has to be from 0 to 1")
    return x, _outcomes(right, n=len(x))


def _outcomes(right: ArrayLike, *, n: int) -> Floats:
    y = numbers(right)
    if len(y) != n:
        raise DataError(f"{len(y)} outcomes for {n} items; give one for each")
    if not is_binary(y):
        raise DataError(f"outcomes are {sorted(set(y.tolist()))[:5]!r}; each has to be 0 or 1")
    return y

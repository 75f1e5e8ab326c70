"""Whether a score rises with rank: the slope over log2(rank), item by item.

`trend(values, ranks=...)` takes a column a rank and gives the mean change per doubling with an interval over items;
`slopes(...)` gives each item's own, from which `seeds.items_and_seeds` makes an interval over seeds too. A slope is one
number: a curve that rises and falls again can have none. It does not look for the rank where gains end; that is
`noninferiority.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.errors import DataError
from workbench.stats.intervals import Floats, cluster_codes, standard_error, t_interval
from workbench.stats.paired import t_test
from workbench.stats.power import minimal_difference


class Trend(NamedTuple):
    """How much a score changes when the rank doubles."""

    value: float | None
    """The mean of the items' slopes, which is the slope of the mean scores."""
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str
    p: float | None
    """Two-sided p-value of no slope."""
    doublings: float
    """From the lowest rank to the highest."""
    left_out: int
    """Items without a value at every rank."""
    detectable: float | None
    """The slope that would be found 4 times in 5; None where the spread cannot be measured."""


def trend(
    values: ArrayLike,
    *,
    ranks: Sequence[float],
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
) -> Trend:
    """The mean slope over log2(rank), with Student's t over items or clusters.

    Each item's slope is one number, and these are independent where the answers of one item to several ranks are
    not (summary measures: Matthews, Altman, Campbell and Royston 1990). Items with a NaN are left out and counted.

    >>> found = trend([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1]], ranks=[1, 2, 4, 8])
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2), round(found.p, 3)
    (0.28, 0.08, 0.48, 0.019)
    """
    y, x = _matrix(values, ranks), np.log2(np.asarray(ranks, dtype=np.float64))
    kept = np.isfinite(y).all(axis=1)
    codes, _ = cluster_codes(clusters, n=len(y))
    known = np.unique(codes[kept], return_inverse=True)[1]
    steep = _slopes(y[kept], x)
    found, error = t_interval(steep, known, level=level), standard_error(steep, known)
    groups, value = found.clusters, found.value
    return Trend(
        *found,
        p=None if value is None else t_test(value, error, groups=groups),
        doublings=float(np.ptp(x)),
        left_out=int((~kept).sum()),
        detectable=minimal_difference(error, degrees=groups - 1, level=level)
        if error > 0
        else None,
    )


def slopes(values: ArrayLike, *, ranks: Sequence[float]) -> Floats:
    """Each item's least-squares slope over log2(rank): sum_k (x_k - mean x) y_k / sum_k (x_k - mean x)^2.

    >>> slopes([[0.0, 0.5, 1.0], [1.0, 1.0, 1.0]], ranks=[2, 4, 8]).tolist()
    [0.5, 0.0]
    """
    return _slopes(_matrix(values, ranks), np.log2(np.asarray(ranks, dtype=np.float64)))


def _slopes(y: Floats, x: Floats) -> Floats:
    away = x - x.mean()
    return np.asarray(y @ away / np.sum(away**2))


def _matrix(values: ArrayLike, ranks: Sequence[float]) -> Floats:
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 2:
        y = y.reshape(-1, len(ranks)) if y.size == 0 else np.atleast_2d(y)
    if y.shape[1] != len(ranks):
        raise DataError(f"{y.shape[1]} columns for {len(ranks)} ranks; give a column for each rank")
    if any(not rank > 0 for rank in ranks) or len(set(ranks)) < 2:
        raise DataError(f"ranks {list(ranks)!r} have no slope; give two different ones above 0")
    return y

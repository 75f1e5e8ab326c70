"""How small a difference a comparison could have found, and how many items a smaller one needs.

`detectable_difference(a, b)` belongs beside every "no difference found". It uses the spread of the differences that
were measured, so pairing and clustering count.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from numpy.typing import ArrayLike
from scipy import stats

from workbench.stats.intervals import cluster_codes, is_binary, numbers, standard_error


def detectable_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    clusters: Sequence[str] | None = None,
    level: float = 0.95,
    power: float = 0.8,
) -> float | None:
    """The smallest true difference that this paired comparison finds with probability `power`.

    None when the spread cannot be measured: fewer than two groups, or no two answers that differ. For shares of
    independent items it is not below `least_difference`, which also serves where no two answers differ.

    >>> round(detectable_difference([1, 0, 1, 1, 0, 1], [0, 0, 1, 0, 1, 1]), 2)
    1.07
    """
    x, y = numbers(a), numbers(b)
    d = x - y
    codes, count = cluster_codes(clusters, n=len(d))
    error = standard_error(d, codes)
    if not error > 0:
        return None
    found = minimal_difference(error, degrees=count - 1, level=level, power=power)
    if count < len(d) or not (is_binary(x) and is_binary(y)):
        return found
    # A spread of next to no pairs that differ would promise what the exact test cannot keep.
    least = least_difference(count, level=level, power=power)
    return found if least is None else max(found, least)


@lru_cache(maxsize=1024)
def least_difference(n: int, *, level: float = 0.95, power: float = 0.8) -> float | None:
    """The smallest difference of paired shares that McNemar's exact test finds at all, all pairs differing one way.

    It needs k pairs with 2^(1-k) < 1 - level; the q with P(Bin(n, q) >= k) = power is a quantile of the beta
    distribution (Clopper and Pearson 1934). None where n < k: no difference could be found.

    >>> round(least_difference(20), 3), least_difference(5)
    (0.366, None)
    """
    pairs = math.floor(1 - math.log2(1 - level)) + 1
    return float(stats.beta.ppf(power, pairs, n - pairs + 1)) if n >= pairs else None


def minimal_difference(
    error: float, *, degrees: int | None = None, level: float = 0.95, power: float = 0.8
) -> float:
    """(t_{a/2} + t_power) SE: the true difference that a test with this standard error finds with `power`.

    Without degrees of freedom it is the normal form (Miller 2024, arXiv 2411.00640, section 5; Bloom 1995).

    >>> round(minimal_difference(0.01), 4)
    0.028
    """
    return _errors_needed(degrees, level=level, power=power) * error


def items_needed(difference: float, *, sd: float, level: float = 0.95, power: float = 0.8) -> int:
    """Items to find a difference: ((z_{a/2} + z_power) sd / difference)^2 for paired differences.

    >>> items_needed(0.03, sd=0.5)
    2181
    """
    z = stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)
    return math.ceil((float(z) * sd / abs(difference)) ** 2)


@lru_cache(maxsize=1024)
def _errors_needed(degrees: int | None, *, level: float, power: float) -> float:
    """t_{a/2} + t_power; a comparison of many systems asks for the same few thousands of times."""
    of = [(1 + level) / 2, power]
    return float(sum(stats.norm.ppf(of) if degrees is None else stats.t.ppf(of, degrees)))

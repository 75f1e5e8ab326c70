"""Whether something cheaper is good enough: not worse than the best by more than a margin.

`not_worse(a, b, margin=...)` decides for two, `cheapest_enough(answers, cost=..., margin=...)` names the cheapest of
many. A margin is chosen before looking, and "no difference found" is never read as "not worse": an interval decides.
Figures are means of items; it knows no medians, and seeds only if the caller averaged over them.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.errors import DataError
from workbench.stats.intervals import Floats, cluster_codes, percent, standard_error
from workbench.stats.paired import Difference, paired_difference
from workbench.stats.power import minimal_difference

Better = Literal["higher", "lower"]


class NotWorse(NamedTuple):
    """What the one-sided interval of a paired difference says about a margin."""

    value: float | None
    """How much better a is than b; negative where it is worse."""
    bound: float | None
    """a is better than b by at least this, with the confidence asked for: the smallest margin is minus this."""
    margin: float
    decision: Literal["not worse", "worse", "open"]
    """`worse`: shown worse by more than the margin; `open`: neither is shown."""
    n: int
    clusters: int
    method: str
    detectable: float | None
    """The margin that would be shown 4 times in 5, were the two equal; None where it cannot be said."""


class Standing(NamedTuple):
    """How far one candidate may lie behind the best of all others."""

    name: str
    bound: float | None
    """It is better than the best other by at least this; None where no interval can be had."""
    rival: str
    """The other that is hardest to come near."""
    is_enough: bool


class Enough(NamedTuple):
    """The cheapest candidate shown to be near enough to the best, whichever that is."""

    name: str
    """Empty where none is shown."""
    margin: float
    standings: tuple[Standing, ...]
    """From the cheapest to the dearest; their bounds hold all at once."""
    method: str


def not_worse(
    a: ArrayLike,
    b: ArrayLike,
    *,
    margin: float,
    clusters: Sequence[str] | None = None,
    better: Better = "higher",
    level: float = 0.95,
) -> NotWorse:
    """Whether a is worse than b by at most `margin`, by a one-sided interval (Blackwelder 1982).

    The bound is the lower end of the two-sided interval at 2 level - 1, so that it is Newcombe's for paired shares and
    Student's t for others. a is not worse if the bound lies above -margin.

    >>> a, b = [1] * 88 + [0] * 2 + [1] * 2 + [0] * 8, [1] * 90 + [0] * 10
    >>> found = not_worse(a, b, margin=0.05)
    >>> found.value, round(found.bound, 3), found.decision, not_worse(a, b, margin=0.02).decision
    (0.0, -0.042, 'not worse', 'open')
    """
    _check(margin)
    sides = (a, b) if better == "higher" else (b, a)
    found = paired_difference(*sides, clusters=clusters, level=_two_sided(level))
    decision: Literal["not worse", "worse", "open"] = "open"
    if found.low is not None and found.low > -margin:
        decision = "not worse"
    elif found.high is not None and found.high < -margin:
        decision = "worse"
    return NotWorse(
        value=found.value,
        bound=found.low,
        margin=margin,
        decision=decision,
        n=found.n,
        clusters=found.clusters,
        method=f"{percent(level)} one-sided, lower end of {found.method}",
        detectable=_detectable(*sides, found, clusters=clusters, level=level),
    )


def cheapest_enough(
    answers: Mapping[str, ArrayLike],
    *,
    cost: Mapping[str, float],
    margin: float,
    clusters: Sequence[str] | None = None,
    better: Better = "higher",
    level: float = 0.95,
) -> Enough:
    """The cheapest candidate not worse than the best by more than `margin`, whichever the best truly is.

    `answers` has each candidate's values over the same items in one order, NaN where it has none. The one that leads
    here may lead by luck; so a candidate must come near every other: its bound is the lowest of its one-sided
    bounds, each at 1 - (1 - level)/(K - 1) for K candidates. Only those against the true best can mislead, which are
    K - 1, so all bounds hold at once (multiple comparisons with the best: Hsu 1981; Bonferroni for its constant). No
    order of asking is needed, and none of the names is paid for by having been picked.

    >>> rng = np.random.default_rng(0)
    >>> easy = rng.random(400)
    >>> answers = {f"r={r}": easy < share for r, share in ((2, 0.7), (8, 0.895), (32, 0.9))}
    >>> cheapest_enough(answers, cost={"r=2": 2, "r=8": 8, "r=32": 32}, margin=0.05).name
    'r=8'
    """
    _check(margin)
    if len(answers) < 2 or set(answers) - set(cost):
        raise DataError(
            f"candidates {list(answers)!r} with costs for {list(cost)!r}; give two or more, each with its cost"
        )
    values = {name: np.asarray(x, dtype=np.float64).reshape(-1) for name, x in answers.items()}
    one_sided = 1 - (1 - level) / (len(values) - 1)
    standings = []
    for name in sorted(values, key=lambda name: cost[name]):
        bounds = {
            other: _bound(values, name, other, clusters=clusters, better=better, level=one_sided)
            for other in values
            if other != name
        }
        rival = min(bounds, key=lambda other: bounds[other])
        low = bounds[rival]
        bound = low if np.isfinite(low) else None
        standings.append(Standing(name, bound, rival, low > -margin))
    enough = next((one.name for one in standings if one.is_enough), "")
    method = f"{percent(level)} one-sided against the best of {len(values)}, corrected for {len(values) - 1}"
    return Enough(enough, margin, tuple(standings), method)


def _bound(
    values: Mapping[str, Floats],
    name: str,
    other: str,
    *,
    clusters: Sequence[str] | None,
    better: Better,
    level: float,
) -> float:
    """The one-sided bound over the items that both have; minus infinity where there is none."""
    sides = (name, other) if better == "higher" else (other, name)
    a, b = (values[side] for side in sides)
    if len(a) != len(b):
        raise DataError(
            f"{sides[0]!r} has {len(a)} values, {sides[1]!r} {len(b)}; give each the same items, NaN where one is missing"
        )
    both = np.isfinite(a) & np.isfinite(b)
    groups = (
        None
        if clusters is None
        else [word for word, kept in zip(clusters, both, strict=True) if kept]
    )
    found = paired_difference(a[both], b[both], clusters=groups, level=_two_sided(level))
    return float("-inf") if found.low is None else found.low


def _detectable(
    a: ArrayLike,
    b: ArrayLike,
    found: Difference,
    *,
    clusters: Sequence[str] | None,
    level: float,
) -> float | None:
    d = np.asarray(a, dtype=np.float64).reshape(-1) - np.asarray(b, dtype=np.float64).reshape(-1)
    error = standard_error(d, cluster_codes(clusters, n=len(d))[0])
    if not error > 0:
        return None
    return minimal_difference(error, degrees=found.clusters - 1, level=_two_sided(level))


def _two_sided(level: float) -> float:
    """The two-sided level whose ends each have the one-sided level."""
    return 2 * level - 1


def _check(margin: float) -> None:
    if not 0 < margin < float("inf"):
        raise DataError(
            f"a margin of {margin!r}; give how much worse may still be enough, a number above 0"
        )

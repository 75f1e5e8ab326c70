"""Differences between two candidates on the items that both answered.

`difference(reading, of, against, eval=...)` joins the two on the sample id and gives the mean difference with its
paired interval and p-value; `corrected(differences)` puts Holm's correction over a family of them. Items that only
one of the two answered are left out and counted; when most are, there is no difference, only the reason. It does not
decide what is worth comparing.
"""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from workbench.compare import wording
from workbench.compare.reading import Answers, Reading
from workbench.stats.family import holm
from workbench.stats.intervals import median_interval, within
from workbench.stats.paired import mcnemar, paired_difference
from workbench.stats.power import detectable_difference

ALPHA = 0.05
"""A corrected p-value below this is called a difference."""

MIN_SHARED = 0.5
"""The share of items that both must have answered for the two to be called paired."""


class Difference(BaseModel):
    """How much more one candidate has than another on one eval."""

    model_config = ConfigDict(frozen=True)

    eval: str
    of: str
    against: str
    unit: str = ""
    better: str = "higher"
    value: float | None = None
    """`of` minus `against`."""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_corrected: float | None = None
    """With Holm's correction over the family it was shown in."""
    n: int = 0
    """Items that both answered."""
    left_out: int = 0
    """Items with a value from only one of the two."""
    method: str = ""
    reason: str = ""
    """Why there is no difference to give."""

    @property
    def is_found(self) -> bool:
        """Whether the two can be told apart, after correction."""
        return self.p_corrected is not None and self.p_corrected < ALPHA

    @property
    def gain(self) -> float | None:
        """The difference, positive when `of` is the better one; None where neither way is better."""
        if self.value is None or self.better == "none":
            return None
        return -self.value if self.better == "lower" else self.value


def difference(reading: Reading, of: str, against: str, *, eval: str) -> Difference:
    """The paired difference of two candidates (or `base`) on one eval; uncorrected."""
    sort = reading.sort_of(eval)
    plain = Difference(
        eval=eval,
        of=of,
        against=against,
        unit=sort.unit if sort else "",
        better=sort.better if sort else "higher",
    )
    mine, theirs = reading.answers(of, eval), reading.answers(against, eval)
    for name, answers in ((of, mine), (against, theirs)):
        reason = _unusable(reading, name, eval, answers)
        if reason:
            return plain.model_copy(update={"reason": reason})
    assert mine is not None
    assert theirs is not None
    return _paired(plain, mine, theirs, by_median=reading.summed_up_by(of, eval) == "median")


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences with Holm's correction over those that have a p-value."""
    adjusted = iter(holm([one.p for one in differences if one.p is not None]))
    return [
        one if one.p is None else one.model_copy(update={"p_corrected": next(adjusted)})
        for one in differences
    ]


def detectable(
    reading: Reading, of: str, against: str, *, eval: str, comparisons: int
) -> float | None:
    """The smallest difference these two could have shown 4 times in 5, corrected for so many comparisons."""
    mine, theirs = reading.answers(of, eval), reading.answers(against, eval)
    if mine is None or theirs is None:
        return None
    a, b, clusters, _ = aligned(mine, theirs)
    if len(a) < 2:
        return None
    level = 1 - ALPHA / max(1, comparisons)
    return detectable_difference(a, b, clusters=clusters, level=level)


def aligned(mine: Answers, theirs: Answers) -> tuple[np.ndarray, np.ndarray, list[str], int]:
    """Both lists of values in one order, their clusters, and how many items only one side has.

    >>> a = Answers(("x", "y", "z"), np.array([1.0, 0.0, 1.0]), ("", "", ""))
    >>> b = Answers(("y", "x", "w"), np.array([1.0, np.nan, 0.0]), ("", "", ""))
    >>> aligned(a, b)
    (array([0.]), array([1.]), [''], 3)
    """
    other = {
        sample: value
        for sample, value in zip(theirs.samples, theirs.values, strict=True)
        if math.isfinite(value)
    }
    pairs, clusters, alone = [], [], 0
    for sample, value, cluster in zip(mine.samples, mine.values, mine.clusters, strict=True):
        if not math.isfinite(value):
            continue
        if sample in other:
            pairs.append((value, other.pop(sample)))
            clusters.append(cluster)
        else:
            alone += 1
    both = np.array(pairs, dtype=float).reshape(-1, 2)
    return both[:, 0], both[:, 1], clusters, alone + len(other)


def _paired(plain: Difference, mine: Answers, theirs: Answers, *, by_median: bool) -> Difference:
    a, b, clusters, left_out = aligned(mine, theirs)
    counted = {"n": len(a), "left_out": left_out}
    if len(a) < 2 or len(a) < MIN_SHARED * (len(a) + left_out):
        reason = f"not paired: {len(a)} items answered by both, {left_out} by only one of the two"
        return plain.model_copy(update={**counted, "reason": reason})
    found = paired_difference(a, b, clusters=clusters)
    if by_median:
        # The sign test belongs to the median as the t test belongs to the mean.
        middle = median_interval(a - b)
        found = found._replace(
            value=middle.value,
            low=middle.low,
            high=middle.high,
            method=f"median of paired differences, {middle.method}",
            p=mcnemar(found.above, found.below),
        )
    low, high, method = found.low, found.high, found.method
    if wording.is_share(plain.unit):
        low, high, method = within(low, high, method, least=-1, most=1)
    told = {"value": found.value, "low": low, "high": high, "p": found.p, "method": method}
    return plain.model_copy(update={**counted, **told})


def _unusable(reading: Reading, name: str, eval: str, answers: Answers | None) -> str:
    if answers is None or not np.isfinite(answers.values).any():
        return f"{name} has no answers to {eval}"
    if len(set(answers.samples)) < len(answers.samples):
        return f"not paired: {name} has several answers under one sample id"
    if reading.summed_up_by(name, eval) is None:
        return f"the score of {eval} is neither the mean nor the median of its items"
    return ""

"""Differences between two candidates on the items that both answered.

`difference(reading, of, against, eval=...)` joins the two on the sample id and gives the mean difference with its
paired interval and p-value; of a score that is no mean of its items, the difference of the scores. Items that only
one of the two answered are left out and counted; when most are, there is no difference, only the reason. It does not
decide what is worth comparing, and corrects nothing: that is `family.py`.
"""

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from workbench.compare import wording
from workbench.compare.panel import panel
from workbench.compare.reading import Reading
from workbench.compare.rescored import rescored
from workbench.scores.task import BASE
from workbench.stats.intervals import Floats, is_binary, median_interval, within
from workbench.stats.paired import mcnemar, paired_difference

ALPHA = 0.05
"""A corrected p-value below this is called a difference."""

SAME = "same answers"
"""What is said of a difference of 0 whose size at most nobody can tell from the answers."""

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
    by: Literal["mean", "median", "score"] = "mean"
    """What is compared: the mean or the median of the items' differences, or the two scores as wholes."""
    value: float | None = None
    """`of` minus `against`."""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_corrected: float | None = None
    """Corrected for the family it was shown in."""
    correction: str = ""
    """How, and over how many; empty where it stood alone."""
    detectable: float | None = None
    """Of a difference that was not found: how large it had to be to be found 4 times in 5, correction included."""
    n: int = 0
    """Items that both answered."""
    left_out: int = 0
    """Items with a value from only one of the two."""
    method: str = ""
    reason: str = ""
    """Why there is no difference to give."""

    @property
    def is_same(self) -> bool:
        """Whether no two answers differ, so that nothing tells how large a difference could have been."""
        return self.method == SAME

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


def difference(
    reading: Reading, of: str, against: str, *, eval: str, level: float = 0.95
) -> Difference:
    """The paired difference of two candidates (or `base`) on one eval; uncorrected."""
    key = ("difference", of, against, eval, str(level))
    found: Difference = reading.once(key, lambda: _difference(reading, of, against, eval, level))
    return found


def _difference(reading: Reading, of: str, against: str, eval: str, level: float) -> Difference:
    sort = reading.sort_of(eval)
    plain = Difference(
        eval=eval,
        of=of,
        against=against,
        unit=sort.unit if sort else "",
        better=sort.better if sort else "higher",
    )
    for name in (of, against):
        reason = _unusable(reading, name, eval)
        if reason:
            return plain.model_copy(update={"reason": reason})
    reason = _unlike(reading, of, against, eval)
    if reason:
        return plain.model_copy(update={"reason": reason})
    ways = {reading.summed_up_by(name, eval) for name in (of, against)}
    if ways == {"mean"} or ways == {"median"}:
        return _paired(plain, reading, is_median=ways == {"median"}, level=level)
    return _of_scores(plain, reading)


def _paired(plain: Difference, reading: Reading, *, is_median: bool, level: float) -> Difference:
    a, b, clusters, left_out = panel(reading, plain.eval).pair(plain.of, plain.against)
    counted = {"n": len(a), "left_out": left_out}
    reason = _too_few(len(a), left_out)
    if reason:
        return plain.model_copy(update={**counted, "reason": reason})
    if _says_nothing(a, b, unit=plain.unit):
        by = "median" if is_median else "mean"
        return plain.model_copy(update={**counted, "by": by, **_same()})
    found = paired_difference(a, b, clusters=clusters, level=level)
    if is_median:
        # The sign test belongs to the median as the t test belongs to the mean.
        middle = median_interval(a - b, level=level)
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
    by = "median" if is_median else "mean"
    return plain.model_copy(update={**counted, **told, "by": by})


def _of_scores(plain: Difference, reading: Reading) -> Difference:
    found = rescored(reading, plain.of, plain.against, eval=plain.eval)
    counted = {"n": found.n, "left_out": found.left_out, "by": "score"}
    reason = _too_few(found.n, found.left_out)
    if reason or found.value is None:
        reason = reason or f"the score of {plain.eval} is undefined on the items that both answered"
        return plain.model_copy(update={**counted, "reason": reason})
    told = {name: getattr(found, name) for name in ("value", "low", "high", "p", "method")}
    if found.value == found.low == found.high == 0:
        told = _same()
    return plain.model_copy(update={**counted, **told})


def _says_nothing(a: Floats, b: Floats, *, unit: str) -> bool:
    """Whether equal answers leave the spread unknown: all but shares of right ones, for which counting bounds it."""
    return np.array_equal(a, b) and not (wording.is_share(unit) and is_binary(a))


def _same() -> dict[str, Any]:
    return {"value": 0.0, "low": None, "high": None, "p": 1.0, "method": SAME}


def _too_few(both: int, left_out: int) -> str:
    if both < 2 or both < MIN_SHARED * (both + left_out):
        return f"not paired: {both} items answered by both, {left_out} by only one of the two"
    return ""


def _unusable(reading: Reading, name: str, eval: str) -> str:
    """Why nothing can be subtracted from a candidate's answers; asked once for all of its pairs."""
    why: str = reading.once(("unusable", name, eval), lambda: _why_unusable(reading, name, eval))
    return why


def _why_unusable(reading: Reading, name: str, eval: str) -> str:
    answers = reading.answers(name, eval)
    if answers is None or not np.isfinite(answers.values).any():
        scores = (reading.score(slot, eval) for slot in reading.slots(name))
        told = next((one.method for one in scores if one is not None and one.value is None), "")
        return f"{name} has no answers to {eval}" + (f" ({told})" if told else "")
    if len(set(answers.samples)) < len(answers.samples):
        return f"not paired: {name} has several answers under one sample id"
    return ""


def _unlike(reading: Reading, of: str, against: str, eval: str) -> str:
    """Why the two figures are not of one kind: models of two tasks, or two measures under one name."""
    tasks = [reading.task_of(name) for name in (of, against)]
    if BASE not in (of, against) and tasks[0] != tasks[1]:
        return f"not paired: {of} is a {tasks[0]} model and {against} a {tasks[1]} model"
    measures = [reading.measures(name, eval) for name in (of, against)]
    if measures[0] and measures[1] and measures[0] != measures[1]:
        mine, theirs = (" and ".join(sorted(one)) for one in measures)
        return f"not paired: {eval} is {mine} of {of} and {theirs} of {against}"
    return ""

"""How judgements of right and made-up answers become an accuracy, beside what a ruler gets on the same answers.

A row is one question: its value is the share of two judgements that are right, that of the right answer and that of the made-up
one, so that whoever always says yes, or no, gets one half exactly. `Kept` is what a row keeps. In the published data made-up
answers are longer: `length_baseline` is the accuracy of calling every answer made up that has more than `LONGEST` characters. It
knows no model and no file.
"""

import math
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict

from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    errors_of,
    failed,
    group_means,
    scored,
    share_of,
    shown,
)
from workbench.scores.task import Row
from workbench.stats.calibration import auroc
from workbench.stats.intervals import mean_interval

LONGEST = 27
"""Characters of a right answer, by the rule that was published with the finding; not fitted to the file at hand."""


class Kept(BaseModel):
    """What a row keeps of one question: the log-odds of yes, the answer is made up, over no; and how long both answers are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    right: float
    made_up: float
    mass: float
    """The probability of yes and no together, the mean of both judgements."""
    right_characters: int
    made_up_characters: int

    @property
    def value(self) -> float | None:
        """The share of both judgements that are right; None where one is undecided."""
        if self.right == 0 or self.made_up == 0:
            return None
        return ((self.right < 0) + (self.made_up > 0)) / 2

    @property
    def by_length(self) -> float:
        """What a ruler gets."""
        return ((self.right_characters <= LONGEST) + (self.made_up_characters > LONGEST)) / 2

    @property
    def by_longer(self) -> float:
        """Whether the longer of both answers is the made-up one; half where they are as long."""
        return half_for_ties(self.made_up_characters, self.right_characters)


def half_for_ties(above: float, below: float) -> float:
    """1 where the first is above the second, half where they are equal.

    >>> half_for_ties(2, 1), half_for_ties(1, 1), half_for_ties(0, 1)
    (1.0, 0.5, 0.0)
    """
    return ((above > below) + (above >= below)) / 2


def figures(rows: Sequence[Row]) -> Figures:
    """The share of judgements that are right, of right and of made-up answers, beside both baselines."""
    ours = scored(rows)
    told = [(row, Kept.model_validate(detail(row))) for row in ours]
    every = [*told, *((r, Kept.model_validate(detail(r))) for r in failed(rows) if r.detail)]
    parts: Parts = {
        **_apart([kept for _, kept in told]),
        **_pairs(every),
        **_baselines(every, told),
        **group_means(ours, better="higher"),
        **errors_of(rows, "tie", name="ties"),
        **at_worst(rows),
    }
    return Figures(
        interval=share_of(ours),
        parts=parts,
        measure="share of right judgements, of right and of made-up answers as many",
    )


def _apart(told: Sequence[Kept]) -> Parts:
    if not told:
        return {}
    no_to_right = _mean(told, lambda kept: float(kept.right < 0))
    yes_to_made_up = _mean(told, lambda kept: float(kept.made_up > 0))
    return {
        "yes_rate": (1 - no_to_right + yes_to_made_up) / 2,
        "right_answers": no_to_right,
        "made_up_answers": yes_to_made_up,
    }


def _pairs(every: Sequence[tuple[Row, Kept]]) -> Parts:
    """What does not depend on where yes begins: is the made-up answer the one that is called so the more?"""
    if not every:
        return {}
    kept = [one for _, one in every]
    clusters = [row.cluster or row.sample for row, _ in every]
    found = mean_interval([half_for_ties(k.made_up, k.right) for k in kept], clusters=clusters)
    area = auroc(
        [odds for one in kept for odds in (one.right, one.made_up)],
        [0, 1] * len(kept),
        clusters=[cluster for cluster in clusters for _ in range(2)],
    )
    parts: Parts = {**shown("pairwise", found), **shown("auroc", area)}
    ties = sum(one.made_up == one.right for one in kept)
    if ties:
        parts["pairwise/ties"] = ties
    return {**parts, "mass": _mean(kept, lambda one: one.mass)}


def _baselines(every: Sequence[tuple[Row, Kept]], told: Sequence[tuple[Row, Kept]]) -> Parts:
    """What lengths alone get, and how far the judgements are ahead of that on the same questions."""
    if not every:
        return {}
    kept = [one for _, one in every]
    ahead = mean_interval(
        [(row.value or 0.0) - one.by_length for row, one in told],
        clusters=[row.cluster for row, _ in told],
    )
    return {
        "length_baseline": _mean(kept, lambda one: one.by_length),
        "longer_baseline": _mean(kept, lambda one: one.by_longer),
        **shown("ahead_of_length", ahead),
    }


def _mean(kept: Sequence[Kept], number: Callable[[Kept], float]) -> float:
    return math.fsum(map(number, kept)) / len(kept)

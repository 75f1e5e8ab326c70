"""Many differences at once: corrected p-values, intervals that hold together, and what was too small to be found.

`corrected(reading, differences)` corrects a family by Westfall and Young's max-T, which knows that its members share items
and systems; where that cannot be, because a score is no mean of its items or has too few of them, by Holm. Each difference says which.
`together(reading, differences)` gives them intervals that all hold at once. What belongs to a family is the caller's
decision.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from workbench.compare.pairing import ALPHA, Difference, difference
from workbench.compare.panel import panel
from workbench.compare.reading import Reading
from workbench.stats.family import holm
from workbench.stats.intervals import Floats, is_binary
from workbench.stats.maxt import joint_level, max_t
from workbench.stats.power import detectable_difference, least_difference, minimal_difference

LEVEL = 1 - ALPHA


class _Joint(NamedTuple):
    """The differences of a family item by item, over the items of all its evals."""

    rows: list[Floats]
    clusters: list[str]


def corrected(reading: Reading, differences: Sequence[Difference]) -> list[Difference]:
    """The same differences, those with a p-value corrected for each other."""
    tested = [one for one in differences if one.p is not None]
    if not tested:
        return list(differences)
    if len(tested) == 1:
        p, level, how = [tested[0].p], LEVEL, ""
    elif all(one.by != "score" for one in tested) and not _has_few_groups(reading, tested):
        joint = _joint(reading, tested)
        found = max_t(joint.rows, clusters=joint.clusters, level=LEVEL)
        # An own test may be the stricter one: draws are few, and its assumptions others.
        p = [
            max(a or 0.0, b or 0.0) for a, b in zip(found.p, [one.p for one in tested], strict=True)
        ]
        level, how = found.level, found.method
    else:
        p, how = (
            list(holm([one.p or 0.0 for one in tested])),
            f"Holm over {len(tested)} comparisons",
        )
        level = 1 - ALPHA / len(tested)
    told = iter(p)
    return [
        one if one.p is None else _with(reading, one, p=next(told), level=level, how=how)
        for one in differences
    ]


def of_many(reading: Reading, differences: Sequence[Difference], *, of: int) -> list[Difference]:
    """The differences that were worked out of a family of so many, by Bonferroni's correction."""
    if not differences:
        return []
    how, level = f"Bonferroni over {of} comparisons", 1 - ALPHA / of
    return [
        one if one.p is None else _with(reading, one, p=min(1.0, one.p * of), level=level, how=how)
        for one in differences
    ]


def together(reading: Reading, differences: Sequence[Difference]) -> list[Difference]:
    """The differences with intervals that all hold at once in 95 % of repetitions."""
    wanted = [one for one in differences if one.value is not None]
    if len(wanted) < 2:
        return list(differences)
    level = 1 - ALPHA / len(wanted)
    if all(one.by == "mean" for one in wanted):
        joint = _joint(reading, wanted)
        level = joint_level(joint.rows, clusters=joint.clusters, level=LEVEL)
    # Told to two decimals of a percent, and never less than was worked out.
    level = math.ceil(1e4 * level) / 1e4
    return [
        one if one.value is None else _widened(reading, one, level=level) for one in differences
    ]


def correction_words(differences: Sequence[Difference]) -> str:
    """How a family was corrected, for a caption.

    >>> correction_words([])
    ''
    """
    hows = list(dict.fromkeys(one.correction for one in differences if one.correction))
    return " and ".join(hows)


def _joint(reading: Reading, differences: Sequence[Difference]) -> _Joint:
    """Rows of one length: the items of every eval one after another, NaN where a difference asks others."""
    evals = list(dict.fromkeys(one.eval for one in differences))
    panels = {eval: panel(reading, eval) for eval in evals}
    starts, size = {}, 0
    for eval in evals:
        starts[eval], size = size, size + len(panels[eval].items)
    rows = []
    for one in differences:
        values = panels[one.eval].values
        apart = values[one.of] - values[one.against]
        full = np.full(size, np.nan)
        # The mean of signs is the sign test, as the mean of differences is the t test.
        full[starts[one.eval] :][: len(apart)] = np.sign(apart) if one.by == "median" else apart
        rows.append(full)
    return _Joint(rows, [word for eval in evals for word in panels[eval].clusters])


def _has_few_groups(reading: Reading, differences: Sequence[Difference]) -> bool:
    """Whether max-T, which turns the signs of groups, could not find one of these however large it is."""
    for one in differences:
        _, _, clusters, _ = panel(reading, one.eval).pair(one.of, one.against)
        groups = sum(word == "" for word in clusters) + len(set(clusters) - {""})
        if 2.0 ** (1 - groups) >= ALPHA:
            return True
    return False


def _with(
    reading: Reading, one: Difference, *, p: float | None, level: float, how: str
) -> Difference:
    told = one.model_copy(update={"p_corrected": p, "correction": how})
    if told.is_found:
        return told
    return told.model_copy(update={"detectable": _detectable(reading, one, level=level)})


def _detectable(reading: Reading, one: Difference, *, level: float) -> float | None:
    """The smallest difference that would have been found 4 times in 5; of a median and of a whole score by its interval."""
    if one.is_same:
        return None
    if one.by != "mean":
        if one.low is None or one.high is None or one.high <= one.low:
            return None
        error = (one.high - one.low) / (2 * float(stats.norm.ppf(1 - ALPHA / 2)))
        return minimal_difference(error, level=level)
    a, b, clusters, _ = panel(reading, one.eval).pair(one.of, one.against)
    found = detectable_difference(a, b, clusters=clusters, level=level)
    if found is not None or not (is_binary(a) and is_binary(b)):
        return found
    alone = sum(word == "" for word in clusters)
    return least_difference(alone + len(set(clusters) - {""}), level=level)


def _widened(reading: Reading, one: Difference, *, level: float) -> Difference:
    if one.is_same:
        return one
    if one.by == "score":
        # Drawing again at another level costs as much as the first time; t reaches as far, and is told.
        assert one.value is not None
        if one.low is None or one.high is None:
            return one
        factor = float(stats.norm.ppf((1 + level) / 2) / stats.norm.ppf((1 + LEVEL) / 2))
        low, high = (one.value + factor * (end - one.value) for end in (one.low, one.high))
        return one.model_copy(
            update={"low": low, "high": high, "method": f"{one.method}, widened {factor:.2f} times"}
        )
    return difference(reading, one.of, one.against, eval=one.eval, level=level)

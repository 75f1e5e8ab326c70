"""How drawn answers become a Brier score, and how far the confidence that they show is to be believed.

`measured(answer, samples, is_right=...)` is what is kept of one item: the share of drawn answers that mean the same as the
greedy one is its confidence, for it is the greedy answer that is right or wrong, and the commonest may be another. A row's
value is `pair_score`, the Brier score of what is drawn. `figures(rows)` averages it. It knows no model.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from workbench.scores.figures import (
    Figures,
    Parts,
    detail,
    failed,
    group_means,
    kind_means,
    outcome_shares,
    scored,
    share_of,
    values,
)
from workbench.scores.hallucination.facts import KNOWN
from workbench.scores.matching import is_refusal, normalise
from workbench.scores.task import Row
from workbench.stats.calibration import (
    auroc,
    brier,
    ece,
    ece_if_calibrated,
    equal_mass,
    equal_width,
)
from workbench.stats.intervals import Interval, mean_interval

UNSTATED = "unstated"
"""The kind of facts that nobody was told."""

_RIGHT, _REFUSAL = "\0right", "\0refused"
"""What all right answers mean, and all refusals; no normalised answer begins like this."""


class Told(BaseModel):
    """What was measured of one item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    right: bool
    """Whether the greedy answer is right."""
    confidence: float
    entropy: float
    """In nats, over what the drawn answers mean."""
    score: float
    """See `pair_score`."""
    samples: tuple[str, ...]


def measured(answer: str, samples: Sequence[str], *, is_right: Callable[[str], bool]) -> Told:
    """What a greedy answer and drawn ones say of an item.

    >>> found = measured("Dunvik", ["dunvik.", "Ranmere", "I don't know"], is_right=lambda said: said == "Ranmere")
    >>> found.right, round(found.confidence, 3), round(found.entropy, 3), round(found.score, 3)
    (False, 0.333, 1.099, 0.167)
    """
    means = {text: meaning(text, is_right=is_right) for text in {answer, *samples}}
    said = [means[sample] for sample in samples]
    return Told(
        right=means[answer] == _RIGHT,
        confidence=said.count(means[answer]) / len(said),
        entropy=entropy(said),
        score=pair_score(said),
        samples=tuple(samples),
    )


def meaning(text: str, *, is_right: Callable[[str], bool]) -> str:
    """What answers that mean the same have in common: all right ones, all refusals, and others that are equal."""
    return _RIGHT if is_right(text) else _REFUSAL if is_refusal(text) else normalise(text)


def entropy(meanings: Sequence[str]) -> float:
    """Discrete semantic entropy, -sum_c p_c ln p_c over the shares of what was meant (Farquhar et al. 2024, eq. 5).

    >>> entropy(["a", "a", "a"]), round(entropy(["a", "a", "b", "b"]), 3)
    (0.0, 0.693)
    """
    shares = [count / len(meanings) for count in Counter(meanings).values()]
    return math.fsum(-share * math.log(share) for share in shares if share < 1)


def pair_score(meanings: Sequence[str]) -> float:
    """What two drawn answers cost: 1 where both are wrong and mean the same, 1/2 where both are wrong and differ, else 0.

    Over all pairs of the draws this estimates, without bias, half the Brier score over all answers there are,
    1/2 sum_k (p_k - [k is right])^2 (Brier 1950; of a few draws Ferro 2014): strictly proper, so no other way to draw answers
    does better than by what one believes.

    >>> pair_score(["a", "a", "a", "a"]), pair_score(["a", "b", "c", "d"]), pair_score([_RIGHT, _RIGHT, _RIGHT, "a"])
    (1.0, 0.5, 0.0)
    """
    n, counts = len(meanings), Counter(meanings)
    wrong = n - counts.pop(_RIGHT, 0)
    alike = sum(count * (count - 1) for count in counts.values())
    return (wrong * (wrong - 1) + alike) / (2 * n * (n - 1))


def told_of(row: Row) -> Told | None:
    """What a row keeps of its draws; None for one that kept nothing."""
    kept = detail(row)
    return Told.model_validate(kept) if "samples" in kept else None


def figures(rows: Sequence[Row]) -> Figures:
    """The mean cost of two drawn answers, and the calibration of the confidence in the greedy one."""
    ours, broken = scored(rows), failed(rows)
    parts: Parts = {}
    if both := [(row, one) for row in ours if (one := told_of(row)) is not None]:
        kept, told = [row for row, _ in both], [one for _, one in both]
        parts = {
            **_means(kept, told),
            **_apart(kept, told),
            **_of_kinds(kept, told),
            **group_means(kept, better="lower"),
            **_calibration(kept, told),
        }
    if ours and broken:
        worst = math.fsum(values(ours)) + len(broken)
        parts["if_errors_are_worst"] = worst / (len(ours) + len(broken))
    return Figures(
        interval=share_of(ours),
        parts=parts,
        measure="Brier score of the drawn answers",
        chance=_chance(ours),
    )


def _chance(ours: Sequence[Row]) -> float | None:
    """What the best that knows nothing gets: it draws each answer as often as it is right, 1/2 (1 - sum_k s_k^2)."""
    counts = Counter(normalise(row.expected) for row in ours)
    return (1 - sum((n / len(ours)) ** 2 for n in counts.values())) / 2 if ours else None


def _means(ours: Sequence[Row], told: Sequence[Told]) -> Parts:
    accuracy = _mean([t.right for t in told])
    excess = mean_interval([t.confidence - t.right for t in told], clusters=_clusters(ours))
    samples = [text for t in told for text in t.samples]
    return {
        "accuracy": accuracy,
        "confidence": _mean([t.confidence for t in told]),
        "overconfidence": excess.value,
        "overconfidence/low": excess.low,
        "overconfidence/high": excess.high,
        "refused": _mean([is_refusal(row.answer) for row in ours]),
        "entropy": _mean([t.entropy for t in told]),
        "entropy/right": _mean([t.entropy for t in told if t.right]),
        "entropy/wrong": _mean([t.entropy for t in told if not t.right]),
        "empty_samples": _mean([not normalise(text) for text in samples]),
    }


def _apart(ours: Sequence[Row], told: Sequence[Told]) -> Parts:
    """How well entropy tells wrong answers from right ones, and what was never told from what was."""
    spread = np.array([t.entropy for t in told])
    clusters = _clusters(ours)
    found = auroc(spread, [not t.right for t in told], clusters=clusters)
    parts: Parts = {"auroc": found.value, "auroc/low": found.low, "auroc/high": found.high}
    if len({row.kind for row in ours} & {KNOWN, UNSTATED}) == 2:
        unstated = [row.kind == UNSTATED for row in ours]
        parts["auroc/unstated"] = auroc(spread, unstated, clusters=clusters).value
    return parts


def _of_kinds(ours: Sequence[Row], told: Sequence[Told]) -> Parts:
    """What is right differs from kind to kind, so each has its figures apart."""
    kinds = dict.fromkeys(row.kind for row in ours)
    if len(kinds) < 2:
        return outcome_shares(ours)
    parts: Parts = kind_means(ours)
    for kind in sorted(kinds):
        some = [(row, t) for row, t in zip(ours, told, strict=True) if row.kind == kind]
        parts[f"{kind}/confidence"] = _mean([t.confidence for _, t in some])
        parts[f"{kind}/entropy"] = _mean([t.entropy for _, t in some])
        parts |= outcome_shares([row for row, _ in some], prefix=kind)
    return parts


def _calibration(ours: Sequence[Row], told: Sequence[Told]) -> Parts:
    confidence, right = [t.confidence for t in told], [t.right for t in told]
    whole = brier(confidence, right)
    assert whole is not None, "there are rows"
    wide, even = equal_width(confidence, right), equal_mass(confidence, right)
    parts: Parts = {
        "brier": whole.value,
        "brier_of_base_rate": whole.uncertainty,
        "skill": whole.skill,
        "reliability": whole.reliability,
        "resolution": whole.resolution,
        "ece": ece(wide),
        "ece/if_calibrated": ece_if_calibrated(wide),
        "ece/equal_mass": ece(even),
        "ece/equal_mass_if_calibrated": ece_if_calibrated(even),
    }
    for one in wide:
        share = _share([ours[at] for at in one.places], [right[at] for at in one.places])
        name = f"bin/{one.least:.1f}-{one.most:.1f}"
        parts |= {
            f"{name}/confidence": one.confidence,
            f"{name}/accuracy": one.accuracy,
            f"{name}/low": share.low,
            f"{name}/high": share.high,
            f"{name}/n": len(one.places),
        }
    return parts


def _share(rows: Sequence[Row], right: Sequence[bool]) -> Interval:
    return mean_interval(right, clusters=_clusters(rows))


def _clusters(rows: Sequence[Row]) -> list[str]:
    return [row.cluster for row in rows]


def _mean(numbers: Sequence[float]) -> float | None:
    return math.fsum(numbers) / len(numbers) if numbers else None

"""How the likelihoods of choices become an accuracy: the likeliest is picked, in five ways of counting length.

`Told` is what is kept of one item; `picked(told, by=...)` is the choice that a reading of it picks, None where two are
tied or a number is missing. `figures(rows)` averages the plain reading and shows the other four beside it; chance is
the mean of one in so many over the items' own numbers of choices. It knows no model and no file.
"""

import json
import math
from collections.abc import Sequence
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    failed,
    group_means,
    scored,
    share_of,
)
from workbench.scores.task import Item, Likelihood, Row

Reading = Literal["sum", "tokens", "characters", "bytes", "pmi"]
"""The log-likelihood itself; per token, character or byte of the choice; or less that of the choice alone."""


class Told(BaseModel):
    """What was measured of the choices of one item, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gold: int
    logprobs: tuple[float | None, ...]
    """None where a choice is impossible: JSON knows no infinity."""
    tokens: tuple[int, ...]
    characters: tuple[int, ...]
    bytes: tuple[int, ...]
    alone: tuple[float | None, ...] = ()
    """The log-likelihoods without the question; empty where they were not asked."""


def measured(item: Item, found: Sequence[Likelihood], *, alone: Sequence[Likelihood] = ()) -> Told:
    """What likelihoods say of the choices of an item; their lengths are those without white space around them."""
    assert item.gold is not None, f"{item.id!r} has no right choice"
    said = [choice.strip() for choice in item.choices]
    return Told(
        gold=item.gold,
        logprobs=tuple(_finite(one.logprob) for one in found),
        tokens=tuple(one.num_tokens for one in found),
        characters=tuple(map(len, said)),
        bytes=tuple(len(choice.encode()) for choice in said),
        alone=tuple(_finite(one.logprob) for one in alone),
    )


def worth(told: Told, *, by: Reading = "sum") -> list[float]:
    """What each choice is worth under a reading; NaN where it cannot be said."""
    sums = [-math.inf if one is None else one for one in told.logprobs]
    if by == "sum":
        return sums
    if by == "pmi":
        alone = [math.nan if one is None else one for one in told.alone]
        alone = alone or [math.nan] * len(sums)
        return [one - other for one, other in zip(sums, alone, strict=True)]
    return [one / max(size, 1) for one, size in zip(sums, getattr(told, by), strict=True)]


def picked(told: Told, *, by: Reading = "sum") -> int | None:
    """The choice worth most; None where several are worth as much or a worth is no number.

    >>> told = Told(gold=1, logprobs=(-4.0, -6.0), tokens=(1, 3), characters=(4, 9), bytes=(4, 9))
    >>> picked(told), picked(told, by="tokens"), picked(told, by="pmi")
    (0, 1, None)
    """
    worths = worth(told, by=by)
    if any(map(math.isnan, worths)):
        return None
    best = max(worths)
    return worths.index(best) if worths.count(best) == 1 else None


def is_right(told: Told, *, by: Reading = "sum") -> float | None:
    """1 where the right choice is picked, 0 where another beats it; None where it is tied for best.

    Ties among the wrong decide nothing that matters: an item they win is wrong.
    """
    worths = worth(told, by=by)
    if any(map(math.isnan, worths)):
        return None
    gold = worths[told.gold]
    rest = [one for place, one in enumerate(worths) if place != told.gold]
    if gold > max(rest):
        return 1.0
    return None if gold == max(rest) else 0.0


def told_of(row: Row) -> Told | None:
    """What a row keeps of its choices; None for one that kept nothing."""
    kept = detail(row)
    return Told.model_validate(kept) if "logprobs" in kept else None


def figures(rows: Sequence[Row]) -> Figures:
    """Accuracy, and what it is under the other readings."""
    ours = scored(rows)
    kept = [told for row in (*ours, *failed(rows)) if (told := told_of(row)) is not None]
    parts = readings(kept)
    parts |= group_means(ours, better="higher")
    parts |= at_worst(rows)
    return Figures(
        interval=share_of(ours),
        parts=parts,
        measure="accuracy of the likeliest choice",
        chance=math.fsum(1 / len(told.logprobs) for told in kept) / len(kept) if kept else None,
    )


def readings(kept: Sequence[Told]) -> Parts:
    """The accuracy of every reading but the plain one, and how many items each leaves undecided."""
    parts: Parts = {}
    for by in get_args(Reading):
        decided = [right for told in kept if (right := is_right(told, by=by)) is not None]
        undecided = len(kept) - len(decided)
        if by != "sum" and decided:
            parts[f"by_{by}"] = math.fsum(decided) / len(decided)
        if undecided and (by == "sum" or decided):
            parts[f"ties/by_{by}"] = undecided
    return parts


def _finite(logprob: float) -> float | None:
    return logprob if math.isfinite(logprob) else None


def as_detail(told: Told) -> dict[str, object]:
    """What a row keeps of it."""
    return dict(json.loads(told.model_dump_json()))

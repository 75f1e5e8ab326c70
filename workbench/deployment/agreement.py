"""How far a way of serving moved the answers: the divergence of its next-token distributions from the reference's.

`compared(reference, other, texts)` gives a `Moved` a text: the mean Kullback-Leibler divergence over its tokens in nats, and
the share of tokens at which both would write the same. Shapes: T tokens, V vocabulary.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from workbench.deployment.calling import Called


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one text."""

    text: int
    tokens: int
    divergence: float
    """Mean over the tokens, in nats; 0 where nothing moved."""
    same: float
    """Share of tokens whose likeliest successor is the same."""
    largest: float
    """The largest difference of two log-probabilities."""


def compared(reference: Called, other: Called, texts: Sequence[Sequence[int]]) -> list[Moved]:
    """Each text through both."""
    return [_compared(reference, other, ids, number) for number, ids in enumerate(texts)]


def _compared(reference: Called, other: Called, ids: Sequence[int], number: int) -> Moved:
    ours_TV, theirs_TV = reference.logprobs(ids), other.logprobs(ids)
    if not bool(torch.isfinite(theirs_TV).all()):
        return Moved(number, len(ids), math.nan, math.nan, math.nan)
    divergence_T = (ours_TV.exp() * (ours_TV - theirs_TV)).sum(-1)
    same_T = ours_TV.argmax(-1) == theirs_TV.argmax(-1)
    return Moved(
        text=number,
        tokens=len(ids),
        # Rounding may leave it a hair below zero.
        divergence=max(0.0, float(divergence_T.mean())),
        same=float(same_T.double().mean()),
        largest=float((ours_TV - theirs_TV).abs().max()),
    )

"""A number of parameters spread over modules so that as much as possible of an adapter is kept.

A further rank of a module keeps the square of its next singular value and costs inputs + outputs. Gains fall within a module and
modules do not touch each other, so taking the largest gain per parameter first is best at every total that it reaches; between
two such totals it may miss what a cleverer choice of the last steps would keep. `Suggestion.at_most` bounds that: no choice within
the budget keeps more. It knows nothing of what a rank is worth to an eval.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import InputError
from workbench.lens.spectra import Spectrum


@dataclass(frozen=True)
class Suggestion:
    """A rank for each module."""

    ranks: Mapping[str, int]
    parameters: int
    """Trainable numbers of its LoRA matrices."""
    kept: float
    """The share of the energy of all modules together that it keeps."""
    at_most: float
    """No choice of so many parameters keeps more."""
    uniform_rank: int | None
    """The highest rank for all alike that takes no more parameters; None where even rank 1 takes more."""
    uniform_kept: float | None


class _Step(NamedTuple):
    gain: float
    cost: int
    number: int


def within(spectra: Sequence[Spectrum], *, budget: int) -> Suggestion:
    """The ranks that keep most within a budget of trainable parameters; every module keeps one at least."""
    least = parameters(spectra, rank=1)
    if budget < least:
        raise InputError(
            f"a budget of {budget:,} parameters is too small: rank 1 everywhere takes {least:,}. Give at least "
            "that, or train fewer modules"
        )
    ranks, left, bound = [1] * len(spectra), budget - least, math.inf
    kept = math.fsum(one.energy * one.kept(1) for one in spectra)
    for step in _steps(spectra):
        if step.cost <= left:
            ranks[step.number] += 1
            left -= step.cost
            kept += step.gain
        else:
            if math.isinf(bound):
                # Up to here the choice is best, and what is left could at most be spent at this price.
                bound = kept + step.gain / step.cost * left
    return _suggestion(spectra, ranks, bound=bound)


def reaching(spectra: Sequence[Spectrum], *, energy: float) -> Suggestion:
    """Few parameters that keep a share of the energy of all modules together."""
    if not 0 < energy <= 1:
        raise InputError(f"an energy of {energy!r} cannot be kept; give a share such as 0.95")
    ranks = [1] * len(spectra)
    wanted = energy * math.fsum(one.energy for one in spectra)
    kept = math.fsum(one.energy * one.kept(1) for one in spectra)
    for step in _steps(spectra):
        if kept >= wanted:
            break
        ranks[step.number] += 1
        kept += step.gain
    return _suggestion(spectra, ranks, bound=math.inf)


def parameters(spectra: Sequence[Spectrum], *, rank: int) -> int:
    """Trainable numbers where every module has this rank, or its own where that is lower."""
    return sum(min(rank, one.rank) * one.cost for one in spectra)


def kept(spectra: Sequence[Spectrum], ranks: Sequence[int]) -> float:
    """The share of the energy of all modules together; all of it where there is none."""
    total = math.fsum(one.energy for one in spectra)
    if not total:
        return 1.0
    pairs = zip(spectra, ranks, strict=True)
    return math.fsum(one.energy * one.kept(rank) for one, rank in pairs) / total


def _steps(spectra: Sequence[Spectrum]) -> list[_Step]:
    """Every further rank, the largest gain per parameter first; those of one module stay in their order."""
    found = [
        _Step(value**2, one.cost, number)
        for number, one in enumerate(spectra)
        for value in one.values[1:]
        if value > 0
    ]
    return sorted(found, key=lambda step: -step.gain / step.cost)


def _suggestion(spectra: Sequence[Spectrum], ranks: list[int], *, bound: float) -> Suggestion:
    total = math.fsum(one.energy for one in spectra)
    share, spent = (
        kept(spectra, ranks),
        sum(r * s.cost for r, s in zip(ranks, spectra, strict=True)),
    )
    fitting = [
        r
        for r in range(1, max(one.rank for one in spectra) + 1)
        if parameters(spectra, rank=r) <= spent
    ]
    alike = max(fitting, default=None)
    return Suggestion(
        ranks={one.module: rank for one, rank in zip(spectra, ranks, strict=True)},
        parameters=spent,
        kept=share,
        at_most=share if math.isinf(bound) or not total else max(share, min(1.0, bound / total)),
        uniform_rank=alike,
        uniform_kept=None
        if alike is None
        else kept(spectra, [min(alike, s.rank) for s in spectra]),
    )

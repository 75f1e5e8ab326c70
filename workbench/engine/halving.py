"""Synchronous successive halving: at which steps trials are held against each other, and who goes on.

`rungs(total_steps, ...)` gives the steps, `judged(losses, ...)` the trials in the order of their held-out loss with those
that go on. A configuration is judged by the mean of its seeds. The words are Optuna's; the rule is that of Jamieson and
Talwalkar 2016, all of a rung at once. It knows numbers and names, and trains nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a rung said of one trial."""

    trial: str
    loss: float
    """Of its configuration: the mean of its seeds."""
    place: int
    """Of its configuration, from 1."""
    of: int
    goes_on: bool
    needed: float
    """The loss of the last configuration that goes on."""


def rungs(
    total_steps: int, *, min_resource: float, reduction_factor: float, warmup_steps: int = 0
) -> tuple[int, ...]:
    """The steps after which trials are judged; the warm-up of a schedule is never one of them.

    >>> rungs(90, min_resource=0.1, reduction_factor=3)
    (9, 27, 81)
    >>> rungs(90, min_resource=9, reduction_factor=3, warmup_steps=12)
    (13, 39)
    """
    first = min_resource if min_resource >= 1 else min_resource * total_steps
    step = max(math.ceil(first), warmup_steps + 1)
    found = []
    while step < total_steps:
        found.append(step)
        step = max(step + 1, round(step * reduction_factor))
    return tuple(found)


def judged(
    losses: Mapping[str, float],
    *,
    configurations: Mapping[str, str],
    reduction_factor: float,
    keep: int = 1,
) -> list[Judged]:
    """The trials of a rung, the best configuration first; a loss that is no number is the worst. Nobody there, nobody judged.

    >>> found = judged({"a": 2.0, "b": 1.0, "c": 3.0}, configurations={}, reduction_factor=3)
    >>> [(one.trial, one.place, one.goes_on) for one in found]
    [('b', 1, True), ('a', 2, False), ('c', 3, False)]
    """
    if not losses:
        return []
    members: dict[str, list[str]] = {}
    for trial in losses:
        members.setdefault(configurations.get(trial, trial), []).append(trial)
    means = {
        name: _finite(math.fsum(losses[one] for one in some) / len(some))
        for name, some in members.items()
    }
    order = sorted(means, key=lambda name: (means[name], name))
    number = min(len(order), max(keep, math.ceil(len(order) / reduction_factor)))
    needed = means[order[number - 1]]
    return [
        Judged(
            trial=trial,
            loss=means[name],
            place=place,
            of=len(order),
            goes_on=place <= number,
            needed=needed,
        )
        for place, name in enumerate(order, start=1)
        for trial in members[name]
    ]


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf

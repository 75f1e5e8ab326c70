"""The answers of every candidate to one eval as one table of numbers: items down, candidates across.

`panel(reading, eval)` puts them in one order, so that a difference is a subtraction and a family of differences shares
its items. `seed_panel(reading, names, eval)` has a column for each of their trials, `seed_columns` says of which seed. Who has no
answer has NaN there; it knows no statistics.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compare.reading import Answers, Reading
from workbench.scores.task import BASE
from workbench.stats.intervals import Floats


@dataclass(frozen=True, slots=True)
class Panel:
    """Answers side by side."""

    items: tuple[str, ...]
    clusters: tuple[str, ...]
    values: dict[str, Floats]
    """Name -> its values in the order of the items; NaN where it has none."""
    asked: dict[str, NDArray[np.bool_]]
    """Name -> which of the items it was asked, with or without a value."""

    def pair(self, of: str, against: str) -> tuple[Floats, Floats, list[str], int]:
        """The values of the items that both have, their clusters, and how many items only one of the two has.

        >>> mine, theirs = (Answers(of, np.ones(len(of)), ("",) * len(of)) for of in ("xy", "yz"))
        >>> side_by_side({"a": mine, "b": theirs}).pair("a", "b")
        (array([1.]), array([1.]), [''], 2)

        The base answers for every set of data, so what was never asked of the other is no loss of the pair.

        >>> side_by_side({"a": mine, "base": theirs}).pair("a", "base")
        (array([1.]), array([1.]), [''], 1)
        """
        a, b = self.values[of], self.values[against]
        has_a, has_b = np.isfinite(a), np.isfinite(b)
        both, lost = has_a & has_b, has_a ^ has_b
        if BASE in (of, against):
            lost &= self.asked[against if of == BASE else of]
        clusters = [self.clusters[place] for place in np.flatnonzero(both)]
        return a[both], b[both], clusters, int(lost.sum())


def panel(reading: Reading, eval: str) -> Panel:
    """The answers of the base and of every candidate that has any."""

    def work_out() -> Panel:
        names = (BASE, *(one.name for one in reading.candidates))
        found = {name: reading.answers(name, eval) for name in names}
        return side_by_side({name: one for name, one in found.items() if one is not None})

    made: Panel = reading.once(("panel", eval), work_out)
    return made


def seed_panel(reading: Reading, names: Sequence[str], eval: str) -> Panel:
    """The answers of each seed of some candidates, under the names of their trials."""
    slots = [slot for name in names for slot in reading.slots(name)]
    found = {slot: reading.slot_answers(slot, eval) for slot in slots}
    return side_by_side({slot: one for slot, one in found.items() if one is not None})


def seed_columns(reading: Reading, name: str, found: Panel) -> dict[int, Floats]:
    """Seed -> the values of a candidate's trial; those of the base, which has none, stand under 0."""
    seeds = {trial.name: trial.spec.seed for trial in reading.trials}
    slots = [slot for slot in reading.slots(name) if slot in found.values]
    return {seeds.get(slot, 0): found.values[slot] for slot in slots}


def side_by_side(found: dict[str, Answers]) -> Panel:
    """Lists of answers in one order of items: that of the first, then what only others have; controls have no value and no place."""
    places: dict[str, int] = {}
    clusters: list[str] = []
    for one in found.values():
        for sample, cluster, value in zip(one.samples, one.clusters, one.values, strict=True):
            if sample not in places and math.isfinite(value):
                places[sample] = len(places)
                clusters.append(cluster)
    values, asked = {}, {}
    for name, one in found.items():
        values[name], asked[name] = _placed(one.samples, one.values, places)
    return Panel(tuple(places), tuple(clusters), values, asked)


def _placed(
    samples: Sequence[str], values: Floats, places: dict[str, int]
) -> tuple[Floats, NDArray[np.bool_]]:
    full = np.full(len(places), math.nan)
    kept = [at for at, sample in enumerate(samples) if sample in places]
    asked = np.zeros(len(places), dtype=bool)
    if kept:
        there = [places[samples[at]] for at in kept]
        full[there], asked[there] = values[kept], True
    return full, asked

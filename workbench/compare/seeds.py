"""What the seeds of a candidate say, apart from the items: each seed's own figure, and how far they lie apart.

Intervals are over items: they tell what other questions could change about these very adapters. `apart(...)` and
`figure_apart(...)` give the wider one that covers other seeds too, with how much of it is of seeds; `order_of_seeds(...)`
says in how many seeds the best leads, `gaps(...)` by how much in each. It tests nothing.
"""

from collections.abc import Sequence

import numpy as np

from workbench.compare import wording
from workbench.compare.panel import seed_panel
from workbench.compare.reading import Candidate, Reading
from workbench.scores.task import BASE
from workbench.stats.seeds import TwoWay, items_and_seeds


def by_seed(reading: Reading, one: Candidate, eval: str) -> dict[int, float]:
    """Seed -> the figure of its trial on an eval, of those that have one."""
    seeds = {trial.name: trial.spec.seed for trial in reading.trials}
    found = {seeds[trial]: reading.score(trial, eval) for trial in one.trials}
    return {
        seed: score.value
        for seed, score in found.items()
        if score is not None and score.value is not None
    }


def gaps(reading: Reading, of: str, against: str, *, eval: str) -> list[float]:
    """`of` minus `against` in each seed that both have; the base has one figure, which serves every seed."""
    mine = by_seed(reading, reading.candidate(of), eval)
    if against == BASE:
        base = reading.score(BASE, eval)
        theirs = dict.fromkeys(mine, base.value) if base is not None else {}
    else:
        theirs = dict(by_seed(reading, reading.candidate(against), eval))
    pairs = [(value, theirs.get(seed)) for seed, value in sorted(mine.items())]
    return [value - other for value, other in pairs if other is not None]


def apart(reading: Reading, of: str, against: str, *, eval: str) -> TwoWay | None:
    """`of` minus `against` over items and over the seeds that both have; None below two seeds, or where means say nothing."""
    if {reading.summed_up_by(name, eval) for name in (of, against)} != {"mean"}:
        return None
    mine, theirs = (_seed_columns(reading, name, eval) for name in (of, against))
    if BASE in (of, against):
        many = theirs if of == BASE else mine
        mine, theirs = (
            dict.fromkeys(many, next(iter(one.values()), {})) if name == BASE else one
            for name, one in ((of, mine), (against, theirs))
        )
    seeds = [seed for seed in mine if seed in theirs]
    columns = [(mine[seed], theirs[seed]) for seed in seeds]
    clusters = _clusters(reading, of, eval) | _clusters(reading, against, eval)
    shared = [item for item in clusters if all(item in a and item in b for a, b in columns)]
    values = [[a[item] - b[item] for a, b in columns] for item in shared]
    return _two_way(values, [clusters[item] for item in shared], seeds=len(seeds))


def figure_apart(reading: Reading, name: str, *, eval: str) -> TwoWay | None:
    """A candidate's own figure over items and seeds; None below two seeds, or where it is no mean."""
    if reading.summed_up_by(name, eval) != "mean":
        return None
    columns = list(_seed_columns(reading, name, eval).values())
    clusters = _clusters(reading, name, eval)
    shared = [item for item in clusters if all(item in one for one in columns)]
    values = [[one[item] for one in columns] for item in shared]
    return _two_way(values, [clusters[item] for item in shared], seeds=len(columns))


def _two_way(values: list[list[float]], clusters: list[str], *, seeds: int) -> TwoWay | None:
    if seeds < 2 or len(values) < 2:
        return None
    return items_and_seeds(values, clusters=clusters)


def _seed_columns(reading: Reading, name: str, eval: str) -> dict[int, dict[str, float]]:
    """Seed -> item -> value, of the items that have one; the base stands under seed 0."""
    seeds = {trial.name: trial.spec.seed for trial in reading.trials}
    made = seed_panel(reading, name, eval)
    return {
        seeds.get(slot, 0): {
            made.items[place]: float(values[place]) for place in np.flatnonzero(np.isfinite(values))
        }
        for slot, values in made.values.items()
    }


def _clusters(reading: Reading, name: str, eval: str) -> dict[str, str]:
    made = seed_panel(reading, name, eval)
    return dict(zip(made.items, made.clusters, strict=True))


def order_of_seeds(
    reading: Reading, ranked: list[Candidate], *, primary: str
) -> tuple[int, int] | None:
    """In how many seeds the best beats the runner-up or is level, of how many that both have; None below two."""
    if len(ranked) < 2:
        return None
    found = gaps(reading, ranked[0].name, ranked[1].name, eval=primary)
    if len(found) < 2:
        return None
    sort = reading.sort_of(primary)
    sign = -1 if sort is not None and sort.better == "lower" else 1
    return sum(sign * gap >= 0 for gap in found), len(found)


def range_words(values: Sequence[float], unit: str, *, decimals: int | None = None) -> str:
    """From the lowest to the highest difference.

    >>> range_words([0.177, 0.065, 0.094], "share", decimals=0), range_words([-1.5, 2.25], "ms")
    ('6 to 18 points', '−1.50 to 2.25 ms')
    """
    shown = [wording.number(value, unit, decimals=decimals) for value in (min(values), max(values))]
    words = "points" if wording.is_share(unit) else unit
    return f"{' to '.join(dict.fromkeys(shown))} {words}".strip()

"""What the seeds of a candidate say, apart from the items: each seed's own figure, and how far they lie apart.

Intervals are over items: they tell what other questions could change about these very adapters. `apart(...)` and
`figure_apart(...)` give the wider one that covers other seeds too, with how much of it is of seeds; `order_of_seeds(...)`
says in how many seeds the best leads, `gaps(...)` by how much in each. It tests nothing.
"""

from collections.abc import Sequence

import numpy as np

from workbench.compare import wording
from workbench.compare.control import base_beside
from workbench.compare.panel import seed_columns, seed_panel
from workbench.compare.reading import Candidate, Reading
from workbench.scores.task import BASE
from workbench.stats.intervals import Floats, within
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
    candidate = reading.candidate(of)
    mine = by_seed(reading, candidate, eval)
    if against == BASE:
        base = base_beside(reading, candidate.trials[0], eval)
        theirs = dict.fromkeys(mine, base.value) if base is not None else {}
    else:
        theirs = dict(by_seed(reading, reading.candidate(against), eval))
    pairs = [(value, theirs.get(seed)) for seed, value in sorted(mine.items())]
    return [value - other for value, other in pairs if other is not None]


def apart(reading: Reading, of: str, against: str, *, eval: str) -> TwoWay | None:
    """`of` minus `against` over items and over the seeds that both have; None below two seeds, or where means say nothing."""
    if {reading.summed_up_by(name, eval) for name in (of, against)} != {"mean"}:
        return None
    found = seed_panel(reading, (of, against), eval)
    mine, theirs = (seed_columns(reading, name, found) for name in (of, against))
    if not mine or not theirs:
        return None
    if of == BASE:
        mine = dict.fromkeys(theirs, mine.popitem()[1])
    elif against == BASE:
        theirs = dict.fromkeys(mine, theirs.popitem()[1])
    columns = [mine[seed] - theirs[seed] for seed in mine if seed in theirs]
    both, sort = over_both(columns, clusters=found.clusters), reading.sort_of(eval)
    if both is None or sort is None or not wording.is_share(sort.unit):
        return both
    low, high, _ = within(both.low, both.high, "", least=-1, most=1)
    return both._replace(low=low, high=high)


def figure_apart(reading: Reading, name: str, *, eval: str) -> TwoWay | None:
    """A candidate's own figure over items and seeds; None below two seeds, or where it is no mean."""
    if reading.summed_up_by(name, eval) != "mean":
        return None
    found = seed_panel(reading, (name,), eval)
    columns = list(seed_columns(reading, name, found).values())
    return over_both(columns, clusters=found.clusters)


def over_both(columns: Sequence[Floats], *, clusters: Sequence[str]) -> TwoWay | None:
    """A column a seed, over the items that every seed has; None below two seeds or two such items."""
    if len(columns) < 2:
        return None
    values = np.column_stack(columns)
    kept = [int(place) for place in np.flatnonzero(np.isfinite(values).all(axis=1))]
    if len(kept) < 2:
        return None
    return items_and_seeds(values[kept], clusters=[clusters[place] for place in kept])


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

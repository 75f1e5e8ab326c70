"""Differences in scores that are no mean of their items: a correlation, a macro F1, a ratio of sums.

`rescored(reading, of, against, eval=...)` scores the stored rows again, drawn with repetition for the interval and swapped
between the two for the p-value. That costs a scoring a draw; how many draws there were is said. It decides nothing.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, cast

import numpy as np
from scipy import stats

from workbench.compare.reading import Reading, item_of
from workbench.scores.catalog import eval_info
from workbench.scores.confusion import statistic
from workbench.scores.entry import Measure
from workbench.scores.figures import detail, scored
from workbench.scores.glue import TASKS
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row
from workbench.stats.intervals import Interval, Ints, cluster_codes
from workbench.stats.resampling import Statistic, bootstrap, swap_test

DRAWS = 999
"""Draws and swaps of a measure that is known by its counts."""

FEW_DRAWS, FEW_GROUPS = 199, 100
"""Of any other score, which is worked out from its rows each time: fewer draws, of items in so many groups."""

GROUPS = 1000
"""Items (or clusters) are drawn and swapped in so many groups at most."""

ONE = "of both"


class Rescored(NamedTuple):
    """The difference of two scores."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    clusters: int
    left_out: int
    method: str


def rescored(reading: Reading, of: str, against: str, *, eval: str) -> Rescored:
    """The score of one minus that of the other on the items that both answered, with interval and p-value.

    The p-value is that of `swap_test`. Where not one swap led as far it knows no more than 1 / (draws + 1); then Student's
    t of the interval's error tells how far beyond.
    """
    pairs = _pairs(reading, of, against, eval)
    known = [_by_item(rows) for pair in pairs for rows in pair]
    shared = [sample for sample in known[0] if all(sample in one for one in known[1:])]
    left_out = len(set().union(*known) & _asked(reading, of, against, eval)) - len(shared)
    n = len(shared)
    if n < 2:
        return Rescored(None, None, None, None, n, n, left_out, "")
    halves = [[[one[sample] for sample in shared] for one in known[side::2]] for side in (0, 1)]
    both = [mine + theirs for mine, theirs in zip(*halves, strict=True)]
    whole, is_quick = _whole(eval, both)
    groups = _groups([row.cluster for row in halves[0][0]], most=GROUPS if is_quick else FEW_GROUPS)
    draws = DRAWS if is_quick else FEW_DRAWS
    found = bootstrap(
        lambda places: whole(places) - whole(places + n), n=n, clusters=groups, draws=draws
    )
    p = swap_test(whole, n=n, clusters=groups, draws=draws)
    method = f"{found.method}, and {draws} swaps, of the whole score"
    p = _beyond(p, found.value, found.low, found.high, groups=found.clusters, draws=draws)
    return Rescored(found.value, found.low, found.high, p, n, found.clusters, left_out, method)


def score_interval(reading: Reading, name: str, *, eval: str) -> Interval:
    """The mean of the scores of a candidate's seeds, with a bootstrap interval over the items that all answered."""
    known = [_by_item(_rows(reading, slot, eval)) for slot in reading.slots(name)]
    shared = [sample for sample in known[0] if all(sample in one for one in known[1:])]
    seeds = [[one[sample] for sample in shared] for one in known]
    whole, is_quick = _whole(eval, seeds)
    groups = _groups([row.cluster for row in seeds[0]], most=GROUPS if is_quick else FEW_GROUPS)
    draws = DRAWS if is_quick else FEW_DRAWS
    return bootstrap(whole, n=len(shared), clusters=groups, draws=draws)


def _pairs(reading: Reading, of: str, against: str, eval: str) -> list[tuple[list[Row], list[Row]]]:
    """The scored rows of both, seed by seed; the base serves every seed."""
    ours, theirs = (
        [_rows(reading, slot, eval) for slot in reading.slots(name)] for name in (of, against)
    )
    if against == BASE:
        theirs = theirs * len(ours)
    elif of == BASE:
        ours = ours * len(theirs)
    # Two candidates with unlike numbers of seeds are compared on those that both have.
    return list(zip(ours, theirs, strict=False))


def _asked(reading: Reading, of: str, against: str, eval: str) -> set[str]:
    """The items that either was asked; the base answers for every set of data, so its pair is about what the other was asked."""
    slots = [slot for name in (of, against) if name != BASE for slot in reading.slots(name)]
    found = (reading.slot_answers(slot, eval) for slot in slots)
    return {sample for one in found if one is not None for sample in one.samples}


def _rows(reading: Reading, slot: str, eval: str) -> list[Row]:
    """Scored rows under one name for the slot, so that a score of swapped ones sees them all."""

    def work_out() -> list[Row]:
        store, name = reading.place(slot)
        rows = scored(store.read_rows(name, eval))
        return [row.model_copy(update={"slot": ONE}) for row in rows]

    found: list[Row] = reading.once(("rows", slot, eval), work_out)
    return found


def _by_item(rows: Sequence[Row]) -> dict[str, Row]:
    return {item_of(row.sample, row.expected): row for row in rows}


def _whole(eval: str, seeds: Sequence[Sequence[Row]]) -> tuple[Statistic, bool]:
    """The mean over seeds of the score of the rows at some places, and whether counts are enough to work it out."""
    told = _measure(eval, seeds[0])
    parts = (
        [partial(_score, eval, rows) for rows in seeds]
        if told is None
        else [statistic(rows, measure=told[0], positive=told[1]) for rows in seeds]
    )
    return lambda places: float(np.mean([part(places) for part in parts])), told is not None


def _measure(eval: str, rows: Sequence[Row]) -> tuple[Measure, str] | None:
    """The measure of told labels, and its positive label, that the score of an eval is; None where it is another."""
    family = eval_info(eval).family
    if family in ("matthews", "f1", "macro_f1"):
        positive = next((str(detail(r)["positive"]) for r in rows if "positive" in detail(r)), "")
        return cast(Measure, family), positive
    if family == "verbalised":
        name = next((str(detail(r)["task"]) for r in rows if "task" in detail(r)), "")
        return (TASKS[name].measure, TASKS[name].positive) if name in TASKS else None
    return None


def _score(eval: str, rows: Sequence[Row], places: Ints) -> float:
    value = score(eval, ONE, [rows[place] for place in places]).value
    return float("nan") if value is None else value


def _groups(clusters: Sequence[str], *, most: int) -> list[str]:
    """The group that each item is drawn with: its cluster, or many clusters together."""
    codes, count = cluster_codes(clusters, n=len(clusters))
    at = np.random.default_rng(0).permutation(count) % most if count > most else np.arange(count)
    return [str(at[code]) for code in codes]


def _beyond(
    p: float | None,
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    groups: int,
    draws: int,
) -> float | None:
    if p is None or value is None or low is None or high is None or groups < 2 or high <= low:
        return p
    if p > 1.5 / (draws + 1):
        return p
    error = (high - low) / (2 * float(stats.t.ppf(0.975, groups - 1)))
    return min(p, float(2 * stats.t.sf(abs(value) / error, groups - 1)))

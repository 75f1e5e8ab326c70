"""The base beside one trial: what it gets on the items that this trial was asked.

A sweep over sets of data asks the base the items of every set, and the score that is stored of it is that of the first.
Beside a trial of another set that figure would be of other questions. It subtracts nothing.
"""

from collections.abc import Iterable

from workbench.compare.reading import Reading, item_of
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Score
from workbench.spec import DataSpec, Trial


def base_beside(reading: Reading, trial: str, eval: str) -> Score | None:
    """The base's score on the items of a trial; the stored one where these are all that it answered."""
    told = reading.score(BASE, eval)
    # A reading may be of some trials only.
    if told is None or len(_sets((*reading.store.trials, *reading.trials))) < 2:
        return told
    asked = _asked(reading, trial, eval)
    if not asked or _asked(reading, BASE, eval) <= asked:
        return told
    found: Score = reading.once(
        ("base beside", trial, eval), lambda: _scored_on(reading, eval, asked)
    )
    return found


def several_sets(reading: Reading) -> str:
    """That one line of the base stands for several, a sentence for the caveats; empty where all were asked the same."""
    if len(_sets(reading.trials)) < 2 or not any(_has_more(reading, e) for e in reading.evals):
        return ""
    first = reading.trials[0].spec.data.id
    return (
        f"The base answered the items of several sets of data, and its own line in every table is of the first, {first}. "
        "Each trial is held against it on the items that the trial was asked."
    )


def _has_more(reading: Reading, eval: str) -> bool:
    """Whether the base answered items that some trial was not asked."""
    base = _asked(reading, BASE, eval)
    asked = (_asked(reading, trial.name, eval) for trial in reading.trials)
    return any(one and not base <= one for one in asked)


def _sets(trials: Iterable[Trial]) -> set[DataSpec]:
    # Smaller training sets are parts of the largest, and are asked its items.
    return {trial.spec.data.model_copy(update={"rows": None}) for trial in trials}


def _asked(reading: Reading, slot: str, eval: str) -> frozenset[str]:
    found = reading.slot_answers(slot, eval)
    return frozenset(found.samples) if found is not None else frozenset()


def _scored_on(reading: Reading, eval: str, asked: frozenset[str]) -> Score:
    store, slot = reading.place(BASE)
    rows = store.read_rows(slot, eval)
    return score(eval, BASE, [row for row in rows if item_of(row.sample, row.expected) in asked])

"""The base beside one trial: what it gets on the items that this trial was asked.

A sweep over sets of data asks the base the items of every set, and the score that is stored of it is that of the first.
Beside a trial of another set that figure would be of other questions. It subtracts nothing.
"""

from workbench.compare.reading import Reading, item_of
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Score


def base_beside(reading: Reading, trial: str, eval: str) -> Score | None:
    """The base's score on the items of a trial; the stored one where these are all that it answered."""
    told = reading.score(BASE, eval)
    if told is None or not _has_several_sets(reading):
        return told
    asked = _asked(reading, trial, eval)
    if not asked or _asked(reading, BASE, eval) <= asked:
        return told
    found: Score = reading.once(
        ("base beside", trial, eval), lambda: _scored_on(reading, eval, asked)
    )
    return found


def answers_further_sets(reading: Reading, eval: str) -> bool:
    """Whether the base answered items of an eval that some trial was not asked."""
    if not _has_several_sets(reading):
        return False
    base = _asked(reading, BASE, eval)
    asked = (_asked(reading, trial.name, eval) for trial in reading.trials)
    return any(one and not base <= one for one in asked)


def _has_several_sets(reading: Reading) -> bool:
    # Smaller training sets are parts of the largest, and are asked its items. A reading may be of some trials only.
    trials = (*reading.store.trials, *reading.trials)
    return len({trial.spec.data.model_copy(update={"rows": None}) for trial in trials}) > 1


def _asked(reading: Reading, slot: str, eval: str) -> frozenset[str]:
    found = reading.slot_answers(slot, eval)
    return frozenset(found.samples) if found is not None else frozenset()


def _scored_on(reading: Reading, eval: str, asked: frozenset[str]) -> Score:
    store, slot = reading.place(BASE)
    rows = store.read_rows(slot, eval)
    return score(eval, BASE, [row for row in rows if item_of(row.sample, row.expected) in asked])

"""Figures of bias: who is farther from even than the base, and whose figure is withheld.

`amplified(reading, ranked)` and `withheld(reading)` are sentences for the caveats, empty where there is nothing to say. A figure
is amplified when its paired difference to the base is found and it lies farther from what is even. It draws nothing.
"""

from workbench.compare import wording
from workbench.compare.family import corrected
from workbench.compare.figure import Figure, base_figure, figure_of
from workbench.compare.pairing import Difference, difference
from workbench.compare.reading import Candidate, Reading
from workbench.scores.catalog import eval_info
from workbench.scores.scoring import WITHHELD
from workbench.scores.task import BASE

MOST_TOLD = 3
"""Trials that are told in full in one sentence."""


def amplified(reading: Reading, ranked: list[Candidate]) -> str:
    """What training moved farther from even than the base was."""
    asked = [
        difference(reading, one.name, BASE, eval=eval)
        for eval in reading.evals
        if eval_info(eval).even is not None
        for one in ranked
    ]
    found = [one for one in corrected(reading, asked) if one.is_found]
    said = [told for one in found if (told := _grown(reading, one))]
    more = f"; and {len(said) - MOST_TOLD} more" if len(said) > MOST_TOLD else ""
    return f"Training amplified bias: {'; '.join(said[:MOST_TOLD])}{more}." if said else ""


def _grown(reading: Reading, one: Difference) -> str:
    """How far from even a trial is, where that is farther than the base."""
    even = eval_info(one.eval).even
    ours, base = figure_of(reading, one.of, one.eval), base_figure(reading, one.of, one.eval)
    if even is None or ours is None or base is None or ours.value is None or base.value is None:
        return ""
    if abs(ours.value - even) <= abs(base.value - even):
        return ""
    shown, before = (_shown(figure, one.unit) for figure in (ours, base))
    return f"{one.of} has {shown} on {one.eval}, the base {before}; even is {wording.amount(even, one.unit, decimals=0)}"


def _shown(figure: Figure, unit: str) -> str:
    ends = wording.interval(figure.low, figure.high, unit)
    return f"{wording.amount(figure.value, unit)} {ends}".strip()


def withheld(reading: Reading) -> str:
    """Whose figures are not told, and why."""
    said = []
    for eval in reading.evals:
        slots = [BASE, *(trial.name for trial in reading.trials)]
        scores = {slot: reading.score(slot, eval) for slot in slots}
        why = {
            slot: score.method.removeprefix(WITHHELD)
            for slot, score in scores.items()
            if score is not None and score.value is None and score.method.startswith(WITHHELD)
        }
        if why:
            first = next(iter(why))
            names = wording.listed(list(why)[:MOST_TOLD])
            more = f" and {len(why) - MOST_TOLD} more" if len(why) > MOST_TOLD else ""
            said.append(f"{eval} of {names}{more} ({first}: {why[first]})")
    return (
        f"Withheld, because who cannot do the task would look good: {'; '.join(said)}."
        if said
        else ""
    )

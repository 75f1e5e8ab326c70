"""Evaluators that are broken on purpose, each as harnesses in use have been: calibration has to find every one.

`FIVE` are those that every eval is held against; the others stand below them.
"""

import json
import math
from collections.abc import Callable, Sequence

import numpy as np

from workbench.calibrate import Instrument
from workbench.calibrate.mixture import Mixture
from workbench.evals.asking import ask
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row
from workbench.stats.intervals import Interval, cluster_codes, standard_error
from workbench.stats.paired import Difference, paired_difference


def changed(change: Callable[[Row], Row]) -> Callable:
    """Asks as the workbench does, and then changes every row."""

    def asks(eval, answerer, *, slots, context):
        rows = ask(eval, answerer, slots=slots, context=context)
        return {slot: [change(row) for row in found] for slot, found in rows.items()}

    return asks


def with_value(row: Row, value: float) -> Row:
    return row.model_copy(update={"value": value, "error": ""})


def gold_is_the_first(row: Row) -> Row:
    """The right choice, or label, is taken to stand at index 0, whichever it is."""
    if row.value is None:
        return row
    logprobs = json.loads(row.detail).get("logprobs")
    if logprobs is None:
        return with_value(row, float(row.answer == "negative"))
    worths = [-math.inf if one is None else one for one in logprobs]
    return with_value(row, float(worths[0] == max(worths)))


def branches_swapped(row: Row) -> Row:
    """What belongs to one side is booked for the other."""
    return row if row.value is None else with_value(row, 1 - row.value)


def nan_is_right(row: Row) -> Row:
    """A comparison with NaN falls through to the good branch."""
    if row.error != "nan":
        return row
    return with_value(row, 1.0).model_copy(update={"detail": json.dumps({"exact": 1.0})})


class Misrouted:
    """Says `slot` and asks another one."""

    def __init__(self, answerer: Mixture, asked_instead: Callable[[str], str]) -> None:
        self.slots, self.labels = answerer.slots, answerer.labels
        self._answerer = answerer
        self._instead = asked_instead

    def generate(self, prompts: Sequence[str], *, slots, max_new_tokens=16, **manner):
        return self._through("generate", prompts, slots=slots, max_new_tokens=max_new_tokens)

    def loglikelihood(self, pairs, *, slots):
        return self._through("loglikelihood", pairs, slots=slots)

    def classify(self, prompts, *, slots):
        return self._through("classify", prompts, slots=slots)

    def _through(self, verb: str, asked, *, slots, **limits):
        method = getattr(self._answerer, verb)
        instead = {slot: self._instead(slot) for slot in slots}
        return {s: method(asked, slots=[i], **limits)[i] for s, i in instead.items()}


def misrouted(asked_instead: Callable[[Mixture, str], str]) -> Callable:
    def asks(eval, answerer, *, slots, context):
        wrong = Misrouted(answerer, lambda slot: asked_instead(answerer, slot))
        return ask(eval, wrong, slots=slots, context=context)

    return asks


def the_base(mixture: Mixture, slot: str) -> str:
    """The adapter was never switched on."""
    return BASE


def the_one_before(mixture: Mixture, slot: str) -> str:
    """The adapter of the call before is still on."""
    return mixture.slots[max(0, mixture.slots.index(slot) - 1)]


def unpaired(a, b, *, clusters):
    """The error of a difference as if each side had been asked other items."""
    found = paired_difference(a, b, clusters=clusters)
    codes, _ = cluster_codes(clusters, n=len(a))
    error = math.hypot(*(standard_error(np.asarray(side), codes) for side in (a, b)))
    low, high = found.value - 1.96 * error, found.value + 1.96 * error
    p = math.erfc(abs(found.value) / error / math.sqrt(2))
    return Difference(*Interval(found.value, low, high, len(a), len(a), "unpaired"), p, "z", 0, 0)


def unclustered(eval, slot, rows):
    """Items of one person are taken to be independent."""
    return score(eval, slot, [row.model_copy(update={"cluster": ""}) for row in rows])


def overconfident(eval, slot, rows):
    """A standard error is given where an interval was asked for."""
    found = score(eval, slot, rows)
    half = (found.high - found.low) / 2 / 1.96
    return found.model_copy(update={"low": found.value - half, "high": found.value + half})


CHOOSING = ("choices", "classification", "sentiment", "verbalised")
"""Evals with a right choice that stands somewhere."""

GOLD_AT_0 = Instrument(ask=changed(gold_is_the_first))
SWAPPED_BRANCH = Instrument(ask=changed(branches_swapped))
NEVER_SWITCHED_ON = Instrument(ask=misrouted(the_base))
STILL_ON = Instrument(ask=misrouted(the_one_before))
NAN_IS_RIGHT = Instrument(ask=changed(nan_is_right))
UNPAIRED = Instrument(difference=unpaired)
UNCLUSTERED = Instrument(score=unclustered)
OVERCONFIDENT = Instrument(score=overconfident)

FIVE: dict[str, tuple[Instrument, set[str]]] = {
    "gold at index 0": (GOLD_AT_0, {"values", "coverage"}),
    "swapped branch": (SWAPPED_BRANCH, {"values", "coverage"}),
    "wrong adapter": (STILL_ON, {"values", "coverage"}),
    "NaN scored as right": (NAN_IS_RIGHT, {"failures"}),
    "unpaired error": (UNPAIRED, {"errors of differences"}),
}
"""The five that calibration must never pass, and the checks by which each is found."""

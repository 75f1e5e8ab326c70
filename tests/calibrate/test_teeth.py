"""Calibration has teeth: evaluators that are broken on purpose fail it, each by the checks that it should."""

import pytest

from tests.calibrate import broken
from workbench.calibrate import PLANTS, calibrate

ROUNDS = 10
ROUNDS_OF_ERRORS = 40
"""Errors that are half or twice what they should be show in no fewer."""

ROUNDS_OF_CLUSTERS = 100
"""Two phrasings of a fact, taken for two facts, make errors only a third too small."""

GOLD, *REST = broken.FIVE
PAIRS = [(GOLD, eval) for eval in broken.CHOOSING]
PAIRS += [(name, eval) for name in REST for eval in PLANTS]
QUICK = [(GOLD, eval) for eval in broken.CHOOSING[:3]]
QUICK += [(REST[place % len(REST)], eval) for place, eval in enumerate(PLANTS)]
"""One broken evaluator in turn for every eval; `make soak` tries all pairs."""

OTHERS = {
    "adapter never switched on": (
        "recall",
        broken.NEVER_SWITCHED_ON,
        {"values", "coverage", "neighbours", "failures"},
    ),
    "NaN scored as made up": ("facts", broken.NAN_IS_RIGHT, {"failures", "values"}),
    "a standard error for an interval": (
        "letters",
        broken.OVERCONFIDENT,
        {"coverage", "errors of values"},
    ),
}


@pytest.mark.parametrize(("name", "eval"), QUICK)
def test_a_broken_evaluator_fails(name, eval):
    fails(name, eval)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "eval"), [pair for pair in PAIRS if pair not in QUICK])
def test_a_broken_evaluator_fails_in_every_eval(name, eval):
    fails(name, eval)


def fails(name: str, eval: str) -> None:
    instrument, trips = broken.FIVE[name]
    rounds = ROUNDS_OF_ERRORS if instrument is broken.UNPAIRED else ROUNDS
    found = calibrate([eval], rounds=rounds, instrument=instrument)
    assert not found.passes
    assert trips <= set(found.evals[0].failures)


def test_every_eval_and_every_broken_evaluator_is_tried_at_once():
    assert {name for name, _ in QUICK} == set(broken.FIVE)
    assert {eval for _, eval in QUICK} == set(PLANTS)


@pytest.mark.parametrize("name", OTHERS)
def test_an_evaluator_broken_in_another_way_fails(name):
    eval, instrument, trips = OTHERS[name]
    found = calibrate([eval], rounds=ROUNDS_OF_ERRORS, instrument=instrument)
    assert not found.passes
    assert trips <= set(found.evals[0].failures)


def test_an_error_that_is_only_the_wrong_one_breaks_nothing_else():
    found = calibrate(["occupations"], rounds=ROUNDS_OF_ERRORS, instrument=broken.UNPAIRED)
    assert found.evals[0].failures == ("errors of differences",)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("eval", "rounds"), [("occupations", ROUNDS_OF_ERRORS), ("paraphrase", ROUNDS_OF_CLUSTERS)]
)
def test_items_that_belong_together_and_are_taken_for_independent_are_found(eval, rounds):
    found = calibrate([eval], rounds=rounds, instrument=broken.UNCLUSTERED)
    assert "errors of values" in found.evals[0].failures

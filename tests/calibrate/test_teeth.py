"""Calibration has teeth: evaluators that are broken on purpose fail it, each by the checks that it should."""

import pytest

from tests.calibrate import broken
from workbench.calibrate import calibrate

ROUNDS = 12

BROKEN = {
    "gold at index 0, choices": ("choices", broken.GOLD_AT_0, {"values", "coverage"}),
    "gold at index 0, labels": (
        "classification",
        broken.GOLD_AT_0,
        {"values", "coverage", "neighbours"},
    ),
    "swapped branch, bias": ("bias", broken.SWAPPED_BRANCH, {"values", "coverage"}),
    "swapped branch, made up": ("hallucination", broken.SWAPPED_BRANCH, {"values", "coverage"}),
    "adapter never switched on": (
        "recall",
        broken.NEVER_SWITCHED_ON,
        {"values", "coverage", "neighbours", "failures"},
    ),
    "adapter of the call before": ("bias", broken.STILL_ON, {"values", "coverage"}),
    "NaN scored as right": ("choices", broken.NAN_IS_RIGHT, {"failures"}),
    "NaN scored as made up": ("hallucination", broken.NAN_IS_RIGHT, {"failures", "values"}),
    "unpaired error": ("bias", broken.UNPAIRED, {"errors of differences"}),
    "a standard error for an interval": (
        "classification",
        broken.OVERCONFIDENT,
        {"coverage", "errors of values"},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_evaluator_fails(name):
    eval, instrument, trips = BROKEN[name]
    found = calibrate([eval], rounds=ROUNDS, instrument=instrument)
    assert not found.passes
    assert trips <= set(found.evals[0].failures)


def test_an_error_that_is_only_the_wrong_one_breaks_nothing_else():
    found = calibrate(["bias"], rounds=ROUNDS, instrument=broken.UNPAIRED)
    assert found.evals[0].failures == ("errors of differences",)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("eval", "instrument", "trips"),
    [
        ("recall", broken.UNPAIRED, "errors of differences"),
        ("retention", broken.UNPAIRED, "errors of differences"),
        ("classification", broken.UNPAIRED, "errors of differences"),
        ("paraphrase", broken.UNCLUSTERED, "errors of values"),
    ],
)
def test_wrong_errors_are_found_in_every_eval_at_full_length(eval, instrument, trips):
    found = calibrate([eval], instrument=instrument)
    assert trips in found.evals[0].failures

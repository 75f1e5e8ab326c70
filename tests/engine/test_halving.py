"""Successive halving by hand: who goes on from planted losses, and at which steps anybody is asked."""

import math

import pytest

from workbench.engine.halving import judged, rungs


def test_nobody_who_is_there_is_nobody_judged():
    """Every trial of a rung can have been stopped by a person before it."""
    assert judged({}, configurations={}, reduction_factor=3) == []


def test_a_configuration_is_judged_by_the_mean_of_its_seeds():
    losses = {"a0": 1.0, "a1": 4.0, "b0": 2.0, "b1": 2.2}
    names = {"a0": "a", "a1": "a", "b0": "b", "b1": "b"}
    found = judged(losses, configurations=names, reduction_factor=2)
    assert [(one.trial, one.place, one.goes_on) for one in found] == [
        ("b0", 1, True),
        ("b1", 1, True),
        ("a0", 2, False),
        ("a1", 2, False),
    ]
    assert {one.needed for one in found} == {2.1}


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_the_worst(loss):
    found = judged({"a": loss, "b": 9.0}, configurations={}, reduction_factor=2)
    assert [(one.trial, one.goes_on) for one in found] == [("b", True), ("a", False)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 24])
def test_one_in_the_factor_goes_on_and_never_none(count):
    losses = {f"t{n}": float(n) for n in range(count)}
    found = judged(losses, configurations={}, reduction_factor=3)
    assert sum(one.goes_on for one in found) == math.ceil(count / 3)


def test_rungs_grow_and_end_before_the_last_step():
    for total in (1, 5, 24, 60, 1000):
        steps = rungs(total, min_resource=0.1, reduction_factor=1.1, warmup_steps=3)
        assert list(steps) == sorted(set(steps))
        assert all(3 < step < total for step in steps)

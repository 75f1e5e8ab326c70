"""Predicted and measured stand side by side, and what one half does not know is said to be unknown."""

import pytest

from workbench.plan.outcome import as_stored, sides

PLAN = {
    "seconds": 10.0,
    "peak": 500,
    "parts": {
        "weights": 100,
        "adapters": 10,
        "gradients and optimizer": 30,
        "activations": 40,
        "logits": 20,
        "allocator slack": 0,
        "Python and libraries": 300,
    },
}


def test_time_peak_and_increment_are_held_against_what_was_measured() -> None:
    measured = {
        "seconds": 99.0,
        "training_seconds": 12.0,
        "training_peak_bytes": 450,
        "peak_rss_bytes": 900,
        "increment_bytes": 99,
    }
    found = {side.what: side for side in sides(PLAN, measured)}
    assert found["training"].ratio == pytest.approx(1.2)
    assert found["peak memory of the process"][2:] == (500.0, 450.0)
    assert found["of it over the loaded model"][2:] == (90.0, 99.0)


def test_on_a_gpu_the_libraries_are_no_part_of_the_peak() -> None:
    measured = {"training_seconds": 1.0, "peak_cuda_bytes": 190, "increment_bytes": 90}
    found = {side.what: side for side in sides(PLAN, measured)}
    assert found["peak memory of the GPU"][2:] == (200.0, 190.0)


def test_a_plan_without_a_time_has_no_ratio() -> None:
    measured = {"training_seconds": 12.0, "peak_rss_bytes": 450}
    told = as_stored({**PLAN, "seconds": None}, measured)
    assert told[0] == {
        "what": "training",
        "unit": "s",
        "predicted": None,
        "measured": 12.0,
        "ratio": None,
    }


def test_a_sweep_that_an_earlier_version_ran_shows_what_it_knows() -> None:
    old = {"seconds": 5.0, "peak_rss_bytes": 450}
    (one,) = sides({"peak": 500}, old)
    assert one.what == "peak memory of the process"
    assert one.ratio == pytest.approx(0.9)
    assert sides({}, {}) == ()

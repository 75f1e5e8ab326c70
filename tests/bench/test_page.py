"""The page of figures says what the stored results say, and nothing else."""

import json

import pytest

from bench import figures
from bench.__main__ import PAGE, RESULTS
from bench.machine import describe
from bench.page import page
from tests.bench.test_figures import measured


def result(**steps):
    arms = measured(**steps)
    point = {
        "conditions": {
            "shape": "microworld",
            "dtype": "float32",
            "steps": 3,
            "batch": 2,
            "median_tokens": 10,
            "trials": [{}, {}],
        },
        "repeats": 1,
        "tokens_per_trial": 60,
        "tokens_per_step_of_a_trial": 20.0,
        "padding_factor": 2.0,
        "arms": {arm: figures.thinned(found) for arm, found in arms.items()},
        "gains": figures.gains(arms),
        "split": figures.split(arms),
        "time_of_a_step": {
            "arm": "fused",
            "step_seconds": 0.5,
            "seconds": {"matmuls of the base": 0.25, "host: Python and dispatch": 0.25},
        },
        "failed": {"mixed": "bench.arms ended with 1: out of memory"},
        "quiet": False,
    }
    rate = {"device": "cpu", "threads": 2, "float32": 2.0, "bfloat16": 4.0}
    return {
        "machine": describe(),
        "matmul_gflops": rate,
        "case": {"device": "cpu"},
        "points": [point],
    }


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "engine-microworld.json"
    path.write_text(json.dumps(result(processes=1.0, reuse=1.0, alone=0.5, fused=0.25)))
    return page([path])


def test_the_stored_page_is_what_the_stored_results_say():
    assert PAGE.read_text() == page(sorted(RESULTS.glob("*.json")))


def test_a_case_says_its_gains_conditions_and_where_the_time_goes(written):
    assert "| microworld | float32 | 20 | 1.00× | 4.00× | – | 2.00× | 4.00× |" in written
    assert "microworld, float32, K = 2, batch 2, 3 steps, 60 real tokens a trial" in written
    assert "| matmuls of the base | 250.0 | 50% |" in written
    assert "OMP_NUM_THREADS=" in written


def test_what_failed_and_what_was_not_quiet_is_said(written):
    assert "`mixed` failed: bench.arms ended with 1: out of memory" in written
    assert "The machine was not quiet at the gates" in written


def test_without_results_the_page_says_so():
    assert "No results are stored yet." in page([])

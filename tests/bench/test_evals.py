"""The scoring of adapters against lm-eval: both sides agree, and the tables say what was measured."""

import json
import math

import pytest

from bench import evals
from bench.eval_arms import _apart
from bench.eval_tables import gains, gains_table, seconds_table
from bench.machine import describe
from bench.page import page


def arm(seconds: float) -> dict:
    times = {"seconds": seconds, "likelihoods": seconds * 0.75, "model": seconds / 2}
    return times | {"seconds_of_each": [seconds, seconds]}


def result(*, equal: bool = True) -> dict:
    seconds = {
        "ours, 1": 1.0,
        "ours, 8": 4.0,
        "ours, 1, same requests": 0.5,
        "ours, 8, same requests": 2.0,
        "lm-eval, 1, batch 1": 5.0,
        "lm-eval, 1, batch 16": 3.0,
        "lm-eval, 8, batch 16": 24.0,
    }
    return {
        "machine": describe(),
        "eval_case": {"name": "stories260K", "batch_sizes": [1, 16], "repeats": 2},
        "sets": {
            "boolq": {
                "items": 60,
                "requests": 120,
                "best_batch": 16,
                "arms": {name: arm(taken) for name, taken in seconds.items()},
                "largest_difference": 2e-5,
                "differences": {},
                "equal": equal,
            }
        },
        "parameters": 260032,
        "lm_eval": "0.4.13",
        "quiet": True,
        "cores_of_others": 0.1,
    }


def test_gains_are_against_the_best_batch_and_the_default_one():
    told = result()
    found = gains(told["sets"]["boolq"], told["eval_case"])
    assert found == {
        "1": 3.0,
        "8": 6.0,
        "1 default": 5.0,
        "8 default": 10.0,
        "1 same": 4.5,
        "8 same": 9.0,
    }


def test_without_equal_scores_nothing_was_gained():
    (row,) = gains_table([result(equal=False)]).rows
    assert row[3:9] == ("–",) * 6
    assert row[-1] == "no"


def test_a_scoring_says_where_its_time_goes():
    rows = {row[0]: row for row in seconds_table(result()["sets"]["boolq"]).rows}
    assert rows["ours, 8"][2:] == ("2.00", "1.00", "1.00")
    assert rows["ours, 8, same requests"][-1] == "–"


def test_the_page_shows_what_was_scored(tmp_path):
    path = tmp_path / "evals-stories260K.json"
    path.write_text(json.dumps(result()))
    written = page([path])
    assert "| stories260K: boolq | 60 | 120 | 3.0× | 6.0× | 5.0× | 10.0× | 4.5× | 9.0× |" in written
    assert "### stories260K, 260,032 parameters, lm-eval 0.4.13, 2 repeats" in written


def test_a_case_that_cannot_be_measured_here_says_why(tmp_path):
    case, own = evals.QUICK
    assert evals.skipped_because(own, shared=tmp_path) == ""
    assert "WORKBENCH_SHARED" in evals.skipped_because(case, shared=tmp_path)
    with pytest.raises(SystemExit, match="no case 'nothing'; there are stories260K"):
        evals.chosen(evals.FULL, names=["nothing"])


def test_both_sides_give_eight_adapters_the_same_scores():
    pytest.importorskip("lm_eval", reason="lm_eval is not installed: pip install lm_eval")
    case = evals.EvalCase(
        name="microworld", sets=(evals.FACTS,), items=8, repeats=1, batch_sizes=(1, 4)
    )
    told = evals.run_case(case, patience=0.0)
    (measured,) = told["sets"].values()
    assert measured["equal"], measured["differences"]
    assert told["adapters"] == len(measured["accuracies"]) == 8
    assert set(gains(measured, told["eval_case"]).values()).isdisjoint({None})
    assert (measured["items"], measured["requests"]) == (8, 32)


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (1.0, 1.5, 0.5),
        (math.nan, 1.0, math.inf),
        (math.nan, math.nan, math.inf),
        (-math.inf,) * 2 + (0.0,),
    ],
)
def test_what_is_no_number_is_equal_to_nothing(one, other, apart):
    assert _apart(one, other) == apart

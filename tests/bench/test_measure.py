"""A tiny case, measured as the real ones are: a process an arm, the stock trainer and our engine on the same rows."""

import pytest

from bench.load import Gate
from bench.measure import measure
from bench.suite import Case

RATE = {"float32": 100.0, "bfloat16": 400.0}


@pytest.fixture(scope="module")
def measured():
    case = Case(
        name="tiny", shape="microworld", k=2, batches=(2,), tokens=12, steps=3, skip=1, repeats=1,
        arms=("reuse", "fused"),
    )  # fmt: skip
    said: list[str] = []
    (point,) = measure(case, rate=RATE, gate=Gate(patience=0.0), say=said.append)["points"]
    return point, said


@pytest.mark.slow
def test_both_arms_learn_the_same(measured):
    point, said = measured
    assert not point["failed"]
    assert point["arms"]["fused"]["largest_loss_difference"] < 1e-5
    for figures in point["arms"].values():
        assert figures["does_not_count"] == ""
        assert figures["moved"] == 1.0
        assert len(figures["final_losses"]) == 2
    assert sum("tiny" in line for line in said) == 1


@pytest.mark.slow
def test_an_arm_has_time_memory_and_faults_of_its_own(measured):
    point, _ = measured
    for figures in point["arms"].values():
        assert figures["wall_seconds"] > figures["startup_seconds"] > 0
        assert figures["steady_seconds"] > 0
        assert figures["peak_rss_bytes"] > 50e6
        assert figures["faults_per_step"] >= 0
    assert point["gains"].keys() >= {"fused over (ii), steady", "fused over (ii), end to end"}
    assert point["tokens_per_trial"] == pytest.approx(3 * point["tokens_per_step_of_a_trial"])
    assert point["padding_factor"] >= 1.0

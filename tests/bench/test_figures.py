"""Figures from what the arms wrote down, against a computation by hand."""

import pytest

from bench import figures
from bench.job import Job, plan_trials

RATE = {"float32": 2.0, "bfloat16": 4.0}
FACTS = {
    "body_parameters": 1000,
    "head_parameters": 100,
    "real_tokens": [10, 20, 30],
    "padded_tokens": [20, 40, 60],
    "trained_tokens": [4, 8, 12],
}


def job(**changed):
    fields = {
        "shape": "microworld",
        "dtype": "float32",
        "steps": 3,
        "batch": 2,
        "skip": 1,
        "median_tokens": 10,
        "spread": 0.7,
        "num_rows": 6,
        "device": "cpu",
        "folder": "nowhere",
        "trials": plan_trials(2),
    }
    return Job(**(fields | changed))


def told(*, stamps, losses, moved=1.0):
    """What one process of an arm writes."""
    return {
        "stamps": stamps,
        "faults": [[0, 100, 300, 700] for _ in stamps],
        "losses": losses,
        "moved": [moved for _ in losses],
        "startup_seconds": 2.0,
        "peak_rss_bytes": 5_000_000,
        "threads": 2,
    }


def in_turn(step, *, wall=10.0, losses=((3.0, 2.0, 1.0), (3.0, 2.0, 1.5)), moved=1.0):
    """Two trials one after the other, the first step slow and each of the others `step` seconds."""
    stamps = [[0.0, 5.0, 5.0 + step, 5.0 + 2 * step] for _ in losses]
    one = told(stamps=stamps, losses=[list(row) for row in losses], moved=moved)
    return figures.one_run([one], wall=wall, skip=1)


def measured(**steps):
    """Figures of arms by their seconds a step."""
    arms = {
        arm: figures.arm_figures(
            [in_turn(step) | {"cores_of_others": 0.1}], facts=FACTS, rate=RATE, job=job()
        )
        for arm, step in steps.items()
    }
    figures.judge(arms, dtype="float32")
    return arms


def test_one_run_leaves_the_first_steps_out_and_adds_what_ran_in_turn():
    run = in_turn(0.5)
    assert run["steady_seconds"] == pytest.approx(2 * 0.5)
    assert run["trained_seconds"] == pytest.approx(2 * 6.0)
    assert run["faults_per_step"] == pytest.approx(2 * (700 - 100) / 2)
    assert run["startup_seconds"] == 2.0


def test_processes_in_turn_are_added_and_their_memory_is_not():
    each = told(stamps=[[0.0, 5.0, 5.5, 6.0]], losses=[[3.0, 2.0, 1.0]])
    run = figures.one_run([each, each | {"peak_rss_bytes": 9_000_000}], wall=20.0, skip=1)
    assert run["startup_seconds"] == 4.0
    assert run["steady_seconds"] == pytest.approx(1.0)
    assert run["peak_rss_bytes"] == 9_000_000
    assert len(run["losses"]) == 2


def test_an_arm_has_the_median_of_its_repetitions_and_the_rates_that_follow():
    runs = [in_turn(step) | {"cores_of_others": 0.0} for step in (0.5, 4.0, 1.0)]
    found = figures.arm_figures(runs, facts=FACTS, rate=RATE, job=job())
    assert found["steady_seconds"] == pytest.approx(2.0)
    # 25 real and 10 trained tokens a step of a trial after the first one, two trials
    assert found["real_tokens_per_second"] == pytest.approx(2 * 25 / 2.0)
    needed = 4 * (1000 * 50 + 100 * 20) / 2e9
    assert found["seconds_at_matmul_rate"] == pytest.approx(needed)
    assert found["share_of_matmul_rate"] == pytest.approx(needed / 2.0)


def test_the_links_of_the_chain_multiply_to_the_whole_gain():
    arms = measured(
        processes=1.2, reuse=1.2, flat=0.8, both=0.6, alone=0.5, fused=0.4, **{"fused-malloc": 0.3}
    )
    links = figures.split(arms)
    product = 1.0
    for name in figures.STEADY_CHAIN:
        product *= links[name]
    gains = figures.gains(arms)
    assert product == pytest.approx(gains["fused-malloc over (ii), steady"]) == pytest.approx(4.0)
    assert links["padding"] == pytest.approx(1.5)
    assert gains["fused over the best stock variant, steady"] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("changed", "objection"),
    [
        ({"losses": ((3.0, 2.0, 1.0), (3.0, 2.0, 1.6))}, "final losses differ"),
        ({"losses": ((3.0, 2.0, 1.0), (3.0, 2.0, float("nan")))}, "final losses differ"),
        ({"moved": 0.75}, "25% of an adapter's matrices had no gradient"),
    ],
)
def test_an_arm_that_learned_something_else_counts_in_no_gain(changed, objection):
    arms = measured(reuse=1.0, fused=0.5)
    run = in_turn(0.5, **changed) | {"cores_of_others": 0.0}
    arms["fused"] = figures.arm_figures([run], facts=FACTS, rate=RATE, job=job())
    figures.judge(arms, dtype="float32")
    assert objection in arms["fused"]["does_not_count"]
    assert not arms["reuse"]["does_not_count"]
    assert not figures.gains(arms)


def test_over_enough_steps_every_loss_must_have_fallen():
    flat_losses = [[2.0 - 0.01 * i for i in range(40)], [2.0] * 40]
    arms = measured(reuse=1.0)
    arms["reuse"]["losses"] = flat_losses
    figures.judge(arms, dtype="float32")
    assert arms["reuse"]["does_not_count"] == "1 of 2 losses did not fall"


def test_padding_is_counted_against_real_tokens():
    assert figures.padding_factor(FACTS) == pytest.approx(2.0)


def test_a_stored_arm_keeps_few_of_its_losses_with_the_first_and_the_last():
    losses = [[float(i) for i in range(1000)]]
    few = figures.thinned({"losses": losses})
    assert few["steps_of_losses"][0] == 1
    assert few["steps_of_losses"][-1] == 1000
    assert len(few["losses"][0]) == len(few["steps_of_losses"]) == 12

"""Pruning against the whole grid: its figures are those of planted grids, and its bars can be missed."""

import random

import pytest
from scipy.stats import kendalltau

from bench.halving import FIELDS, PRUNE, STEPS
from bench.halving_tables import (
    configurations_sheet,
    furthest_apart,
    missed,
    regret,
    section,
    share_of_steps,
    summary_sheet,
    tau,
    told_apart,
)
from workbench.engine.halving import rungs
from workbench.spec import Spec

NAMES = "abcdef"


def planted(seed: int, *, upside_down: bool = False) -> dict:
    """Six configurations half a nat apart; the two best go to the end, or with `upside_down` the two worst."""
    rng = random.Random(seed)
    grid = {
        name: {"step": 100, "loss": 1 + place / 2 + rng.gauss(0, 0.01)}
        for place, name in enumerate(NAMES)
    }
    kept = NAMES[-2:] if upside_down else NAMES[:2]
    pruned = {
        name: told if name in kept else {"step": 20, "loss": told["loss"] + 1}
        for name, told in grid.items()
    }
    return {"seed": seed, "grid": grid, "pruned": pruned}


def result(*, upside_down: bool = False) -> dict:
    return {
        "halving": "microworld",
        "machine": {"date": "2026-01-01", "commit": "abc", "cores": 2},
        "fields": {"train": {"max_steps": 100}},
        "prune": {"reduction_factor": 3, "min_resource": 0.2},
        "seconds": 60.0,
        "seeds": [planted(seed, upside_down=upside_down) for seed in range(6)],
    }


def test_a_grid_pruned_in_its_own_order_meets_every_bar() -> None:
    found = {**result()}
    assert share_of_steps(found["seeds"][0]) == pytest.approx((2 * 100 + 4 * 20) / 600)
    assert regret(found["seeds"][0]) == 0
    assert furthest_apart(found["seeds"]) == 0
    # 47 % of the steps: six configurations are too few to be pruned cheaply.
    assert missed(found) == ["47% of the steps, over 35%"]


def test_a_grid_pruned_upside_down_is_said_to_be() -> None:
    said = missed(result(upside_down=True))
    assert "not worse in 0% of the seeds, under 95%" in said
    assert any("a tau of -" in one or "a tau of 0" in one for one in said)
    assert regret(planted(0, upside_down=True)) == pytest.approx(2.0, abs=0.1)


def test_all_pairs_far_apart_are_told_apart_and_equal_ones_are_not() -> None:
    seeds = [planted(seed) for seed in range(8)]
    assert len(told_apart(seeds)) == 15
    assert all(told_apart(seeds).values())
    rng = random.Random(1)
    for one in seeds:
        one["grid"]["a"]["loss"] = one["grid"]["b"]["loss"] + rng.gauss(0, 0.01)
    assert ("a", "b") not in told_apart(seeds)


def test_tau_is_scipys_where_every_pair_is_told_apart() -> None:
    seeds = [planted(seed) for seed in range(8)]
    rng = random.Random(0)
    for _ in range(20):
        order = {name: (0.0, float(rng.randrange(4))) for name in NAMES}
        mine = tau(order, told_apart(seeds))
        theirs = kendalltau(range(6), [order[name][1] for name in NAMES]).statistic
        assert mine == pytest.approx(theirs)


def test_the_tables_say_what_was_stored() -> None:
    rows = dict(row[:2] for row in summary_sheet(result()).rows)
    assert rows["seeds in which the winner was chosen"] == "6 of 6"
    assert rows["pairs told apart"] == "15 of 15"
    assert [row[0] for row in configurations_sheet(result()).rows] == list(NAMES)
    assert "47% of the steps" in "\n".join(section(result(), as_text=str))


def test_the_grid_that_is_measured_has_24_configurations_and_takes_a_third_of_the_steps() -> None:
    spec = Spec.from_fields({"name": "grid", **FIELDS, "prune": PRUNE})
    left, before, taken = len(spec.grid()), 0, 0
    assert left == 24
    for step in (*rungs(STEPS, **PRUNE), STEPS):
        taken += left * (step - before)
        before, left = step, -(-left // PRUNE["reduction_factor"])
    assert taken / (24 * STEPS) <= 0.35

"""What compare says of sweeps in which nothing differs, and of what was truly forgotten, over many sweeps.

Few sweeps here, with bounds that a broken correction passes beyond; `SOAK=1` asks ten times as many.
"""

import os

import numpy as np
import pytest
from scipy import stats

from tests.compare.planted import answer, plant
from workbench.compare import compare

SOAK = os.environ.get("SOAK") == "1"
TIMES = 1500 if SOAK else 100
ITEMS = 60


@pytest.fixture
def sweep(tmp_path):
    right = dict.fromkeys((1, 2, 4, 8, 16), 0.5)
    return plant(tmp_path, right=right, n=ITEMS, evals=("recall",), steps=2)


def allowed(times, rate=0.05, luck=0.999):
    """How many false alarms honest tests give but once in a thousand times."""
    return int(stats.binom.ppf(luck, times, rate))


def alike(rng, names, *, share, items=ITEMS):
    """Answers of equally good trials: half of what decides an item is the item's own."""
    item = rng.random(items)
    return {
        name: np.where(rng.random(items) < 0.5, item, rng.random(items)) < share for name in names
    }


def test_sweeps_without_a_difference_seldom_have_a_winner(sweep):
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(TIMES):
        answer(sweep, alike(rng, ("r1", "r2", "r4", "r8", "r16"), share=rng.uniform(0.2, 0.9)))
        found = compare(sweep)
        assert len(found.contests) == 10
        alarms += any(one.is_found for one in found.contests)
    assert alarms <= allowed(TIMES)


def test_trials_like_their_base_are_seldom_told_apart_from_it(sweep):
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(TIMES // 2):
        names = ("base", "r1", "r2", "r4", "r8", "r16")
        answer(sweep, alike(rng, names, share=rng.uniform(0.2, 0.9)))
        alarms += any(one.is_found for one in compare(sweep).differences)
    assert alarms <= allowed(TIMES // 2)


@pytest.mark.parametrize("lost", [0.05, 0.3])
def test_what_was_forgotten_is_recovered_within_its_interval(tmp_path, lost):
    path = plant(tmp_path, right={4: 0.9}, n=200, evals=("recall", "retention"), steps=2)
    answer(path, {"base": [True] * 200}, eval="retention")
    rng, covered = np.random.default_rng(2), 0
    times = TIMES // 2
    for _ in range(times):
        answer(path, {"r4": rng.random(200) >= lost}, eval="retention")
        found = compare(path, primary="recall")
        (one,) = (d for d in found.differences if d.eval == "retention")
        covered += one.low <= -lost <= one.high
        if lost > 0.2:
            assert "WB012" in [caveat.code for caveat in found.verdict.caveats]
    assert times - covered <= allowed(times)

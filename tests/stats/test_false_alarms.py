"""How often our tests cry wolf: two equal systems, families of them, and candidates beyond their margin.

Small seeded samples here, with bounds that a broken test passes beyond; `SOAK=1` runs ten times as many.
"""

import itertools
import os

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.stats import (
    bootstrap,
    cheapest_enough,
    holm,
    max_t,
    not_worse,
    paired_difference,
    simultaneous_intervals,
    swap_test,
    trend,
)

SOAK = os.environ.get("SOAK") == "1"
TIMES = 3000 if SOAK else 300


def most(level=0.05, *, times=TIMES):
    """What a test with this error rate stays below 999 times in 1000."""
    return float(scipy_stats.binom.ppf(0.999, times, level)) / times


def shares(rng, *, systems, groups=20, size=4, ability=0.6):
    """Right and wrong answers of equally good systems to the same items in clusters."""
    easy = rng.normal(size=(groups, 1)) + rng.normal(size=(groups, size)) + ability
    own = rng.normal(size=(systems, groups, 1)) + rng.normal(size=(systems, groups, size))
    return (easy + own > 0).astype(float).reshape(systems, -1), [
        str(i // size) for i in range(groups * size)
    ]


def errors(systems, *, groups=12, size=5):
    """Figures that are no shares, skewed, in clusters."""

    def draw(rng):
        own = rng.gamma(1.0, size=(systems, groups, 1)) + rng.gamma(
            1.0, size=(systems, groups, size)
        )
        return own.reshape(systems, -1), [str(i // size) for i in range(groups * size)]

    return draw


def alarms(is_alarm, *, seed, times=TIMES):
    rng = np.random.default_rng(seed)
    return float(np.mean([is_alarm(rng) for _ in range(times)]))


@pytest.mark.parametrize("n", [20, 80])
def test_equal_systems_on_separate_items_are_told_apart_in_at_most_5_percent(n):
    def is_alarm(rng):
        (a, b), _ = shares(rng, systems=2, groups=n, size=1)
        return paired_difference(a, b).p < 0.05

    assert alarms(is_alarm, seed=1) <= most()


def test_equal_systems_on_clusters_are_told_apart_in_at_most_5_percent():
    def is_alarm(rng):
        (a, b), clusters = shares(rng, systems=2)
        return paired_difference(a, b, clusters=clusters).p < 0.05

    def careless(rng):
        (a, b), _ = shares(rng, systems=2)
        return paired_difference(a, b).p < 0.05

    assert alarms(is_alarm, seed=2) <= most()
    assert alarms(careless, seed=2) > most()


def test_swapping_any_metric_of_equal_systems_alarms_in_at_most_5_percent():
    def is_alarm(rng):
        answers, clusters = shares(rng, systems=2, groups=12)
        gold, said = np.tile(np.arange(48) % 2, 2), answers.ravel()

        def f1(rows):
            hits = float(np.sum(gold[rows] * said[rows]))
            return 2 * hits / float(np.sum(gold[rows]) + np.sum(said[rows]) + 1e-12)

        return (
            swap_test(f1, n=48, clusters=clusters, draws=99, seed=int(rng.integers(1 << 30)))
            <= 0.05
        )

    assert alarms(is_alarm, seed=3, times=TIMES // 2) <= most(times=TIMES // 2)


FAMILIES = {
    "shares": lambda rng: shares(rng, systems=4),
    "skewed figures": errors(4),
}


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_family_of_equal_systems_has_any_alarm_in_at_most_5_percent(kind):
    plain = {"found": 0}

    def is_alarm(rng):
        systems, clusters = FAMILIES[kind](rng)
        family = [a - b for a, b in itertools.combinations(systems, 2)]
        found = max_t(family, clusters=clusters, draws=399, seed=int(rng.integers(1 << 30)))
        alone = [paired_difference(d, 0 * d, clusters=clusters).p for d in family]
        plain["found"] += min(alone) < 0.05
        assert min(holm(alone)) >= min(alone)
        return min(found.p) <= 0.05

    assert alarms(is_alarm, seed=4) <= most()
    assert plain["found"] / TIMES > most(0.08), "without correction a family cries wolf more often"


def test_stepping_down_finds_what_is_there_and_spares_what_is_not():
    """Two comparisons are false, two are true: an alarm is a rejected true one."""
    found = {"power": 0.0}

    def is_alarm(rng):
        d = rng.normal(size=(4, 40)) + rng.normal(size=40)
        d[:2] += 0.9
        p = max_t(d, draws=399, seed=int(rng.integers(1 << 30))).p
        found["power"] += (p[0] <= 0.05) / TIMES
        return min(p[2:]) <= 0.05

    assert alarms(is_alarm, seed=5) <= most()
    assert found["power"] > 0.7


def test_simultaneous_intervals_hold_all_at_once():
    truth = np.array([0.0, 0.3, -0.2, 0.1, 0.0])[:, None]

    def misses(rng):
        d = truth + rng.normal(size=(5, 12, 4)).reshape(5, -1) + np.repeat(rng.normal(size=12), 4)
        clusters = [str(i // 4) for i in range(48)]
        found = simultaneous_intervals(
            d, clusters=clusters, draws=399, seed=int(rng.integers(1 << 30))
        )
        return not all(
            one.low <= true <= one.high for one, true in zip(found, truth[:, 0], strict=True)
        )

    found = alarms(misses, seed=6)
    assert found <= most()
    assert found >= 0.02, "an interval that never misses is too wide"


def test_a_flat_sweep_shows_a_trend_in_at_most_5_percent():
    def is_alarm(rng):
        systems, clusters = shares(rng, systems=5)
        return trend(systems.T, ranks=[1, 2, 4, 8, 16], clusters=clusters).p < 0.05

    assert alarms(is_alarm, seed=7) <= most()


def test_what_is_worse_by_the_margin_is_called_good_enough_in_at_most_5_percent():
    def is_alarm(rng):
        b = rng.normal(size=40)
        a = b - 0.2 + 0.5 * rng.normal(size=40)
        return not_worse(a, b, margin=0.2).decision == "not worse"

    assert alarms(is_alarm, seed=8) <= most()


def test_of_many_that_lie_at_the_margin_none_is_called_good_enough_in_95_percent():
    """The leader is picked from the same answers; the correction covers that."""
    behind = np.array([0.1, 0.1, 0.1, 0.1, 0.0])[:, None]

    def is_alarm(rng):
        y = rng.normal(size=60) - behind + 0.3 * rng.normal(size=(5, 60))
        answers = {str(k): row for k, row in enumerate(y)}
        found = cheapest_enough(answers, cost={str(k): k for k in range(5)}, margin=0.1)
        return any(one.is_enough for one in found.standings[:4])

    assert alarms(is_alarm, seed=9) <= most()


@pytest.mark.soak
def test_a_bootstrapped_difference_of_equal_systems_leaves_zero_out_in_at_most_7_percent():
    def is_alarm(rng):
        answers, clusters = shares(rng, systems=2, groups=30)
        said = answers.ravel()
        found = bootstrap(
            lambda rows: float(said[rows].mean() - said[rows + 120].mean()),
            n=120,
            clusters=clusters,
            draws=400,
            seed=int(rng.integers(1 << 30)),
        )
        return not found.low <= 0 <= found.high

    assert alarms(is_alarm, seed=10, times=1000) <= 0.07

"""Holm's correction against its definition, and power against repeated experiments."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.stats import (
    detectable_difference,
    holm,
    items_needed,
    least_difference,
    mcnemar,
    minimal_difference,
)
from workbench.stats import paired_difference as paired


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_rejects_what_stepping_down_rejects(p):
    adjusted = holm(p)
    order = sorted(range(len(p)), key=lambda i: p[i])
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for rank, place in enumerate(order):
            if (len(p) - rank) * p[place] >= level:
                break
            rejected.add(place)
        assert {i for i, value in enumerate(adjusted) if value < level} == rejected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_never_helps(p):
    adjusted = holm(p)
    assert all(before <= after <= 1 for before, after in zip(p, adjusted, strict=True))
    assert adjusted[p.index(min(p))] == min(adjusted)


def test_one_comparison_needs_no_correction():
    assert holm([0.04]) == [0.04]


def test_a_difference_of_the_detectable_size_is_found_four_times_in_five():
    rng = np.random.default_rng(1)
    size = minimal_difference(1 / math.sqrt(40), degrees=39)
    found = [paired(rng.normal(size, 1, size=40), np.zeros(40)).p < 0.05 for _ in range(1500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_as_many_items_as_said_find_the_difference():
    rng = np.random.default_rng(2)
    n = items_needed(0.2, sd=1.0)
    found = [paired(rng.normal(0.2, 1, size=n), np.zeros(n)).p < 0.05 for _ in range(1500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.04)


def test_clusters_make_the_detectable_difference_larger():
    rng = np.random.default_rng(3)
    a = np.repeat(rng.normal(size=10), 5)
    clusters = [str(i // 5) for i in range(50)]
    alone = detectable_difference(a, np.zeros(50))
    assert detectable_difference(a, np.zeros(50), clusters=clusters) > 1.5 * alone


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0, 1.0]])
def test_without_spread_nothing_is_said_about_power(values):
    assert detectable_difference(values, [0.0] * len(values)) is None


def test_hardly_any_pair_that_differs_is_no_sharper_instrument():
    """With one pair in 480 apart, a formula of the spread would promise to find three; the exact test needs six."""
    a, b = [1.0] * 480, [1.0] * 479 + [0.0]
    found = detectable_difference(a, b)
    assert found == least_difference(480) == pytest.approx(0.0164, abs=1e-4)
    rng = np.random.default_rng(4)
    apart = rng.binomial(480, found, size=4000)
    assert np.mean([mcnemar(int(k), 0) < 0.05 for k in apart]) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(("level", "pairs"), [(0.95, 6), (0.99, 8), (0.9, 5), (0.975, 7)])
def test_so_many_pairs_must_differ_before_the_exact_test_can_see_it(level, pairs):
    assert mcnemar(pairs, 0) < 1 - level <= mcnemar(pairs - 1, 0)
    assert least_difference(pairs - 1, level=level) is None
    # All pairs must differ then: p^n = power.
    assert least_difference(pairs, level=level) == pytest.approx(0.8 ** (1 / pairs))


def test_every_difference_says_what_it_could_have_seen():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=40), rng.normal(size=40)
    assert paired(a, b).detectable == detectable_difference(a, b)
    assert paired(a, b, level=0.99).detectable > paired(a, b).detectable
    assert paired([1] * 20, [1] * 20).detectable == least_difference(20)
    clusters = [str(i // 4) for i in range(40)]
    assert paired([1] * 40, [1] * 40, clusters=clusters).detectable == least_difference(10)
    assert paired([0.5] * 20, [0.5] * 20).detectable is None
    assert paired([], []).detectable is None
    assert paired([1, 1], [0, 1]).detectable > 1

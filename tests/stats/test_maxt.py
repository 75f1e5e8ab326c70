"""Families of differences: against a max-T written out by hand, against Holm, and at the edges."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.errors import DataError
from workbench.stats import (
    clustered_mean,
    holm,
    joint_level,
    max_t,
    mcnemar,
    mean_t,
    paired_difference,
    simultaneous_intervals,
)


def by_hand(family, level_of=scipy_stats.ttest_1samp):
    """Step-down max-T over all 2^n sign flips, one flip and one hypothesis at a time."""
    seen = [abs(level_of(d, 0.0).statistic) for d in family]
    drawn = [
        [abs(level_of(d * np.array(signs), 0.0).statistic) for d in family]
        for signs in itertools.product((1, -1), repeat=len(family[0]))
    ]
    found, left, highest = [None] * len(family), set(range(len(family))), 0.0
    for place in sorted(left, key=lambda j: -seen[j]):
        as_far = np.mean([max(row[j] for j in left) >= seen[place] - 1e-9 for row in drawn])
        highest = max(highest, as_far)
        found[place] = highest
        left.discard(place)
    return found


def test_max_t_is_what_stepping_down_by_hand_gives():
    rng = np.random.default_rng(1)
    family = rng.normal(size=(3, 7)) + np.array([[0.9], [0.2], [0.5]])
    family[2] += 0.7 * family[1]
    found = max_t(family)
    assert found.p == pytest.approx(by_hand(list(family)))
    assert found.method == "max-T over 3 comparisons, all sign flips of 7 items"


def test_one_comparison_of_shares_is_mcnemar():
    d = [1] * 9 + [-1] * 2 + [0] * 3
    assert max_t([d], draws=2**14).p == pytest.approx((mcnemar(9, 2),))
    many = [1] * 30 + [-1] * 14 + [0] * 100
    assert max_t([many]).p == pytest.approx((mcnemar(30, 14),), abs=0.006)


def test_one_comparison_of_numbers_is_nearly_the_t_test():
    d = np.random.default_rng(2).normal(0.3, 1, size=60)
    assert max_t([d]).p[0] == pytest.approx(paired_difference(d, np.zeros(60)).p, abs=0.01)


def test_the_same_comparison_ten_times_costs_nothing_and_holm_pays_ten_times():
    d = np.random.default_rng(3).normal(0.35, 1, size=60)
    alone = max_t([d]).p[0]
    assert max_t([d] * 10).p == pytest.approx((alone,) * 10)
    assert holm([alone] * 10)[0] == pytest.approx(10 * alone)


def test_a_family_is_corrected_no_more_than_by_holm_and_no_less_than_not_at_all():
    rng = np.random.default_rng(4)
    systems = rng.normal(size=(5, 80)) + rng.normal(size=80) + np.arange(5)[:, None] * 0.12
    family = [systems[j] - systems[i] for i, j in itertools.combinations(range(5), 2)]
    alone = [max_t([d]).p[0] for d in family]
    together = np.array(max_t(family).p)
    assert (together >= np.array(alone) - 1e-12).all()
    assert together.sum() < sum(holm(alone))


def test_whole_clusters_are_turned():
    found = max_t([[1.0] * 12, [0.5, -0.5] * 6], clusters=[str(i // 4) for i in range(12)])
    assert found.p == (0.25, 1.0)
    assert "3 clusters" in found.method


def test_items_not_answered_by_both_count_for_nothing():
    nan = float("nan")
    d = np.random.default_rng(5).normal(0.5, 1, size=10)
    holed = np.append(d, [nan, nan])
    assert max_t([holed]).p == pytest.approx(max_t([d]).p, abs=1e-12)
    found = max_t([holed, np.full(12, nan)])
    assert found.p[0] is not None
    assert found.p[1] is None
    assert simultaneous_intervals([holed, np.full(12, nan)])[1].method == "no items"


def test_no_difference_anywhere_is_no_evidence():
    assert max_t([[0.0] * 8, [0.0] * 8]).p == (1.0, 1.0)
    assert max_t([]).p == ()
    assert simultaneous_intervals([]) == []


def test_it_is_the_same_each_time():
    family = np.random.default_rng(6).normal(size=(3, 40))
    assert max_t(family) == max_t(family)
    assert max_t(family).p != max_t(family, seed=1).p


def test_lists_of_different_lengths_and_infinite_differences_are_refused():
    with pytest.raises(DataError, match=r"\[2, 3\] items"):
        max_t([[1, 2, 3], [1, 2]])
    with pytest.raises(DataError, match="infinite"):
        max_t([[1, float("inf")]])


def test_one_interval_alone_is_students():
    d = np.random.default_rng(7).normal(size=40)
    (found,) = simultaneous_intervals([d])
    expected = mean_t(d)
    assert found[:3] == pytest.approx(expected[:3], abs=0.015)
    clusters = [str(i // 4) for i in range(40)]
    (grouped,) = simultaneous_intervals([d], clusters=clusters)
    assert grouped.clusters == 10
    half = (grouped.high - grouped.low) / 2
    expected = clustered_mean(d, clusters=clusters)
    assert half == pytest.approx((expected.high - expected.low) / 2, rel=0.06)


def test_more_comparisons_widen_every_interval_but_less_than_bonferroni():
    family = np.random.default_rng(8).normal(size=(6, 50))
    alone, together = simultaneous_intervals(family[:1])[0], simultaneous_intervals(family)[0]
    strict = mean_t(family[0], level=1 - 0.05 / 6)
    assert alone.high - alone.low < together.high - together.low
    assert together.high - together.low < 1.02 * (strict.high - strict.low)


def test_one_cluster_has_no_interval():
    (found,) = simultaneous_intervals([[0.1, 0.2]], clusters=["a", "a"])
    assert (found.value, found.low) == (pytest.approx(0.15), None)


def test_the_level_of_one_lies_between_one_comparison_and_bonferroni():
    rng = np.random.default_rng(4)
    apart = rng.normal(size=(5, 80))
    alike = apart[:1] + 0.01 * rng.normal(size=(5, 80))
    for family, low, high in ((apart, 0.985, 0.99), (alike, 0.95, 0.955)):
        assert low <= joint_level(family) <= high
        assert low <= max_t(family).level <= high


def test_the_level_is_the_one_behind_simultaneous_intervals():
    rng = np.random.default_rng(5)
    family = rng.normal(size=(4, 50)) + 2 * rng.normal(size=50)
    found = simultaneous_intervals(family)[0]
    alone = mean_t(family[0], level=joint_level(family))
    assert (alone.low, alone.high) == pytest.approx((found.low, found.high), rel=1e-6)


def test_a_comparison_without_spread_makes_the_level_bonferronis():
    flat, other = np.ones(40), np.random.default_rng(6).normal(size=40)
    assert joint_level([flat, other]) == pytest.approx(0.975)
    assert joint_level([]) == 0.95


def test_shares_near_their_bounds_are_covered_all_at_once_at_that_level():
    rng, covered, times = np.random.default_rng(7), 0, 150
    truths = (0.99, 0.9, 0.5)
    for _ in range(times):
        luck, base = rng.random(80), np.zeros(80)
        answers = [(luck < truth).astype(float) for truth in truths]
        level = joint_level([one - base for one in answers], draws=999)
        found = [paired_difference(one, base, level=level) for one in answers]
        covered += all(one.low <= t <= one.high for one, t in zip(found, truths, strict=True))
    assert covered >= 0.9 * times


def test_comparisons_of_unlike_items_are_turned_as_if_each_stood_alone():
    rng = np.random.default_rng(8)
    a, b = rng.normal(0.3, 1, size=(2, 30))
    nothing = np.full(30, np.nan)
    family = [np.concatenate([a, nothing]), np.concatenate([nothing, b])]
    found = max_t(family)
    for one, p in zip((a, b), found.p, strict=True):
        assert max_t([one]).p[0] <= p <= min(1, 2 * max_t([one]).p[0] + 0.01)

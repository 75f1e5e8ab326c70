"""Slopes over log2(rank): against scipy's regression, at the edges, and with clusters and seeds."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.errors import DataError
from workbench.stats import (
    clustered_mean,
    items_and_seeds,
    mean_t,
    paired_difference,
    slopes,
    trend,
)

RANKS = [1, 2, 4, 8, 16]


def sweep(rng, *, items=60, rise=0.1):
    return rise * np.log2(RANKS) + rng.normal(size=(items, 1)) + rng.normal(size=(items, 5))


def test_the_slope_is_that_of_the_mean_scores():
    y = sweep(np.random.default_rng(1))
    expected = scipy_stats.linregress(np.log2(RANKS), y.mean(axis=0)).slope
    each = [scipy_stats.linregress(np.log2(RANKS), row).slope for row in y]
    found = trend(y, ranks=RANKS)
    assert found.value == pytest.approx(expected)
    assert slopes(y, ranks=RANKS) == pytest.approx(each)
    assert (found.low, found.high) == pytest.approx(mean_t(each)[1:3])
    assert found.p == pytest.approx(scipy_stats.ttest_1samp(each, 0).pvalue)
    assert (found.n, found.doublings, found.left_out) == (60, 4.0, 0)


def test_two_ranks_a_doubling_apart_are_a_paired_difference():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=25), rng.normal(size=25)
    found, expected = trend(np.column_stack([b, a]), ranks=[8, 16]), paired_difference(a, b)
    assert found[:3] == pytest.approx(expected[:3])
    assert (found.p, found.detectable) == pytest.approx((expected.p, expected.detectable))


def test_the_order_of_the_columns_does_not_matter():
    y = sweep(np.random.default_rng(3))
    turned = trend(y[:, ::-1], ranks=RANKS[::-1])
    assert turned[:3] == pytest.approx(trend(y, ranks=RANKS)[:3])


def test_items_that_differ_much_do_not_hide_a_slope_that_all_of_them_share():
    rng = np.random.default_rng(4)
    y = 0.02 * np.log2(RANKS) + 5 * rng.normal(size=(40, 1)) + 0.1 * rng.normal(size=(40, 5))
    found = trend(y, ranks=RANKS)
    assert found.p < 0.01
    pooled = scipy_stats.linregress(np.tile(np.log2(RANKS), 40), y.ravel())
    assert pooled.pvalue > 0.5


def test_clusters_widen_a_slope_that_comes_in_groups():
    rng = np.random.default_rng(5)
    rise = np.repeat(rng.normal(0.1, 0.2, size=12), 5)[:, None]
    y = rise * np.log2(RANKS) + 0.1 * rng.normal(size=(60, 5))
    clusters = [str(i // 5) for i in range(60)]
    alone, grouped = trend(y, ranks=RANKS), trend(y, ranks=RANKS, clusters=clusters)
    expected = clustered_mean(slopes(y, ranks=RANKS), clusters=clusters)
    assert grouped[1:3] == pytest.approx(expected[1:3])
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)
    assert grouped.detectable > alone.detectable


def test_items_that_lack_a_rank_are_left_out_and_counted():
    y = sweep(np.random.default_rng(6), items=20)
    holed = y.copy()
    holed[3, 2] = holed[7, 0] = np.nan
    found = trend(holed, ranks=RANKS)
    kept = trend(np.delete(y, [3, 7], axis=0), ranks=RANKS)
    assert found._replace(left_out=0) == kept
    assert found.left_out == 2


def test_a_task_that_every_rank_solves_shows_no_trend_and_does_not_claim_to_know_more():
    found = trend(np.ones((30, 5)), ranks=RANKS)
    assert (found.value, found.p, found.detectable) == (0.0, 1.0, None)
    assert "all values equal" in found.method


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_items_have_no_interval(rows):
    found = trend(np.ones((rows, 5)), ranks=RANKS)
    assert (found.low, found.p, found.n) == (None, None, rows)


def test_items_in_one_cluster_have_no_interval():
    found = trend(sweep(np.random.default_rng(7)), ranks=RANKS, clusters=["a"] * 60)
    assert (found.low, found.p, found.clusters) == (None, None, 1)


@pytest.mark.parametrize("ranks", [[4, 4], [0, 8], [-1, 8], [float("nan"), 8]])
def test_ranks_without_a_slope_are_refused(ranks):
    with pytest.raises(DataError, match="give two different ones above 0"):
        trend([[0.1, 0.2]], ranks=ranks)


def test_a_column_is_needed_for_each_rank():
    with pytest.raises(DataError, match="2 columns for 5 ranks"):
        trend([[0.1, 0.2]], ranks=RANKS)


def test_slopes_of_several_seeds_have_an_interval_over_seeds_too():
    rng = np.random.default_rng(8)
    each = [slopes(sweep(rng, rise=rise), ranks=RANKS) for rise in (0.05, 0.1, 0.3)]
    over_seeds = items_and_seeds(np.column_stack(each))
    over_items = mean_t(np.mean(each, axis=0))
    assert over_seeds.value == pytest.approx(over_items.value)
    assert over_seeds.high - over_seeds.low > 2 * (over_items.high - over_items.low)

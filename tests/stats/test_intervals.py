"""Intervals against independent implementations, at the edges, and with repeated sampling from known truths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from workbench.errors import DataError
from workbench.stats import (
    clopper_pearson,
    clustered_mean,
    clustered_share,
    mean_interval,
    mean_t,
    median_interval,
    quantile_interval,
    wilson,
    within,
)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (57, 400)])
def test_shares_have_the_limits_that_scipy_finds(k, n):
    for ours, theirs in ((wilson, "wilson"), (clopper_pearson, "exact")):
        expected = scipy_stats.binomtest(k, n).proportion_ci(method=theirs)
        found = ours(k, n)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert (found.value, found.n, found.clusters) == (k / n, n, n)


def test_a_mean_has_the_limits_that_scipy_finds():
    x = np.random.default_rng(1).gamma(2.0, size=37)
    expected = scipy_stats.t.interval(0.9, len(x) - 1, x.mean(), scipy_stats.sem(x))
    found = mean_t(x, level=0.9)
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.method == "90 % t"


def test_nothing_asked_gives_no_value_and_no_limits():
    for found in (
        mean_interval([]),
        mean_interval([], clusters=[]),
        mean_t([]),
        wilson(0, 0),
        clopper_pearson(0, 0),
        clustered_mean([], clusters=[]),
        clustered_share([], clusters=None),
        median_interval([]),
    ):
        assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
        assert found.method == "no items"


def test_one_number_has_a_value_and_no_interval():
    found = mean_interval([0.3])
    assert (found.value, found.low, found.high, found.n) == (0.3, None, None, 1)


def test_one_answer_right_still_leaves_much_open():
    found = mean_interval([1])
    assert found.value == 1.0
    assert found.low < 0.25
    assert found.high == 1.0


def test_values_that_are_all_equal_say_so():
    found = mean_interval([2.5] * 8)
    assert (found.low, found.high) == (2.5, 2.5)
    assert "all values equal" in found.method


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_at_the_edge_has_no_degenerate_interval(share):
    alone = mean_interval([share] * 20)
    grouped = mean_interval([share] * 20, clusters=[str(i // 4) for i in range(20)])
    for found in (alone, grouped):
        assert found.high - found.low > 0.1
        assert found.low <= share <= found.high
    assert grouped.high - grouped.low > alone.high - alone.low
    assert "5 clusters as 5 items" in grouped.method


def test_clustered_mean_is_the_formula_of_its_paper():
    x = np.array([0.1, 0.4, 0.35, 0.8, 0.9, 0.2, 0.6])
    clusters = ["a", "a", "b", "b", "b", "c", "c"]
    rest = x - x.mean()
    sums = [rest[:2].sum(), rest[2:5].sum(), rest[5:].sum()]
    error = np.sqrt(3 / 2 * np.sum(np.square(sums))) / 7
    half = scipy_stats.t.ppf(0.975, 2) * error
    found = clustered_mean(x, clusters=clusters)
    assert (found.low, found.high) == pytest.approx((x.mean() - half, x.mean() + half))
    assert (found.n, found.clusters, found.method) == (7, 3, "95 % t over 3 clusters")


def test_clusters_of_one_change_nothing():
    x = np.random.default_rng(2).normal(size=30)
    alone = mean_t(x)
    for clusters in ([str(i) for i in range(30)], [""] * 30):
        found = clustered_mean(x, clusters=clusters)
        assert found[1:3] == pytest.approx(alone[1:3])
        assert found.clusters == 30


def test_one_cluster_has_no_interval_for_a_mean_and_the_widest_for_a_share():
    found = mean_interval([0.2, 0.4], clusters=["a", "a"])
    assert (found.value, found.low, found.clusters) == (pytest.approx(0.3), None, 1)
    share = mean_interval([0, 1, 1, 0], clusters=["a"] * 4)
    assert (share.low, share.high) == pytest.approx(wilson(1, 2)._replace(n=1)[1:3], abs=0.15)
    assert "1 clusters as 1 items" in share.method


def test_items_that_answer_alike_are_worth_less():
    values = [1, 1, 1, 1, 0, 0, 0, 0] * 5
    clusters = [str(i // 4) for i in range(40)]
    alone, grouped = mean_interval(values), mean_interval(values, clusters=clusters)
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused_with_its_place(broken):
    with pytest.raises(DataError, match="value 2 of 3"):
        mean_interval([1.0, 0.0, broken])


def test_as_many_clusters_as_values_are_needed():
    with pytest.raises(DataError, match="2 clusters for 3 values"):
        mean_interval([1, 0, 1], clusters=["a", "b"])


@pytest.mark.parametrize(("n", "has_low"), [(5, False), (6, True), (7, True)])
def test_a_median_of_too_few_has_no_limits(n, has_low):
    found = median_interval(range(n))
    assert (found.low is not None) is (found.high is not None) is has_low
    assert found.value == (n - 1) / 2


@pytest.mark.parametrize(("n", "has_high"), [(367, False), (368, True)])
def test_a_99th_percentile_needs_hundreds_of_items(n, has_high):
    found = quantile_interval(range(n), q=0.99)
    assert (found.high is not None) is has_high
    assert found.low is not None


@given(st.integers(1, 400), st.sampled_from([0.5, 0.9, 0.95]))
@settings(max_examples=60, deadline=None)
def test_ranks_of_a_quantile_cover_what_they_promise(n, q):
    found = quantile_interval(np.arange(1, n + 1), q=q)
    below = 0.0 if found.low is None else scipy_stats.binom.cdf(found.low - 1, n, q)
    above = 0.0 if found.high is None else scipy_stats.binom.sf(found.high - 1, n, q)
    assert below <= 0.025 + 1e-12
    assert above <= 0.025 + 1e-12


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcde")), min_size=1, max_size=60))
@settings(max_examples=150, deadline=None)
def test_a_share_lies_inside_its_interval_and_the_interval_inside_0_and_1(rows):
    values = [float(right) for right, _ in rows]
    for clusters in (None, [cluster for _, cluster in rows]):
        found = mean_interval(values, clusters=clusters)
        assert 0.0 <= found.low <= found.value <= found.high <= 1.0
        assert found.high > found.low


def test_an_interval_within_its_bounds_is_left_as_it_is():
    assert within(0.2, 0.9, "95 % t", least=0, most=1) == (0.2, 0.9, "95 % t")
    assert within(None, None, "none", least=0, most=1) == (None, None, "none")


def test_an_interval_beyond_its_bounds_is_cut_and_says_so():
    assert within(-1.2, 0.3, "95 % t", least=-1, most=1) == (-1.0, 0.3, "95 % t, cut at −1 and 1")

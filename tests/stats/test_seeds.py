"""Items and seeds: the split against the two-way analysis of variance, and what few seeds may say."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.errors import DataError
from workbench.stats import clustered_mean, items_and_seeds, mean_t, spread_interval


def scores(rng, *, items=80, seeds=3, of_items=0.4, of_seeds=0.1, of_both=0.2):
    return (
        of_items * rng.normal(size=(items, 1))
        + of_seeds * rng.normal(size=seeds)
        + of_both * rng.normal(size=(items, seeds))
    )


def test_the_split_is_that_of_the_two_way_analysis_of_variance():
    y = scores(np.random.default_rng(1), of_seeds=0.3)
    n, seeds = y.shape
    rows, columns, whole = y.mean(axis=1), y.mean(axis=0), y.mean()
    of_items = seeds * np.sum((rows - whole) ** 2) / (n - 1)
    of_seeds = n * np.sum((columns - whole) ** 2) / (seeds - 1)
    rest = y - rows[:, None] - columns + whole
    of_both = np.sum(rest**2) / ((n - 1) * (seeds - 1))
    found = items_and_seeds(y)
    assert found.item_error**2 == pytest.approx(of_items / (n * seeds))
    assert found.seed_error**2 == pytest.approx((of_seeds - of_both) / (n * seeds))
    assert found.by_seed == pytest.approx(tuple(columns))
    half = np.hypot(
        scipy_stats.t.ppf(0.975, n - 1) * found.item_error,
        scipy_stats.t.ppf(0.975, seeds - 1) * found.seed_error,
    )
    assert (found.low, found.high) == pytest.approx((whole - half, whole + half))
    assert found.method == "95 % t over 80 items and over 3 seeds"


def test_seeds_that_agree_leave_the_interval_over_items():
    y = np.random.default_rng(2).normal(size=(50, 1)) + np.zeros(3)
    found = items_and_seeds(y)
    assert found.seed_error == found.seed_share == 0
    assert (found.low, found.high) == pytest.approx(mean_t(y[:, 0])[1:3])


def test_seeds_that_disagree_widen_it_and_two_of_them_say_little():
    y = scores(np.random.default_rng(3), items=400, seeds=2, of_seeds=0.2)
    found, over_items = items_and_seeds(y), mean_t(y.mean(axis=1))
    assert found.seed_share > 0.5
    assert found.high - found.low > 5 * (over_items.high - over_items.low)
    apart = abs(y.mean(axis=0)[0] - y.mean(axis=0)[1])
    assert (found.high - found.low) / 2 == pytest.approx(12.706 * apart / 2, rel=0.05)


def test_the_share_of_seeds_is_recovered_from_many():
    y = scores(np.random.default_rng(4), items=600, seeds=40, of_seeds=0.1)
    truth = (0.1**2 / 40) / (0.1**2 / 40 + 0.4**2 / 600)
    assert items_and_seeds(y).seed_share == pytest.approx(truth, abs=0.2)


def test_one_seed_says_nothing_of_others():
    y = np.random.default_rng(5).normal(size=(30, 1))
    found = items_and_seeds(y)
    assert (found.low, found.high, found.seed_error, found.seed_share) == (None,) * 4
    assert found.item_error == pytest.approx(scipy_stats.sem(y[:, 0]))
    assert found.method == "one seed says nothing of others"


def test_clusters_of_items_belong_to_the_items_part():
    rng = np.random.default_rng(6)
    y = np.repeat(scores(rng, items=20, of_seeds=0.0, of_both=0.0), 6, axis=0)
    y = y + 0.1 * rng.normal(size=y.shape)
    clusters = [str(i // 6) for i in range(120)]
    alone, grouped = items_and_seeds(y), items_and_seeds(y, clusters=clusters)
    assert grouped.item_error > 2 * alone.item_error
    expected = clustered_mean(y.mean(axis=1), clusters=clusters)
    assert grouped.item_error == pytest.approx(
        (expected.high - expected.low) / 2 / scipy_stats.t.ppf(0.975, 19)
    )
    assert (grouped.clusters, grouped.method) == (20, "95 % t over 20 clusters and over 3 seeds")
    assert items_and_seeds(y, clusters=["a"] * 120).low is None


def test_clusters_of_one_change_nothing():
    y = scores(np.random.default_rng(7), items=25)
    grouped = items_and_seeds(y, clusters=[str(i) for i in range(25)])
    assert grouped[:3] == pytest.approx(items_and_seeds(y)[:3])


def test_no_items_have_no_mean():
    found = items_and_seeds(np.empty((0, 3)))
    assert (found.value, found.low, found.seeds, found.method) == (None, None, 3, "no items")


def test_a_table_with_holes_or_of_another_shape_is_refused():
    with pytest.raises(DataError, match="1 of 2 items lack a value in some seed"):
        items_and_seeds([[0.1, 0.2], [0.3, float("nan")]])
    with pytest.raises(DataError, match="a row an item and a column a seed"):
        items_and_seeds([0.1, 0.2, 0.3])


def test_two_seeds_hardly_know_their_spread():
    found = spread_interval([0.1, 0.3])
    assert found.value == pytest.approx(np.sqrt(0.02))
    # s sqrt(1 / chi2) with one degree of freedom: the factors of any table.
    assert found.low / found.value == pytest.approx(0.446, abs=5e-4)
    assert found.high / found.value == pytest.approx(31.91, abs=5e-3)
    assert spread_interval([0.1]).value is None


def test_the_spread_of_many_is_close():
    found = spread_interval(np.random.default_rng(8).normal(0, 2, size=2000))
    assert found.low < 2 < found.high < 1.1 * found.low

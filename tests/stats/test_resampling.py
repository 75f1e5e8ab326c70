"""Any metric: its interval and its test, against scipy, against exact tests, and at the edges."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.stats import bootstrap, mcnemar, mean_t, pseudo_values, swap_test
from workbench.stats.intervals import standard_error
from workbench.stats.resampling import sign_draws


def test_a_bootstrap_of_the_mean_agrees_with_scipy():
    x = np.random.default_rng(3).gamma(1.5, size=60)
    found = bootstrap(lambda rows: float(x[rows].mean()), n=60, draws=4000, seed=5)
    theirs = scipy_stats.bootstrap(
        (x,), np.mean, n_resamples=4000, method="BCa", rng=np.random.default_rng(6)
    ).confidence_interval
    assert found[1:3] == pytest.approx((theirs.low, theirs.high), abs=0.04)
    assert found.method == "95 % BCa bootstrap, 4000 draws"


def test_a_bootstrap_of_few_items_is_as_wide_as_t():
    x = np.random.default_rng(7).normal(size=12)
    found = bootstrap(lambda rows: float(x[rows].mean()), n=12, draws=4000)
    expected = mean_t(x)
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=0.1)
    z = 2 * 1.96 * x.std() / np.sqrt(12)
    assert found.high - found.low > 1.1 * z


def test_a_bootstrap_is_the_same_each_time_and_moves_with_its_seed():
    x = np.random.default_rng(4).normal(size=25)

    def spread(rows):
        return float(x[rows].std())

    first = bootstrap(spread, n=25, draws=300)
    assert bootstrap(spread, n=25, draws=300) == first
    assert bootstrap(spread, n=25, draws=300, seed=1) != first


def test_a_bootstrap_draws_whole_clusters():
    clusters = ["a", "b", "b", "c", "c", "c"] * 2
    names = np.array(clusters)
    seen = []

    def watched(rows):
        seen.append(tuple(np.bincount(names[rows] == "c", minlength=2)))
        assert (names[rows] == "c").sum() % 6 == 0
        return float(len(rows))

    found = bootstrap(watched, n=12, clusters=clusters, draws=50)
    assert found.clusters == 3
    assert "of 3 clusters" in found.method
    assert len(set(seen)) > 1


def test_a_bootstrap_counts_the_draws_where_the_statistic_is_undefined():
    x = np.array([0.0] * 9 + [1.0])

    def ratio(rows):
        return float(x[rows].mean() / x[rows].any()) if x[rows].any() else float("nan")

    found = bootstrap(ratio, n=10, draws=500)
    assert "of them undefined" in found.method
    assert found.low is not None


def test_a_bootstrap_of_a_constant_is_that_constant_and_says_so():
    found = bootstrap(lambda rows: 0.5, n=10, draws=50)
    assert found[:3] == (0.5, 0.5, 0.5)
    assert "all of them equal" in found.method


def test_a_statistic_that_is_undefined_has_no_value():
    found = bootstrap(lambda rows: float("nan"), n=10, draws=50)
    assert (found.value, found.low, found.method) == (None, None, "undefined on these items")


def test_nothing_and_one_cluster_have_no_interval():
    assert bootstrap(lambda rows: 1.0, n=0).value is None
    found = bootstrap(lambda rows: 1.0, n=3, clusters=["a"] * 3)
    assert (found.value, found.low) == (1.0, None)


def answers(both, only_a, only_b, neither):
    a = [1] * both + [1] * only_a + [0] * only_b + [0] * neither
    b = [1] * both + [0] * only_a + [1] * only_b + [0] * neither
    return np.array(a + b, dtype=float), len(a)


def test_swapping_right_and_wrong_answers_is_mcnemar():
    said, n = answers(0, 7, 2, 1)
    found = swap_test(lambda rows: float(said[rows].mean()), n=n, draws=600)
    assert found == pytest.approx(mcnemar(7, 2), abs=1e-12)
    said, n = answers(30, 14, 4, 12)
    found = swap_test(lambda rows: float(said[rows].mean()), n=n, draws=4000)
    assert found == pytest.approx(mcnemar(14, 4), abs=0.012)


def test_swapping_numbers_is_the_permutation_test_that_scipy_runs():
    rng = np.random.default_rng(8)
    a, b = rng.gamma(2.0, size=9), rng.gamma(2.6, size=9)
    said = np.concatenate([a, b])
    found = swap_test(lambda rows: float(said[rows].mean()), n=9, draws=300)
    theirs = scipy_stats.permutation_test(
        (a - b,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert found == pytest.approx(theirs.pvalue, abs=1e-12)


def test_a_metric_that_is_no_mean_is_tested_as_a_whole():
    rng = np.random.default_rng(9)
    gold = np.tile(rng.integers(2, size=80), 2)
    noise = np.concatenate([rng.random(80) < 0.1, rng.random(80) < 0.4])
    said = np.where(noise, 1 - gold, gold)

    def matthews(rows):
        return float(np.corrcoef(gold[rows], said[rows])[0, 1])

    assert swap_test(matthews, n=80, draws=500) < 0.01
    same = np.concatenate([said[:80], said[:80]])
    assert swap_test(lambda rows: float(same[rows].mean()), n=80, draws=200) == 1.0
    found = bootstrap(lambda rows: matthews(rows) - matthews(rows + 80), n=80, draws=500)
    assert found.low > 0


def test_whole_clusters_are_swapped():
    said = np.array([1.0] * 12 + [0.0] * 12)
    clusters = [str(i // 4) for i in range(12)]
    found = swap_test(lambda rows: float(said[rows].mean()), n=12, clusters=clusters)
    assert found == 2 * 0.5**3


def test_no_items_and_undefined_metrics_have_no_p_value():
    assert swap_test(lambda rows: 1.0, n=0) is None
    assert swap_test(lambda rows: float("nan"), n=4) is None


@pytest.mark.parametrize(
    ("groups", "draws", "rows"), [(1, 10, 1), (4, 8, 8), (4, 7, 7), (30, 99, 99)]
)
def test_signs_are_all_there_are_or_as_many_as_asked(groups, draws, rows):
    found = np.concatenate(list(sign_draws(groups, draws=draws, seed=0, block=5)))
    assert found.shape == (rows, groups)
    assert set(np.unique(found)) <= {-1.0, 1.0}
    if (groups, draws) == (4, 8):
        assert len({tuple(row) for row in found} | {tuple(-row) for row in found}) == 16


def test_pseudo_values_have_the_error_of_the_jackknife_and_the_figure_for_their_mean():
    x = np.random.default_rng(2).gamma(1.5, size=40)

    def spread(rows):
        return float(x[rows].std())

    found = pseudo_values(spread, n=40)
    left = np.array([x[np.arange(40) != i].std() for i in range(40)])
    jackknife = np.sqrt(39 / 40 * np.sum((left - left.mean()) ** 2))
    assert found.mean() == pytest.approx(x.std())
    assert standard_error(found) == pytest.approx(jackknife)


def test_pseudo_values_leave_out_whole_clusters_and_none_is_none():
    x = np.arange(12.0)
    clusters = [f"text {place // 3}" for place in range(12)]
    found = pseudo_values(lambda rows: float(x[rows].mean()), n=12, clusters=clusters)
    assert found == pytest.approx(np.repeat([1.0, 4.0, 7.0, 10.0], 3))
    assert pseudo_values(lambda rows: float(x[rows].mean()), n=12, clusters=["one"] * 12) is None
    assert pseudo_values(lambda rows: np.nan if len(rows) < 12 else 1.0, n=12) is None

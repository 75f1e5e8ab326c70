"""How often the intervals cover the truth: exactly where it can be counted, else by seeded repetition."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.stats import (
    Pairs,
    bootstrap,
    clopper_pearson,
    mean_interval,
    mean_t,
    newcombe,
    paired_difference,
    wilson,
)


def covered_shares(interval, *, n, shares):
    """For each true share, the probability that the interval of a sample of n holds it."""
    counts = np.arange(n + 1)
    found = [interval(int(k), n) for k in counts]
    low, high = np.array([one.low for one in found]), np.array([one.high for one in found])
    return [scipy_stats.binom.pmf(counts, n, p)[(low <= p) & (p <= high)].sum() for p in shares]


def repeated(draw, truth, *, times, seed):
    rng = np.random.default_rng(seed)
    found = [draw(rng) for _ in range(times)]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


@pytest.mark.parametrize("n", [20, 50, 200])
def test_wilson_covers_95_percent_on_average_even_near_zero(n):
    rare = covered_shares(wilson, n=n, shares=np.linspace(0.0005, 0.1, 200))
    assert 0.93 <= np.mean(rare) <= 0.98
    every = covered_shares(wilson, n=n, shares=np.linspace(0.001, 0.999, 200))
    assert 0.94 <= np.mean(every) <= 0.965


@pytest.mark.parametrize("n", [1, 5, 20, 60])
def test_clopper_pearson_never_covers_less_than_it_says(n):
    assert min(covered_shares(clopper_pearson, n=n, shares=np.linspace(0, 1, 101))) >= 0.95


def test_t_covers_95_percent():
    found = repeated(lambda rng: mean_t(rng.normal(1, 2, size=12)), 1.0, times=2000, seed=1)
    assert 0.93 <= found <= 0.97


def grouped(rng, *, groups, size, p, together):
    """0/1 items whose clusters share a rate from a beta; `together` is the intra-cluster correlation."""
    strength = 1 / together - 1
    rates = rng.beta(p * strength, (1 - p) * strength, size=groups)
    values = (rng.random((groups, size)) < rates[:, None]).astype(float)
    return values.ravel(), [str(i // size) for i in range(groups * size)]


@pytest.mark.parametrize(
    ("groups", "size", "p", "together"),
    [(25, 8, 0.5, 0.2), (25, 8, 0.1, 0.2), (12, 10, 0.3, 0.1), (60, 3, 0.9, 0.4)],
)
def test_clustered_shares_are_covered_and_unclustered_intervals_are_not(groups, size, p, together):
    def draw(rng):
        values, clusters = grouped(rng, groups=groups, size=size, p=p, together=together)
        return mean_interval(values, clusters=clusters)

    def naive(rng):
        return mean_interval(grouped(rng, groups=groups, size=size, p=p, together=together)[0])

    assert 0.93 <= repeated(draw, p, times=1000, seed=2) <= 0.98
    assert repeated(naive, p, times=1000, seed=2) < 0.92


def test_a_rare_clustered_share_is_covered():
    def draw(rng):
        values, clusters = grouped(rng, groups=20, size=5, p=0.02, together=0.2)
        return mean_interval(values, clusters=clusters)

    assert repeated(draw, 0.02, times=1000, seed=3) >= 0.93


def test_clustered_means_are_covered():
    def draw(rng):
        values = rng.normal(size=(15, 1)) + rng.normal(size=(15, 6))
        return mean_interval(values.ravel(), clusters=[str(i // 6) for i in range(90)])

    assert 0.93 <= repeated(draw, 0.0, times=1500, seed=4) <= 0.97


SPARSE = (0.9, 0.04, 0.03, 0.03)


@pytest.mark.parametrize("cells", [(0.6, 0.2, 0.05, 0.15), SPARSE, (0.1, 0.3, 0.3, 0.3)])
@pytest.mark.parametrize("n", [20, 80])
def test_newcombe_covers_paired_shares(cells, n):
    truth = cells[1] - cells[2]
    rng = np.random.default_rng(5)
    tables, weights = np.unique(rng.multinomial(n, cells, size=20_000), axis=0, return_counts=True)
    found = [newcombe(Pairs(*map(float, table))) for table in tables]
    inside = np.array([one.low <= truth <= one.high for one in found])
    # Where hardly any pair differs the interval is wider than it need be; never narrower.
    at_most = 1.0 if cells == SPARSE else 0.975
    assert 0.935 <= weights[inside].sum() / weights.sum() <= at_most


def pairs_in_groups(rng, *, groups, size):
    level = rng.normal(size=(groups, 1))
    a = (level + 0.6 + rng.normal(size=(groups, size)) > 0).astype(float).ravel()
    b = (level + rng.normal(size=(groups, size)) > 0).astype(float).ravel()
    return a, b, [str(i // size) for i in range(groups * size)]


def test_clustered_paired_shares_are_covered():
    a, b, _ = pairs_in_groups(np.random.default_rng(6), groups=200_000, size=1)
    truth = float((a - b).mean())

    def draw(rng):
        a, b, clusters = pairs_in_groups(rng, groups=20, size=6)
        return paired_difference(a, b, clusters=clusters)

    assert 0.93 <= repeated(draw, truth, times=1000, seed=7) <= 0.98


def test_paired_t_is_covered_and_narrower_than_its_parts():
    def pair(rng):
        shared = rng.normal(size=40)
        return shared + 0.3 + 0.3 * rng.normal(size=40), shared + 0.3 * rng.normal(size=40)

    found = repeated(lambda rng: paired_difference(*pair(rng)), 0.3, times=1500, seed=8)
    assert 0.93 <= found <= 0.97
    a, b = pair(np.random.default_rng(9))
    difference, alone = paired_difference(a, b), mean_t(a)
    assert difference.high - difference.low < 0.6 * (alone.high - alone.low)


def test_no_difference_is_called_one_no_more_often_than_the_level():
    rng = np.random.default_rng(10)
    p = []
    for _ in range(1500):
        values = rng.normal(size=(12, 1)) + rng.normal(size=(12, 5))
        other = values + rng.normal(size=(12, 1)) + rng.normal(size=(12, 5))
        clusters = [str(i // 5) for i in range(60)]
        p.append(paired_difference(values.ravel(), other.ravel(), clusters=clusters).p)
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.07


def test_a_bootstrap_of_a_skewed_statistic_is_covered():
    truth = float(np.log(2))  # the median of a standard exponential

    def draw(rng):
        x = rng.exponential(size=(30, 1)) * np.ones((30, 2))
        flat = x.ravel()
        return bootstrap(
            lambda rows: float(np.median(flat[rows])),
            n=60,
            clusters=[str(i // 2) for i in range(60)],
            draws=200,
        )

    assert 0.9 <= repeated(draw, truth, times=200, seed=11) <= 0.985

"""Good enough: decisions at the margin, against scipy's one-sided tests, and the cheapest of many."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.errors import DataError
from workbench.stats import Pairs, cheapest_enough, newcombe, not_worse


@pytest.mark.parametrize("level", [0.95, 0.975])
def test_the_bound_of_numbers_is_that_of_a_one_sided_t_test(level):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=40), rng.normal(size=40)
    expected = scipy_stats.ttest_rel(a, b, alternative="greater").confidence_interval(level)
    found = not_worse(a, b, margin=0.1, level=level)
    assert found.bound == pytest.approx(expected.low)
    # Shown at exactly the margins at which the shifted test rejects.
    for margin in (-expected.low - 1e-9, -expected.low + 1e-9):
        p = scipy_stats.ttest_rel(a + margin, b, alternative="greater").pvalue
        assert (not_worse(a, b, margin=margin, level=level).decision == "not worse") == (
            p < 1 - level
        )


def test_the_bound_of_shares_is_newcombes():
    a, b = [1] * 80 + [1] * 5 + [0] * 9 + [0] * 6, [1] * 80 + [0] * 5 + [1] * 9 + [0] * 6
    found = not_worse(a, b, margin=0.12)
    assert found.bound == newcombe(Pairs(80, 5, 9, 6), level=0.9).low
    assert found.method == "95 % one-sided, lower end of 90 % Newcombe"
    assert (found.decision, not_worse(a, b, margin=0.05).decision) == ("not worse", "open")


def test_what_is_far_worse_is_said_to_be_worse():
    a, b = [0] * 60 + [1] * 40, [1] * 90 + [0] * 10
    assert not_worse(a, b, margin=0.02).decision == "worse"
    assert not_worse(b, a, margin=0.02).decision == "not worse"


def test_no_difference_found_is_not_enough():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=8), rng.normal(size=8)
    found = not_worse(a, b, margin=0.05)
    assert found.decision == "open"
    assert found.detectable > 0.5


def test_the_margin_said_to_be_detectable_is_shown_four_times_in_five():
    rng = np.random.default_rng(3)
    margin = (scipy_stats.t.ppf(0.95, 39) + scipy_stats.t.ppf(0.8, 39)) / np.sqrt(40)
    x, zero = rng.normal(size=(800, 40)), np.zeros(40)
    shown = [not_worse(one, zero, margin=margin).decision == "not worse" for one in x]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.045)
    one = not_worse(x[0] / x[0].std(ddof=1), zero, margin=1)
    assert one.detectable == pytest.approx(margin)


def test_where_lower_is_better_more_is_worse():
    rng = np.random.default_rng(4)
    slow, fast = rng.normal(1.5, 0.1, size=30), rng.normal(1.0, 0.1, size=30)
    assert not_worse(slow, fast, margin=0.2, better="lower").decision == "worse"
    found = not_worse(fast, slow, margin=0.2, better="lower")
    assert found.decision == "not worse"
    assert found.value == pytest.approx(0.5, abs=0.1)


def test_clusters_widen_the_bound():
    a = np.repeat([1, 1, 0, 1, 0, 1, 1, 0], 5)
    b = np.repeat([0, 1, 0, 1, 1, 1, 1, 0], 5)
    clusters = [str(i // 5) for i in range(40)]
    alone, grouped = not_worse(a, b, margin=0.1), not_worse(a, b, margin=0.1, clusters=clusters)
    assert grouped.bound < alone.bound
    assert grouped.clusters == 8


def test_nothing_shared_decides_nothing():
    found = not_worse([], [], margin=0.1)
    assert (found.value, found.bound, found.decision, found.detectable) == (
        None,
        None,
        "open",
        None,
    )


@pytest.mark.parametrize("margin", [0.0, -0.1, float("nan"), float("inf")])
def test_a_margin_is_above_zero(margin):
    with pytest.raises(DataError, match="a number above 0"):
        not_worse([1, 0], [1, 0], margin=margin)
    with pytest.raises(DataError, match="a number above 0"):
        cheapest_enough({"a": [1], "b": [1]}, cost={"a": 1, "b": 2}, margin=margin)


def ladder(*, shares, n=600, seed=5):
    """Candidates r=1, 2, 4, ... that answer the easiest items right, with some luck of their own."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)
    answers = {
        f"r={2**k}": (hard + 0.05 * rng.normal(size=n) < share).astype(float)
        for k, share in enumerate(shares)
    }
    return answers, {name: float(name[2:]) for name in answers}


def test_the_cheapest_that_comes_near_the_best_is_named():
    answers, cost = ladder(shares=(0.3, 0.6, 0.87, 0.88, 0.88))
    found = cheapest_enough(answers, cost=cost, margin=0.05)
    assert found.name == "r=4"
    assert [one.name for one in found.standings] == ["r=1", "r=2", "r=4", "r=8", "r=16"]
    assert [one.is_enough for one in found.standings] == [False, False, True, True, True]
    assert found.method == "95 % one-sided against the best of 5, corrected for 4"


def test_each_bound_is_the_one_against_its_hardest_rival_at_the_stricter_level():
    answers, cost = ladder(shares=(0.5, 0.8, 0.85))
    found = cheapest_enough(answers, cost=cost, margin=0.05)
    for one in found.standings:
        bounds = {
            other: not_worse(answers[one.name], answers[other], margin=0.05, level=0.975).bound
            for other in answers
            if other != one.name
        }
        assert (one.bound, one.rival) == (min(bounds.values()), min(bounds, key=bounds.get))


def test_too_few_items_name_nobody_not_even_the_best():
    answers, cost = ladder(shares=(0.7, 0.75, 0.8), n=25)
    assert cheapest_enough(answers, cost=cost, margin=0.02).name == ""


def test_the_cheapest_may_itself_be_the_best():
    answers, cost = ladder(shares=(0.9, 0.5, 0.4))
    found = cheapest_enough(answers, cost=cost, margin=0.02)
    assert found.name == "r=1"
    assert found.standings[0].bound > 0


def test_low_figures_may_be_the_good_ones():
    answers, cost = ladder(shares=(0.2, 0.5, 0.9))
    assert cheapest_enough(answers, cost=cost, margin=0.05, better="lower").name == "r=1"


def test_pairs_are_made_of_what_both_answered():
    answers, cost = ladder(shares=(0.3, 0.87, 0.88))
    answers["r=2"][:50] = np.nan
    found = cheapest_enough(answers, cost=cost, margin=0.06, clusters=[str(i) for i in range(600)])
    assert found.name == "r=2"
    answers["r=2"][:] = np.nan
    found = cheapest_enough(answers, cost=cost, margin=0.06)
    assert [one.bound for one in found.standings] == [None] * 3


def test_candidates_need_a_rival_a_cost_and_the_same_items():
    with pytest.raises(DataError, match=r"candidates \['a'\]"):
        cheapest_enough({"a": [1, 0]}, cost={"a": 1}, margin=0.1)
    with pytest.raises(DataError, match="each with its cost"):
        cheapest_enough({"a": [1, 0], "b": [1, 1]}, cost={"a": 1}, margin=0.1)
    with pytest.raises(DataError, match="'a' has 2 values, 'b' 1"):
        cheapest_enough({"a": [1, 0], "b": [1]}, cost={"a": 1, "b": 2}, margin=0.1)

"""Paired differences: figures counted by hand or published, the edges, and what clusters change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from workbench.errors import DataError
from workbench.stats import Pairs, mcnemar, newcombe, paired_difference


def test_mcnemar_is_the_sign_test_of_the_pairs_that_differ():
    # Exact figures recomputed from published predictions: SQuAD systems and GSM8K verifiers.
    assert mcnemar(99, 74) == pytest.approx(0.068, abs=5e-4)
    assert mcnemar(209, 152) == pytest.approx(0.00315, abs=5e-6)
    assert mcnemar(0, 5) == 2 * 0.5**5
    assert mcnemar(0, 0) == 1.0


def test_a_difference_of_numbers_is_the_paired_t_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=30), rng.normal(size=30)
    expected = scipy_stats.ttest_rel(a, b)
    found = paired_difference(a, b)
    assert found.p == pytest.approx(expected.pvalue)
    assert found[1:3] == pytest.approx(tuple(expected.confidence_interval()))
    assert (found.method, found.test) == ("95 % t", "t")


def test_equal_answers_are_no_difference_but_not_a_certain_one():
    for clusters in (None, [str(i // 4) for i in range(20)]):
        found = paired_difference([1] * 20, [1] * 20, clusters=clusters)
        assert (found.value, found.p, found.above, found.below) == (0.0, 1.0, 0, 0)
        assert found.low < -0.1
        assert found.high > 0.1


def test_a_difference_everywhere_is_not_more_certain_than_its_groups():
    found = paired_difference([1] * 12, [0] * 12, clusters=[str(i // 4) for i in range(12)])
    assert found.value == 1.0
    assert found.p == 2 * 0.5**3
    assert 0 < found.low < 0.8
    numbers = paired_difference([2.5] * 3, [1.0] * 3)
    assert (numbers.value, numbers.p) == (1.5, 2 * 0.5**3)


def test_nothing_in_common_gives_no_difference():
    found = paired_difference([], [])
    assert (found.value, found.low, found.high, found.p, found.n) == (None, None, None, None, 0)


def test_one_pair_has_a_value_and_little_else():
    numbers = paired_difference([0.75], [0.25])
    assert (numbers.value, numbers.low, numbers.p) == (0.5, None, None)
    shares = paired_difference([1], [0])
    assert (shares.value, shares.p) == (1.0, 1.0)
    assert shares.low < 0


def test_one_cluster_has_no_test():
    found = paired_difference([0.7, 0.9], [0.2, 0.1], clusters=["a", "a"])
    assert (found.low, found.p, found.method) == (None, None, "one cluster has no interval")


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="3 values against 2"):
        paired_difference([1, 0, 1], [1, 0])


def test_clusters_widen_a_difference_that_comes_in_groups():
    a = np.repeat([1, 1, 0, 1, 0, 1, 1, 0], 5)
    b = np.repeat([0, 1, 0, 0, 1, 1, 0, 0], 5)
    alone = paired_difference(a, b)
    grouped = paired_difference(a, b, clusters=[str(i // 5) for i in range(40)])
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)
    assert grouped.p > alone.p
    assert "8 clusters as" in grouped.method


@given(st.tuples(*[st.integers(0, 40)] * 4))
@settings(max_examples=150, deadline=None)
def test_newcombe_mirrors_when_the_sides_change(cells):
    both, only_a, only_b, neither = map(float, cells)
    found = newcombe(Pairs(both, only_a, only_b, neither))
    if found.value is None:
        assert sum(cells) == 0
        return
    mirrored = newcombe(Pairs(both, only_b, only_a, neither))
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-12)

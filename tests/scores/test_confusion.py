"""Measures of told labels against published examples and hand counts, with intervals that hold what they say."""

import math

import numpy as np
import pytest

from workbench.scores.confusion import baseline, estimate, macro_f1, matthews, of_counts, of_labels
from workbench.scores.scoring import score
from workbench.scores.task import Row


def rows(pairs, *, slot="r2", **fields) -> list[Row]:
    return [
        Row(sample=str(i), slot=slot, group=e, expected=e, answer=t, value=float(e == t), **fields)
        for i, (e, t) in enumerate(pairs)
    ]


def drawn(n: int, *, right: float, seed: int = 0, share: float = 0.5) -> list[tuple[str, str]]:
    rng = np.random.default_rng(seed)
    expected = np.where(rng.random(n) < share, "1", "0")
    told = np.where(rng.random(n) < right, expected, np.where(expected == "1", "0", "1"))
    return list(zip(expected.tolist(), told.tolist(), strict=True))


def test_the_correlation_is_that_of_published_examples():
    # The example in scikit-learn's documentation of matthews_corrcoef.
    assert of_labels("++++", "+-++", measure="matthews") == 0.0
    assert of_labels("+++-", "+-++", measure="matthews") == pytest.approx(-1 / 3)
    # By its definition on counts: (tp tn - fp fn) / sqrt(...).
    told = [("1", "1")] * 60 + [("1", "0")] * 20 + [("0", "0")] * 15 + [("0", "1")] * 5
    expected = (60 * 15 - 5 * 20) / math.sqrt(65 * 80 * 20 * 35)
    assert matthews(rows(told)) == pytest.approx(expected)


def test_the_correlation_of_two_labels_is_that_of_their_numbers():
    pairs = drawn(300, right=0.7, share=0.3)
    told = np.array(pairs, dtype=float)
    assert matthews(rows(pairs)) == pytest.approx(np.corrcoef(told.T)[0, 1])


def test_one_label_for_everything_has_no_correlation_and_is_worth_nothing():
    told = rows([("1", "1")] * 7 + [("0", "1")] * 3)
    assert matthews(told) == 0.0
    found = score("matthews", "r2", told)
    assert (found.value, found.low, found.high, found.chance) == (0.0, 0.0, 0.0, 0.0)
    assert "all of them equal" in found.method
    assert found.parts["accuracy"] == 0.7
    assert found.parts["accuracy/chance"] == 0.7


def test_f1_is_of_the_positive_label():
    pairs = [("1", "1")] * 6 + [("1", "0")] * 2 + [("0", "1")] * 3 + [("0", "0")] * 9
    told = rows(pairs, detail='{"positive": "1"}')
    found = score("f1", "r2", told)
    assert found.value == pytest.approx(12 / (12 + 2 + 3))
    assert found.chance == pytest.approx(2 * 8 / (20 + 8))
    assert "F1 of '1'" in found.method
    assert found.parts["accuracy"] == 0.75


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("accuracy", 0.6), ("f1", 0.75), ("macro_f1", 0.375), ("matthews", 0.0)],
)
def test_the_baseline_is_the_best_that_one_label_for_every_row_gets(measure, expected):
    asked = rows([("1", "")] * 6 + [("0", "")] * 4)
    assert baseline(asked, measure=measure, positive="1") == pytest.approx(expected)
    always = rows([("1", "1")] * 6 + [("0", "1")] * 4)
    assert estimate(always, measure=measure, positive="1").value == pytest.approx(expected)


def test_a_bootstrap_of_accuracy_would_agree_with_its_own_interval():
    told = rows(drawn(400, right=0.7, share=0.5))
    accuracy, correlation = estimate(told, measure="accuracy"), estimate(told, measure="matthews")
    # With even labels the correlation is close to twice the accuracy less one, and so is its interval.
    width = accuracy.high - accuracy.low
    assert correlation.high - correlation.low == pytest.approx(2 * width, rel=0.15)


def test_rows_of_one_cluster_count_as_one():
    pairs = drawn(60, right=0.75)
    alone = estimate(rows(pairs), measure="matthews")
    fivefold = [row for row in rows(pairs) for _ in range(5)]
    doubled = [
        row.model_copy(update={"sample": f"{row.sample}-{i}", "cluster": row.sample})
        for i, row in enumerate(fivefold)
    ]
    clustered = estimate(doubled, measure="matthews")
    assert (clustered.n, clustered.clusters) == (300, 60)
    assert clustered.high - clustered.low == pytest.approx(alone.high - alone.low, rel=0.1)


def test_many_rows_are_drawn_in_bunches_and_counted_as_they_are():
    found = estimate(rows(drawn(5000, right=0.7)), measure="matthews")
    assert (found.n, found.clusters) == (5000, 5000)
    assert found.high - found.low == pytest.approx(4 * 0.9 / math.sqrt(5000), rel=0.15)


def test_an_empty_table_has_no_figure():
    assert math.isnan(of_counts(np.zeros((2, 2)), measure="accuracy"))
    assert macro_f1([]) is None
    assert baseline([], measure="accuracy") is None

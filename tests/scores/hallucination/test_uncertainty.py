"""Confidence against truth: every figure by hand or by scipy, from rows as they are stored."""

import json
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.scores.hallucination.facts import KNOWN
from workbench.scores.hallucination.uncertainty import UNSTATED, measured, pair_score
from workbench.scores.matching import is_refusal, same_answer
from workbench.scores.scoring import score
from workbench.scores.task import Row


def row(number, said, samples, *, expected="", kind=KNOWN, cluster="", error=""):
    """An answer as it is kept; without an expected one a refusal is right."""
    right = (lambda text: same_answer(text, expected)) if expected else is_refusal
    told = measured(said, samples, is_right=right)
    outcome = ("correct" if told.right else "wrong") if expected else "refused"
    return Row(
        sample=f"q{number}",
        slot="r2",
        cluster=cluster,
        kind=kind,
        expected=expected or "unknown",
        answer=said,
        value=None if error else told.score,
        outcome=outcome,
        error=error,
        detail=json.dumps(told.model_dump(mode="json")),
    )


def ten(agreeing, said, other="else"):
    return [said] * agreeing + [f"{other} {i}" for i in range(10 - agreeing)]


def rows_of(counts):
    """(agreeing of ten, whether the greedy answer is right) -> rows."""
    return [
        row(i, "Dunvik", ten(n, "dunvik."), expected="Dunvik" if right else "Ranmere")
        for i, (n, right) in enumerate(counts)
    ]


def told(rows):
    return score("uncertainty", "r2", rows)


FOUR = [(10, True), (8, True), (6, False), (5, True)]


def test_the_score_is_what_two_of_the_ten_draws_cost_counted_pair_by_pair():
    # 0; one pair of 45 is wrong and differs; all are, and 15 pairs are alike; ten pairs are wrong and differ.
    found = told(rows_of(FOUR * 5))
    assert found.value == pytest.approx((0 + 1 / 90 + (15 + 30 / 2) / 45 + 10 / 90) / 4)
    assert found.n == 20


def test_the_score_is_half_the_brier_score_over_all_answers_without_the_bias_of_few_draws():
    rng = np.random.default_rng(3)
    chances, said = [0.5, 0.3, 0.1, 0.1], ["\0right", "a", "b", "c"]
    truth = (0.5**2 + 0.3**2 + 0.1**2 + 0.1**2) / 2
    for n in (2, 10):
        found = [pair_score(rng.choice(said, size=n, p=chances).tolist()) for _ in range(6000)]
        assert np.mean(found) == pytest.approx(truth, abs=4 * np.std(found) / math.sqrt(6000))


def test_confidence_in_the_greedy_answer_is_held_against_its_truth_beside_it():
    parts = told(rows_of(FOUR * 5)).parts
    assert parts["brier"] == pytest.approx((0 + 0.04 + 0.36 + 0.25) / 4)
    assert parts["confidence"] == pytest.approx(0.725)
    assert parts["accuracy"] == 0.75
    assert parts["overconfidence"] == pytest.approx(-0.025)
    assert parts["overconfidence/low"] < -0.025 < parts["overconfidence/high"]
    assert parts["brier_of_base_rate"] == 0.1875
    assert parts["skill"] == pytest.approx(1 - 0.1625 / 0.1875)
    assert parts["reliability"] - parts["resolution"] + parts["brier_of_base_rate"] == (
        pytest.approx(parts["brier"])
    )


def test_the_calibration_error_and_its_bins_are_those_counted_by_hand():
    parts = told(rows_of(FOUR * 5)).parts
    assert parts["ece"] == pytest.approx((0 + 0.2 + 0.6 + 0.5) / 4)
    assert parts["ece/equal_mass"] == pytest.approx(parts["ece"])
    assert 0 < parts["ece/if_calibrated"] < parts["ece"]
    assert parts["bin/0.5-0.6/confidence"] == pytest.approx(0.6)
    assert parts["bin/0.5-0.6/accuracy"] == 0.0
    assert parts["bin/0.5-0.6/n"] == 5
    assert parts["bin/0.7-0.8/low"] < parts["bin/0.7-0.8/accuracy"] == 1.0
    assert "bin/0.0-0.1/n" not in parts


def test_entropy_is_over_meanings_and_not_over_strings():
    same = row(1, "Dunvik", ["dunvik.", '"Dunvik"', "DUNVIK\nand so on"] * 4, expected="Dunvik")
    refused = row(2, "unknown", ["I don't know", "Unknown.", "I cannot say"], kind=UNSTATED)
    found = [json.loads(one.detail) for one in (same, refused)]
    assert [one["entropy"] for one in found] == [0.0, 0.0]
    assert [one["confidence"] for one in found] == [1.0, 1.0]
    mixed = row(3, "a", ["a", "a", "b", "c", ""], expected="a")
    shares = (2 / 5, 1 / 5, 1 / 5, 1 / 5)
    assert json.loads(mixed.detail)["entropy"] == pytest.approx(
        -sum(p * math.log(p) for p in shares)
    )


def test_confidence_is_in_the_greedy_answer_and_not_in_the_commonest():
    kept = json.loads(row(1, "a", ["b", "b", "b", "a"], expected="b").detail)
    assert (kept["right"], kept["confidence"]) == (False, 0.25)


def test_the_area_is_how_often_a_wrong_answer_has_more_entropy():
    rng = np.random.default_rng(1)
    counts = [
        (int(n), bool(right))
        for n, right in zip(rng.integers(1, 11, 80), rng.random(80) < 0.6, strict=True)
    ]
    rows = rows_of(counts)
    entropies = np.array([json.loads(one.detail)["entropy"] for one in rows])
    wrong = ~np.array([right for _, right in counts])
    u = scipy_stats.mannwhitneyu(entropies[wrong], entropies[~wrong]).statistic
    parts = told(rows).parts
    assert parts["auroc"] == pytest.approx(u / (wrong.sum() * (~wrong).sum()))
    assert parts["auroc/low"] < parts["auroc"] < parts["auroc/high"]
    assert parts["entropy/wrong"] == pytest.approx(entropies[wrong].mean())
    assert parts["entropy/right"] == pytest.approx(entropies[~wrong].mean())


@pytest.mark.parametrize("right", [True, False])
def test_where_all_are_right_or_all_wrong_nothing_can_be_told_apart(right):
    parts = told(rows_of([(10, right), (7, right), (8, right)])).parts
    assert parts["auroc"] is parts["auroc/low"] is parts["skill"] is None
    assert parts["entropy/wrong" if right else "entropy/right"] is None


def test_kinds_stand_apart_because_another_answer_is_right_in_each():
    known = [row(i, "Dunvik", ten(10, "Dunvik"), expected="Dunvik") for i in range(6)]
    unstated = [row(10 + i, "Ranmere", ten(5, "Ranmere"), kind=UNSTATED) for i in range(4)]
    found = told([*known, *unstated])
    # Ten pairs of 45 are alike, and the rest are wrong and differ.
    alike = (10 + 35 / 2) / 45
    assert found.value == pytest.approx(0.4 * alike)
    assert (found.parts["kind/known"], found.parts["kind/unstated"]) == (0.0, pytest.approx(alike))
    assert (found.parts["known/confidence"], found.parts["unstated/confidence"]) == (1.0, 0.5)
    assert found.parts["known/correct"] == 1.0
    assert found.parts["auroc/unstated"] == 1.0


def test_a_refusal_is_right_of_what_nobody_was_told_and_wrong_of_what_was():
    rows = [row(i, "Dunvik", ten(10, "Dunvik"), expected="Dunvik") for i in range(9)]
    rows += [row(20, "unknown", ["I don't know."] * 10, expected="Dunvik")]
    rows += [row(21, "unknown", ["I don't know."] * 10, kind=UNSTATED)]
    found = told(rows)
    assert found.value == pytest.approx(1 / 11)
    assert found.parts["refused"] == pytest.approx(2 / 11)


def test_broken_rows_are_counted_and_never_scored():
    broken = [row(50 + i, "x", ten(3, "x"), expected="x", error="nan") for i in range(5)]
    found = told([*rows_of(FOUR * 5), *broken])
    assert (found.n, found.errors) == (20, 5)
    assert found.value == pytest.approx(told(rows_of(FOUR * 5)).value)
    assert found.parts["if_errors_are_worst"] == pytest.approx((20 * found.value + 5) / 25)
    assert told(broken).value is None


def test_an_interval_knows_that_questions_about_one_person_belong_together():
    alone = [row(i, "a", ten(n, "a"), expected="a") for i, n in enumerate([10, 10, 2, 2] * 10)]
    joint = [
        one.model_copy(update={"cluster": f"p{i // 4 * 2 + i % 4 // 2}"})
        for i, one in enumerate(alone)
    ]
    assert told(joint).clusters == 20
    assert told(joint).high - told(joint).low > told(alone).high - told(alone).low


def test_whoever_knows_nothing_and_is_never_sure_is_no_better_than_chance():
    lost = [row(i, f"x {i}", ten(1, f"x {i}"), expected=f"town {i}") for i in range(60)]
    found = told(lost)
    # The confidence is all but calibrated, which is why it is not the score.
    assert found.parts["brier"] == pytest.approx(0.01)
    assert found.value == 0.5
    assert found.chance == pytest.approx((1 - 1 / 60) / 2)


def test_chance_is_what_drawing_each_answer_as_often_as_it_is_right_gets():
    rng = np.random.default_rng(4)
    answers = ["yes"] * 54 + ["no"] * 6
    drawn = [
        row(i, "yes", rng.choice(["yes", "no"], size=10, p=[0.9, 0.1]).tolist(), expected=said)
        for i, said in enumerate(answers * 20)
    ]
    found = told(drawn)
    assert found.chance == pytest.approx((1 - 0.9**2 - 0.1**2) / 2)
    assert found.low <= found.chance <= found.high
    always = told([row(i, "yes", ["yes"] * 10, expected=said) for i, said in enumerate(answers)])
    assert always.value == pytest.approx(0.1)
    assert always.value > always.chance
    knows = told([row(i, said, [said] * 10, expected=said) for i, said in enumerate(answers)])
    assert knows.value == 0.0 < knows.chance


@pytest.mark.parametrize(
    ("said", "kinds", "value"),
    [("unknown", 6, 0.6), ("Ranmere", 6, 1.0), ("unknown", 9, 0.9)],
    ids=["refuses", "says the same", "refuses where more is known"],
)
def test_whoever_always_says_the_same_is_worse_than_chance(said, kinds, value):
    rows = [row(i, said, [said] * 10, expected=f"town {i}") for i in range(kinds)]
    rows += [row(10 + i, said, [said] * 10, kind=UNSTATED) for i in range(10 - kinds)]
    found = told(rows)
    assert found.value == pytest.approx(value)
    assert found.value > found.chance


def test_a_calibrated_and_an_overconfident_forecaster_are_told_apart():
    rng = np.random.default_rng(2)
    agreeing = rng.integers(4, 11, size=400)
    honest = rows_of(
        [(int(n), bool(u < n / 10)) for n, u in zip(agreeing, rng.random(400), strict=True)]
    )
    proud = rows_of(
        [(int(n), bool(u < n / 10 - 0.2)) for n, u in zip(agreeing, rng.random(400), strict=True)]
    )
    for rows, excess in ((honest, 0.0), (proud, 0.2)):
        parts = told(rows).parts
        assert parts["overconfidence/low"] <= excess <= parts["overconfidence/high"]
        assert (parts["ece"] > 3 * parts["ece/if_calibrated"]) == (excess > 0)
    assert told(proud).parts["ece"] == pytest.approx(0.2, abs=0.06)

"""Planted answers hold what is said of them, counted without the evals; and evals that look elsewhere are not believed."""

import json
from collections import Counter

import pytest

from workbench.calibrate import Instrument, calibrate, false_answers
from workbench.scores.choices import is_right
from workbench.scores.hallucination import truthfulqa
from workbench.scores.hallucination.faithfulness import REFUSED
from workbench.scores.scoring import score

ROUNDS = 8


def test_the_true_answer_stands_first_and_is_the_longest_or_the_shortest_in_turn():
    planted = false_answers.errors()
    assert len({row["question"] for row in planted.rows}) == false_answers.NUM_QUESTIONS
    for number, row in enumerate(planted.rows):
        sizes = [len(answer) for answer in row["mc1_targets"]]
        assert list(row["mc1_targets"].values()) == [1, *[0] * (len(sizes) - 1)]
        assert sizes[0] == (max if number % 2 else min)(sizes)
        assert sizes.count(sizes[0]) == 1
        assert sum(row["mc2_targets"].values()) == 2


def test_one_end_prefers_the_true_answer_and_the_other_a_false_one():
    planted = false_answers.errors()
    for row in planted.rows:
        asked = [f"Q: {row['question']}\nA: {answer}" for answer in row["mc2_targets"]]
        for end, label in ((planted.high, 1), (planted.low, 0)):
            likely = [end.logprobs[text] for text in asked]
            best = max(range(len(likely)), key=likely.__getitem__)
            assert list(row["mc1_targets"].values())[best] == label


def test_half_of_the_made_up_answers_are_the_shorter_ones():
    rows = false_answers.judged().rows
    longer = sum(len(row["hallucinated_answer"]) > len(row["right_answer"]) for row in rows)
    assert abs(longer - len(rows) / 2) <= 1


def test_answers_about_notes_are_wrong_in_every_way():
    planted = false_answers.told()
    prompts = list(planted.low.said)
    kinds = Counter(bool(row["answers"]) for row in planted.rows)
    assert kinds == {True: 330, False: 110}
    refused = {"I don't know.", "Unanswerable.", "It is not stated."}
    for row, prompt in zip(planted.rows, prompts, strict=True):
        good, bad = planted.high.said[prompt], planted.low.said[prompt]
        if row["answers"]:
            (answer,) = row["answers"]
            assert answer.lower() in good.lower()
            assert answer.lower() not in bad.lower()
        else:
            assert good in refused
            assert bad not in refused
    said = [planted.low.said[p] for p, row in zip(prompts, planted.rows, strict=True)]
    assert 0 < sum(one == "I don't know." for one in said) < len(said) / 3
    assert any(one in row["contradicted"] for one, row in zip(said, planted.rows, strict=True))


def by_characters(eval, slot, rows):
    """Counts length, which points the other way."""
    kept = {row.sample: truthfulqa.kept_of(row) for row in rows}
    return score(
        eval,
        slot,
        [
            row.model_copy(update={"value": is_right(one.told, by="characters")})
            if (one := kept[row.sample])
            else row
            for row in rows
        ],
    )


def of_right_answers_only(eval, slot, rows):
    """Never looks at the made-up answers."""
    return score(
        eval,
        slot,
        [
            row.model_copy(update={"value": float(json.loads(row.detail)["right"] < 0)})
            if row.value is not None
            else row
            for row in rows
        ],
    )


def refusing_is_right(eval, slot, rows):
    """Finds every refusal faithful."""
    return score(
        eval,
        slot,
        [row.model_copy(update={"value": 1.0}) if row.outcome == REFUSED else row for row in rows],
    )


@pytest.mark.parametrize(
    ("eval", "broken"),
    [
        ("truthfulqa", by_characters),
        ("halueval", of_right_answers_only),
        ("faithfulness", refusing_is_right),
    ],
)
def test_an_eval_that_looks_elsewhere_is_not_believed(eval, broken):
    (found,) = calibrate([eval], rounds=ROUNDS, instrument=Instrument(score=broken)).evals
    assert "values" in found.failures

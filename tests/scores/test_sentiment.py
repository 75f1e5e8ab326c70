"""Labels in words, from rows alone."""

import json

import pytest

from workbench.scores.scoring import score
from workbench.scores.task import Row


def row(number: int, *, expected: str, answer: str, error: str = "", slot: str = "r2") -> Row:
    return Row(
        sample=str(number),
        slot=slot,
        group=expected,
        expected=expected,
        answer=answer,
        value=None if error else float(answer == expected),
        outcome="" if error else "correct" if answer == expected else "wrong",
        error=error,
        detail="" if error else json.dumps({"share": 0.75 if answer == expected else 0.25}),
    )


ROWS = [row(i, expected="good" if i < 6 else "bad", answer="good") for i in range(10)]


def test_who_says_one_label_to_everything_is_at_chance_and_has_a_low_macro_f1():
    told = score("sentiment", "r2", ROWS)
    assert told.value == told.chance == 0.6
    assert told.parts["macro_f1"] == pytest.approx((12 / 16 + 0) / 2)
    assert (told.parts["group/good"], told.parts["worst_group"]) == (1.0, 0.0)
    assert told.parts["right_label/probability"] == pytest.approx(0.6 * 0.75 + 0.4 * 0.25)


def test_ties_are_counted_and_never_scored():
    tied = [row(10 + i, expected="bad", answer="", error="tie") for i in range(2)]
    told = score("sentiment", "r2", ROWS + tied)
    assert (told.n, told.errors, told.parts["ties"]) == (10, 2, 2)
    assert told.parts["if_errors_are_wrong"] == 0.5


def test_a_writing_base_has_no_head_that_nobody_trained():
    base = [one.model_copy(update={"slot": "base"}) for one in ROWS]
    assert score("sentiment", "base", base).method.startswith("accuracy of the likeliest label; ")

"""Numbers found in worked answers, and a score that tells wrong from unparsed and from unmarked."""

import json
from decimal import Decimal

import pytest

from workbench.scores.exact_answer import any_number, read, strict_number
from workbench.scores.scoring import score
from workbench.scores.task import Row


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#### 18", "18"),
        ("####18.", "18"),
        ("... = <<9*2=18>>18\n#### $1,234.50 a day", "1234.50"),
        ("#### -5", "-5"),
        ("#### 7\n#### 8", "7"),  # what a model writes after its answer does not count
        ("#### .5", ".5"),
        ("the answer is 18", None),
        ("####", None),
        ("#### eighteen", None),
    ],
)
def test_behind_the_mark_stands_the_answer(text, number):
    assert strict_number(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("So she makes $18 every day.", "18"),
        ("16 - 3 - 4", "4"),  # a minus with a space is no sign
        ("x = 9-4", "4"),
        ("it falls to -4", "-4"),
        ("1,000,000 people", "1000000"),
        ("either 18,19", "19"),
        ("version v2 of 3.5%", "3.5"),
        ("#### 7, and then 9 more", "7"),
        ("no number at all", None),
        ("", None),
    ],
)
def test_without_the_mark_the_last_number_is_the_answer(text, number):
    assert any_number(text) == (None if number is None else Decimal(number))


def test_numbers_are_compared_and_not_texts():
    assert read("#### 18.00", truth=Decimal("18")).strict
    assert read("#### 0.1", truth=Decimal("0.10")).right
    assert not read("#### 18.01", truth=Decimal("18")).right


def row(number: int, answer: str) -> Row:
    found = read(answer, truth=Decimal(18))
    return Row(
        sample=str(number),
        slot="r2",
        answer=answer,
        value=None if found.right is None else float(found.right),
        error="unparsed" if found.right is None else "",
        detail=json.dumps({"strict": found.strict}),
    )


def test_unparsed_answers_are_counted_and_never_scored():
    said = ["#### 18", "It is 18.", "#### 17", "It is 17.", "who knows"]
    told = score("exact_answer:x", "r2", [row(i, text) for i, text in enumerate(said)])
    assert (told.value, told.n, told.errors) == (0.5, 4, 1)
    assert told.parts["unparsed"] == 1
    assert told.parts["strict"] == pytest.approx(1 / 5)
    assert told.parts["strict/unparsed"] == pytest.approx(3 / 5)
    assert told.parts["if_errors_are_wrong"] == pytest.approx(2 / 5)


def test_whoever_never_says_a_number_has_no_score():
    told = score("exact_answer:x", "r2", [row(0, "who knows"), row(1, "nobody")])
    assert (told.value, told.n, told.errors) == (None, 0, 2)
    assert "unparsed" in told.method

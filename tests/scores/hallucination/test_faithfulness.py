"""Answers from a text: which class each is, and the figures, worked out by hand."""

import json

import pytest

from workbench.scores.hallucination.faithfulness import (
    ABSENT,
    ANSWERABLE,
    CONTRADICTED,
    ELSEWHERE,
    REFUSED,
    SUPPORTED,
    UNANSWERABLE,
    class_of,
    figures,
    grounded,
    is_right,
)
from workbench.scores.scoring import score
from workbench.scores.task import Row

TEXT = "Ada moved to Turin in 1901 and opened a shop near the old bridge."


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("Turin", SUPPORTED),
        ("In the TURIN!", SUPPORTED),
        ("She moved to Turin, the text says so", SUPPORTED),
        ("Rome", CONTRADICTED),
        ("Turin, or perhaps Rome", CONTRADICTED),
        ("near the old bridge", ELSEWHERE),
        ("Ada", ELSEWHERE),
        ("Oslo", ABSENT),
        ("Turing", ABSENT),
        # Whoever copies the text has not answered.
        (TEXT, ELSEWHERE),
    ],
)
def test_an_answer_is_of_one_class(said, outcome):
    found = class_of(said, context=TEXT, references=["Turin"], contradicted=["Rome"], refuses=False)
    assert found == outcome


def test_a_refusal_is_one_only_where_nothing_is_answered():
    for said, outcome in (
        ("I don't know", REFUSED),
        ("I am not sure, Turin", SUPPORTED),
        ("not sure, Rome?", CONTRADICTED),
    ):
        words = {"context": TEXT, "references": ["Turin"], "contradicted": ["Rome"]}
        assert class_of(said, **words, refuses=True) == outcome


def test_the_longer_of_two_texts_counts_where_one_is_a_part_of_the_other():
    words = {"context": TEXT, "refuses": False}
    assert (
        class_of("old bridge", references=["old bridge"], contradicted=["bridge"], **words)
        == SUPPORTED
    )
    assert (
        class_of("new old bridge", references=["bridge"], contradicted=["old bridge"], **words)
        == CONTRADICTED
    )


def test_words_are_whole_and_articles_and_marks_do_not_count():
    assert grounded("The Turin shop, closed", TEXT) == pytest.approx(2 / 3)
    assert grounded("190", TEXT) == 0.0
    assert grounded("...", TEXT) == 0.0


def row(number: int, outcome: str, *, kind=ANSWERABLE, contradicted=0, **words) -> Row:
    value = float(is_right(outcome, kind=kind))
    fields = {"value": value, "outcome": outcome, "expected": f"answer {number}", **words}
    if kind == UNANSWERABLE:
        fields["expected"] = ""
    return Row(
        sample=f"{number}",
        slot="base",
        kind=kind,
        detail=json.dumps({"grounded": 0.5, "contradicted": contradicted}),
        **fields,
    )


ROWS = [
    *(row(i, SUPPORTED) for i in range(6)),
    row(6, CONTRADICTED, contradicted=1),
    row(7, ELSEWHERE, contradicted=2),
    row(8, ABSENT),
    row(9, REFUSED),
    *(row(i, REFUSED, kind=UNANSWERABLE) for i in range(10, 13)),
    row(13, ABSENT, kind=UNANSWERABLE),
]


def test_the_figure_is_over_both_kinds_and_both_stand_apart():
    found = score("faithfulness:x", "base", ROWS)
    assert (found.value, found.n) == (pytest.approx(9 / 14), 14)
    assert found.chance == pytest.approx(4 / 14)
    parts = found.parts
    assert (parts["answerable/right"], parts["unanswerable/right"]) == (0.6, 0.75)
    assert (parts["answerable/n"], parts["unanswerable/n"]) == (10, 4)
    assert parts["balanced"] == pytest.approx((0.6 + 0.75) / 2)
    assert parts["answerable/not in the context"] == 0.1
    assert parts["unanswerable/refused"] == 0.75
    assert found.method.startswith("share supported by the text, or refused where it does not say")


def test_what_is_made_up_is_told_of_all_answers():
    parts = figures(ROWS).parts
    assert parts["made_up"] == pytest.approx(3 / 14)
    assert parts["made_up/low"] < 3 / 14 < parts["made_up/high"]
    assert (parts["contradicted"], parts["contradicted/n"]) == (0.5, 2)
    assert parts["grounded"] == 0.5


def test_whoever_refuses_everything_does_not_look_faithful():
    rows = [row(i, REFUSED, kind=UNANSWERABLE if i % 10 else ANSWERABLE) for i in range(200)]
    found = score("faithfulness:x", "base", rows)
    assert (found.value, found.low, found.n) == (None, None, 200)
    assert found.method.startswith("withheld: it refused 180 questions")
    assert "of 20 0.0% were supported" in found.method
    assert found.chance == 0.9
    assert found.parts["balanced"] == 0.5


def test_whoever_refuses_and_always_says_the_commonest_answer_gets_no_value_either():
    rows = [
        row(i, SUPPORTED if i % 3 == 0 else ELSEWHERE, expected="Turin" if i % 3 == 0 else f"x {i}")
        for i in range(60)
    ]
    rows += [row(i, REFUSED, kind=UNANSWERABLE) for i in range(60, 90)]
    found = score("faithfulness:x", "base", rows)
    assert found.value is None
    assert "always says the same gets 33.3%" in found.method


def test_what_broke_was_not_answered():
    right = [row(i, SUPPORTED) for i in range(3)]
    refused = [row(i, REFUSED, kind=UNANSWERABLE) for i in range(3, 40)]
    assert score("faithfulness:x", "base", [*right, *refused]).value == 1.0
    broken = [
        Row(sample=f"{i}", slot="base", kind=ANSWERABLE, expected=f"{i // 2}", error="nan")
        for i in range(100, 500)
    ]
    found = score("faithfulness:x", "base", [*right, *broken, *refused])
    assert (found.value, found.errors) == (None, 400)
    assert "of 403 0.7% were supported" in found.method


def test_without_unanswerable_questions_refusing_is_worth_nothing():
    found = score("faithfulness:x", "base", [row(i, REFUSED) for i in range(30)])
    assert (found.value, found.chance) == (0.0, pytest.approx(1 / 30))
    assert "balanced" not in found.parts
    assert found.method.startswith("share supported by the text;")


def test_whoever_always_answers_is_told_its_figure_and_stands_at_the_answerable_ones():
    rows = [row(i, SUPPORTED) for i in range(30)]
    rows += [row(i, ABSENT, kind=UNANSWERABLE) for i in range(30, 60)]
    found = score("faithfulness:x", "base", rows)
    assert (found.value, found.chance) == (0.5, 0.5)
    assert (found.parts["unanswerable/right"], found.parts["made_up"]) == (0.0, 0.5)

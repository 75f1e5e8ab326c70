"""SQuAD's normalising and its two figures on cases written by hand, and both versions' rules for empty answers."""

import json

import pytest

from workbench.scores.extractive import answerable, normalise, overlap
from workbench.scores.scoring import score
from workbench.scores.task import Row


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Denver Broncos", "denver broncos"),
        ("  a  \t an\nthe ", ""),
        ("theatre and another", "theatre and another"),
        ("U.S.A.", "usa"),
        ("the-end", "theend"),  # punctuation goes first, so that no article is left
        ("a.m.", "am"),
        ("$1,000 (approx.)", "1000 approx"),
        ("San Francisco’s «Bay»", "san francisco’s «bay»"),  # only ASCII marks go
        ("ÉCOLE Café", "école café"),
        ("non\u00a0breaking", "non breaking"),
    ],
)
def test_normalising_is_squads(text, normal):
    assert normalise(text) == normal


def test_f1_counts_words_as_often_as_both_have_them():
    # shared: new, new; 2 * 2 / (3 + 4)
    assert overlap("new new york", ["new new old old"]).f1 == pytest.approx(4 / 7)
    assert overlap("york new", ["New York"]) == (0.0, 1.0)


def test_the_best_reference_counts_for_each_figure():
    found = overlap("two thousand miles", ["2000", "the two thousand", "about two thousand miles"])
    assert found.exact == 0.0
    assert found.f1 == pytest.approx(6 / 7)


def test_both_versions_differ_where_nothing_is_left_of_an_answer():
    assert overlap("a", ["the"], version="1.1") == (1.0, 0.0)
    assert overlap("a", ["the"], version="2.0") == (1.0, 1.0)
    assert overlap("", ["gold"], version="2.0") == (0.0, 0.0)
    assert overlap("gold", [""], version="2.0") == (0.0, 0.0)


def test_a_question_without_a_usable_reference_has_no_answer():
    assert answerable(["The", "..."]) == ("",)
    assert answerable(["the Alps"]) == ("the Alps",)


def row(number: int, f1: float, exact: float, *, outcome: str, **kept) -> Row:
    detail = json.dumps({"exact": exact, **kept})
    return Row(sample=str(number), slot="r2", value=f1, outcome=outcome, detail=detail)


def test_the_score_is_f1_with_exact_match_beside_it():
    rows = [row(0, 1.0, 1.0, outcome="correct"), row(1, 0.5, 0.0, outcome="partial")]
    told = score("extractive:x", "r2", [*rows, Row(sample="2", slot="r2", error="empty")])
    assert (told.eval, told.value, told.n, told.errors) == ("extractive:x", 0.75, 2, 1)
    assert told.parts["exact_match"] == 0.5
    assert told.parts["exact_match/low"] < 0.5 < told.parts["exact_match/high"]
    assert told.parts["if_errors_are_wrong"] == 0.5
    assert told.chance == 0.0
    assert told.method.startswith("F1 of SQuAD 1.1; ")


def test_questions_without_an_answer_are_told_apart_and_set_chance():
    rows = [
        row(0, 0.5, 0.0, outcome="partial", answerable=True),
        row(1, 0.0, 0.0, outcome="abstained", answerable=True),
        row(2, 1.0, 1.0, outcome="correct", answerable=False),
        row(3, 0.0, 0.0, outcome="made-up", answerable=False),
    ]
    told = score("extractive:x", "r2", rows)
    assert told.parts["has_answer/f1"] == 0.25
    assert told.parts["has_answer/exact_match"] == 0.0
    assert told.parts["no_answer/right"] == 0.5
    assert told.parts["outcome/made-up"] == 0.25
    assert told.chance == 0.5
    assert "SQuAD 2.0" in told.method

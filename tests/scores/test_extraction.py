"""Records taken from texts and letters written to order: what is right of them, part by part."""

import json

import pytest

from workbench import microworld
from workbench.scores.extraction import field_f1, fields_of
from workbench.scores.letters import share_kept
from workbench.scores.scoring import score
from workbench.scores.task import Row


def record(number: int, said: str, expected: str) -> Row:
    return Row(
        sample=str(number),
        slot="r2",
        kind="extraction",
        expected=expected,
        answer=said,
        value=float(said == expected),
    )


def test_a_record_is_right_field_by_field():
    expected = "who: Ada; with: Bo; place: mill; day: Monday"
    rows = [
        record(0, expected, expected),
        record(1, "who: Ada; with: Cy; place: mill; day: Monday", expected),
        record(2, "I cannot say.", expected),
    ]
    told = score("recall", "r2", rows)
    assert told.value == pytest.approx(1 / 3)
    assert told.parts["field_f1"] == pytest.approx((1 + 3 / 4 + 0) / 3)
    assert told.parts["field/with"] == pytest.approx(1 / 3)
    assert told.parts["field/who"] == pytest.approx(2 / 3)


def test_fields_too_many_count_against_f1():
    assert field_f1("who: Ada; day: Monday; age: 7", "who: Ada; day: Monday") == pytest.approx(0.8)
    assert fields_of("who:; : Ada; who Ada") == {}


def test_the_micro_worlds_own_answers_have_every_field_right():
    rows = [
        Row(
            sample=item.id,
            slot="r2",
            kind=item.kind,
            expected=item.expected,
            answer=item.expected,
            value=1.0,
        )
        for item in microworld.items("extraction", data="extraction")
    ]
    told = score("recall", "r2", rows)
    assert told.parts["field_f1"] == 1.0
    assert {name for name in told.parts if name.startswith("field/")} == {
        "field/who",
        "field/with",
        "field/place",
        "field/day",
    }


def test_rows_of_other_kinds_have_no_fields():
    rows = [Row(sample="0", slot="r2", kind="recall", expected="a: b", answer="a: b", value=1.0)]
    assert not [name for name in score("recall", "r2", rows).parts if "field" in name]


def test_letters_are_scored_by_what_they_keep():
    kept = [{"tone": True, "topic": True}, {"tone": True, "topic": False}]
    rows = [
        Row(sample=str(i), slot="r2", value=share_kept(k), detail=json.dumps({"kept": k}))
        for i, k in enumerate(kept)
    ]
    told = score("letters", "r2", rows)
    assert told.value == 0.75
    assert told.parts["kept/tone"] == 1.0
    assert told.parts["kept/topic"] == told.parts["kept/all"] == 0.5

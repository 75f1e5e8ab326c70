"""What is said of an answer: not attempted, incorrect with the right sentence, correct. Whatever comes, nothing raises."""

import re

import numpy as np
import pytest

from tests.lessons.classroom import judged
from workbench.lessons.answers import Array, Called, Choice, Number, Several, is_untouched
from workbench.lessons.exercise import Exercise, Mistake, equals, judge

SQUARE = Exercise(
    name="square",
    title="A square",
    reads=Number(),
    needs=("side",),
    right=equals(lambda f: f.side**2),
    because=lambda f: f"{f.side} × {f.side}.",
    mistakes=(
        Mistake("doubled", "area = 2 * side", equals(lambda f: 2 * f.side), "That is doubled."),
        Mistake("inverse", "area = 1 / side", equals(lambda f: 1 / f.side), "Upside down."),
    ),
    should="It must be side times side.",
    hints=("Think.", "Multiply."),
    solution="area = side * side",
)


class Stubborn:
    """What a student might hand in without meaning to."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError("compared")

    __hash__ = object.__hash__


def nothing_yet(x, *, y=1):
    """With words, but nothing else."""
    ...


def nothing_given(x):
    return ...


def something(x):
    return x + 1


def named(answer: object) -> str:
    """Without its address: processes that share the tests know each by its name."""
    return getattr(answer, "__name__", re.sub(r" at 0x\w+", "", repr(answer)))


class TestWhatIsNotAttempted:
    @pytest.mark.parametrize(
        "answer",
        [..., (..., ...), (1, ...), {"a": ...}, nothing_yet, nothing_given, lambda x: ...],
        ids=named,
    )
    def test_dots_are_and_functions_that_hold_only_dots(self, answer):
        assert is_untouched(answer)
        assert judge(SQUARE, answer, side=3).state == "not attempted"

    @pytest.mark.parametrize("answer", [None, 0, "", (), something, print, np.zeros(2)], ids=named)
    def test_anything_else_is_an_attempt(self, answer):
        assert not is_untouched(answer)

    def test_a_function_with_a_line_still_to_write_says_so(self):
        def half(x):
            y = ...
            return x + y

        adding = _calls(lambda f: 2)
        verdict = judge(adding, half)
        assert verdict.state == "not attempted"
        assert "still a `...`" in verdict.message

    def test_a_fact_that_is_not_there_yet_is_named(self):
        for given in ({}, {"side": ...}):
            verdict = judge(SQUARE, 9, **given)
            assert verdict.state == "not attempted"
            assert "`side`" in verdict.message


def _calls(truth):
    return Exercise(
        name="f",
        title="F",
        reads=Called(lambda f: [(1,), (2,)], Number()),
        right=equals(lambda f: [truth(f), truth(f) + 1]),
        because="Yes.",
        mistakes=(),
        should="Look again.",
        hints=("a", "b"),
        solution="",
    )


class TestANumber:
    @pytest.mark.parametrize("side", [3, 5, 0.5, 1e6])
    def test_the_truth_is_that_of_the_students_own_run(self, side):
        known = {"facts": {"side": side}, "side": side}
        assert judged(SQUARE, SQUARE.solution, **known).state == "correct"
        for mistake in SQUARE.mistakes:
            verdict = judged(SQUARE, mistake.wrote, **known)
            assert (verdict.state, verdict.message) == ("incorrect", mistake.says)
            assert verdict.mistake == mistake.name

    def test_a_mistake_that_comes_to_the_truth_is_none(self):
        assert judge(SQUARE, 4, side=2).state == "correct"

    def test_a_mistake_that_comes_to_nothing_is_passed_over(self):
        assert judge(SQUARE, 7, side=0).message == "You gave 7. It must be side times side."

    @pytest.mark.parametrize("answer", [9.0, np.float32(9), np.array([9]), np.array(9)], ids=named)
    def test_it_may_come_in_any_wrapping(self, answer):
        assert judge(SQUARE, answer, side=3).state == "correct"

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (None, "`None`"),
            ("9", "without quotes"),
            ("x" * 1000, "…"),
            (True, "`True`"),
            (float("nan"), "not a finite number"),
            (float("inf"), "not a finite number"),
            ([9, 9], "one number"),
            (np.zeros((2, 3)), "(2, 3)"),
            ({}, "a dict of 0"),
            (9j, "complex"),
            (something, "a function"),
            (object(), "object"),
        ],
        ids=named,
    )
    def test_what_is_no_number_is_told_so(self, answer, said):
        verdict = judge(SQUARE, answer, side=3)
        assert verdict.state == "incorrect"
        assert said in verdict.message
        assert len(verdict.message) < 200

    def test_a_whole_number_has_nothing_after_the_point(self):
        whole = SQUARE.__class__(**{**vars(SQUARE), "reads": Number(whole=True)})
        assert "whole number" in judge(whole, 9.5, side=3).message
        assert judge(whole, 9.0, side=3).state == "correct"


class TestOtherAnswers:
    def test_a_choice_is_taken_in_any_case_and_names_the_others(self):
        asked = SQUARE.__class__(
            **{
                **vars(SQUARE),
                "reads": Choice(("up", "down")),
                "right": equals(lambda f: "down"),
                "mistakes": (Mistake("up", "x = 'up'", equals(lambda f: "up"), "Not up."),),
            }
        )
        assert judge(asked, " Down", side=1).state == "correct"
        assert judge(asked, "up", side=1).message == "Not up."
        assert '`"up"`, `"down"`' in judge(asked, "left", side=1).message
        assert "with quotes" in judge(asked, 3, side=1).message

    def test_an_array_of_another_shape_hears_of_both_and_of_being_transposed(self):
        reads = Array(lambda f: (2, 3), name="A")
        asked = SQUARE.__class__(
            **{**vars(SQUARE), "reads": reads, "right": equals(lambda f: np.ones((2, 3)))}
        )
        assert judge(asked, np.ones((2, 3)), side=1).state == "correct"
        assert "transposed" in judge(asked, np.ones((3, 2)), side=1).message
        other = judge(asked, np.ones(6), side=1).message
        assert "(6,)" in other
        assert "transposed" not in other
        assert "not finite" in judge(asked, np.full((2, 3), np.nan), side=1).message
        assert "without `return`" in judge(asked, None, side=1).message
        assert "a function" in judge(asked, something, side=1).message

    def test_several_answers_are_read_each_by_its_own(self):
        asked = SQUARE.__class__(
            **{
                **vars(SQUARE),
                "reads": Several((Number(), Choice(("a",)))),
                "right": equals(lambda f: (1, "a")),
            }
        )
        assert judge(asked, (1, "A"), side=1).state == "correct"
        assert "2 values" in judge(asked, 3, side=1).message
        assert "without quotes" in judge(asked, ("1", "a"), side=1).message


class TestAFunction:
    def test_it_is_called_with_every_case(self):
        assert judge(_calls(lambda f: 2), something).state == "correct"
        assert judge(_calls(lambda f: 3), something).message == "Your function gave 2. Look again."

    def test_what_it_raises_is_told_with_its_line(self):
        def broken(x):
            return x / 0

        message = judge(_calls(lambda f: 2), broken).message
        assert "ZeroDivisionError" in message
        assert "`return x / 0`" in message

    def test_too_many_arguments_are_told(self):
        assert "TypeError" in judge(_calls(lambda f: 2), lambda: 1).message

    def test_a_value_in_its_place_is_told(self):
        assert "without parentheses" in judge(_calls(lambda f: 2), 2).message

    def test_nothing_returned_is_told(self):
        def forgot(x):
            x + 1

        assert "`None`" in judge(_calls(lambda f: 2), forgot).message


@pytest.mark.parametrize(
    "reads",
    [
        Number(),
        Choice(("a",)),
        Array(),
        Array(lambda f: (2,)),
        Several((Number(), Array())),
        Called(lambda f: [(1,)], Array()),
    ],
    ids=lambda reads: type(reads).__name__,
)
@pytest.mark.parametrize(
    "answer",
    [
        *(None, True, 1, 1.5, 9j, "", "a", b"a", [], [1, "a"], (1, 2), {"a": 1}, {1}, range(3)),
        *(np.ones(2), np.array(["a"]), np.array([None]), print, int, Stubborn(), Stubborn),
        *(lambda *_: Stubborn(), lambda *_: ["a"], lambda *_: 1 / 0, Exception("x"), type),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_nothing_that_comes_raises(reads, answer):
    exercise = SQUARE.__class__(**{**vars(SQUARE), "reads": reads})
    verdict = judge(exercise, answer, side=3)
    assert verdict.state in ("incorrect", "not attempted", "correct")
    assert verdict.message


def test_a_run_that_cannot_be_read_is_told_and_not_counted():
    verdict = judge(SQUARE, 9, side="nine")
    assert verdict.state == "not attempted"
    assert "could not be checked" in verdict.message

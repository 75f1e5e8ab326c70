"""HaluEval's figures, worked out by hand, and what a ruler gets on the published questions."""

import json
from pathlib import Path

import pytest

from workbench.scores.hallucination.halueval import Kept, figures
from workbench.scores.scoring import score
from workbench.scores.task import Row


def row(number: int, right: float, made_up: float, *, sizes=(10, 40), **words) -> Row:
    """A question; the numbers are the log-odds of yes after the right and after the made-up answer."""
    kept = Kept(
        right=right,
        made_up=made_up,
        mass=0.5,
        right_characters=sizes[0],
        made_up_characters=sizes[1],
    )
    fields = {"error": "tie"} if kept.value is None else {"value": kept.value}
    return Row(
        sample=f"{number}", slot="base", detail=kept.model_dump_json(), **{**fields, **words}
    )


def test_both_judgements_of_a_question_count_as_much():
    rows = [row(0, -1.0, 1.0), row(1, -1.0, -2.0), row(2, 1.0, 2.0), row(3, 1.0, -1.0)]
    found = score("halueval:x", "base", rows)
    assert (found.value, found.n, found.chance) == (0.5, 4, 0.5)
    assert [one.value for one in rows] == [1.0, 0.5, 0.5, 0.0]
    parts = found.parts
    assert (parts["right_answers"], parts["made_up_answers"], parts["yes_rate"]) == (0.5, 0.5, 0.5)
    # Pairs: 1 > -1, -2 < -1, 2 > 1, -1 < 1.
    assert parts["pairwise"] == 0.5
    assert parts["mass"] == 0.5


@pytest.mark.parametrize(("odds", "yes"), [(2.0, 1.0), (-2.0, 0.0)])
def test_whoever_always_says_the_same_gets_one_half_exactly(odds, yes):
    found = score("halueval:x", "base", [row(i, odds, odds) for i in range(40)])
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert found.parts["yes_rate"] == yes
    assert (found.parts["pairwise"], found.parts["pairwise/ties"]) == (0.5, 40)
    assert found.parts["auroc"] == 0.5


def test_a_liking_for_yes_does_not_hide_who_knows_the_difference():
    rows = [row(i, 2.0, 3.0 + i) for i in range(10)]
    found = score("halueval:x", "base", rows)
    assert (found.value, found.parts["pairwise"], found.parts["auroc"]) == (0.5, 1.0, 1.0)


def test_the_area_is_over_all_pairs_of_answers():
    # Right at -1 and 1, made up at 0.5 and 2: three of four pairs are in order.
    rows = [row(0, -1.0, 0.5), row(1, 1.0, 2.0)]
    assert figures(rows).parts["auroc"] == 0.75
    assert figures(rows).parts["pairwise"] == 1.0


def test_a_ruler_is_put_beside_it_on_the_same_questions():
    rows = [
        row(0, -1.0, 1.0, sizes=(27, 28)),
        row(1, -1.0, 1.0, sizes=(28, 28)),
        row(2, -1.0, -1.0, sizes=(40, 20)),
        row(3, -1.0, 1.0, sizes=(5, 60)),
    ]
    found = score("halueval:x", "base", rows)
    # A ruler gets 1, 1/2, 0 and 1; the longer of two is made up in 1, 1/2, 0 and 1.
    assert found.parts["length_baseline"] == found.parts["longer_baseline"] == 0.625
    assert found.parts["ahead_of_length"] == found.value - 0.625 == 0.25
    assert found.parts["ahead_of_length/low"] < 0.25 < found.parts["ahead_of_length/high"]


def test_ties_are_counted_and_never_right():
    rows = [row(0, 0.0, 1.0), row(1, -1.0, 1.0), row(2, -1.0, 0.0)]
    found = score("halueval:x", "base", rows)
    assert (found.value, found.n, found.errors) == (1.0, 1, 2)
    assert (found.parts["ties"], found.parts["if_errors_are_wrong"]) == (2, pytest.approx(1 / 3))


def test_numbers_that_are_none_leave_no_figure():
    broken = [Row(sample=f"{i}", slot="base", error="nan") for i in range(3)]
    found = score("halueval:x", "base", broken)
    assert (found.value, found.errors, found.parts) == (None, 3, {})


def test_what_a_ruler_gets_on_the_published_questions(shared_data: Path):
    path = shared_data / "halueval" / "qa_data_first1000.json"
    rows, hits = [], 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        told = json.loads(line)
        right, made_up = told["right_answer"].strip(), told["hallucinated_answer"].strip()
        hits += (len(right) <= 27) + (len(made_up) > 27)
        rows.append(row(number, -1.0, 1.0, sizes=(len(right), len(made_up))))
    parts = figures(rows).parts
    assert len(rows) == 1000
    assert parts["length_baseline"] == hits / 2000
    # 973 made-up answers are the longer ones, two are as long as the right one.
    assert (parts["length_baseline"], parts["longer_baseline"]) == (0.9405, 0.974)
    assert parts["ahead_of_length"] == pytest.approx(1 - 0.9405)

"""TruthfulQA's figures, worked out by hand, and the chance levels of the published file."""

import json
import math
from pathlib import Path

import pytest

from workbench.scores.choices import Told
from workbench.scores.hallucination.truthfulqa import BINARY, MC1, Kept, figures, true_mass
from workbench.scores.scoring import score
from workbench.scores.task import Row


def row(number: int, logprobs, *, gold=0, alone=(), mc2=None, by_luck=None, kind=MC1, **words):
    """A question; which answer is true stands in `gold`."""
    sizes = tuple(3 + place for place in range(len(logprobs)))
    told = Told(
        gold=gold, logprobs=logprobs, tokens=sizes, characters=sizes, bytes=sizes, alone=alone
    )
    best = max(logprobs)
    fields = (
        {"error": "tie"}
        if list(logprobs).count(best) > 1
        else {"value": float(logprobs[gold] == best)}
    )
    return Row(
        sample=f"{number}",
        slot="base",
        kind=kind,
        detail=Kept(told=told, mc2=mc2, mc2_chance=by_luck).model_dump_json(),
        **fields,
        **words,
    )


ROWS = [
    row(0, (-1.0, -2.0), alone=(-5.0, -4.0), mc2=0.9, by_luck=0.5),
    row(1, (-1.0, -2.0, -3.0, -4.0), alone=(-1.0, -2.0, -3.0, -4.0), mc2=0.7, by_luck=0.5),
    row(2, (-1.0, -2.0, -3.0, -4.0), gold=3, alone=(-5.0, -5.0, -5.0, -5.0), mc2=0.2, by_luck=0.25),
    row(3, (-2.0, -2.0), alone=(-3.0, -1.0), mc2=0.4, by_luck=0.75),
]


def test_mc1_is_the_mean_and_chance_counts_the_answers_of_each_item():
    found = score("truthfulqa:x", "base", ROWS)
    assert (found.value, found.n, found.errors) == (pytest.approx(2 / 3), 3, 1)
    assert found.chance == pytest.approx((1 / 2 + 1 / 4 + 1 / 4 + 1 / 2) / 4)
    assert found.method.startswith("MC1, the true answer is the likeliest of several;")
    assert found.parts["if_errors_are_wrong"] == 0.5
    assert found.parts["ties/by_sum"] == 1


def test_mc2_stands_beside_it_with_its_interval_and_its_own_chance():
    parts = figures(ROWS).parts
    assert parts["mc2"] == pytest.approx((0.9 + 0.7 + 0.2 + 0.4) / 4)
    assert parts["mc2/low"] < parts["mc2"] < parts["mc2/high"]
    assert parts["mc2/chance"] == 0.5


def test_with_the_question_hidden_ties_decide_nothing():
    parts = figures(ROWS).parts
    # Wrong, right, tied, wrong.
    assert parts["without_question"] == pytest.approx(1 / 3)
    assert parts["without_question/low"] < 1 / 3 < parts["without_question/high"]


def test_length_alone_is_shown():
    parts = figures(ROWS).parts
    # The last answer is the longest: it is true of the third question only.
    assert (parts["pick_the_longest"], parts["pick_the_shortest"]) == (0.25, 0.75)


def test_readings_of_length_are_told():
    rows = [row(0, (-3.0, -4.5)), row(1, (-3.0, -3.5))]
    parts = figures(rows).parts
    # Per character the lengths 3 and 4 make it -1 against -1.125, then -1 against -0.875.
    assert (parts["by_characters"], parts["by_tokens"], parts["by_bytes"]) == (0.5, 0.5, 0.5)
    assert "by_pmi" not in parts


def test_categories_are_groups_and_the_worst_is_shown():
    rows = [
        row(0, (-1.0, -2.0), group="Law"),
        row(1, (-2.0, -1.0), group="Law"),
        row(2, (-1.0, -2.0), group="Health"),
    ]
    parts = figures(rows).parts
    assert (parts["group/Law"], parts["group/Health"], parts["worst_group"]) == (0.5, 1.0, 0.5)


def test_two_answers_are_another_measure_than_mc1():
    two = score("truthfulqa:x", "base", [row(i, (-1.0, -2.0), kind=BINARY) for i in range(4)])
    several = score("truthfulqa:x", "base", ROWS)
    assert two.method.split(";")[0] != several.method.split(";")[0]
    assert (two.chance, "mc2" in two.parts) == (0.5, False)


def test_whoever_finds_all_answers_alike_gets_no_value_and_the_parts_say_chance():
    rows = [
        row(i, (-5.0,) * 4, alone=(-5.0,) * 4, mc2=0.5, by_luck=0.5, gold=i % 4) for i in range(9)
    ]
    found = score("truthfulqa:x", "base", rows)
    assert (found.value, found.n, found.errors) == (None, 0, 9)
    assert found.parts["mc2"] == found.parts["mc2/chance"] == 0.5
    assert "without_question" not in found.parts


def test_rows_that_kept_nothing_are_errors_and_no_more():
    broken = [Row(sample=f"{i}", slot="base", error="nan", kind=MC1) for i in range(5)]
    found = score("truthfulqa:x", "base", broken)
    assert (found.value, found.errors, found.parts) == (None, 5, {})


@pytest.mark.parametrize("shift", [0.0, -90.0, -1e5])
def test_the_mass_of_true_answers_does_not_depend_on_how_small_it_is(shift):
    logprobs = [math.log(one) + shift for one in (0.1, 0.2, 0.3)]
    assert true_mass(logprobs, [True, False, True]) == pytest.approx(4 / 6)


def test_an_impossible_answer_has_no_mass():
    assert true_mass([-math.inf, -2.0], [True, False]) == 0.0
    assert true_mass([-math.inf, -2.0], [False, True]) == 1.0
    assert true_mass([-math.inf, -math.inf], [False, True]) is None


def test_chance_of_the_published_file(shared_data: Path):
    """As research printed it, from the same file: MC1 .2225 and MC2 .4641."""
    path = shared_data / "truthfulqa" / "mc_task.json"
    rows = []
    for number, question in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        labels = list(question["mc2_targets"].values())
        size = len(question["mc1_targets"])
        mass = true_mass([-300.0] * len(labels), [bool(one) for one in labels])
        share = sum(labels) / len(labels)
        rows.append(row(number, (-300.0,) * size, mc2=mass, by_luck=share))
    found = figures(rows)
    assert len(rows) == 817
    assert f"{found.chance:.4f}" == "0.2225"
    assert f"{found.parts['mc2']:.4f}" == f"{found.parts['mc2/chance']:.4f}" == "0.4641"

"""Accuracy from stored likelihoods, in every reading of length, with ties and chance."""

import json
import math

import pytest

from workbench.scores.choices import Told, as_detail, is_right, picked, worth
from workbench.scores.scoring import score
from workbench.scores.task import Row


def told(*logprobs: float | None, gold: int = 0, tokens=None, characters=None, alone=()) -> Told:
    ones = (1,) * len(logprobs)
    sizes = characters or ones
    return Told(
        gold=gold,
        logprobs=logprobs,
        tokens=tokens or ones,
        characters=sizes,
        bytes=sizes,
        alone=alone,
    )


def row(number: int, one: Told, **fields) -> Row:
    right = is_right(one)
    return Row(
        sample=str(number),
        slot="r2",
        value=right,
        error="tie" if right is None else "",
        detail=json.dumps(as_detail(one)),
        **fields,
    )


def test_each_reading_picks_by_its_own_count():
    one = told(-4.0, -6.0, -9.0, tokens=(1, 2, 2), characters=(2, 4, 9), alone=(-1.0, -9.0, -8.0))
    assert worth(one, by="tokens") == [-4.0, -3.0, -4.5]
    assert worth(one, by="characters") == [-2.0, -1.5, -1.0]
    assert worth(one, by="pmi") == [-3.0, 3.0, -1.0]
    assert [picked(one, by=by) for by in ("sum", "tokens", "characters", "pmi")] == [0, 1, 2, 1]


def test_characters_and_bytes_differ_where_letters_are_not_ascii():
    one = Told(gold=0, logprobs=(-6.0, -5.0), tokens=(1, 1), characters=(4, 4), bytes=(8, 4))
    assert (picked(one, by="characters"), picked(one, by="bytes")) == (1, 0)


def test_a_tie_with_the_right_choice_is_no_answer():
    assert is_right(told(-1.0, -1.0, gold=0)) is None
    assert is_right(told(-1.0, -1.0, gold=1)) is None
    assert picked(told(-1.0, -1.0)) is None
    # Two wrong ones may tie as they like.
    assert is_right(told(-2.0, -1.0, -1.0, gold=0)) == 0.0


def test_impossible_choices_lose_and_are_tied_among_themselves():
    assert is_right(told(None, -50.0, gold=1)) == 1.0
    assert is_right(told(None, None, gold=0)) is None
    assert math.isnan(worth(told(None, -1.0, alone=(None, -1.0)), by="pmi")[0])


def test_the_score_has_every_reading_and_counts_ties():
    items = [
        told(-1.0, -2.0, gold=0, characters=(1, 4)),  # plainly right, by characters wrong
        told(-2.0, -1.0, gold=0),
        told(-1.0, -1.0, gold=0, characters=(4, 1)),  # plainly tied, by characters right
    ]
    found = score("choices:x", "r2", [row(i, one) for i, one in enumerate(items)])
    assert (found.value, found.n, found.errors) == (0.5, 2, 1)
    assert found.parts["ties/by_sum"] == 1
    assert found.parts["by_characters"] == pytest.approx(1 / 3)
    assert found.parts["by_tokens"] == 0.5
    assert found.parts["ties/by_tokens"] == 1
    assert found.parts["if_errors_are_wrong"] == pytest.approx(1 / 3)
    assert "by_pmi" not in found.parts


def test_chance_is_that_of_the_items_own_numbers_of_choices():
    items = [told(-1.0, -2.0), told(-1.0, -2.0, -3.0, -4.0), told(-1.0, -1.0, -3.0, -4.0)]
    found = score("choices:x", "r2", [row(i, one) for i, one in enumerate(items)])
    assert found.chance == pytest.approx((1 / 2 + 1 / 4 + 1 / 4) / 3)


def test_likelihoods_that_are_no_numbers_are_errors():
    broken = [Row(sample=f"n{i}", slot="r2", error="nan") for i in range(3)]
    found = score("choices:x", "r2", [row(0, told(-1.0, -2.0)), *broken])
    assert (found.value, found.n, found.errors) == (1.0, 1, 3)
    assert found.parts["if_errors_are_wrong"] == 0.25


def test_what_is_kept_can_be_read_back():
    one = told(-1.5, None, gold=1, alone=(-2.0, None))
    assert Told.model_validate(json.loads(json.dumps(as_detail(one)))) == one

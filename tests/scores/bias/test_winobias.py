"""WinoBias' figures, counted by hand."""

import json

import pytest

from workbench.scores.bias.winobias import figures
from workbench.scores.scoring import score
from workbench.scores.task import Row


def row(number: int, pro: float, anti: float, **words) -> Row:
    """A pair: the probability of whoever is meant, with the stereotyped pronoun and with the other one."""
    fields = {
        "cluster": f"job{number % 40}",
        "group": ("male", "female")[number % 2],
        "kind": "type1",
    }
    kept = {"pro": pro, "anti": anti, "gold": number // 2 % 2, "fluent": 1.0} | words.pop(
        "kept", {}
    )
    value = float(pro > 0.5) - float(anti > 0.5)
    return Row(
        sample=str(number), slot="base", value=value, detail=json.dumps(kept), **{**fields, **words}
    )


def pairs(both: int, pro: int, anti: int, neither: int, **words) -> list[Row]:
    told = [(0.9, 0.8)] * both + [(0.7, 0.2)] * pro + [(0.4, 0.6)] * anti + [(0.3, 0.1)] * neither
    outcomes = ["both"] * both + ["pro"] * pro + ["anti"] * anti + ["neither"] * neither
    return [
        row(i, *one, outcome=outcome, **words)
        for i, (one, outcome) in enumerate(zip(told, outcomes, strict=True))
    ]


def test_the_gap_is_the_difference_of_both_accuracies_on_the_same_pairs():
    found = score("winobias:x", "base", pairs(100, 40, 10, 10))
    assert found.value == pytest.approx((40 - 10) / 160)
    assert (found.n, found.clusters, found.chance) == (160, 40, 0)
    assert found.low < found.value < found.high
    assert "(type1)" in found.method
    assert found.parts["accuracy/pro"] == pytest.approx(140 / 160)
    assert found.parts["accuracy/anti"] == pytest.approx(110 / 160)
    assert found.parts["accuracy"] == pytest.approx(250 / 320)
    gap = (100 * 0.1 + 40 * 0.5 - 10 * 0.2 + 10 * 0.2) / 160
    assert found.parts["probability_gap"] == pytest.approx(gap)
    assert found.parts["outcome/pro"] == 0.25


def test_groups_are_those_of_whom_the_pronoun_means_and_the_worst_is_farthest_from_none():
    rows = [row(i, 0.9, 0.8 if i % 2 else 0.2) for i in range(40)]
    parts = figures(rows).parts
    assert (parts["group/male"], parts["group/female"], parts["worst_group"]) == (1, 0, 1)
    turned = [row(i, 0.8 if i % 2 else 0.2, 0.9) for i in range(40)]
    assert figures(turned).parts["worst_group"] == -1


def test_a_gap_of_none_in_any_pair_has_an_interval_to_both_sides():
    found = score("winobias:x", "base", pairs(159, 0, 0, 1))
    assert found.value == 0
    assert -0.1 < found.low < 0 < found.high < 0.1


def test_whoever_resolves_no_pronoun_is_told_no_gap():
    found = score("winobias:x", "base", pairs(40, 40, 40, 40))
    assert (found.value, found.n) == (None, 160)
    assert "pronouns resolved: 0.500" in found.method
    assert found.parts["accuracy/pro"] == 0.5


def test_whoever_takes_the_only_right_place_always_cannot_be_told_from_one_who_resolves():
    second = pairs(160, 0, 0, 0, kept={"gold": 1})
    found = score("winobias:x", "base", second)
    assert found.value is None
    assert "always the one named second, and so was every one of 320 answers" in found.method
    assert score("winobias:x", "base", pairs(160, 0, 0, 0)).value == 0
    assert score("winobias:x", "base", pairs(159, 1, 0, 0, kept={"gold": 1})).value is not None


def test_whoever_knows_no_english_is_told_no_gap():
    rows = pairs(100, 40, 10, 10, kept={"fluent": 0.0})
    assert "out of order" in score("winobias:x", "base", rows).method

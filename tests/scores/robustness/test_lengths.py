"""Accuracy behind filler, counted by hand; the slope is that of a doubling."""

import json

import pytest

from workbench.scores.scoring import score
from workbench.scores.task import Row

ITEMS = 40
LENGTHS = {"clean": 8, "25": 64, "50": 128, "90": 230, "110": 282}


def rows_of(right_of, *, cut=(), context=256):
    return [
        Row(
            sample=f"facts/{i}/{kind}",
            slot="r2",
            cluster=f"{i}",
            kind=kind,
            expected=f"town {i}",
            answer="x",
            value=None if kind == "clean" else float(i < count),
            outcome="correct" if i < count else "wrong",
            truncated=kind in cut,
            detail=json.dumps(
                {"length": LENGTHS[kind], "limit": 256, "context": context, "unit": "tokens"}
            ),
        )
        for kind, count in right_of.items()
        for i in range(ITEMS)
    ]


def test_every_fill_has_its_accuracy_its_drop_and_its_cut_prompts():
    rows = rows_of({"clean": 40, "25": 30, "50": 20, "90": 10, "110": 0}, cut=("110",))
    found = score("lengths", "r2", rows)
    assert (found.value, found.n, found.clusters, found.truncated) == (60 / 160, 160, ITEMS, 40)
    assert [found.parts[f"fill/{fill}"] for fill in (25, 50, 90, 110)] == [0.75, 0.5, 0.25, 0.0]
    assert [found.parts[f"drop/{fill}"] for fill in (25, 110)] == [0.25, 1.0]
    assert found.parts["drop"] == pytest.approx(1 - 60 / 160)
    assert found.parts["drop/low"] < 1 - 60 / 160 < found.parts["drop/high"]
    assert (found.parts["truncated/90"], found.parts["truncated/110"]) == (0, 40)
    assert found.parts["length/50"] == 128
    assert "256 tokens" in found.method


def test_the_slope_is_per_doubling():
    rows = rows_of({"clean": 40, "25": 40, "50": 20})
    assert score("lengths", "r2", rows).parts["per_doubling"] == pytest.approx(-0.5)


def test_a_context_that_is_not_filled_is_named():
    rows = rows_of({"clean": 40, "25": 30}, context=8192)
    assert "of which 8192 fit the model" not in score("lengths", "r2", rows).method
    assert "the model reads 8192" in score("lengths", "r2", rows).method


def test_whoever_knows_nothing_loses_nothing_that_is_told():
    found = score("lengths", "r2", rows_of({"clean": 1, "25": 1, "50": 0}))
    assert found.value == 1 / 80
    for part in ("drop", "drop/25", "per_doubling", "per_doubling/high"):
        assert found.parts[part] is None

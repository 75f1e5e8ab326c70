"""Accuracy over changed questions, counted by hand; and nothing is told of a loss where there was nothing to lose."""

import json

import pytest

from workbench.scores.robustness.clean import item_of
from workbench.scores.scoring import score
from workbench.scores.task import Row
from workbench.stats.paired import paired_difference

ITEMS = 40


def row(item, kind, answer, *, right, error="", chance=0.0):
    clean = kind == "clean"
    return Row(
        sample=f"facts/{item}/{kind}",
        slot="r2",
        cluster=f"facts/{item}",
        kind=kind,
        expected=f"town {item}",
        answer=answer,
        value=None if clean or error else float(right),
        outcome="" if error else "correct" if right else "wrong",
        error=error,
        detail=json.dumps({"chance": chance}),
    )


def rows_of(right_of):
    """A row for every item and kind; `right_of[kind]` is how many of the items are right."""
    return [
        row(i, kind, f"town {i}" if i < count else f"elsewhere {kind}", right=i < count)
        for kind, count in right_of.items()
        for i in range(ITEMS)
    ]


def test_accuracy_drop_and_worst_kind_are_counted():
    rows = rows_of({"clean": 36, "upper": 30, "lower": 12})
    found = score("perturbed", "r2", rows)
    assert (found.value, found.n, found.clusters) == (42 / 80, 80, ITEMS)
    assert found.chance == 1 / ITEMS
    parts = found.parts
    assert parts["clean"] == 0.9
    assert (parts["kind/upper"], parts["kind/lower"], parts["worst_kind"]) == (0.75, 0.3, 0.3)
    assert parts["drop"] == pytest.approx(0.9 - 42 / 80)
    assert parts["drop/upper"] == pytest.approx(6 / 40)
    assert parts["kept"] == 42 / 72
    assert parts["right_in_every_form"] == 12 / 40
    # What is wrong is said in other words under every change.
    assert parts["consistency"] == 42 / 80


def test_the_interval_of_the_drop_is_that_of_pairs_clustered_by_item():
    rows = rows_of({"clean": 36, "upper": 30, "lower": 12})
    parts = score("perturbed", "r2", rows).parts
    clean = [float(i < 36) for _ in range(2) for i in range(ITEMS)]
    changed = [float(i < count) for count in (30, 12) for i in range(ITEMS)]
    clusters = [f"facts/{i}" for _ in range(2) for i in range(ITEMS)]
    found = paired_difference(clean, changed, clusters=clusters)
    assert (parts["drop/low"], parts["drop/high"]) == (found.low, found.high)


@pytest.mark.parametrize("clean", [0, 1, 2])
def test_no_loss_and_no_consistency_is_told_of_whoever_knows_nothing(clean):
    found = score("perturbed", "r2", rows_of({"clean": clean, "upper": clean}))
    assert found.value == clean / ITEMS
    for part in ("drop", "drop/low", "drop/upper", "consistency", "kept", "right_in_every_form"):
        assert found.parts[part] is None, part
    assert "not shown to be above chance" in found.method


def test_a_constant_answer_that_is_often_right_is_chance():
    rows = [
        row(i, kind, "yes", right=i < 30).model_copy(update={"expected": "yes" if i < 30 else "no"})
        for kind in ("clean", "upper")
        for i in range(ITEMS)
    ]
    found = score("perturbed", "r2", rows)
    assert (found.value, found.chance) == (0.75, 0.75)
    assert found.parts["consistency"] is None


def test_a_row_without_an_answer_is_counted_and_one_that_cannot_change_is_not_wrong():
    rows = rows_of({"clean": 40, "upper": 40})
    rows += [row(i, "lower", "", right=False, error="empty") for i in range(10)]
    rows += [row(i, "marks-removed", "", right=False, error="unchanged") for i in range(20)]
    found = score("perturbed", "r2", rows)
    assert (found.value, found.n, found.errors) == (1.0, 40, 30)
    assert found.parts["if_errors_are_wrong"] == 40 / 50
    assert found.parts["unchanged"] == 20


def test_a_broken_control_pairs_with_nothing_and_is_no_error():
    rows = [
        *rows_of({"upper": 40}),
        *(row(i, "clean", "", right=False, error="nan") for i in range(3)),
    ]
    rows += [row(i, "clean", f"town {i}", right=True) for i in range(3, ITEMS)]
    found = score("perturbed", "r2", rows)
    assert (found.errors, found.parts["clean/n"], found.parts["drop"]) == (0, 37, 0.0)


def test_an_items_id_may_have_strokes():
    assert item_of(row(1, "upper", "", right=True)) == "facts/1"

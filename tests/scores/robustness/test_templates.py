"""The split of variance between items and templates: counted by hand, and recovered where it was planted."""

import numpy as np
import pytest

from workbench.scores.scoring import score
from workbench.scores.task import Row


def rows_of(values, *, group="frames", prefix=""):
    return [
        Row(
            sample=f"{prefix}{i}/t{j}",
            slot="r2",
            cluster=f"{prefix}{i}",
            group=group,
            kind=f"{group}-t{j}",
            expected=f"{prefix}town {i}",
            answer=f"{prefix}town {i}" if value else f"elsewhere {j}",
            value=float(value),
            outcome="correct" if value else "wrong",
        )
        for i, row in enumerate(values)
        for j, value in enumerate(row)
    ]


def test_the_components_are_those_of_two_way_analysis_of_variance():
    y = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0]])
    # Sums of squares by hand: in all 3, items 5/3, templates 1/2, rest 5/6; degrees 3, 2 and 6.
    ms_items, ms_templates, ms_rest = 5 / 9, 1 / 4, 5 / 36
    parts = score("templates", "r2", rows_of(y)).parts
    assert parts["sd/rest"] == pytest.approx(ms_rest**0.5)
    assert parts["sd/template"] == pytest.approx(((ms_templates - ms_rest) / 4) ** 0.5)
    assert parts["sd/item"] == pytest.approx(((ms_items - ms_rest) / 3) ** 0.5)
    assert (parts["best_template"], parts["worst_template"]) == (0.75, 0.25)
    assert parts["spread"] == 0.5
    assert parts["templates"] == 3


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.1, 0.2])
def test_a_planted_variance_between_templates_is_recovered(spread):
    rng = np.random.default_rng(7)
    found, covered = [], 0
    for _ in range(60):
        shares = np.clip(0.5 + spread * rng.standard_normal(10), 0, 1)
        items = 0.2 * rng.standard_normal((150, 1))
        y = rng.random((150, 10)) < np.clip(shares + items, 0, 1)
        parts = score("templates", "r2", rows_of(y)).parts
        found.append(parts["sd/template"] ** 2)
        covered += parts["sd/template/low"] <= spread <= parts["sd/template/high"]
    assert np.mean(found) ** 0.5 == pytest.approx(spread, abs=0.02)
    assert covered >= 50


def test_other_templates_widen_the_interval_and_sets_have_templates_of_their_own():
    rng = np.random.default_rng(3)
    rows = []
    for name in ("home", "job"):
        shares = rng.uniform(0.3, 0.9, size=8)
        rows += rows_of(rng.random((60, 8)) < shares, group=name, prefix=f"{name}/")
    found = score("templates", "r2", rows)
    parts = found.parts
    assert (parts["over_items/low"], parts["over_items/high"]) == (found.low, found.high)
    assert parts["over_items_and_templates/low"] < found.low - 0.01
    assert parts["over_items_and_templates/high"] > found.high + 0.01
    assert parts["templates"] == 16


def test_the_interval_over_items_and_templates_covers_other_templates():
    rng, truth, covered = np.random.default_rng(11), 0.5, 0
    for _ in range(100):
        shares = truth + 0.15 * rng.uniform(-1, 1, size=6)
        parts = score("templates", "r2", rows_of(rng.random((80, 6)) < shares)).parts
        ends = (parts[f"over_items_and_templates/{end}"] for end in ("low", "high"))
        low, high = ends
        covered += low <= truth <= high
    assert covered >= 90


def test_items_with_a_gap_are_left_out_of_the_split_and_counted():
    y = np.ones((12, 5))
    y[:3] = 0
    rows = rows_of(y)
    broken = [row.model_copy(update={"value": None, "error": "nan"}) for row in rows[:2]]
    found = score("templates", "r2", [*broken, *rows[2:]])
    assert (found.errors, found.parts["split/left_out"]) == (2, 1)
    assert found.parts["sd/template"] == pytest.approx(0, abs=1e-12)


def test_where_all_answers_are_alike_no_limit_is_told_of_their_spread():
    parts = score("templates", "r2", rows_of(np.ones((30, 6)))).parts
    assert (parts["sd/template"], parts["sd/template/low"], parts["sd/template/high"]) == (
        0,
        None,
        None,
    )
    assert parts["same_in_all"] == 1.0
    assert parts["over_items_and_templates/low"] == parts["over_items/low"]


def test_agreement_with_itself_is_not_told_of_whoever_knows_nothing():
    rows = [row.model_copy(update={"answer": "no"}) for row in rows_of(np.zeros((30, 6)))]
    found = score("templates", "r2", rows)
    assert (found.value, found.parts["same_in_all"]) == (0.0, None)
    assert "not shown to be above chance" in found.method


def test_one_template_has_no_spread_between_templates():
    found = score("templates", "r2", rows_of(np.ones((5, 1))))
    assert "sd/template" not in found.parts
    assert found.parts["over_items_and_templates/low"] is None

"""Planted sweeps get the verdict they should: winner, tie, one seed, unpaired, and those that are hardly there."""

import json
import re

import numpy as np
import pytest

from tests.compare.planted import CLEAR, TIE, plant
from workbench.compare import CODES, compare, wording
from workbench.errors import SpecError, StoreError
from workbench.runs.store import SweepStore
from workbench.scores.quality import HITS_GIVEN_TRUTH
from workbench.scores.scoring import score
from workbench.spec import Spec
from workbench.stats import least_difference, paired_difference


def codes(verdict):
    return [one.code for one in verdict.caveats]


def test_a_clear_winner_over_three_seeds_is_named_without_the_one_seed_caveat(tmp_path):
    found = compare(plant(tmp_path, right=CLEAR, seeds=(0, 1, 2))).verdict
    assert (found.kind, found.best, found.runner_up, found.seeds) == ("winner", "r16", "r8", 3)
    assert found.low > 0
    assert found.p < 0.05
    assert "WB001" not in codes(found)
    assert "one seed" not in found.sentence
    assert "3 seeds, first in 3 of 3" in found.sentence


def test_a_winner_with_one_seed_says_one_seed(tmp_path):
    found = compare(plant(tmp_path, right=CLEAR)).verdict
    assert (found.kind, found.best, found.seeds) == ("winner", "r16", 1)
    assert "WB001" in codes(found)
    assert "one seed" in found.sentence
    assert f"n = {found.n}" in found.sentence


def test_a_tie_is_said_with_what_could_have_been_seen(tmp_path):
    found = compare(plant(tmp_path, right=TIE)).verdict
    assert found.kind == "tie"
    assert "No difference found" in found.sentence
    assert "could have seen" in found.sentence
    assert 0.005 < found.could_have_seen < 0.15
    assert set(found.tied) == {"r1", "r2", "r4"} - {found.best}


def test_trials_asked_different_items_are_not_compared(tmp_path):
    found = compare(plant(tmp_path, right={1: 0.7, 16: 0.95}, other_items=(16,))).verdict
    assert found.kind == "unpaired"
    assert found.best == ""
    assert found.difference is None
    assert "WB003" in codes(found)


def test_a_shared_first_place_is_measured_against_the_next(tmp_path):
    found = compare(plant(tmp_path, right={1: 0.6, 8: 0.95, 16: 0.95}, n=600)).verdict
    assert found.kind == "shared"
    assert found.against == "r1"
    assert len(found.tied) == 1
    assert "cannot be told apart" in found.sentence


def test_the_cheapest_not_much_worse_is_named(tmp_path):
    right = {1: 0.5, 8: 0.98, 16: 0.98}
    found = compare(plant(tmp_path, right=right, n=3000)).verdict
    if found.best == "r16":
        assert found.cheapest_enough == "r8"
        assert "The cheapest not worse by more than 2 points is r8." in found.sentence
    else:
        assert (found.best, found.cheapest_enough) == ("r8", "")


def test_one_trial_is_told_against_the_base(tmp_path):
    found = compare(plant(tmp_path, right={4: 0.9})).verdict
    assert (found.kind, found.best, found.against) == ("single", "r4", "base")
    assert found.low > 0.5


def test_a_sweep_in_which_nothing_ran_has_no_verdict(tmp_path):
    spec = Spec.from_fields({"name": "empty", "sweep": {"adapter.r": [1, 2]}})
    comparison = compare(SweepStore.create(spec, root=tmp_path).path)
    assert comparison.verdict.kind == "no_data"
    assert "no trial has been evaluated" in comparison.verdict.sentence
    assert comparison.charts() == ()
    assert len(comparison.frame()) == 3
    assert comparison._repr_html_()


def test_failed_and_stopped_trials_are_a_caveat_with_their_names(tmp_path):
    found = compare(plant(tmp_path, right=CLEAR, failed=(2,), stopped=(4,))).verdict
    said = {one.code: one.sentence for one in found.caveats}
    assert "r2 failed" in said["WB006"]
    assert "r4 was stopped" in said["WB006"]


def test_a_trial_no_better_than_the_base_is_said(tmp_path):
    found = compare(plant(tmp_path, right={1: 0.3, 2: 0.3}, base=0.3)).verdict
    assert "WB008" in codes(found)


def test_what_was_forgotten_is_said_though_the_verdict_is_about_something_else(tmp_path):
    path = plant(tmp_path, right=CLEAR, evals=("paraphrase", "retention", "latency"))
    store = SweepStore.open(path)
    kept = [row.model_copy(update={"value": 1.0}) for row in store.read_rows("base", "retention")]
    store.write_rows("retention", kept)
    store.write_score(score("retention", "base", kept))
    lost = [
        row.model_copy(update={"value": float(place % 4 == 0)})
        for place, row in enumerate(store.read_rows("r16", "retention"))
    ]
    store.write_rows("retention", lost)
    store.write_score(score("retention", "r16", lost))
    said = {one.code: one.sentence for one in compare(path).verdict.caveats}
    assert "retention by 75 points [70, 79]" in said["WB012"]
    assert "latency" not in said["WB012"]


def test_chance_inside_the_interval_is_said(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.5}, base=0.5)
    store = SweepStore.open(path)
    for slot in ("r1", "r2"):
        kept = store.read_score(slot, "paraphrase")
        store.write_score(kept.model_copy(update={"chance": 0.5}))
    assert "WB005" in codes(compare(path).verdict)


def test_held_out_rows_that_were_trained_on_are_said(tmp_path):
    found = compare(plant(tmp_path, right=TIE, leaks=12)).verdict
    assert any(one.code == "WB004" and one.sentence.startswith("12 ") for one in found.caveats)


def test_answers_without_a_value_are_counted_and_left_out(tmp_path):
    comparison = compare(plant(tmp_path, right=CLEAR, unscored=10))
    assert "WB007" in codes(comparison.verdict)
    assert comparison.verdict.n == 390
    against_base = next(
        d for d in comparison.differences if d.of == "r16" and d.eval == "paraphrase"
    )
    assert (against_base.n, against_base.left_out) == (390, 10)


def test_the_order_that_changes_with_the_seed_is_said(tmp_path):
    found = compare(plant(tmp_path, right={1: 0.9, 2: 0.9}, seeds=(0, 1, 2, 3, 4))).verdict
    assert found.kind == "tie"
    assert "WB010" in codes(found)


def test_the_difference_is_that_of_the_stored_rows(tmp_path):
    path = plant(tmp_path, right={1: 0.7, 16: 0.95})
    store = SweepStore.open(path)
    a, b = (
        store.frame(slot, "paraphrase").to_pandas().set_index("sample") for slot in ("r16", "r1")
    )
    shared = a.index.intersection(b.index)
    expected = paired_difference(a.loc[shared, "value"], b.loc[shared, "value"])
    found = compare(path).verdict
    assert found.difference == pytest.approx(expected.value)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_lower_is_better_turns_the_order_around(tmp_path):
    comparison = compare(plant(tmp_path, right=CLEAR), primary="facts")
    assert comparison.verdict.best == "r16"
    assert comparison.verdict.difference < 0
    assert "points less than r2 [" in comparison.verdict.sentence


def test_identical_answers_are_a_tie_and_not_an_error(tmp_path):
    path = plant(tmp_path, right={1: 1.0, 2: 1.0})
    store = SweepStore.open(path)
    for slot in ("r1", "r2"):
        rows = [
            row.model_copy(update={"value": 1.0}) for row in store.read_rows(slot, "paraphrase")
        ]
        store.write_rows("paraphrase", rows)
        store.write_score(score("paraphrase", slot, rows))
    found = compare(path).verdict
    assert found.kind == "tie"
    assert found.could_have_seen == least_difference(400)


def test_two_equal_trials_are_rarely_told_apart(tmp_path):
    kinds = []
    for place in range(12):
        rng = np.random.default_rng(place)
        level = float(rng.uniform(0.3, 0.9))
        right = {1: level, 2: level, 4: level}
        path = plant(
            tmp_path,
            right=right,
            n=120,
            name=f"a{place}",
            steps=2,
            evals=("paraphrase",),
            luck_seed=place,
        )
        kinds.append(compare(path).verdict.kind)
    assert kinds.count("tie") >= 10


def test_an_eval_that_was_not_asked_is_an_error_that_names_the_nearest(tmp_path):
    path = plant(tmp_path, right=TIE)
    with pytest.raises(SpecError, match="paraphrase"):
        compare(path, primary="paraphrse")
    with pytest.raises(SpecError, match="r2"):
        compare(path, baseline="r22")


def test_a_folder_that_is_no_sweep_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no sweep"):
        compare(tmp_path)


def own_rows(path, kind, detail="", share=None):
    """The planted recall answers as answers to rows of one's own."""
    store = SweepStore.open(path)
    for slot in ("base", *(trial.name for trial in store.trials)):
        rows = [
            row.model_copy(
                update={
                    "kind": kind,
                    "detail": detail,
                    "value": row.value if share is None else share[slot] + 0.1 * (place % 2),
                }
            )
            for place, row in enumerate(store.read_rows(slot, "recall"))
        ]
        store.write_rows("recall", rows)
        store.write_score(score("recall", slot, rows))
    return compare(path).verdict.sentence


@pytest.mark.parametrize(("kind", "said"), [("held-out", "held-out"), ("trained", "trained")])
def test_recall_of_own_rows_says_which_questions_were_asked(tmp_path, kind, said):
    path = plant(tmp_path, right={1: 0.5, 16: 0.95}, evals=("recall",))
    assert f" % of the {said} questions right, " in own_rows(path, kind)


def test_token_accuracy_is_said_as_tokens_and_not_as_answers(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 16: 0.95}, evals=("recall",))
    detail = json.dumps({"measure": HITS_GIVEN_TRUTH})
    share = {"base": 0.2, "r1": 0.3, "r16": 0.6}
    sentence = own_rows(path, "held-out", detail, share)
    assert sentence.startswith("r16 gets 65 % of tokens right on the held-out questions, ")
    assert "answers" not in sentence


def test_a_tie_on_held_out_questions_names_them(tmp_path):
    path = plant(tmp_path, right=TIE, evals=("recall",))
    assert "trials on the held-out questions: " in own_rows(path, "held-out")


@pytest.mark.parametrize(
    ("difference", "decimals"), [(0.0999, 1), (-0.065, 1), (0.1, 0), (-0.31, 0), (None, None)]
)
def test_a_difference_below_ten_points_has_one_decimal(difference, decimals):
    assert wording.decimals_beside(difference, "share") == decimals


def test_the_sentence_has_one_precision(tmp_path):
    small = compare(plant(tmp_path, right={1: 0.9, 16: 0.96}, n=1500, evals=("recall",)))
    assert abs(small.verdict.difference) < 0.1
    assert re.search(r"\d\.\d points more than r1 \[\d\.\d, \d\.\d\]", small.verdict.sentence)
    large = compare(plant(tmp_path, right={1: 0.5, 16: 0.96}, name="large", evals=("recall",)))
    assert re.search(r" \d\d points more than r1 \[\d\d, \d\d\]", large.verdict.sentence)


def test_every_code_used_is_in_the_list():
    assert list(CODES) == sorted(CODES)
    assert all(code.startswith("WB0") for code in CODES)

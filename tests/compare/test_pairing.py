"""What may be subtracted and what not: other questions under one id, other measures under one name, models of two tasks."""

import re

import numpy as np
import pytest

from tests.compare.planted import answer, pattern, plant
from workbench.compare import compare
from workbench.compare.family import corrected, together
from workbench.compare.pairing import difference
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import Row
from workbench.spec import Spec
from workbench.stats.family import holm

N = 200


@pytest.fixture
def sweep(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 16: 0.9}, n=N, evals=("recall",), steps=2)
    return answer(path, {"r1": pattern(120, n=N), "r16": pattern(180, n=N)})


def reask(path, slot, change, *, places=range(N)):
    """Change the rows at some places."""
    store = SweepStore.open(path)
    rows = [
        row.model_copy(update=change) if place in places else row
        for place, row in enumerate(store.read_rows(slot, "recall"))
    ]
    store.write_rows("recall", rows)
    store.write_score(score("recall", slot, rows))


def test_another_question_under_the_same_id_is_another_item(sweep):
    reask(sweep, "r16", {"expected": "mill"})
    found = compare(sweep)
    assert found.verdict.kind == "unpaired"
    assert "0 items answered by both, 400 by only one" in found.verdict.sentence


def test_a_few_other_questions_are_left_out_and_counted(sweep):
    reask(sweep, "r16", {"expected": "mill"}, places=range(20))
    found = compare(sweep)
    assert (found.contests[0].n, found.contests[0].left_out) == (180, 40)
    mine, theirs = (pattern(right, n=N)[20:] for right in (180, 120))
    assert found.verdict.difference == pytest.approx(np.mean(mine) - np.mean(theirs))
    assert "WB003" in [one.code for one in found.verdict.caveats]


def test_two_measures_under_one_name_are_not_subtracted(sweep):
    store = SweepStore.open(sweep)
    kept = store.read_score("r16", "recall")
    store.write_score(kept.model_copy(update={"method": "token accuracy, true tokens given; t"}))
    reason = compare(sweep).contests[0].reason
    assert reason == (
        "not paired: recall is token accuracy, true tokens given of r16 and exact match of r1"
    )


def test_a_classifier_and_a_model_that_writes_are_not_in_one_contest(tmp_path):
    spec = Spec.from_fields(
        {
            "name": "tasks",
            "evals": ["recall"],
            "sweep": {"adapter.task_type": ["CAUSAL_LM", "SEQ_CLS"]},
        }
    )
    path = SweepStore.create(spec, root=tmp_path).path
    names = [trial.name for trial in SweepStore.open(path).trials]
    answer(path, {name: pattern(120 + 60 * i, n=N) for i, name in enumerate(names)})
    found = compare(path)
    assert found.verdict.kind == "unpaired"
    assert "is a SEQ_CLS model and" in found.contests[0].reason


def test_verbalised_labels_and_a_head_stand_in_columns_of_their_own(tmp_path):
    path = plant(tmp_path, right={4: 0.9}, n=N, evals=("classification",), steps=2)
    answer(path, {"base": pattern(100, n=N), "r4": pattern(150, n=N)}, eval="verbalised:own")
    found = compare(path)
    heads = [column.key for column in found.leaderboard().columns]
    assert {"classification", "verbalised:own"} <= set(heads)
    assert {one.eval for one in found.differences} == {"classification", "verbalised:own"}


def test_the_family_says_how_it_was_corrected_and_costs_less_than_holm(tmp_path):
    right = {1: 0.5, 2: 0.55, 4: 0.6, 8: 0.65, 16: 0.7}
    found = compare(plant(tmp_path, right=right, evals=("recall",), steps=2))
    tested = list(found.contests)
    assert {one.correction for one in tested} == {
        "max-T over 10 comparisons, 10000 sign flips of 400 items"
    }
    by_holm = holm([one.p for one in tested])
    assert all(one.p <= one.p_corrected for one in tested)
    assert sum(one.p_corrected for one in tested) < sum(by_holm)
    caption = found.contrast("r16", "r1").caption
    assert "* marks p < 0.05" in caption
    assert "max-T over 5 comparisons" in found.against_baseline().caption


def test_every_difference_that_was_not_found_says_what_could_have_been(tmp_path):
    found = compare(plant(tmp_path, right={1: 0.6, 2: 0.6, 16: 0.95}, base=0.6, steps=2))
    for one in (*found.contests, *found.differences):
        if one.p is not None:
            assert (one.detectable is None) == one.is_found
    nulls = [one for one in found.differences if one.detectable is not None]
    assert nulls
    text = repr(found.against_baseline())
    assert text.count("seen from") == len(nulls)
    assert "would have been found 4 times in 5" in found.against_baseline().caption
    assert "detectable" in found.contrast("r2", "r1").frame().columns


def test_a_tied_place_says_which_lead_would_have_been_seen(tmp_path):
    found = compare(plant(tmp_path, right={1: 0.9, 2: 0.9, 4: 0.9}, evals=("recall",), steps=2))
    frame = found.table().set_index("trial")
    best = found.verdict.best
    assert frame["detectable"].drop(["base", best]).between(0.005, 0.15).all()
    assert "seen from" in repr(found.leaderboard())


def test_intervals_that_hold_together_are_wider_and_stay_within_bounds(sweep):
    reading = compare(sweep).reading
    alone = [difference(reading, name, "base", eval="recall") for name in ("r1", "r16")]
    wide = together(reading, alone)
    for one, other in zip(alone, wide, strict=True):
        assert other.low < one.low < one.high < other.high <= 1
        assert one.value == other.value
    assert corrected(reading, alone)[0].value == alone[0].value


LABELS = ("yes", "no")


def tell(path, slot, right, *, n=300, seed=0):
    """Labels told right so often, of rows three in four of which are `yes`."""
    rng = np.random.default_rng(0)
    truth = np.where(rng.random(n) < 0.75, *LABELS)
    hits = np.random.default_rng(seed).random(n) < right
    rows = [
        Row(
            sample=f"row-{place}",
            slot=slot,
            expected=str(label),
            answer=str(label) if hit else LABELS[label == "yes"],
            value=float(hit),
        )
        for place, (label, hit) in enumerate(zip(truth, hits, strict=True))
    ]
    store = SweepStore.open(path)
    store.write_rows("matthews", rows)
    store.write_score(score("matthews", slot, rows))


@pytest.fixture
def correlated(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.5, 16: 0.9}, n=20, evals=("recall",), steps=2)
    for place, (slot, right) in enumerate(
        (("base", 0.7), ("r1", 0.75), ("r2", 0.75), ("r16", 0.97))
    ):
        tell(path, slot, right, seed=place + 1)
    return compare(path, primary="matthews")


def test_a_score_that_is_no_mean_has_its_own_difference_interval_and_test(correlated):
    store, found = correlated.reading.store, correlated.verdict
    a, b = (store.read_score(name, "matthews").value for name in (found.best, found.against))
    assert (found.best, found.kind) == ("r16", "winner")
    assert found.difference == pytest.approx(a - b)
    assert found.low < a - b < found.high
    assert found.p < 0.01
    assert found.correction == "Bonferroni over 3 comparisons"
    one = correlated.contests[0]
    assert one.by == "score"
    assert one.method.endswith("bootstrap, 999 draws, and 999 swaps, of the whole score")
    again = compare(correlated.path, primary="matthews").contests[0]
    assert again == one


def test_a_family_with_such_a_score_falls_back_to_holm_and_says_so(correlated):
    tested = [one for one in correlated.differences if one.p is not None]
    assert {one.correction for one in tested} == {f"Holm over {len(tested)} comparisons"}
    assert "Holm over" in correlated.against_baseline().caption
    null = next(one for one in tested if (one.of, one.eval) == ("r1", "matthews"))
    assert null.detectable > 0.05


def test_equal_scores_that_are_no_means_are_seldom_told_apart(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.5}, n=20, evals=("recall",), steps=2)
    alarms = 0
    for place in range(12):
        tell(path, "r1", 0.8, n=120, seed=2 * place)
        tell(path, "r2", 0.8, n=120, seed=2 * place + 1)
        alarms += compare(path, primary="matthews").contests[0].is_found
    assert alarms <= 3


def test_several_seeds_of_such_a_score_have_an_interval_and_a_difference(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 16: 0.9}, n=20, evals=("recall",), steps=2, seeds=(0, 1))
    for place, (rank, right) in enumerate(((1, 0.75), (16, 0.95))):
        for seed in (0, 1):
            tell(path, f"r{rank}-seed{seed}", right, seed=10 * place + seed)
    found = compare(path, primary="matthews")
    store = SweepStore.open(path)
    stored = [store.read_score(f"r16-seed{seed}", "matthews").value for seed in (0, 1)]
    figure = next(line for line in found.standings if line.name == "r16").figures["matthews"]
    assert figure.value == pytest.approx(np.mean(stored))
    assert figure.low < figure.value < figure.high
    assert figure.method.endswith("bootstrap, 999 draws, of the mean over 2 seeds")
    assert found.verdict.best == "r16"
    assert found.verdict.low > 0
    assert re.search(
        r"^r16 gets 0\.\d+ on matthews, 0\.\d+ more than r1 \[", found.verdict.sentence
    )


def test_a_score_that_is_no_mean_leaves_out_other_questions_under_its_ids(correlated):
    store = SweepStore.open(correlated.path)
    before = next(one for one in correlated.contests if {one.of, one.against} == {"r16", "r1"})
    rows = store.read_rows("r1", "matthews")
    other = [row.model_copy(update={"expected": "maybe"}) for row in rows[:30]]
    store.write_rows("matthews", [*other, *rows[30:]])
    store.write_score(score("matthews", "r1", [*other, *rows[30:]]))
    found = difference(compare(correlated.path).reading, "r16", "r1", eval="matthews")
    assert (before.n, before.left_out) == (300, 0)
    assert (found.n, found.left_out) == (270, 60)

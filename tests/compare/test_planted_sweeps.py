"""Four sweeps whose answers are known to the last item: a clear winner, a tie, one seed, different items. Whole sentences."""

import pytest

from tests.compare.planted import answer, pattern, plant
from workbench.compare import compare
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score

N = 200


def swept(root, answers, *, seeds=(0,), name="known"):
    """A sweep whose recall is answered in these patterns; the base has 20 of 200 right."""
    ranks = list(dict.fromkeys(int(trial.split("-")[0][1:]) for trial in answers))
    right = dict.fromkeys(ranks, 0.5)
    path = plant(root, right=right, seeds=seeds, n=N, evals=("recall",), steps=2, name=name)
    return answer(path, {"base": pattern(20, n=N), **answers})


@pytest.fixture
def winner(tmp_path):
    found = {1: (120, 118, 122), 16: (190, 188, 192)}
    answers = {
        f"r{rank}-seed{seed}": pattern(count, n=N)
        for rank, counts in found.items()
        for seed, count in enumerate(counts)
    }
    return compare(swept(tmp_path, answers, seeds=(0, 1, 2)))


def test_a_clear_winner_is_named_with_both_intervals(winner):
    found = winner.verdict
    assert found.sentence == (
        "r16 answers 95 % of the trained questions right, 35 points more than r1 [28, 42] over items, n = 200; "
        "35 points over 3 seeds, first in 3 of 3; [28, 42] over items and seeds."
    )
    assert (found.kind, found.best, found.runner_up) == ("winner", "r16", "r1")
    assert (found.difference, found.seeds) == (pytest.approx(0.35), 3)
    assert found.by_seed == pytest.approx((0.35, 0.35, 0.35))
    assert {one.code for one in found.caveats} == {"WB002", "WB015"}


def test_a_tie_says_what_could_have_been_seen(tmp_path):
    answers = {
        f"r{rank}": pattern(180, n=N, shift=shift) for rank, shift in ((1, 0), (2, 4), (4, 8))
    }
    found = compare(swept(tmp_path, answers)).verdict
    assert found.sentence == TIE
    assert (found.kind, found.tied, found.difference) == ("tie", ("r2", "r4"), 0.0)
    assert found.correction == "max-T over 3 comparisons, 10000 sign flips of 200 items"


TIE = (
    "No difference found between 3 trials on the trained questions: all 90.0 %, n = 200; one seed: another seed could change "
    "the order. This test could have seen a difference of 6.0 points."
)


def test_one_seed_is_said_as_one_seed(tmp_path):
    answers = {"r1": pattern(150, n=N), "r16": pattern(190, n=N)}
    found = compare(swept(tmp_path, answers)).verdict
    assert found.sentence == (
        "r16 answers 95 % of the trained questions right, 20 points more than r1 [15, 26], n = 200; one seed: another seed "
        "could change the order."
    )
    assert (found.kind, found.seeds, found.wide_low) == ("winner", 1, None)
    assert found.caveats[0].code == "WB001"


def test_answers_to_different_items_have_no_verdict(tmp_path):
    path = swept(tmp_path, {"r1": pattern(150, n=N), "r16": pattern(190, n=N)})
    store = SweepStore.open(path)
    rows = [
        row.model_copy(update={"sample": f"other-{row.sample}"})
        for row in store.read_rows("r16", "recall")
    ]
    store.write_rows("recall", rows)
    store.write_score(score("recall", "r16", rows))
    found = compare(path).verdict
    assert found.sentence == (
        "No verdict on the trained questions: the trials cannot be compared item by item (not paired: 0 items answered by "
        "both, 400 by only one of the two). Evaluate them on the same items."
    )
    assert (found.kind, found.best, found.difference) == ("unpaired", "", None)


def test_those_who_share_the_first_place_are_named_before_those_behind(tmp_path):
    answers = {
        "r1": pattern(20, n=N),
        "r2": pattern(140, n=N),
        **{f"r{rank}": pattern(200, n=N) for rank in (4, 8, 16)},
    }
    found = compare(swept(tmp_path, answers)).verdict
    assert found.sentence == (
        "The first 3 cannot be told apart on the trained questions: r4, r8 and r16, all 100 %; a difference of 4.5 points "
        "could have been seen. Behind is r2: r4 answers 100 % of the trained questions right, 30 points more than r2 "
        "[24, 37], n = 200; one seed: another seed could change the order."
    )
    assert (found.kind, found.against, found.tied) == ("shared", "r2", ("r8", "r16"))


def test_a_single_trial_like_its_base_says_what_could_have_been_seen(tmp_path):
    found = compare(swept(tmp_path, {"r4": pattern(20, n=N, shift=4)})).verdict
    assert found.sentence == (
        "Only r4 was evaluated: it answers 10.0 % of the trained questions right, and no difference to the base was found, "
        "n = 200 (one of 4.0 points could have been seen); one seed."
    )

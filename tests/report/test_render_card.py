"""The card of one adapter: its figures are its own, and it says what it was picked from and what nobody stated."""

import json

import pytest

from tests.compare.planted import plant
from tests.report.test_render_bad_input import said
from workbench.errors import SpecError
from workbench.report import one_adapter
from workbench.runs.store import SweepStore

EVALS = ("recall", "facts", "latency")


def swept(root, **changes):
    return plant(root, **{"n": 80, "evals": EVALS, "steps": 20, **changes})


def test_a_card_of_nobody_names_who_there_is(tmp_path):
    path = str(swept(tmp_path, right={1: 0.5, 2: 0.6}, seeds=(0, 1)))
    with pytest.raises(SpecError, match=r"about one trial\. Known: r1, r1-seed0"):
        one_adapter.opened(path)
    with pytest.raises(SpecError, match="Did you mean 'r1-seed0'"):
        one_adapter.opened(path, trial="r1-sed0")


def test_a_card_holds_the_figures_of_one_trial_alone(tmp_path):
    path = str(swept(tmp_path, right={1: 0.5, 2: 0.8}, seeds=(0, 1)))
    single, all_seeds = (one_adapter.opened(path, trial=name) for name in ("r2-seed1", "r2"))
    store = SweepStore.open(tmp_path / "planted")
    score = store.read_score("r2-seed1", "recall")
    assert single.verdict.kind == all_seeds.verdict.kind == "single"
    assert single.verdict.value == score.value
    assert single.verdict.best == "r2-seed1"
    assert all_seeds.verdict.seeds == 2
    assert "Only" not in single.verdict.sentence
    assert {one.of for one in single.comparison.differences} == {"r2-seed1"}
    other = store.read_score("r2-seed0", "recall")
    assert all_seeds.verdict.value == pytest.approx((score.value + other.value) / 2)


def test_the_only_trial_of_a_sweep_need_not_be_named(tmp_path):
    report = one_adapter.opened(str(swept(tmp_path, right={4: 0.8})))
    assert report.title == "r4 of planted"
    assert "Only r4 was evaluated" in report.verdict.sentence


def test_a_card_tells_what_was_learned_and_what_was_forgotten(tmp_path):
    path = plant(
        tmp_path, right={2: 0.5, 8: 0.9}, base=0.7, evals=("recall", "retention"), steps=20
    )
    text = said(path, template="card", trial="r2").partition("Limits")[0]
    worse = text.partition("Worse than its base")[2]
    assert "recall" in worse or "trained questions" in worse
    text = said(path, template="card", trial="r8").partition("Limits")[0]
    assert "trained questions right" in text.partition("Better than its base")[2]
    assert "Worse than its base" not in text


def test_what_its_owner_stated_stands_in_its_limits_and_the_rest_is_not_stated(tmp_path):
    path = swept(tmp_path, right={2: 0.5, 8: 0.9})
    (path / "card.yaml").write_text("owner: Ann Lee\nintended_use: [letters, drafts]\n")
    limits = said(path, template="card", trial="r8").partition(" Limits ")[2]
    assert limits.startswith("owner Ann Lee intended use letters; drafts out of scope not stated")
    assert "It is one of 2 trials of its sweep" in limits


def test_an_adapter_made_elsewhere_has_a_card_that_says_nothing_of_its_training(tmp_path):
    path = swept(tmp_path, right={2: 0.5, 8: 0.9}, name="found")
    hashes = {trial: {"sha256": trial * 8} for trial in ("r2", "r8")}
    (path / "foreign.json").write_text(json.dumps(hashes))
    text = said(path, template="card", trial="r8")
    assert "made elsewhere and only evaluated here" in text
    assert "how it was trained is not stated here" in text
    assert "r8r8r8r8r8r8r8r8" in text
    assert "learning_rate" not in text
    assert "Their seeds are unknown" in text
    assert "workbench eval" in text.partition("How to reproduce")[2]

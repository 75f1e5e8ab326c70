"""Sweeps in which trials were pruned, dropped or joined: nothing of it breaks a comparison, and all of it is said."""

import pytest

from tests.compare.planted import answer, pattern, plant
from workbench.compare import compare
from workbench.events import Finished, Started
from workbench.report import render
from workbench.runs.control import Command
from workbench.runs.newcomers import newcomer
from workbench.runs.store import SweepStore

RANKS = {1: 0.6, 2: 0.7, 4: 0.8, 8: 0.9, 16: 0.97}


@pytest.fixture(scope="module")
def steered(tmp_path_factory):
    """Ranks 1 and 2 were pruned, 8 was dropped."""
    root = tmp_path_factory.mktemp("steered")
    given_up = {1: "pruned", 2: "pruned", 8: "dropped"}
    return plant(root, right=RANKS, given_up=given_up, evals=("recall",), n=200)


def said(found) -> dict[str, str]:
    return {one.code: one.sentence for one in found.verdict.caveats}


def test_who_was_pruned_or_dropped_is_said_and_is_no_failure(steered):
    found = compare(steered)
    assert said(found)["WB006"] == (
        "r1 and r2 were pruned at step 150; r8 was dropped by a person at step 150. "
        "What was not trained to its end is shown, with its reason."
    )
    assert "WB011" not in said(found), "that they have no figure needs no words of its own"
    assert (found.verdict.kind, found.verdict.best) == ("winner", "r16")


def test_they_stand_in_the_leaderboard_without_place_and_figure(steered):
    frame = compare(steered).frame().set_index("trial")
    assert list(frame.loc[["r1", "r2", "r8"], "state"]) == ["pruned", "pruned", "dropped"]
    assert frame.loc["r8", "reason"] == "dropped by a person at step 150"
    assert frame.loc[["r1", "r2", "r8"], "recall"].isna().all()
    assert frame["recall"].notna().sum() == 3, "the base, r4 and r16"


def test_many_that_were_pruned_are_counted(tmp_path):
    given_up = dict.fromkeys((1, 2, 4, 8), "pruned")
    path = plant(tmp_path, right=RANKS, given_up=given_up, evals=("recall",), n=60)
    assert said(compare(path))["WB006"].startswith("4 trials were pruned at step 150.")


def test_a_sweep_of_which_nothing_was_left_has_no_verdict(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.5}, given_up={1: "pruned", 2: "dropped"}, n=60)
    found = compare(path)
    assert found.verdict.kind == "no_data"
    assert "r1 was pruned" in said(found)["WB006"]


def test_one_whose_other_seeds_were_pruned_is_said_to_be_of_the_rest(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.9}, seeds=(0, 1), evals=("recall",), n=60)
    store = SweepStore.open(path)
    store.append(Finished(trial="r2-seed1", step=9, seconds=1.0, reason="pruned"))
    for kept in ("samples", "scores"):
        (path / "r2-seed1" / kept).rename(path / f"{kept}-away")
    sentence = said(compare(path))["WB006"]
    assert sentence.startswith("r2-seed1 was pruned at step 9.")
    assert "The figures of r2 are of its other seeds only" in sentence


def test_a_report_of_such_a_sweep_is_written(steered, tmp_path):
    page = render(steered, tmp_path / "report.html")
    text = page.read_text(encoding="utf-8")
    assert "r8: dropped by a person at step 150" in text
    assert "r1: pruned, others having a lower held-out loss, at step 150" in text


def joined(path, command: Command, *, step: int = 0, right: int, n: int = 200):
    """A trial joins a planted sweep, trains and answers; its name."""
    store = SweepStore.open(path)
    trial = newcomer(store, command, step=step)
    store.add_trial(trial, command="1-add.json")
    store.append(Started(trial=trial.name, total_steps=300, trainable_parameters=600))
    store.append(Finished(trial=trial.name, step=300, seconds=12.5))
    store.set_status(trials={trial.name: "done"})
    answer(path, {trial.name: pattern(right, n=n)})
    return trial.name


def test_a_clone_is_compared_as_itself_and_its_beginning_is_said(tmp_path):
    path = plant(tmp_path, right={4: 0.5, 16: 0.7}, evals=("recall",), n=200)
    command = Command(command="clone", trial="r16", changes={"seed": 5})
    name = joined(path, command, step=80, right=196)
    found = compare(path)
    assert [one.name for one in found.reading.candidates] == ["r4", "r16", name]
    assert found.verdict.best == name, "no seed of its parent, though nothing but the seed differs"
    assert said(found)["WB019"].startswith(
        f"Not all began anew: {name} with the weights of r16 at step 80."
    )


def test_clones_of_the_seeds_of_one_setting_are_seeds_of_one_candidate(tmp_path):
    path = plant(tmp_path, right={4: 0.5, 16: 0.7}, seeds=(0, 1), evals=("recall",), n=200)
    for seed in (0, 1):
        changes = {"train.learning_rate": 0.003}
        command = Command(command="clone", trial=f"r16-seed{seed}", changes=changes)
        joined(path, command, step=80, right=150 + seed)
    last = compare(path).reading.candidates[-1]
    assert (last.name, last.seeds) == ("r16-lr0.003-warm", (0, 1))


def test_an_added_trial_has_what_the_others_vary_from_its_own_spec(tmp_path):
    path = plant(tmp_path, right={4: 0.5, 16: 0.7}, evals=("recall",), n=200)
    name = joined(path, Command(command="add", changes={"train.learning_rate": 0.003}), right=150)
    found = compare(path)
    frame = found.frame().set_index("trial")
    assert found.reading.differing == ("adapter.r", "train.learning_rate")
    assert list(frame.loc[["r4", name], "adapter.r"]) == [4, 8]
    assert list(frame.loc[["r4", name], "train.learning_rate"]) == [0.01, 0.003]

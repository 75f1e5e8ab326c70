"""A sweep folder, seen while it grows."""

import math

import pytest

from workbench.events import Failed, Started, Warned
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.widgets.watch import Watch, thin


def test_a_new_sweep_has_its_trials_waiting(store):
    picture = Watch(store.path).look()
    assert (picture.state, picture.live) == ("running", True)
    assert [(trial.name, trial.state) for trial in picture.trials] == [
        ("r1", "queued"),
        ("r4", "queued"),
    ]
    assert picture.curves == {}


def test_steps_show_up_at_the_next_look(store, train):
    watch = Watch(store.path)
    watch.look()
    train("r1", [3.0, 2.5, 2.0])
    picture = watch.look()
    trial = picture.trials[0]
    assert (trial.state, trial.step, trial.total_steps, trial.loss) == ("running", 3, 6, 2.0)
    assert trial.seconds_left == pytest.approx(1.5)
    assert [point[:2] for point in picture.curves["r1"]] == [(1, 3.0), (2, 2.5), (3, 2.0)]
    assert (picture.done, picture.total) == (3, 12)


def test_after_a_crash_the_newer_attempt_replaces_the_steps_it_trains_again(store, train):
    watch = Watch(store.path)
    train("r1", [3.0, 2.5, 2.0, 1.9])
    watch.look()
    train("r1", [2.4], begin=1)
    assert [point[:2] for point in watch.look().curves["r1"]] == [(1, 3.0), (2, 2.4)]


def test_scores_come_with_their_interval_and_the_base_is_the_control(store, train, finish):
    train("r1", [2.0])
    finish("r1", value=0.75)
    finish("base", value=0.25)
    picture = Watch(store.path).look()
    assert [(trial.name, trial.state) for trial in picture.trials][:2] == [
        ("base", "control"),
        ("r1", "done"),
    ]
    assert picture.trials[1].scores["recall"] == {
        "value": 0.75, "low": 0.65, "high": 0.85, "n": 40,
    }  # fmt: skip
    assert picture.evals[0]["unit"] == "share"


def test_a_loss_that_is_not_a_number_is_none_and_breaks_nothing(store, train):
    train("r1", [3.0, math.nan, math.inf])
    picture = Watch(store.path).look()
    assert picture.trials[0].loss is None
    assert [point[1] for point in picture.curves["r1"]] == [3.0, None, None]


def test_a_failed_trial_says_why_and_the_end_of_the_log_is_there(store, train):
    train("r1", [3.0])
    store.append(Failed(trial="r1", step=1, kind="diverged", message="the loss is not a number"))
    store.set_status(trials={"r1": "failed"}, state="failed", message="r1 diverged")
    (store.path / "log.txt").write_text("\n".join(f"line {n}" for n in range(100)))
    picture = Watch(store.path).look()
    assert picture.trials[0].message == "diverged: the loss is not a number"
    assert picture.trials[1].state == "not started"
    assert picture.log[-1] == "line 99"
    assert len(picture.log) == 20
    assert not picture.live


def test_a_worker_that_is_gone_leaves_its_trials_lost(store, train):
    train("r1", [3.0])
    store.set_status(pid=2**22 + 1, pid_started=1.0)
    picture = Watch(store.path).look()
    assert (picture.state, picture.trials[0].state) == ("lost", "lost")


def test_a_warning_is_told_once(store):
    for _ in range(3):
        store.append(Warned(code="data", message="2 rows were cut"))
    assert Watch(store.path).look().warnings == ("2 rows were cut",)


def test_a_warning_of_several_trials_is_told_once_with_their_names(store):
    watch = Watch(store.path)
    store.append(Warned(trial="r1", code="truncated", message="2 rows were cut"))
    assert watch.look().warnings == ("r1: 2 rows were cut",)
    store.append(Warned(trial="r4", code="truncated", message="2 rows were cut"))
    assert watch.look().warnings == ("all trials: 2 rows were cut",)


def test_only_what_trained_to_its_end_counts_as_trained(store, train):
    train("r1", [3.0])
    store.set_status(trials={"r1": "stopped", "r4": "trained"})
    assert Watch(store.path).look().tally == "1 of 2 trials trained, 1 stopped"


def test_while_the_sweep_is_paused_its_rows_are_too(store, train):
    train("r1", [3.0])
    store.set_status(state="paused")
    assert [trial.state for trial in Watch(store.path).look().trials] == ["paused", "queued"]


def test_a_started_trial_without_steps_has_an_empty_row(store):
    store.append(Started(trial="r1", total_steps=6))
    trial = Watch(store.path).look().trials[0]
    assert (trial.step, trial.total_steps, trial.loss) == (0, 6, None)


def test_a_thinned_curve_keeps_its_ends_its_peaks_and_its_places_while_it_grows():
    points = [(step, 1.0 / step) for step in range(1, 5001)]
    points[2500] = (2501, 99.0)
    thinned = thin(points, most=300)
    assert len(thinned) <= 300
    assert thinned[-1][0] == 5000
    assert max(point[3] for point in thinned) == 99.0
    grown = thin([*points, (5001, 0.0)], most=300)
    assert grown[: len(thinned) - 1] == thinned[:-1]


def test_seeds_of_one_setting_share_its_name_and_single_trials_keep_their_own(tmp_path):
    def settings(sweep):
        spec = Spec.from_fields({"name": "seeds", "sweep": sweep})
        store = SweepStore.create(spec, root=tmp_path)
        return {trial.name: trial.setting for trial in Watch(store.path).look().trials}

    assert settings({"adapter.r": [1, 2], "seed": [0, 1]}) == {
        "r1-seed0": "r1", "r1-seed1": "r1", "r2-seed0": "r2", "r2-seed1": "r2",
    }  # fmt: skip
    assert settings({"adapter.r": [1, 2]}) == {"r1": "r1", "r2": "r2"}
    assert set(settings({"seed": [0, 1]}).values()) == {"seeds"}

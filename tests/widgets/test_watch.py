"""A sweep folder, seen while it grows."""

import math

from workbench.events import Failed, HeldOut, Started, Steered, Step, Warned
from workbench.runs.eventlog import append_event
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.widgets import trail
from workbench.widgets.buckets import thin
from workbench.widgets.watch import Watch


def step(number: int, loss: float = 1.0, **more) -> Step:
    fields = {
        "epoch": 0.1,
        "learning_rate": 0.01,
        "grad_norm": 1.0,
        "num_tokens": 20,
        "seconds": 0.5,
    }
    return Step(step=number, loss=loss, **{**fields, **more})


def test_a_new_sweep_has_its_trials_waiting(store):
    watch = Watch(store.path)
    picture = watch.look()
    assert (picture.state, picture.live) == ("running", True)
    assert [(trial.name, trial.state) for trial in picture.trials] == [
        ("r1", "queued"),
        ("r4", "queued"),
    ]
    assert watch.curves() == {}


def test_steps_show_up_at_the_next_look(store, train):
    watch = Watch(store.path)
    watch.look()
    train("r1", [3.0, 2.5, 2.0])
    picture = watch.look()
    trial = picture.trials[0]
    assert (trial.state, trial.step, trial.total_steps, trial.loss) == ("running", 3, 6, 2.0)
    assert trial.spark == (3.0, 2.5, 2.0)
    assert [point[:2] for point in watch.curves()["r1"]] == [(1, 3.0), (2, 2.5), (3, 2.0)]
    assert (picture.done, picture.total) == (3, 12)


def test_what_is_left_goes_by_the_clock_and_a_pause_does_not_count(store):
    store.set_status(trials={"r1": "training", "r4": "training"})
    for trial, pause in (("r1", 0.0), ("r4", 1000.0)):
        path = store.folder(trial) / "events.jsonl"
        append_event(path, Started(trial=trial, total_steps=14))
        for number in range(1, 5):
            late = pause if number > 3 else 0.0
            append_event(
                path, step(number, trial=trial, time=100.0 + 2 * number + late, seconds=1.0)
            )
    picture = Watch(store.path).look()
    assert [trial.seconds_left for trial in picture.trials] == [20.0, 20.0]
    assert picture.seconds_left == 20.0, "two trials share the seconds of a step"


def test_every_quantity_that_was_told_has_a_curve(store):
    store.append(Started(trial="r1", total_steps=6))
    store.append(step(1, trial="r1", rss_bytes=3_000_000))
    store.append(HeldOut(trial="r1", step=1, loss=2.5, num_tokens=9, seconds=0.1))
    store.append(step(2, trial="r1", learning_rate=0.005, num_tokens=40))
    watch = Watch(store.path)
    picture = watch.look()
    assert [told["title"] for told in picture.quantities] == [
        "Training loss", "Held-out loss", "Learning rate", "Gradient norm", "Tokens per second",
        "Memory of the worker",
    ]  # fmt: skip
    last = {told["name"]: watch.curves(told["name"])["r1"][-1][:2] for told in picture.quantities}
    assert last == {
        "loss": (2, 1.0), "held_out": (1, 2.5), "learning_rate": (2, 0.005), "grad_norm": (2, 1.0),
        "tokens_per_second": (2, 80.0), "memory": (1, 3_000_000),
    }  # fmt: skip
    assert picture.trials[0].held_out == 2.5


def test_what_is_held_on_a_gpu_is_what_counts_as_memory(store):
    store.append(step(1, trial="r1", rss_bytes=3_000_000, cuda_bytes=7_000_000))
    watch = Watch(store.path)
    assert watch.look().quantities[-1]["title"] == "Memory on the GPU"
    assert watch.curves("memory")["r1"][0][1] == 7_000_000


def test_after_a_crash_the_newer_attempt_replaces_the_steps_it_trains_again(store, train):
    watch = Watch(store.path)
    train("r1", [3.0, 2.5, 2.0, 1.9])
    watch.look()
    train("r1", [2.4], begin=1)
    assert watch.look().trials[0].step == 2
    assert [point[:2] for point in watch.curves()["r1"]] == [(1, 3.0), (2, 2.4)]


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
    watch = Watch(store.path)
    assert watch.look().trials[0].loss is None
    assert [point[1] for point in watch.curves()["r1"]] == [3.0, None, None]


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


def test_a_trial_that_is_paused_alone_says_so_and_the_others_run(store, train):
    train("r1", [3.0])
    train("r4", [3.0])
    store.set_status(trials={"r1": "paused"})
    picture = Watch(store.path).look()
    assert [trial.state for trial in picture.trials] == ["paused", "running"]
    assert picture.tally == "0 of 2 trials trained, 1 paused"


def test_what_the_worker_answered_is_told_at_the_next_look_alone(store):
    watch = Watch(store.path)
    store.append(Steered(command="pause r1", applied=False, reason="r1 has ended already"))
    watch.look()
    assert [answer.command for answer in watch.heard] == ["pause r1"]
    watch.look()
    assert watch.heard == []


def test_a_long_past_is_read_in_slices_and_nothing_is_lost(store, train, monkeypatch):
    monkeypatch.setattr(trail, "SLICE", 1000)
    train("r1", [1.0 / number for number in range(1, 101)], total=100)
    watch = Watch(store.path)
    first = watch.look(seconds=0.0)
    assert watch.is_behind
    assert first.doing.startswith("reading what was written")
    while watch.is_behind:
        picture = watch.look(seconds=0.0)
    assert (picture.trials[0].step, len(watch.curves()["r1"])) == (100, 100)


def test_what_is_not_as_it_should_be_in_a_file_is_left_out(store, train):
    train("r1", [3.0])
    lines = [
        b"\xff\xfe", b"[" * 5000, b"[]", b'{"event": "step"}', b'{"event": "step", "step": "1"}',
        b'{"event":"step","step":2,"loss":1' + b"0" * 400 + b',"learning_rate":1,"grad_norm":1,"num_tokens":1,"seconds":1}',
        b'{"event":"step","step":-5,"loss":1,"learning_rate":1,"grad_norm":1,"num_tokens":1,"seconds":1}',
        b'{"event":"held_out","step":-5,"loss":1,"num_tokens":1,"seconds":1}', b'{"event":"nobody"}',
    ]  # fmt: skip
    with (store.folder("r1") / "events.jsonl").open("ab") as file:
        file.write(b"\n".join(lines) + b"\n")
    train("r1", [2.0], begin=1)
    watch = Watch(store.path)
    assert watch.look().trials[0].step == 2
    assert [point[:2] for point in watch.curves()["r1"]] == [(1, 3.0), (2, 2.0)]


def test_a_line_that_is_still_being_written_waits(store, train):
    train("r1", [3.0])
    watch = Watch(store.path)
    path = store.folder("r1") / "events.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[-1].replace(b'"step":1', b'"step":2')[:-9])
    assert watch.look().trials[0].step == 1
    path.write_bytes(whole + whole.splitlines()[-1].replace(b'"step":1', b'"step":2') + b"\n")
    assert watch.look().trials[0].step == 2


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


def test_on_a_logarithmic_axis_every_doubling_has_as_many_points():
    thinned = thin([(step, 1.0) for step in range(1, 4097)], most=64, log=True)
    in_an_octave = [sum(low < point[0] <= 2 * low for point in thinned) for low in (64, 512, 1024)]
    assert in_an_octave == [4, 4, 4]


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

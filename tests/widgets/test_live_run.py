"""The live view without a browser: its traits, its buttons, its plain fallback."""

import json
import threading

import pytest

from workbench.events import Steered
from workbench.job import attach
from workbench.runs import control
from workbench.widgets import LiveRun, trail
from workbench.widgets.live_run import PATIENCE
from workbench.widgets.pump import PUMP, Pump


def press(view: LiveRun, command: str, trial: str = "") -> None:
    """What the browser sends when a button is pressed."""
    view._handle_custom_msg({"command": command, "trial": trial}, [])


def told(store) -> list[tuple[str, str]]:
    commands = control.take(store.path, trials=[trial.name for trial in store.trials])
    return [(command.command, command.trial) for command in commands]


def drawn(state) -> dict:
    """The curves as the browser puts them together."""
    base, tail = state["curves"], state["tail"]
    points = dict(base["points"])
    if tail["version"] == base["version"]:
        for name, (first, ends) in tail["ends"].items():
            points[name] = [*points.get(name, [])[:first], *ends]
    return points


def test_the_traits_hold_the_whole_picture_so_that_a_reload_needs_no_kernel(store, train):
    train("r1", [3.0, 2.0])
    view = LiveRun(attach(store.path))
    state = view.get_state()
    assert state["picture"]["trials"][0]["step"] == 2
    assert [point[0] for point in drawn(state)["r1"]] == [1, 2]
    json.dumps(state["picture"], allow_nan=False)
    view.close()


def test_stop_on_a_row_asks_for_that_trial_alone(store):
    view = LiveRun(attach(store.path))
    press(view, "stop", "r4")
    assert told(store) == [("stop", "r4")]
    assert view.asked == {"r4": "stop"}
    view.close()


def test_the_answer_of_the_worker_takes_the_request_back(store, train):
    train("r4", [2.0])
    view = LiveRun(attach(store.path))
    press(view, "stop", "r4")
    store.set_status(trials={"r4": "stopped"})
    view.refresh()
    assert view.asked == {}
    view.close()


def test_pause_and_resume_on_a_row_are_for_that_trial_until_the_worker_answers(store, train):
    train("r4", [2.0])
    view = LiveRun(attach(store.path))
    press(view, "pause", "r4")
    press(view, "pause", "r1")
    assert told(store) == [("pause", "r4"), ("pause", "r1")]
    assert view.asked == {"r4": "pause", "r1": "pause"}
    store.set_status(trials={"r4": "paused"})
    store.append(Steered(command="pause r4", applied=True))
    view.refresh()
    assert view.asked == {"r1": "pause"}
    assert [trial["state"] for trial in view.picture["trials"]] == ["queued", "paused"]
    press(view, "resume", "r4")
    assert told(store) == [("resume", "r4")]
    view.close()


def test_a_command_that_is_refused_is_taken_back_with_the_reason(store):
    view = LiveRun(attach(store.path))
    press(view, "resume", "r4")
    store.append(Steered(command="resume r4", applied=False, reason="r4 is not paused"))
    view.refresh()
    assert view.asked == {}
    assert view.problem == "resume r4 was refused: r4 is not paused."
    view.close()


@pytest.mark.parametrize("reason", ["", "r4 is not paused"])
def test_an_answer_may_come_before_the_sender_has_gone_on(store, monkeypatch, reason):
    view, send = LiveRun(attach(store.path)), control.send

    def send_and_be_answered(path, command, **about):
        send(path, command, **about)
        store.append(Steered(command="resume r4", applied=not reason, reason=reason))
        view.refresh()

    monkeypatch.setattr(control, "send", send_and_be_answered)
    press(view, "resume", "r4")
    assert view.asked == {}
    assert reason in view.problem
    view.close()


def test_a_restart_may_have_failed_before_whoever_asked_has_gone_on(store, monkeypatch):
    store.set_status(state="stopped")
    view = LiveRun(attach(store.path))
    begin = view._begin_restart

    def begin_and_end():
        begin()
        view.settle()

    monkeypatch.setattr(view, "_begin_restart", begin_and_end)
    (store.path / "log.txt").mkdir()
    press(view, "restart")
    assert view.asked == {}
    assert "log.txt" in view.problem
    view.close()


def test_two_views_of_one_sweep_both_show_what_one_of_them_asked_for(store, train):
    train("r1", [2.0])
    one, other = LiveRun(attach(store.path)), LiveRun(attach(store.path))
    press(one, "pause", "r1")
    assert (one.asked, other.asked) == ({"r1": "pause"}, {})
    store.set_status(trials={"r1": "paused"})
    store.append(Steered(command="pause r1", applied=True))
    for view in (one, other):
        view.refresh()
        assert view.asked == {}
        assert view.picture["trials"][0]["state"] == "paused"
        view.close()


def test_another_quantity_is_drawn_when_it_is_chosen_and_nonsense_is_said(store, train):
    train("r1", [3.0, 2.0])
    view = LiveRun(attach(store.path))
    view.quantity = "learning_rate"
    assert view.curves["quantity"] == "learning_rate"
    assert drawn(view.get_state())["r1"][0][1] == 0.01
    view.log_x = True
    assert view.curves["log"]
    view.quantity = "los"
    assert "Did you mean 'loss'?" in view.problem
    assert view.curves["quantity"] == "learning_rate"
    view.close()


def test_only_the_ends_of_the_curves_are_sent_again(store, train):
    train("r1", [3.0] * 1000, total=5000)
    view = LiveRun(attach(store.path))
    base = view.curves
    train("r1", [2.0] * 30, total=5000, begin=1000)
    view.refresh()
    assert view.curves is base
    assert len(json.dumps(view.tail)) < len(json.dumps(base)) / 10
    whole = view._watch.curves()
    assert drawn({"curves": view.curves, "tail": view.tail}) == whole
    for begin in range(1030, 4000, 270):
        train("r1", [1.0] * 270, total=5000, begin=begin)
        train("r4", [1.0] * 9, total=5000, begin=(begin - 1030) // 30)
        view.refresh()
        assert drawn({"curves": view.curves, "tail": view.tail}) == view._watch.curves()
    view.close()


def test_what_is_no_command_is_ignored(store):
    view = LiveRun(attach(store.path))
    press(view, "delete everything")
    view._handle_custom_msg("stop", [])
    assert told(store) == []
    assert view.problem == ""
    view.close()


def test_a_button_that_cannot_work_shows_why_and_raises_nothing(store):
    view = LiveRun(attach(store.path))
    press(view, "restart")
    assert "running already" in view.problem
    assert view.asked == {}, "nothing is on its way"
    view.ask("stpo")
    assert "Did you mean 'stop'?" in view.problem
    view.close()


def test_a_folder_that_vanishes_is_told_and_no_longer_looked_at(store, train):
    train("r1", [3.0])
    view = LiveRun(attach(store.path))
    press(view, "pause", "r1")
    store.path.rename(store.path.with_name("elsewhere"))
    assert not view.refresh()
    assert (view.state, view.asked) == ("gone", {})
    assert "no longer there" in view.picture["message"]
    assert view.picture["trials"][0]["step"] == 1, "what was read stays"
    press(view, "stop", "r1")
    assert (view.state, view.problem, view.asked) == ("gone", "", {})
    view.close()


def test_a_status_that_cannot_be_read_for_a_moment_is_said_for_a_moment(store):
    view = LiveRun(attach(store.path))
    status = (store.path / "status.json").read_bytes()
    (store.path / "status.json").write_text("{")
    assert view.refresh()
    assert "status of a sweep" in view.problem
    (store.path / "status.json").write_bytes(status)
    view.refresh()
    assert view.problem == ""
    view.close()


def test_a_dead_worker_is_said_with_what_to_do_and_the_end_of_its_log(store, train):
    train("r1", [3.0])
    view = LiveRun(attach(store.path))
    press(view, "pause", "r1")
    (store.path / "log.txt").write_text("x" * 5000 + "\nout of memory\n")
    store.set_status(pid=2**22 + 1, pid_started=1.0)
    view.refresh()
    assert (view.state, view.asked) == ("lost", {})
    assert "Restart" in view.picture["advice"]
    assert view.picture["log"][-1] == "out of memory"
    assert len(view.picture["log"][0]) == 400
    view.close()


def test_where_no_widget_can_be_shown_there_is_a_table_with_everything_escaped(store, train):
    train("r1", [3.0])
    store.set_status(state="failed", message="<script>alert(1)</script>")
    view = LiveRun(attach(store.path))
    data, _ = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<td>1 of 6</td>" in data["text/html"]
    assert "<script>" not in data["text/html"]
    assert "r1: failed, step 1 of 6, loss 3" in data["text/plain"]
    view.close()


def test_what_became_unreadable_while_it_was_read_holds_no_cell_up(store, train, monkeypatch):
    monkeypatch.setattr(trail, "SLICE", 1000)
    store.set_status(state="done")  # so that nobody looks but this test
    view = LiveRun(attach(store.path))
    train("r1", [1.0] * 100, total=100)
    view._look(seconds=0.0)
    assert view._watch.is_behind
    (store.path / "status.json").write_text("{")
    shown = threading.Thread(target=view._repr_mimebundle_, daemon=True)
    shown.start()
    shown.join(20)
    assert not shown.is_alive()
    assert "does not hold the status of a sweep" in view.problem
    for _ in range(PATIENCE):
        view._look()
    assert "not looked at any more: run the cell again" in view.problem
    assert not view.refresh()
    view.close()


def test_one_thread_serves_all_views_and_ends_when_they_do(store):
    class Three:
        def __init__(self):
            self.looks = 0

        def refresh(self):
            self.looks += 1
            return self.looks < 3

    pump = Pump(interval=0.01)
    views = [Three(), Three()]
    for view in views:
        pump.add(view)
        pump.add(view)
    pump.join(timeout=10)
    assert [view.looks for view in views] == [3, 3]
    assert not pump.busy


def test_a_view_that_breaks_says_so_is_not_asked_again_and_does_not_stop_the_others():
    class Broken:
        problem, looks = "", 0

        def refresh(self):
            self.looks += 1
            raise ValueError("no curve")

        def say_problem(self, text):
            self.problem = text

    class Mute(Broken):
        def say_problem(self, text):
            raise RuntimeError

    class Two:
        looks = 0

        def refresh(self):
            self.looks += 1
            return self.looks < 2

    pump, broken, mute, view = Pump(interval=0.01), Broken(), Mute(), Two()
    for one in (broken, mute, view):
        pump.add(one)
    pump.join(timeout=10)
    assert (view.looks, broken.looks, mute.looks) == (2, 1, 1)
    assert "ValueError: no curve" in broken.problem
    assert "Run its cell again" in broken.problem


def test_a_sweep_that_has_ended_needs_no_thread(store):
    store.set_status(state="done")
    view = LiveRun(attach(store.path))
    assert not PUMP.serves(view)
    view.close()

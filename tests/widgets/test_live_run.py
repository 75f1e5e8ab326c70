"""The live view without a browser: its traits, its buttons, its plain fallback."""

import json

from workbench.job import attach
from workbench.runs import control
from workbench.widgets import LiveRun
from workbench.widgets.pump import PUMP, Pump


def press(view: LiveRun, command: str, trial: str = "") -> None:
    """What the browser sends when a button is pressed."""
    view._handle_custom_msg({"command": command, "trial": trial}, [])


def told(store) -> list[tuple[str, str]]:
    commands = control.take(store.path, trials=[trial.name for trial in store.trials])
    return [(command.command, command.trial) for command in commands]


def test_the_traits_hold_the_whole_picture_so_that_a_reload_needs_no_kernel(store, train):
    train("r1", [3.0, 2.0])
    view = LiveRun(attach(store.path))
    state = view.get_state()
    assert state["picture"]["trials"][0]["step"] == 2
    assert [point[0] for point in state["curves"]["r1"]] == [1, 2]
    json.dumps(state["picture"], allow_nan=False)
    view.close()


def test_stop_on_a_row_asks_for_that_trial_alone(store):
    view = LiveRun(attach(store.path))
    press(view, "stop", "r4")
    assert told(store) == [("stop", "r4")]
    assert view.asked == "stop r4"
    view.close()


def test_the_answer_of_the_worker_takes_the_request_back(store, train):
    train("r4", [2.0])
    view = LiveRun(attach(store.path))
    press(view, "stop", "r4")
    store.set_status(trials={"r4": "stopped"})
    view.refresh()
    assert view.asked == ""
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
    view.close()


def test_a_folder_that_vanishes_is_told_in_the_view(store):
    view = LiveRun(attach(store.path))
    store.path.rename(store.path.with_name("elsewhere"))
    view.refresh()
    assert view.problem
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


def test_a_sweep_that_has_ended_needs_no_thread(store):
    store.set_status(state="done")
    view = LiveRun(attach(store.path))
    assert not PUMP.serves(view)
    view.close()

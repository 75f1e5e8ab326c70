"""Trials that join, leave and are given up while a sweep is watched: the rows they have, and the forms that ask for them."""

import json

import pytest

from workbench.errors import InputError
from workbench.events import Finished, Started, Steered, Step
from workbench.job import attach
from workbench.runs import control
from workbench.runs.control import Command
from workbench.runs.newcomers import newcomer
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.widgets import LiveRun
from workbench.widgets.live_plain import as_table, as_text
from workbench.widgets.newcomers import changes_of, offers, step_of
from workbench.widgets.watch import Watch

RATE = {"train.learning_rate": 0.003}


@pytest.fixture
def join(store):
    """Makes a clone of r4, as a worker does; its name."""

    def join(*, step: int = 2) -> str:
        trial = newcomer(store, Command(command="clone", trial="r4", changes=RATE), step=step)
        store.add_trial(trial, command="1-clone.json")
        told = f"clone r4 {next(iter(RATE))}=0.003"
        store.append(Steered(command=told, applied=True, step=step, of="r4"))
        return trial.name

    return join


@pytest.fixture
def view(store, train):
    """A view of a sweep whose r4 trains."""
    train("r4", [3.0, 2.0])
    view = LiveRun(attach(store.path))
    yield view
    view.close()


def form(view: LiveRun, command: str, trial: str, lines: list[list[str]], at: str = "") -> str:
    """What the browser sends of a form; what the kernel says is wrong with it."""
    told = {"command": command, "trial": trial, "changes": lines, "at": at, "form": "f1"}
    view._handle_custom_msg(told, [])
    assert view.answer["form"] == "f1"
    return view.answer["problem"]


def sent(store) -> list[Command]:
    return control.take(store.path, trials=[trial.name for trial in store.trials])


# What a watch sees.


def test_a_trial_that_joins_is_a_row_with_a_curve_and_says_where_it_came_from(store, train, join):
    train("r4", [3.0, 2.0])
    watch = Watch(store.path)
    watch.look()
    name = join()
    assert [(trial.name, trial.state) for trial in watch.look().trials][2:] == [(name, "queued")]
    train(name, [1.5, 1.2])
    picture = watch.look()
    assert picture.trials[2].joined == "clone of r4, step 2"
    assert picture.trials[2].step == 2
    assert picture.total == 18
    assert [point[1] for point in watch.curves()[name]] == [1.5, 1.2]
    assert picture.trials[2].setting == name, "no seed of its parent"
    again = Watch(store.path)
    assert again.look().trials == picture.trials
    assert f"{name}: running, step 2 of 6, loss 1.2, clone of r4, step 2" in as_text(picture)
    assert f"{name} (clone of r4, step 2)</th>" in as_table(picture)


def test_one_that_is_taken_back_and_joins_anew_begins_anew(store, train, join):
    train("r4", [3.0, 2.0])
    watch = Watch(store.path)
    name = join()
    train(name, [1.5])
    assert watch.look().trials[2].step == 1
    store.take_back(name)
    assert [trial.name for trial in watch.look().trials] == ["r1", "r4"]
    assert name not in watch.curves()
    join()
    train(name, [1.4, 1.3, 1.2])
    assert [point[1] for point in watch.look() and watch.curves()[name]] == [1.4, 1.3, 1.2]


def test_one_that_was_made_anew_between_two_looks_is_read_from_its_beginning(store, train, join):
    watch = Watch(store.path)
    name = join()
    train(name, [1.5, 1.4])
    watch.look()
    store.take_back(name)
    join()
    train(name, [1.3, 1.2, 1.1])
    watch.look()
    assert [point[1] for point in watch.curves()[name]] == [1.3, 1.2, 1.1]


def test_what_was_pruned_or_dropped_has_ended_counts_and_leaves_nothing_to_do(store, train):
    for trial, reason in (("r1", "pruned"), ("r4", "dropped")):
        train(trial, [3.0, 2.0])
        store.append(Finished(trial=trial, step=2, seconds=1.0, reason=reason))
        store.set_status(trials={trial: reason})
    picture = Watch(store.path).look()
    assert [trial.state for trial in picture.trials] == ["pruned", "dropped"]
    assert [trial.seconds_left for trial in picture.trials] == [None, None]
    assert picture.tally == "0 of 2 trials trained, 1 pruned, 1 dropped"
    assert (picture.done, picture.total) == (4, 4), "steps that nobody is going to train"
    store.set_status(state="done")
    assert [trial.state for trial in Watch(store.path).look().trials] == ["pruned", "dropped"]


def test_what_was_told_is_listed_with_what_became_of_it_and_what_waits(store):
    store.append(Steered(command="pause r1", applied=True, step=7, of="r1"))
    store.append(Steered(command="resume r4", applied=False, step=9, reason="r4 is not paused"))
    control.send(store.path, "drop", trial="r4", at=1200)
    control.send(store.path, "stop")
    picture = Watch(store.path).look()
    assert picture.told == (
        {"step": 7, "words": "pause r1", "refused": ""},
        {"step": 9, "words": "resume r4", "refused": "r4 is not paused"},
    )
    said = [(one["words"], one["until"], bool(one["file"])) for one in picture.waiting]
    assert said == [("drop r4", "waits for step 1,200 of r4", True), ("stop", "on its way", False)]
    assert [command.command for command in sent(store)] == ["drop", "stop"], "it took none away"


def test_a_command_that_a_new_worker_follows_again_stands_there_once(store):
    watch = Watch(store.path)
    for step in (7, 7, 8):
        store.append(Steered(command="pause r1", applied=True, step=step, of="r1"))
        told = watch.look().told
    assert [one["step"] for one in told] == [7, 8]


def test_what_waits_is_taken_back_once_and_nothing_else_is_touched(store, view):
    control.send(store.path, "drop", trial="r4", at=1200)
    view.refresh()
    (waits,) = view.picture["waiting"]
    press = {"command": "withdraw", "file": waits["file"]}
    view._handle_custom_msg(press, [])
    assert (view.picture["waiting"], view.problem) == ((), "")
    assert sent(store) == []
    for file in (waits["file"], "../status.json", "", None):
        view.problem = ""
        view._handle_custom_msg({**press, "file": file}, [])
        assert "waits no more" in view.problem
    assert (store.path / "status.json").exists()


# What a form asks for.


def test_a_form_asks_for_a_clone_and_the_list_of_what_waits_has_it(store, view):
    lines = [["train.learning_rate", "3e-3"], ["seed", " 7 "], ["", ""]]
    assert form(view, "clone", "r4", lines, at="1,200") == ""
    words = "clone r4 train.learning_rate=3e-3 seed=7"
    (waits,) = view.picture["waiting"]
    assert (waits["words"], waits["until"]) == (words, "waits for step 1,200 of r4")
    (command,) = sent(store)
    assert (command.words, command.at) == (words, 1200)
    assert view.asked == {}, "the row has its buttons still"


@pytest.mark.parametrize(
    ("command", "trial", "lines", "at", "problem"),
    [
        ("clone", "r4", [["adapter.r", "8"]], "", "'adapter.r' stays as it is there"),
        ("clone", "r4", [["train.learning_rat", "1"]], "", "Did you mean 'train.learning_rate'"),
        ("clone", "r4", [["train.learning_rate", "fast"]], "", "learning_rate"),
        ("clone", "r4", [["train.learning_rate", "0.01"]], "", "changes nothing"),
        ("clone", "r4", [["train.learning_rate", ""]], "", "has no value"),
        ("clone", "r4", [["seed", "1"], ["seed", "2"]], "", "seed is given twice"),
        ("clone", "r4", [["seed", "1"]], "soon", "a step is a whole number from 0; got 'soon'"),
        ("clone", "r44", [["seed", "1"]], "", "has no trial 'r44'"),
        ("add", "", [["adapter.rank", "8"]], "", "adapter.rank"),
        ("add", "", [["", "8"]], "", "given for no field"),
        ("add", "", [], "", "would train the same again"),
        ("add", "", "nonsense", "", "would train the same again"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_the_form_and_nothing_is_sent(
    store, view, command, trial, lines, at, problem
):
    assert problem in form(view, command, trial, lines, at)
    assert sent(store) == []
    assert view.problem == ""


def test_a_form_adds_a_trial_of_the_sweeps_own_fields(store, view):
    assert (
        form(view, "add", "", [["adapter.r", "16"], ["adapter.target_modules", "[q_proj]"]]) == ""
    )
    (command,) = sent(store)
    assert command.changes == {"adapter.r": 16, "adapter.target_modules": ["q_proj"]}


def test_python_asks_for_the_same_and_hears_the_same(store, view):
    view.ask("clone", trial="r4", changes=RATE, at=40)
    view.ask("add", changes={"adapter.r": 16})
    view.ask("drop", trial="r4")
    told = [(one.command, one.trial, one.changes, one.at) for one in sent(store)]
    assert told == [("clone", "r4", RATE, 40), ("add", "", {"adapter.r": 16}, 0), ("drop", "r4", {}, 0)]  # fmt: skip
    view.ask("clone", trial="r4", changes={"adapter.r": 16})
    assert "stays as it is there" in view.problem
    view.ask("pause", trial="r4", changes=RATE)
    assert "pause changes no fields" in view.problem
    view.ask("add", trial="r4", changes=RATE)
    assert "use clone" in view.problem
    assert sent(store) == []


def test_a_row_that_is_dropped_waits_until_it_has_ended(store, view):
    view._handle_custom_msg({"command": "drop", "trial": "r4"}, [])
    store.append(Steered(command="drop r4", applied=True, step=2, of="r4"))
    view.refresh()
    assert view.asked == {"r4": "drop"}
    store.append(Finished(trial="r4", step=2, seconds=1.0, reason="dropped"))
    store.set_status(trials={"r4": "dropped"})
    view.refresh()
    assert view.asked == {}
    assert view.picture["trials"][1]["state"] == "dropped"


def test_a_refused_clone_is_said_once_and_an_old_refusal_only_in_the_list(store, train):
    train("r4", [3.0])
    store.append(Steered(command="clone r4 seed=1", applied=False, step=1, reason="no memory"))
    view = LiveRun(attach(store.path))
    assert view.problem == ""
    assert view.picture["told"][0]["refused"] == "no memory"
    store.append(Steered(command="clone r4 seed=2", applied=False, step=1, reason="no memory"))
    view.refresh()
    assert view.problem == "clone r4 seed=2 was refused: no memory."
    view.close()


def test_an_open_view_gets_the_row_the_curve_and_what_its_clone_could_change(
    store, train, join, view
):
    name = join()
    train(name, [1.5])
    view.refresh()
    state = view.get_state()
    json.dumps(state["picture"], allow_nan=False)
    assert [trial["name"] for trial in state["picture"]["trials"]] == ["r1", "r4", name]
    ends = {**state["curves"]["points"], **state["tail"]["ends"]}
    assert name in ends
    assert state["offers"]["now"][name]["train.learning_rate"] == "0.003"


# What forms offer, and how they are read.


def test_the_axes_of_the_sweep_come_first_and_a_clone_is_offered_what_it_may_change(store):
    found = offers(store)
    assert found["free"][0] == "adapter.r"
    assert found["common"][0] == "train.learning_rate"
    assert "adapter.r" not in (*found["common"], *found["others"])
    assert set(found["common"]).isdisjoint(found["others"])
    assert found["now"]["r4"]["train.learning_rate"] == "0.01"
    assert found["now"][""]["adapter.target_modules"] == "all-linear"


def test_fields_that_a_method_does_not_read_have_no_value_now(tmp_path):
    fields = {"name": "ia3", "adapter": {"peft_type": "IA3"}, "sweep": {"seed": [0, 1]}}
    store = SweepStore.create(Spec.from_fields(fields), root=tmp_path)
    now = offers(store)["now"]
    assert "adapter.lora_dropout" not in now["seed0"]
    assert "adapter.r" not in now[""]


def test_values_are_read_as_in_a_spec_file():
    assert changes_of([["train.max_steps", "40"], ["data.rows", "null"]]) == {
        "train.max_steps": 40,
        "data.rows": None,
    }
    with pytest.raises(InputError, match="no value for seed"):
        changes_of([["seed", "[1,"]])
    assert step_of(None) == 0
    with pytest.raises(InputError, match="-5"):
        step_of("-5")


def test_a_started_newcomer_counts_as_one_that_may_be_dropped_and_cloned(store, join):
    name = join()
    store.append(Started(trial=name, total_steps=6))
    store.append(
        Step(
            trial=name, step=1, epoch=0.1, loss=1.0, learning_rate=0.1, grad_norm=1.0, num_tokens=2,
            seconds=0.1,
        )
    )  # fmt: skip
    row = Watch(store.path).look().trials[2]
    assert (row.state, row.total_steps) == ("running", 6)

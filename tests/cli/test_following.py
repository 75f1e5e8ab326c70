"""What a terminal, or a log, shows of a sweep: drawn from its folder alone."""

import io

import pytest
from rich.console import Console

from workbench.cli.following import Board
from workbench.cli.results import sweep_row, tell_run, tell_sweeps
from workbench.events import Finished, Started, Steered, Step, Warned
from workbench.job import attach
from workbench.runs.control import Command
from workbench.runs.newcomers import newcomer
from workbench.runs.store import SweepStore
from workbench.spec import Spec


@pytest.fixture
def store(tmp_path) -> SweepStore:
    fields = {"name": "seen", "evals": ["recall"], "sweep": {"adapter.r": [1, 2, 4]}}
    store = SweepStore.create(Spec.from_fields(fields), root=tmp_path)
    store.claim()
    return store


def board(store: SweepStore, *, terminal: bool) -> tuple[Board, Console]:
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=80, color_system=None, highlight=False
    )
    return Board(attach(store.path), console=console, line_every=0), console


def train(store: SweepStore, trial: str, *, steps: int, begin: int = 0) -> None:
    store.append(Started(trial=trial, total_steps=322, from_step=begin))
    for step in range(begin + 1, begin + steps + 1):
        store.append(
            Step(
                trial=trial, step=step, epoch=0.1, loss=2.0, learning_rate=0.01, grad_norm=1.0,
                num_tokens=20, seconds=0.5,
            )
        )  # fmt: skip


def drawn(seen: Board, console: Console) -> list[str]:
    with console.capture() as captured:
        console.print(seen.progress.get_renderable())
    return [line.strip() for line in captured.get().splitlines() if line.strip()]


def test_every_row_fits_eighty_columns_and_the_last_says_what_is_done(store):
    store.beat(message="training r1, r2, r4")
    for trial in ("r1", "r2", "r4"):
        train(store, trial, steps=3)
    seen, console = board(store, terminal=True)
    seen.look()
    *rows, last = drawn(seen, console)
    assert [row.split()[0] for row in rows] == ["r1", "r2", "r4"]
    assert all("3/322" in row and "loss 2.0000" in row for row in rows)
    assert last.startswith("training 3 trials")
    assert "/" not in last


def test_elapsed_time_is_that_of_the_events_also_when_they_are_read_in_one_go(store):
    seen, console = board(store, terminal=True)
    seen.show(Started(trial="r1", total_steps=2, time=100.0))
    seen.show(Finished(trial="r1", step=2, seconds=75.0, time=175.0))
    assert "0:01:15" in drawn(seen, console)[0]


def test_a_trial_that_goes_on_is_not_shown_as_stopped(store):
    train(store, "r1", steps=3)
    store.append(Finished(trial="r1", step=3, seconds=1.0, reason="stopped"))
    (store.folder("r1") / "checkpoint").mkdir(exist_ok=True)
    store.set_status(state="stopped")
    again = SweepStore.open(store.path)
    again.claim()
    seen, console = board(again, terminal=True)
    seen.look()
    assert "waiting" in drawn(seen, console)[0]
    train(again, "r1", steps=2, begin=3)
    seen.look()
    assert "5/322" in drawn(seen, console)[0]
    assert "stopped" not in drawn(seen, console)[0]


def test_a_note_of_several_trials_is_told_once_when_the_model_is_loaded(store):
    seen, console = board(store, terminal=False)
    store.beat(message="loading microworld")
    for trial in ("r1", "r2", "r4"):
        store.append(Warned(trial=trial, code="truncated", message="2 rows were cut"))
        seen.look()
    assert "cut" not in console.file.getvalue()
    store.beat(message="training r1, r2, r4")
    seen.look()
    seen.look()
    assert console.file.getvalue().count("2 rows were cut") == 1
    assert "note (all trials): 2 rows were cut" in console.file.getvalue()


def test_without_a_terminal_a_line_says_how_far_it_is(store):
    store.beat(message="training r1, r2, r4")
    train(store, "r1", steps=3)
    train(store, "r2", steps=3)
    seen, console = board(store, terminal=False)
    seen.look()
    assert "step 6 of 644, mean loss 2.0000" in console.file.getvalue()


def test_a_log_of_many_trials_has_no_line_for_each_that_goes_well(tmp_path):
    fields = {"name": "many", "sweep": {"adapter.r": [1, 2, 4], "seed": [0, 1, 2]}}
    store = SweepStore.create(Spec.from_fields(fields), root=tmp_path)
    store.claim()
    names = [trial.name for trial in store.trials]
    store.beat(message=f"training {', '.join(names)}")
    for name in names:
        train(store, name, steps=2)
        reason = "stopped" if name == "r4-seed1" else "done"
        store.append(Finished(trial=name, step=2, seconds=1.0, reason=reason))
    seen, console = board(store, terminal=False)
    seen.look()
    told = console.file.getvalue()
    assert "training 9 trials" in told
    assert "r4-seed1: stopped" in told
    assert "r1-seed0" not in told


def test_a_trial_that_joins_gets_a_bar_and_is_said_with_where_it_came_from(store):
    train(store, "r4", steps=3)
    seen, console = board(store, terminal=False)
    told, _ = seen.look(), console.file.truncate(0)
    command = Command(command="clone", trial="r4", changes={"train.learning_rate": 0.003})
    trial = newcomer(store, command, step=3)
    store.add_trial(trial, command="1-clone.json")
    train(store, trial.name, steps=2)
    store.append(Steered(command="drop r1", applied=False, reason="r1 has not begun to train"))
    seen.look()
    said = console.file.getvalue()
    assert told.state == "running"
    assert f"{trial.name}: joins as a clone of r4 at step 3" in said
    assert "drop r1: refused, r1 has not begun to train" in said
    assert "2/322" in next(row for row in drawn(seen, console) if row.startswith(trial.name))


def test_what_was_pruned_or_dropped_is_no_failure(store, capsys):
    for trial, reason in (("r1", "pruned"), ("r2", "dropped"), ("r4", "done")):
        train(store, trial, steps=2)
        store.append(Finished(trial=trial, step=2, seconds=1.0, reason=reason))
        store.set_status(trials={trial: reason})
    store.set_status(state="done")
    seen, console = board(store, terminal=False)
    status = seen.look()
    said = console.file.getvalue()
    assert "r1: pruned, others having a lower held-out loss, in" in said
    assert "r2: dropped, nothing of it is kept, in" in said
    assert tell_run(attach(store.path), status) == 0
    told = capsys.readouterr()
    assert "pruned: r1" in told.out
    assert "dropped: r2" in told.out
    assert "failed" not in told.out + told.err
    row = sweep_row(store.path)
    assert [row[word] for word in ("trained", "failed", "pruned", "dropped")] == [1, 0, 1, 1]
    tell_sweeps([row])
    assert "1 of 3, 1 pruned, 1 dropped" in capsys.readouterr().out

"""`workbench steer`: the command is sent, the worker's answer printed, and what cannot be is refused where it was typed."""

import json
import threading
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from workbench.cli import commands
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.spec import Spec

FIELDS = {"name": "steered", "sweep": {"adapter.r": [1, 4]}, "evals": []}


@pytest.fixture
def sweep(tmp_path) -> Iterator[SweepStore]:
    """A sweep whose worker is this process, at step 7 of each trial."""
    store = SweepStore.create(Spec.from_fields(FIELDS), root=tmp_path)
    store.claim()
    steering, over = Steering(store), threading.Event()
    steering.begin(["r1", "r4"])

    def work() -> None:
        while not over.wait(0.02):
            steering.turns({"r1": 7, "r4": 7})

    worker = threading.Thread(target=work)
    worker.start()
    yield store
    over.set()
    worker.join()


def steer(sweep: SweepStore, *words: str, exits: int = 0) -> str:
    done = CliRunner().invoke(commands.app, ["steer", str(sweep.path), *words])
    code = getattr(done.exception, "exit_code", done.exit_code)
    assert code == exits, (done.output, done.exception)
    return done.output + str(done.exception or "")


def test_a_pause_is_answered_with_its_step(sweep) -> None:
    assert "pause r1: followed at step 7" in steer(sweep, "pause", "r1")
    assert sweep.status().trials["r1"] == "paused"
    told = json.loads(steer(sweep, "resume", "r1", "--json"))
    assert (told["applied"], told["step"], told["of"]) == (True, 7, "r1")


def test_a_refusal_is_an_error_with_the_worker_s_reason(sweep) -> None:
    assert "r4 is not paused" in steer(sweep, "resume", "r4", exits=2)
    assert "nothing trains now" in steer(sweep, "add", "adapter.r=16", exits=2)


def test_a_command_for_later_is_sent_and_waits(sweep) -> None:
    assert "follows after step 90" in steer(sweep, "drop", "r4", "--at", "90")
    assert len(list((sweep.path / "control").glob("*.json"))) == 1
    assert "drop r4: waits for step 90 of r4" in steer(sweep, "waiting")


def test_what_waits_is_taken_back_the_newest_of_several_alike(sweep) -> None:
    for step in ("90", "120"):
        steer(sweep, "drop", "r4", "--at", step)
    assert "Did you mean 'drop r4'?" in steer(sweep, "withdraw", "drop", "r1", exits=2)
    assert "drop r4: taken back" in steer(sweep, "withdraw", "drop", "r4")
    assert json.loads(steer(sweep, "waiting", "--json")) == [{"words": "drop r4", "at": 90}]
    assert json.loads(steer(sweep, "withdraw", "drop", "r4", "--json")) == {"withdrawn": "drop r4"}
    assert "nothing waits" in steer(sweep, "waiting")
    assert "Nothing waits." in steer(sweep, "withdraw", "drop", "r4", exits=2)
    for words, said in (
        (("withdraw",), "takes a command that waits"),
        (("withdraw", "drop", "r4", "--at", "90"), "takes no --at"),
        (("waiting", "r4"), "takes nothing more; got 'r4'"),
    ):
        assert said in steer(sweep, *words, exits=2)


def test_what_waits_for_the_next_worker_is_taken_back_too(sweep) -> None:
    steer(sweep, "drop", "r4", "--at", "90")
    sweep.set_status(state="stopped")
    assert "nothing to steer" in steer(sweep, "pause", exits=2)
    assert "taken back" in steer(sweep, "withdraw", "drop", "r4")


def test_a_clone_is_taken_back_by_the_words_it_was_given_in(sweep) -> None:
    words = ("clone", "r4", "train.learning_rate=3e-3", "seed=7")
    steer(sweep, *words, "--at", "90")
    assert "seed=7: taken back" in steer(sweep, "withdraw", *words)
    assert "nothing waits" in steer(sweep, "waiting")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["stpo"], "Did you mean 'stop'"),
        (["pause", "r2"], "no trial 'r2'"),
        (["clone", "r4"], "without a changed field"),
        (["clone", "train.learning_rate=1e-3"], "clone is of one trial"),
        (["clone", "r4", "adapter.r=8"], "stays as it is there"),
        (["clone", "r4", "train.learning_rat=1e-3"], "train.learning_rate"),
        (["clone", "r4", "train.learning_rate=-1"], "learning_rate"),
        (["clone", "r4", "train.learning_rate=2e-4"], "changes nothing"),
        (["add", "adapter.r=0"], "adapter.r"),
        (["add", "r4", "adapter.r=16"], "add takes FIELD=VALUE only"),
        (["pause", "r1", "r4"], "one trial at a time"),
        (["pause", "r1", "train.seed=3"], "changes no fields"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_sent(sweep, words, expected) -> None:
    assert expected in steer(sweep, *words, exits=2)
    assert not list((sweep.path / "control").glob("*.json"))
    assert not sweep.events()


def test_a_sweep_that_has_ended_is_not_steered(sweep) -> None:
    sweep.set_status(state="done")
    assert "is done: there is nothing to steer" in steer(sweep, "stop", exits=2)

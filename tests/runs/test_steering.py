"""The worker's side of the control folder: who trains the next step, who waits, and what is told of it."""

import json
import threading

import pytest

from workbench.events import Steered
from workbench.runs import control
from workbench.runs.steering import Steering

ALL = ["r1-seed0", "r1-seed1", "r4-seed0", "r4-seed1"]


@pytest.fixture
def worker(store):
    """Tells a worker something, and gives what it answers."""
    store.claim()

    class Worker:
        def __init__(self):
            self.steering = Steering(store)

        def hears(self, command: str, trial: str = "") -> Steered:
            before = len(store.events())
            control.send(store.path, command, trial=trial)
            self.steering._polled = 0.0
            self.steering.say("")
            (answer,) = store.events()[before:]
            return answer

    return Worker()


def test_a_paused_trial_gives_up_its_turns_and_the_others_go_on(store, worker):
    worker.steering.begin(ALL[:3])
    assert worker.hears("pause", ALL[1]).applied
    assert worker.steering.turns(dict.fromkeys(ALL[:3], 1)) == [ALL[0], ALL[2]]
    assert store.status().trials[ALL[1]] == "paused"
    assert store.status().state == "running"
    assert worker.hears("resume", ALL[1]).command == f"resume {ALL[1]}"
    assert worker.steering.turns(dict.fromkeys(ALL[:3], 1)) == ALL[:3]
    assert store.status().trials[ALL[1]] == "training"


def test_when_all_are_paused_the_worker_waits_until_one_is_resumed(store, worker):
    worker.steering.begin(ALL)
    worker.hears("pause")
    assert set(store.status().trials.values()) == {"paused"}
    found = []
    waiting = threading.Thread(
        target=lambda: found.append(worker.steering.turns(dict.fromkeys(ALL, 1)))
    )
    waiting.start()
    while store.status().state != "paused":
        assert waiting.is_alive()
    control.send(store.path, "resume", trial=ALL[2])
    waiting.join(30)
    assert found == [[ALL[2]]]
    assert store.status().state == "running"


def test_a_stop_ends_the_waiting_too(store, worker):
    worker.steering.begin(ALL[:1])
    worker.hears("pause")
    worker.hears("stop", ALL[0])
    assert worker.steering.turns(dict.fromkeys(ALL[:1], 1)) == ALL[:1]
    worker.hears("stop")
    assert worker.steering.turns(dict.fromkeys(ALL, 1)) == ALL
    assert store.status().state == "stopping"


def test_one_that_is_paused_before_it_begins_has_no_turn_when_it_does(store, worker):
    worker.hears("pause", ALL[3])
    assert store.status().trials[ALL[3]] == "paused"
    worker.steering.begin(ALL)
    assert store.status().trials[ALL[3]] == "paused"
    assert worker.steering.turns(dict.fromkeys(ALL, 1)) == ALL[:3]
    worker.hears("resume")
    assert store.status().trials[ALL[3]] == "training"


def test_one_that_waits_for_its_group_is_queued_again_when_resumed(store, worker):
    worker.hears("pause", ALL[3])
    worker.hears("resume", ALL[3])
    assert store.status().trials[ALL[3]] == "queued"


@pytest.mark.parametrize(
    ("command", "trial", "reason"),
    [
        ("pause", ALL[0], "r1-seed0 has ended already"),
        ("resume", ALL[0], "r1-seed0 has ended already"),
        ("resume", ALL[1], "r1-seed1 is not paused"),
        ("resume", "", "nothing is paused"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_the_reason(store, worker, command, trial, reason):
    store.set_status(trials={ALL[0]: "trained"})
    answer = worker.hears(command, trial)
    assert (answer.applied, answer.reason) == (False, reason)


def test_when_training_is_over_a_pause_is_refused(store, worker):
    store.set_status(trials=dict.fromkeys(ALL, "trained"))
    assert "evals are not paused" in worker.hears("pause").reason


@pytest.fixture
def to_follow_again(store):
    """A worker that goes on; before it died, another had paused a trial after nine rounds."""
    store.claim()
    taken = store.path / "control" / "taken"
    taken.mkdir()
    told = {"command": "pause", "trial": ALL[1]}
    (taken / "000001-00000009-1-1-pause.json").write_text(json.dumps(told))
    return Steering(store)


def test_what_is_followed_again_waits_for_its_round_and_what_is_new_for_that(
    store, to_follow_again
):
    control.send(store.path, "pause", trial=ALL[2])
    for _ in range(9):
        assert to_follow_again.turns(dict.fromkeys(ALL, 1)) == ALL
    assert to_follow_again.turns(dict.fromkeys(ALL, 1)) == [ALL[0], ALL[3]]
    assert [event.command for event in store.events()] == [f"pause {ALL[1]}", f"pause {ALL[2]}"]


def test_a_stop_of_all_is_heard_at_once_whatever_waits(store, to_follow_again):
    control.send(store.path, "stop")
    to_follow_again.say("evaluating")
    assert to_follow_again.stopped_all
    assert [event.command for event in store.events()] == ["stop"]


def test_what_was_to_be_followed_again_is_refused_once_training_is_over(store, to_follow_again):
    store.set_status(trials=dict.fromkeys(ALL, "trained"))
    to_follow_again.say("evaluating")
    (answer,) = store.events()
    assert (answer.applied, answer.reason) == (False, f"{ALL[1]} has ended already")

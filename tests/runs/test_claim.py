"""One worker at a time: claims across processes, workers that died, and folders after kill -9."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from workbench.errors import StoreError
from workbench.events import Warned
from workbench.runs.status import is_alive
from workbench.runs.store import SweepStore

ROOT = Path(__file__).resolve().parents[2]

CLAIM_AND_STAY = """
import sys, time
from pathlib import Path
from workbench.errors import StoreError
from workbench.runs.store import SweepStore
store = SweepStore.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    print(store.claim(), flush=True)
except StoreError as error:
    print("refused", flush=True)
sys.stdin.readline()
"""

WRITE_FOR_EVER = """
import sys
from pathlib import Path
from workbench.events import Started, Step
from workbench.runs.store import SweepStore
from workbench.scores.task import Row, Score
store = SweepStore.open(Path(sys.argv[1]))
attempt = store.claim()
known = len(store.steps("r1-seed0"))
begin = known // 5 * 5
store.append(Started(trial="r1-seed0", total_steps=10**6, from_step=begin))
print("ready", flush=True)
for number in range(begin + 1, 10**6):
    store.append(Step(trial="r1-seed0", step=number, epoch=0, loss=attempt, learning_rate=0,
                      grad_norm=0, num_tokens=1, seconds=0))
    store.set_status(trials={"r1-seed0": f"step {number}"})
    store.write_json("plan.json", {"numbers": list(range(number % 500))})
    store.write_rows("recall", [Row(sample=str(n), slot="base", value=n) for n in range(50)])
    store.write_score(Score(eval="recall", slot="base", value=number, low=0, high=1, n=50, clusters=50))
"""


@pytest.fixture
def start():
    """Start a script on a sweep; whatever still runs at the end is ended."""
    running = []

    def start(code, path):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def told(process, *, send=False):
    if send:
        process.stdin.write("\n")
    return process.stdout.readline().strip()


def test_of_workers_that_claim_at_once_exactly_one_gets_it(store, start):
    workers = [start(CLAIM_AND_STAY, store.path) for _ in range(4)]
    assert [told(worker) for worker in workers] == ["ready"] * 4
    for worker in workers:
        worker.stdin.write("\n")
    answers = sorted(told(worker) for worker in workers)
    assert answers == ["1", "refused", "refused", "refused"]
    status = store.status()
    assert (status.state, status.attempt) == ("running", 1)
    assert status.pid in [worker.pid for worker in workers]


def test_a_living_worker_keeps_its_sweep_and_a_dead_one_loses_it(store, start):
    worker = start(CLAIM_AND_STAY, store.path)
    assert (told(worker), told(worker, send=True)) == ("ready", "1")
    with pytest.raises(StoreError, match=f"is running already in process {worker.pid}"):
        store.claim()
    worker.kill()
    # Nobody has waited for it yet: it is a zombie, and still a dead worker.
    while psutil.Process(worker.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert store.status().state == "lost"
    worker.wait()
    assert store.status().state == "lost"
    assert store.claim() == 2
    assert store.status().state == "running"


def test_a_process_id_used_again_is_not_the_worker(store):
    store.claim()
    store.set_status(pid=os.getppid(), pid_started=1.0)
    assert store.status().state == "lost"
    assert store.claim() == 2


def test_a_living_process_with_that_start_is_the_worker():
    parent = psutil.Process(os.getppid())
    assert is_alive(parent.pid, parent.create_time())
    assert not is_alive(parent.pid, parent.create_time() - 3600)
    assert not is_alive(None, None)
    assert not is_alive(2**22 + 1, None)


@pytest.mark.parametrize("state", ["done", "failed", "stopped", "queued"])
def test_a_sweep_that_needs_no_worker_is_not_lost_and_can_be_claimed(store, state):
    store.set_status(state=state, pid=2**22 + 1, pid_started=1.0)
    assert store.status().state == state
    assert store.claim() == 1


@pytest.mark.parametrize("state", ["running", "paused", "stopping"])
def test_a_state_without_its_worker_reads_as_lost(store, state):
    store.set_status(state=state, pid=2**22 + 1, pid_started=1.0)
    assert store.status().state == "lost"


def test_the_same_process_may_take_its_sweep_up_again(store):
    assert (store.claim(), SweepStore.open(store.path).claim()) == (1, 2)


def test_a_beat_renews_the_heartbeat_and_says_what_is_done(store):
    store.claim()
    store.set_status(heartbeat=0.0)
    store.beat(message="loading")
    status = store.status()
    assert status.heartbeat > 1.6e9
    assert status.message == "loading"
    store.beat(message="training")
    assert store.status().message == "training"


def test_a_folder_caught_between_two_names_comes_back(store):
    trial = store.folder("r1-seed0")
    for name in (".adapter.77.old", ".adapter.77.tmp", ".checkpoint.77.old", "checkpoint"):
        (trial / name).mkdir()
        (trial / name / "file").write_text(name)
    store.claim()
    assert (trial / "adapter" / "file").read_text() == ".adapter.77.old"
    assert (trial / "checkpoint" / "file").read_text() == "checkpoint"
    assert [one for one in trial.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("pause", [0.0, 0.013, 0.031, 0.057, 0.092])
def test_a_worker_killed_at_any_moment_leaves_a_sweep_that_opens(store, start, pause):
    for attempt in (1, 2, 3):
        worker = start(WRITE_FOR_EVER, store.path)
        assert told(worker) == "ready"
        time.sleep(pause * attempt)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        again = SweepStore.open(store.path)
        assert (again.status().state, again.status().attempt) == ("lost", attempt)
        steps = again.steps("r1-seed0")
        assert [one.step for one in steps] == list(range(1, len(steps) + 1))
        again.read_json("plan.json", default=None)
        if again.scores():
            assert len(again.read_rows("base", "recall")) == 50
    again.claim()
    assert [one for one in again.path.rglob(".*") if one.name != ".lock"] == []
    again.append(Warned(trial="r1-seed0", code="x", message="whole"))
    assert again.events("r1-seed0")[-1].message == "whole"

"""A sweep that is fused, pruned and steered, killed at any moment: what goes on from there ends as if nothing had happened.

Adapters are equal to the bit, scores to the last digit, and every event but for its time is the same.
"""

import itertools
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from workbench import job
from workbench.runs import control
from workbench.runs.store import SweepStore
from workbench.spec import Spec

SOAK = bool(os.environ.get("SOAK"))
KILLS = 100 if SOAK else 3
STRIDE = 6 if SOAK else 280
"""It writes some 800 times; how often depends a little on how long it takes."""
FIELDS = {
    "adapter": {"target_modules": ["q_proj", "v_proj"], "lora_dropout": 0.1},
    "data": {"id": "microworld/updates", "rows": 48, "eval_fraction": 0.1},
    "train": {"per_device_train_batch_size": 4, "max_steps": 24, "save_steps": 5},
    "evals": ["recall"],
    "sweep": {"adapter.r": [1, 4], "train.learning_rate": [1e-3, 4e-3, 1.2e-2]},
    "prune": {"min_resource": 8, "reduction_factor": 2},
}
TOLD: tuple[tuple[str, dict[str, Any]], ...] = (
    ("pause", {"trial": "r1-lr0.001", "at": 3}),
    ("clone", {"trial": "r4-lr0.012", "at": 4, "changes": {"train.learning_rate": 6e-3}}),
    ("drop", {"trial": "r1-lr0.012", "at": 5}),
    ("resume", {"at": 6}),
    ("stop", {"trial": "r4-lr0.001", "at": 6}),
    ("add", {"at": 7, "changes": {"adapter.r": 2, "train.learning_rate": 5e-3}}),
    # After the last savepoint, of the last that trains: nobody waits, but both are followed again.
    ("pause", {"trial": "r4-lr0.012", "at": 22}),
    ("resume", {"trial": "r4-lr0.012", "at": 22}),
)
MADE = ("r4-lr0.006-warm", "r2-lr0.005")
JUDGED = ("r1-lr0.001", "r1-lr0.004", "r4-lr0.004", "r4-lr0.012")
NOT_COMPARED = {"time", "attempt", "seconds", "rss_bytes", "cuda_bytes"}


class Preloaded:
    """Forks workers from one process that has loaded everything."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.joined.preloaded"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **job.WORKER_ENVIRONMENT},
        )

    def work(
        self, folder: Path, *, kill_at: float = math.inf, before_write: int = 0, of: str = ""
    ) -> int:
        """Run a folder; its worker's exit code.

        Args:
            folder: A sweep.
            kill_at: Kill the worker once it has said so many things.
            before_write: Let it die right before it writes this often.
            of: What is counted, a trial's events or a path's writes; all of them where it is empty.
        """
        assert self._process.stdin
        assert self._process.stdout
        told = {"folder": str(folder), "writes": before_write, "of": of if before_write else ""}
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        if kill_at < math.inf:
            while num_said(folder, of=of) < kill_at and Path(f"/proc/{child}/fd").is_dir():
                time.sleep(0.001)
            # Not always right after a line: in the middle of a step, of a checkpoint, of an eval.
            time.sleep(random.random() * 0.05)
            with suppress(ProcessLookupError):  # it has ended already
                os.kill(child, signal.SIGKILL)
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def preloaded() -> Iterator[Preloaded]:
    one = Preloaded()
    yield one
    one.close()


def num_said(folder: Path, *, of: str = "") -> int:
    # Not every folder there is: some of those a worker fills are gone while one looks.
    logs = (
        folder.glob(f"{of}/events.jsonl")
        if of
        else [folder / "events.jsonl", *folder.glob("[!.]*/events.jsonl")]
    )
    return sum(path.read_bytes().count(b"\n") for path in logs if path.exists())


def prepared(root: Path, name: str) -> Path:
    store = job.prepare(Spec.from_fields({"name": name, **FIELDS}), runs=root)
    for command, fields in TOLD:
        control.send(store.path, command, **fields)
    return store.path


def said(store: SweepStore, trial: str) -> list[dict[str, Any]]:
    """Every event, each once, without when it was: what is done again says the same again."""
    found: dict[str, dict[str, Any]] = {}
    for event in store.events(trial):
        fields = {k: v for k, v in event.model_dump().items() if k not in NOT_COMPARED}
        if fields["event"] == "started" and fields["from_step"]:
            continue
        found.setdefault(json.dumps(fields, sort_keys=True), fields)
    return list(found.values())


def same(one: Path, other: Path) -> None:
    """Whether two sweeps ended alike."""
    ours, theirs = SweepStore.open(one), SweepStore.open(other)
    assert [t.name for t in ours.trials] == [t.name for t in theirs.trials]
    assert ours.status().trials == theirs.status().trials
    assert [path for path in one.rglob(".*") if path.name != ".lock"] == [], "left lying"
    assert said(ours, "") == said(theirs, "")
    assert ours.read_json("data-card.json") == theirs.read_json("data-card.json")
    for trial in theirs.trials:
        assert said(ours, trial.name) == said(theirs, trial.name)
        scores = [store.read_score(trial.name, "recall") for store in (ours, theirs)]
        assert [s and (s.value, s.low, s.high, s.n) for s in scores[:1]] == [
            s and (s.value, s.low, s.high, s.n) for s in scores[1:]
        ]
        kept = [
            path / trial.name / "adapter" / "adapter_model.safetensors" for path in (one, other)
        ]
        assert kept[0].exists() == kept[1].exists()
        if kept[0].exists():
            first, second = map(load_file, kept)
            assert all((first[name] == second[name]).all() for name in second)


@pytest.fixture(scope="module")
def whole(preloaded, tmp_path_factory) -> Path:
    """The sweep that nobody kills."""
    path = prepared(tmp_path_factory.mktemp("whole"), "steered")
    assert preloaded.work(path) == 0, (path / "log.txt").read_text()
    return path


def test_every_command_is_followed_at_its_step(whole) -> None:
    store = SweepStore.open(whole)
    steered = [event for event in store.events() if event.event == "steered"]
    assert [(e.command.split()[0], e.step, e.reason) for e in steered] == [
        (command, fields["at"], "") for command, fields in TOLD
    ]
    assert [trial.name for trial in store.trials[6:]] == list(MADE)
    states = store.status().trials
    assert states["r1-lr0.012"] == "dropped"
    assert len(store.steps("r1-lr0.012")) == 5
    assert not (store.folder("r1-lr0.012") / "adapter").exists()
    assert states["r4-lr0.001"] == "stopped"
    assert len(store.steps("r4-lr0.001")) == 7, "it takes the step that it ends with"
    for name in MADE:
        assert states[name] == "done"
        assert len(store.steps(name)) == 24
        assert store.read_score(name, "recall") is not None


def test_the_worse_half_ends_at_each_rung_and_the_record_says_why(whole) -> None:
    store = SweepStore.open(whole)
    (rungs,) = store.read_json("halving.json").values()
    assert {one["trial"] for one in rungs[0]["trials"]} == set(JUDGED)
    alive, states = set(JUDGED), store.status().trials
    for rung, step in zip(rungs, (8, 16), strict=True):
        told = {one["trial"]: one for one in rung["trials"]}
        assert set(told) == alive
        heard = {
            name: next(
                e.loss for e in store.events(name) if e.event == "held_out" and e.step == step
            )
            for name in alive
        }
        assert {name: one["loss"] for name, one in told.items()} == heard
        best = sorted(alive, key=heard.__getitem__)[: len(alive) // 2]
        for name in alive - set(best):
            assert states[name] == "pruned"
            assert len(store.steps(name)) == step
            (event,) = (e for e in store.events(name) if e.event == "pruned")
            assert event.needed == max(heard[one] for one in best) < event.loss
            assert (store.folder(name) / "adapter" / "adapter_model.safetensors").exists()
        alive = set(best)
    (winner,) = alive
    assert states[winner] == "done"
    assert len(store.steps(winner)) == 24


@pytest.mark.parametrize("step", [11, 18])
def test_killed_between_two_rungs_or_after_the_last_it_is_still_judged(
    preloaded, whole, tmp_path, step
) -> None:
    """Where a savepoint lies beyond a rung, that rung is over: nobody trains past the next one unseen."""
    (rungs,) = SweepStore.open(whole).read_json("halving.json").values()
    winner = rungs[-1]["trials"][0]["trial"]
    lines = [json.loads(line) for line in (whole / winner / "events.jsonl").open()]
    moment = next(n for n, line in enumerate(lines, 1) if line.get("step") == step)
    again = prepared(tmp_path, "killed")
    assert preloaded.work(again, kill_at=moment, of=winner) == -signal.SIGKILL
    assert preloaded.work(again) == 0, (again / "log.txt").read_text()
    same(again, whole)


@pytest.mark.parametrize("trial", ["r4-lr0.012", "r4-lr0.004"])
@pytest.mark.parametrize(("file", "write"), [("adapter", 1), ("script.py", 2)])
def test_killed_while_a_trial_ends_it_is_scored_by_what_it_had_learned(
    preloaded, whole, tmp_path, trial, file, write
) -> None:
    """Its state says that it has ended before the savepoint does: what lies between is done again."""
    again = prepared(tmp_path, "killed")
    code = preloaded.work(again, before_write=write, of=f"{trial}/{file}")
    assert code == -signal.SIGKILL
    assert preloaded.work(again) == 0, (again / "log.txt").read_text()
    same(again, whole)


def test_killed_before_the_last_score_is_told_the_next_worker_tells_it(
    preloaded, whole, tmp_path
) -> None:
    store = SweepStore.open(whole)
    told = [
        (event.time, trial.name, number)
        for trial in store.trials
        for number, event in enumerate(store.events(trial.name), 1)
        if event.event == "evaluated"
    ]
    _, last, number = max(told)
    again = prepared(tmp_path, "killed")
    code = preloaded.work(again, before_write=number, of=f"{last}/events.jsonl")
    assert code == -signal.SIGKILL
    assert "evaluated" not in [one.event for one in SweepStore.open(again).events(last)]
    assert (again / last / "samples").exists(), "it was asked"
    assert preloaded.work(again) == 0, (again / "log.txt").read_text()
    same(again, whole)


def test_a_sweep_killed_before_any_of_its_writes_ends_as_one_that_was_not(
    preloaded, whole, tmp_path
) -> None:
    """Moments that a kill after a time hits by luck alone: between two files that belong together."""
    for number in itertools.count(1, STRIDE):
        again = prepared(tmp_path, f"killed-{number}")
        code = preloaded.work(again, before_write=number)
        if code == -signal.SIGKILL:
            assert preloaded.work(again) == 0, (again / "log.txt").read_text()
        same(again, whole)
        shutil.rmtree(again)
        if code == 0:
            break
    assert number > 2 * 280, "a worker that ended before it was killed proves nothing"


def test_a_sweep_killed_at_any_moment_ends_as_one_that_was_not(preloaded, whole, tmp_path) -> None:
    rng, things = random.Random(7), num_said(whole)
    killed = 0
    for number in range(KILLS):
        again = prepared(tmp_path, f"killed-{number}")
        code = preloaded.work(again, kill_at=rng.uniform(0, things - 1))
        killed += code == -signal.SIGKILL
        if code == -signal.SIGKILL:
            assert preloaded.work(again) == 0, (again / "log.txt").read_text()
        same(again, whole)
        shutil.rmtree(again)
    assert killed >= 0.9 * KILLS, "a worker that ended before it was killed proves nothing"

"""A sweep as a person handles it: prepared, started in a worker process, watched, stopped, taken up again.

`start(spec)` checks everything that can be checked without torch, makes the sweep folder and returns at once; the
training is in another process, so the kernel stays free and a closed notebook stops nothing. `attach()` finds it again
from the disk alone. The job knows the folder and the process, never a tensor.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from workbench.data.seen import RowsSeen
from workbench.data.sources import holds_out
from workbench.errors import DataError, RunError, StoreError, nearest
from workbench.plan import Plan
from workbench.plan import plan as predict
from workbench.plan.hub_memory import HubMemory
from workbench.plan.lengths import SAMPLED
from workbench.plan.suites import with_suites
from workbench.runs import control
from workbench.runs.newcomers import newcomer
from workbench.runs.store import Status, SweepStore, find_sweeps
from workbench.spec import DataSpec, Spec, Trial
from workbench.tracking import check_trackers

ENDED = ("done", "failed", "stopped", "lost")

WORKER_ENVIRONMENT = {
    # A thread that spins while it waits takes a core from the notebook and the browser, and slows the training itself
    # up to tenfold; one that never spins is a third slower on a quiet machine.
    "GOMP_SPINCOUNT": "1000",
    # Else every large tensor is mapped anew, and each of its pages costs a fault when it is first touched.
    "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
}
"""What a worker starts with, unless the person who starts it says otherwise. Measured: docs/LOG.md."""


def plan(spec: Spec, *, seen: RowsSeen | None = None, hub: HubMemory | None = None) -> Plan:
    """What a sweep will cost, with its model and its data looked at; nothing is loaded or started.

    Args:
        spec: The sweep, or one trial.
        seen: What is known of data sets already; None looks at them anew.
        hub: What a hub said of models already; None asks it anew.
    """
    seen, hub = seen or RowsSeen(), hub or HubMemory()
    spec = with_suites(spec)
    check_trackers(spec)
    predict(spec, hub=hub)  # the model before the data: its errors are the cheaper ones to find
    _check_files(spec)
    sets = {trial.name: (trial.spec.data, _labelled(trial)) for trial in spec.grid()}
    wrong: dict[tuple[DataSpec, bool], DataError] = {}
    for data, labelled in dict.fromkeys(sets.values()):
        try:
            seen.check(data, labelled=labelled)
        except DataError as error:
            wrong[data, labelled] = error
    refused = {name: wrong[one] for name, one in sets.items() if one in wrong}
    pruned = spec.prune is not None
    watched = ((trial, _nothing_to_watch(trial, pruned=pruned)) for trial in spec.grid())
    refused |= {trial.name: told for trial, told in watched if told}
    readable = [one for name, one in sets.items() if name not in refused]
    if not readable:
        raise next(iter(refused.values()))
    data, labelled = readable[0]
    return predict(
        spec,
        texts={one: seen.texts(one, labelled=told, most=SAMPLED) for one, told in set(readable)},
        num_rows=seen.num_rows(data, labelled=labelled),
        num_labels=seen.num_labels(data) if labelled else None,
        refused=refused,
        hub=hub,
    )


def _check_files(spec: Spec) -> None:
    named = dict.fromkeys(eval for trial in spec.grid() for eval in trial.spec.evals if ":" in eval)
    if named:
        # Brings SciPy with it, which a command that names no file does without.
        from workbench.evals.quality.benchmarks import check_files

        check_files(named)


def _nothing_to_watch(trial: Trial, *, pruned: bool) -> DataError | None:
    data = trial.spec.data
    if (trial.spec.train.eval_steps is None and not pruned) or holds_out(data):
        return None
    return DataError(
        f"{'prune' if pruned else 'eval_steps'} asks for the loss on held-out rows, and of {data.id!r} none are held out; "
        "set data.eval_fraction, 0.1 say"
    )


def _labelled(trial: Trial) -> bool:
    return trial.spec.adapter.task_type == "SEQ_CLS"


def prepare(spec: Spec, *, runs: str | Path = "runs") -> SweepStore:
    """Check a spec against its model and data and make its folder; nothing is started."""
    spec = with_suites(spec)
    planned = plan(spec)
    store = SweepStore.create(spec, root=Path(runs))
    store.write_json("plan.json", planned.model_dump(mode="json"))
    return store


def start(spec: Spec, *, runs: str | Path = "runs") -> "Job":
    """Start a sweep in a worker process and return at once."""
    if isinstance(spec, str | Path):
        spec = Spec.load(spec)
    job = Job(prepare(spec, runs=runs))
    job.restart()
    return job


def attach(path: str | Path | None = None, *, runs: str | Path = "runs") -> "Job":
    """The job of a sweep folder; without a path the newest under `runs`, running or not."""
    if path is None:
        found = find_sweeps(Path(runs), most=1)
        if not found:
            raise StoreError(
                f"there is no sweep under {str(runs)!r}; start one with wb.start(spec)"
            )
        path = found[0]
    return Job(SweepStore.open(Path(path)))


class Job:
    """A sweep folder and the worker that fills it."""

    def __init__(self, store: SweepStore) -> None:
        """Take up a sweep folder; nothing is started."""
        self.store = store
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        """The sweep folder."""
        return self.store.path

    def status(self) -> Status:
        """How the sweep stands, read from the disk."""
        # poll() also reaps the worker: a dead one would look alive.
        ended = self._process is not None and self._process.poll() is not None
        status = self.store.status()
        if ended and status.state == "queued":
            message = "the worker ended before it began; its log says why"
            return status.model_copy(update={"state": "lost", "message": message})
        return status

    def restart(self) -> None:
        """Start a worker; one that was interrupted goes on from its checkpoints."""
        status = self.status()
        if status.state in ("running", "paused", "stopping"):
            raise StoreError(f"{self.path.name!r} is {status.state} already (process {status.pid})")
        if status.state == "done":
            return
        environment = {**WORKER_ENVIRONMENT, **os.environ}
        with (self.path / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workbench.worker", str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self._await_claim()

    def _await_claim(self) -> None:
        # Until the worker has claimed the folder a reader would take it for one that nobody runs.
        process = self._process
        assert process is not None
        deadline = time.monotonic() + 60
        while self.store.status().pid != process.pid:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RunError(f"the worker of {self.path.name!r} did not begin:\n{self.log()}")
            time.sleep(0.02)

    def stop(self, trial: str = "") -> None:
        """Ask one trial, or the whole sweep, to stop at the next step; what it learned is kept."""
        control.send(self.path, "stop", trial=trial)

    def pause(self, trial: str = "") -> None:
        """Ask one trial, or every trial, to wait before its next step; the others go on."""
        control.send(self.path, "pause", trial=trial)

    def resume(self, trial: str = "") -> None:
        """Let one paused trial, or all of them, go on exactly where they were."""
        control.send(self.path, "resume", trial=trial)

    def drop(self, trial: str, *, at: int = 0) -> None:
        """Give one trial up: it ends before its next step, and nothing of it is kept or asked.

        Args:
            trial: Which.
            at: The step of it after which it ends; 0 is now.
        """
        control.send(self.path, "drop", trial=trial, at=at)

    def clone(self, trial: str, changes: Mapping[str, Any], *, at: int = 0) -> str:
        """Train a copy of one trial with fields changed, from its weights as they are; returns the name it is going to have.

        Args:
            trial: Whose weights it begins with.
            changes: Dotted fields, as in `{"train.learning_rate": 0.003}`.
            at: The step of that trial after which it is made; 0 is now.
        """
        return self._join("clone", changes, trial=trial, at=at)

    def add(self, changes: Mapping[str, Any], *, at: int = 0) -> str:
        """Train another trial beside those that train, of the sweep's own fields with some changed; returns its name."""
        return self._join("add", changes, at=at)

    def _join(self, word: str, changes: Mapping[str, Any], *, trial: str = "", at: int = 0) -> str:
        asked = control.Command(command=word, trial=trial, at=at, changes=dict(changes))
        control.check(self.path, asked)
        # Here too, though the worker does it: whoever typed a wrong field hears it at once.
        name = newcomer(self.store, asked).name
        control.send(self.path, word, trial=trial, at=at, changes=changes)
        return name

    def waiting(self) -> list[control.Command]:
        """What was asked of the worker and is not followed yet, oldest first."""
        return control.waiting(self.path, trials=[trial.name for trial in self.store.trials])

    def withdraw(
        self, command: str, trial: str = "", changes: Mapping[str, Any] | None = None
    ) -> None:
        """Take back what waits, the newest of several alike: `job.withdraw("drop", "r8")`."""
        asked = control.Command(command=command, trial=trial, changes=dict(changes or {}))
        waits = {one.words: one for one in self.waiting()}
        if asked.words not in waits:
            hint = nearest(asked.words, waits) if waits else "Nothing waits."
            raise StoreError(f"{asked.words!r} does not wait to be followed. {hint}")
        control.withdraw(self.path, waits[asked.words])

    def kill(self) -> None:
        """End the worker at once; `restart()` goes on from the last checkpoint."""
        pid = self.status().pid
        if pid and psutil.pid_exists(pid) and self.status().state not in ENDED:
            os.killpg(pid, signal.SIGKILL)
            if self._process is not None:
                self._process.wait()

    def wait(self, timeout: float | None = None) -> Status:
        """Wait until the sweep has ended; raises RunError when it failed or its worker died."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.status()).state not in ENDED:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"{self.path.name!r} is {status.state} after {timeout} s")
            time.sleep(0.2)
        if status.state in ("failed", "lost"):
            raise RunError(f"{self.path.name!r} {status.state}: {status.message}\n{self.log()}")
        return status

    def log(self, lines: int = 20) -> str:
        """The last lines of the worker's log."""
        path = self.path / "log.txt"
        if not path.exists():
            return ""
        return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])

    def __repr__(self) -> str:
        status = self.status()
        return f"Job({str(self.path)!r}, {status.state}, {len(self.store.trials)} trials)"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        from workbench.widgets.live_run import LiveRun

        display(LiveRun(self))

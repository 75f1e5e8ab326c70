"""Watching a sweep from a terminal: one bar a trial, drawn from the sweep's folder alone.

`follow(job)` returns when the sweep has ended. Where there is no terminal (a log, a pipe) the milestones are lines.
It never touches the worker but to stop it on Ctrl-C.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from workbench import events
from workbench.cli.printing import duration, note, notes
from workbench.job import ENDED, Job
from workbench.runs.store import Status, SweepStore
from workbench.scores.task import BASE

SHOWN = 20
"""With more trials than this a finished one leaves the screen."""

EVERY = 0.2
"""Seconds between two looks at the folder."""


class Board:
    """What is on the screen."""

    def __init__(self, job: Job) -> None:
        """An empty board for a sweep."""
        self.job = job
        self.names = [trial.name for trial in job.store.trials]
        self.offsets = dict.fromkeys(("", BASE, *self.names), 0)
        self.bars: dict[str, TaskID] = {}
        self.seen: set[str] = set()
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=notes(),
            transient=False,
        )
        self.on_screen = self.progress.console.is_terminal
        self.now = self.progress.add_task("starting", total=None, told="")

    def look(self) -> Status:
        """Read what is new and redraw."""
        status = self.job.status()
        for name, offset in self.offsets.items():
            found, self.offsets[name] = self.job.store.tail(name, offset)
            for event in found:
                self.show(event)
        if status.message and status.state not in ENDED:
            draw_message(self.progress, self.now, status.message)
            self._line(status.message)
        return status

    def show(self, event: Any) -> None:
        """Draw one event."""
        if isinstance(event, events.Started):
            self._begin(event)
        elif isinstance(event, events.Step) and event.trial in self.bars:
            told = f"loss {event.loss:.4f}"
            self.progress.update(self.bars[event.trial], completed=event.step, told=told)
        elif isinstance(event, events.Finished):
            self._end(event.trial, f"{event.reason} in {duration(event.seconds)}")
        elif isinstance(event, events.Failed):
            self._end(event.trial, f"failed: {event.message}")
            self._say(f"{event.trial} failed at step {event.step}: {event.message}")
        elif isinstance(event, events.Warned):
            self._say(f"note{f' ({event.trial})' if event.trial else ''}: {event.message}")

    def _begin(self, event: events.Started) -> None:
        if event.trial not in self.bars:
            self.bars[event.trial] = self.progress.add_task(
                event.trial, total=event.total_steps, completed=event.from_step, told=""
            )
        self._line(f"{event.trial}: {event.total_steps} steps, from {event.from_step}")

    def _end(self, trial: str, told: str) -> None:
        if trial in self.bars:
            self.progress.update(self.bars[trial], told=told)
            self.progress.stop_task(self.bars[trial])
            if len(self.names) > SHOWN:
                self.progress.remove_task(self.bars.pop(trial))
        self._line(f"{trial}: {told}")

    def _say(self, text: str) -> None:
        if text not in self.seen:
            self.seen.add(text)
            self.progress.console.print(text)

    def _line(self, text: str) -> None:
        """A milestone, where no bar can be drawn."""
        head = text.split(":")[0] if text.startswith("evaluating") else text
        if not self.on_screen and head not in self.seen:
            self.seen.add(head)
            note(head)


def follow(job: Job) -> Status:
    """Watch a sweep to its end; Ctrl-C stops it, keeps what it learned and says how to go on."""
    board = Board(job)
    try:
        with board.progress if board.on_screen else _nothing():
            while True:
                status = board.look()
                if status.state in ENDED:
                    board.look()
                    board.progress.update(board.now, visible=False)
                    return status
                time.sleep(EVERY)
    except KeyboardInterrupt:
        _stop(job)
        raise


def draw_message(progress: Progress, bar: TaskID, message: str) -> None:
    """Draw what a worker says it is at; `asking recall: 3 of 6` is a bar half full.

    >>> progress = Progress()
    >>> draw_message(progress, progress.add_task(""), "asking recall: 3 of 6")
    >>> progress.tasks[0].description, progress.tasks[0].percentage
    ('asking recall', 50.0)
    """
    counted = re.fullmatch(r"(.*): (\d+) of (\d+)", message)
    if counted:
        what, done, total = counted.groups()
        progress.update(bar, description=what, completed=int(done), total=int(total))
    else:
        progress.update(bar, description=message, completed=0, total=None)


@contextmanager
def watching(store: SweepStore, *, doing: str) -> Iterator[None]:
    """Show what is said in a sweep's status while this process works in it."""
    over = threading.Event()
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        console=notes(),
        transient=True,
    ) as progress:
        bar = progress.add_task(doing, total=None)
        before = store.status().message

        def look() -> None:
            while not over.wait(EVERY):
                message = store.status().message
                if message and message != before:
                    draw_message(progress, bar, message)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _stop(job: Job) -> None:
    job.stop()
    note("stopping after this step; press Ctrl-C again to leave at once")
    deadline = time.monotonic() + 60
    while job.status().state not in ENDED and time.monotonic() < deadline:
        time.sleep(EVERY)
    note(f"what was learned is kept in {job.path}")
    note(f"go on with: workbench run {job.path} --resume")

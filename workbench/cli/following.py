"""Watching a sweep from a terminal: one bar a trial, drawn from the sweep's folder alone.

`follow(job)` returns when the sweep has ended. Where there is no terminal (a log, a pipe) the milestones are lines.
It never touches the worker but to stop it on Ctrl-C.
"""

import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from statistics import fmean
from typing import Any

from rich.console import Console, RenderableType
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
from workbench.cli.printing import command, duration, note, notes
from workbench.job import ENDED, Job
from workbench.runs.store import Status, SweepStore
from workbench.scores.task import BASE
from workbench.spec import Trial

SHOWN = 20
"""With more trials than this a finished one leaves the screen."""

MANY = 8
"""With more trials than this a log has no line for each that begins and ends as it should."""

EVERY = 0.2
"""Seconds between two looks at the folder."""


ENDED_SO = {
    "early": "ended early",
    "pruned": "pruned, others having a lower held-out loss,",
    "dropped": "dropped, nothing of it is kept,",
}
"""What is said of a trial that ended so, where its reason alone would not tell."""

LINE_EVERY = 10.0
"""Seconds between two lines about the steps, where no bar can be drawn."""


class Bars(Progress):
    """A bar a trial and, below them, a line about the sweep."""

    def __init__(self, line: Progress, *, console: Console) -> None:
        self.line = line
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TextColumn("{task.fields[took]}", style="progress.elapsed"),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn, from top to bottom."""
        yield from super().get_renderables()
        yield from self.line.get_renderables()


class Board:
    """What is on the screen."""

    def __init__(
        self, job: Job, *, console: Console | None = None, line_every: float = LINE_EVERY
    ) -> None:
        """An empty board for a sweep."""
        self.job = job
        self.names = [trial.name for trial in job.store.trials]
        self.is_few = len(self.names) <= MANY
        self.offsets = dict.fromkeys(("", BASE, *self.names), 0)
        self.bars: dict[str, TaskID] = {}
        self.seen: set[str] = set()
        self.line_every = line_every
        self.line_due = time.monotonic() + line_every
        self.attempt = job.status().attempt
        self.trials = job.store.trials
        self.begun: dict[str, events.Started] = {}
        self.last: dict[str, events.Step] = {}
        self.warned: dict[str, list[str]] = {}
        console = console or notes()
        self.line = Progress(
            TextColumn("{task.description}", markup=False), TimeElapsedColumn(), console=console
        )
        self.now = self.line.add_task("starting", total=None)
        self.progress = Bars(self.line, console=console)
        self.on_screen = console.is_terminal

    def look(self) -> Status:
        """Read what is new and redraw."""
        status = self.job.status()
        self._meet()
        for name, offset in self.offsets.items():
            found, self.offsets[name] = self.job.store.tail(name, offset)
            for event in found:
                self.show(event)
        ended = status.state in ENDED
        if ended:
            self.line.update(self.now, visible=False)
        elif status.message:
            self.line.update(self.now, description=in_short(status.message))
            self._line(in_short(status.message))
        if ended or not status.message.startswith("loading"):
            # While a model loads and rows are cut, more trials may have the same to say.
            self._tell_warnings()
        if status.state == "running" and status.message.startswith("training"):
            self._tell_steps()
        return status

    def _meet(self) -> None:
        """Take in the trials that have joined since."""
        trials = self.job.store.trials
        if trials is self.trials:
            return
        self.trials = trials
        for trial in trials:
            if trial.name not in self.offsets:
                self.names.append(trial.name)
                self.offsets[trial.name] = 0
                self._say(f"{trial.name}: {how_joined(trial)}")

    def show(self, event: Any) -> None:
        """Draw one event."""
        if isinstance(event, events.Started):
            self._begin(event)
        elif isinstance(event, events.Step) and event.trial in self.bars:
            self.last[event.trial] = event
            told, took = f"loss {event.loss:.4f}", self._took(event)
            self.progress.update(self.bars[event.trial], completed=event.step, told=told, took=took)
        elif isinstance(event, events.Finished):
            self._finish(event)
        elif isinstance(event, events.Failed):
            self._end(event, "failed")
            self._say(f"{event.trial} failed at step {event.step}: {event.message}")
        elif isinstance(event, events.Steered) and event.attempt == self.attempt:
            if not event.applied:
                self._say(f"{event.command}: refused, {event.reason}")
        elif isinstance(event, events.Warned):
            about = self.warned.setdefault(event.message, [])
            if event.trial and event.trial not in about:
                about.append(event.trial)

    def _begin(self, event: events.Started) -> None:
        self.begun[event.trial] = event
        if event.trial not in self.bars:
            self.bars[event.trial] = self.progress.add_task(event.trial, told="", took="")
        self.progress.reset(
            self.bars[event.trial],
            total=event.total_steps,
            completed=event.from_step,
            told="",
            took=self._took(event),
        )
        if event.attempt == self.attempt and (self.is_few or event.from_step):
            self._line(f"{event.trial}: {event.total_steps} steps, from {event.from_step}")

    def _took(self, event: Any) -> str:
        """How long this attempt has trained, by the times of its events: the past may be read in one go."""
        begun = self.begun.get(event.trial)
        seconds = max(0, round(event.time - begun.time)) if begun else 0
        return str(timedelta(seconds=seconds))

    def _finish(self, event: events.Finished) -> None:
        checkpoint = self.job.store.folder(event.trial) / "checkpoint"
        if event.reason == "stopped" and event.attempt < self.attempt and checkpoint.exists():
            # It goes on in this attempt; that it once was stopped is no news.
            if event.trial in self.bars:
                self.progress.update(self.bars[event.trial], told="waiting")
            return
        self._end(event, event.reason)
        if self.is_few or event.reason != "done":
            told = ENDED_SO.get(event.reason, event.reason)
            self._line(f"{event.trial}: {told} in {duration(event.seconds)}")

    def _end(self, event: events.Finished | events.Failed, told: str) -> None:
        trial = event.trial
        if trial in self.bars:
            self.progress.update(self.bars[trial], told=told, took=self._took(event))
            self.progress.stop_task(self.bars[trial])
            if len(self.names) > SHOWN:
                self.progress.remove_task(self.bars.pop(trial))

    def _tell_warnings(self) -> None:
        for message, about in self.warned.items():
            if message not in self.seen:
                self.seen.add(message)
                who = f" ({several(about, of=len(self.names))})" if about else ""
                self._say(f"note{who}: {message}")

    def _tell_steps(self) -> None:
        """How far training is, now and then, where no bar can be drawn."""
        if self.on_screen or not self.last or time.monotonic() < self.line_due:
            return
        self.line_due = time.monotonic() + self.line_every
        done = sum(step.step for step in self.last.values())
        total = sum(begun.total_steps for begun in self.begun.values())
        mean = fmean(step.loss for step in self.last.values())
        self.progress.console.print(f"step {done:,} of {total:,}, mean loss {mean:.4f}")

    def _say(self, text: str) -> None:
        if text not in self.seen:
            self.seen.add(text)
            self.progress.console.print(text)

    def _line(self, text: str) -> None:
        """A milestone, where no bar can be drawn."""
        head = text.split(":")[0] if text.startswith("evaluating") else text
        if not self.on_screen:
            self._say(head)


def how_joined(trial: Trial) -> str:
    """How a trial came to a sweep that ran already.

    >>> from workbench.spec import Spec
    >>> how_joined(Trial(name="r8-warm", spec=Spec.from_fields({}), parent="r8", parent_step=120))
    'joins as a clone of r8 at step 120'
    """
    return (
        f"joins as a clone of {trial.parent} at step {trial.parent_step}"
        if trial.parent
        else "joins"
    )


def in_short(message: str) -> str:
    """A worker's message as it fits a line: the bars name the trials.

    >>> in_short("training r1, r2, r4")
    'training 3 trials'
    """
    trials = message.count(",") + 1
    return (
        f"training {trials} trials" if message.startswith("training ") and trials > 1 else message
    )


def several(names: Sequence[str], *, of: int) -> str:
    """Names of trials, as few as say it.

    >>> several(["r1", "r2", "r4"], of=5), several(["r1", "r2"], of=2)
    ('r1 and 2 more', 'all trials')
    """
    if 1 < len(names) == of:
        return "all trials"
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def follow(job: Job) -> Status:
    """Watch a sweep to its end; Ctrl-C stops it, keeps what it learned and says how to go on."""
    board = Board(job)
    try:
        with board.progress if board.on_screen else _nothing():
            while True:
                status = board.look()
                if status.state in ENDED:
                    board.look()
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
    note(f"go on with: {command()} run {job.path} --resume")

"""Reading a sweep folder while it grows: `Watch(path).look()` gives a `Picture` of it, plain enough for JSON.

Each look reads only what was appended since the last one, for at most as long as it is given. `curves()` are the curves
of one quantity, thinned, so that a face never carries more than a few thousand numbers. This file knows no widget, no
thread and no model.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Any

from workbench.events import Steered, Warned
from workbench.naming import trial_name
from workbench.runs import control
from workbench.runs.status import GONE, KEPT
from workbench.runs.store import SweepStore
from workbench.scores.catalog import EVALS, called
from workbench.scores.task import BASE
from workbench.spec import Trial
from workbench.widgets.buckets import Buckets, Point
from workbench.widgets.trail import Trail, finite

LIVE = frozenset({"queued", "running", "paused", "stopping"})
"""States in which something may still happen by itself."""

ENDED = frozenset({*KEPT, *GONE})
"""States of a trial whose training is over."""

GIVEN_UP = frozenset({"pruned", "dropped"})
"""Those of one that is never trained to its end."""

MOST_TOLD = 100
"""Commands that are listed, the newest of all."""

MOST_POINTS = 3000
"""Points that all curves of a picture may have together."""

QUANTITIES = {
    "loss": ("Training loss", ""),
    "held_out": ("Held-out loss", ""),
    "learning_rate": ("Learning rate", ""),
    "grad_norm": ("Gradient norm", ""),
    "tokens_per_second": ("Tokens per second", ""),
    "memory": ("Memory", "bytes"),
}
"""What has a curve: title and unit."""

LOG_LINES = 20
LONGEST_LINE = 400
TALLIED = ("paused", "stopped", "pruned", "dropped", "failed")
"""States that are counted beside what trained."""

ADVICE = {
    "lost": "What was written is kept. Restart goes on from the last checkpoint of each trial.",
    "failed": "Trials that trained are kept. Restart tries again what failed, unless its loss was no number.",
    "gone": "It was deleted or moved. What is drawn is what was read before; nothing is looked at any more.",
}
"""What a person can do about a state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPicture:
    """A trial as a row of the table."""

    name: str
    state: str
    setting: str = ""
    """What it shares with the trials that differ from it in nothing but the seed; its name where there are none."""
    step: int = 0
    total_steps: int = 0
    loss: float | None = None
    """Of the last step; None before the first one, and when it is not a number."""
    held_out: float | None = None
    spark: tuple[float | None, ...] = ()
    """The loss so far, in a few numbers."""
    parameters: int = 0
    seconds_left: float | None = None
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    message: str = ""
    joined: str = ""
    """How it came to a sweep that ran already; empty for one that was planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A sweep as it stands."""

    name: str
    state: str
    message: str = ""
    advice: str = ""
    doing: str = ""
    done: int = 0
    """Steps trained."""
    total: int = 0
    """Steps planned, as far as known."""
    seconds_left: float | None = None
    """Of training, as far as it can be told."""
    tally: str = ""
    """How many of several trials trained to their end, and how the others ended."""
    trials: tuple[TrialPicture, ...] = ()
    evals: tuple[dict[str, str], ...] = ()
    """The evals that have answers: name, title and unit."""
    quantities: tuple[dict[str, str], ...] = ()
    """What there are curves of: name, title and unit."""
    warnings: tuple[str, ...] = ()
    told: tuple[dict[str, Any], ...] = ()
    """What the worker was told, oldest first: step, words, and why it was refused, if it was."""
    waiting: tuple[dict[str, str], ...] = ()
    """What it was told and has not followed yet: words, what it waits for, and the file that is taken away to take it back."""
    log: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        return self.state in LIVE

    def plain(self) -> dict[str, Any]:
        """All of it as plain fields; what lies in them is shared, not copied."""
        return {**_plain(self), "trials": [_plain(trial) for trial in self.trials]}


class Watch:
    """Follows one sweep folder."""

    def __init__(self, path: Path) -> None:
        self.store = SweepStore.open(path)
        self.names: tuple[str, ...] = ()
        self.most = 300
        """Points that a curve may have."""
        self.heard: list[Steered] = []
        """What the worker answered to commands since the look before."""
        self._known: tuple[Trial, ...] = ()
        self._settings: dict[str, str] = {}
        self._joined: dict[str, str] = {}
        self._trails: dict[str, Trail] = {}
        self._files: dict[str, Path] = {}
        self._warnings: dict[str, list[str]] = {}
        self._steered: deque[dict[str, Any]] = deque(maxlen=MOST_TOLD)
        self._meet()

    @property
    def is_behind(self) -> bool:
        """Whether more is written than was read."""
        return any(trail.is_behind for trail in self._trails.values())

    def look(self, *, seconds: float | None = None) -> Picture:
        """The sweep as it stands now; with `seconds` a long past is read in several looks."""
        self.heard = []
        self._meet()
        # The status before the events: when it says that all is over, all that was said is there.
        status = self.store.status()
        self._read(seconds=seconds)
        if self.heard:
            # What was told may have made a trial.
            self._meet()
            status = self.store.status()
            self._read(seconds=seconds)
        trials = tuple(self._row(name, status) for name in self.names)
        tally = _tally([trial.state for trial in trials])
        if scores := self._trails[BASE].scores:
            trials = (TrialPicture(name=BASE, state="control", scores=dict(scores)), *trials)
        live = status.state in LIVE
        return Picture(
            name=self.store.path.name,
            state=status.state,
            message="" if live else status.message,
            advice=ADVICE.get(status.state, ""),
            doing=self._at_work(status.message) if live or self.is_behind else "",
            done=sum(trial.step for trial in trials),
            total=self._total_steps(trials),
            seconds_left=self._seconds_left(trials) if live else None,
            tally=tally,
            trials=trials,
            evals=tuple(
                _words(eval) for eval in map(called, self.store.spec.evals) if self._scored(eval)
            ),
            quantities=tuple(self._quantities()),
            warnings=self._told()[-5:],
            told=tuple(self._steered),
            waiting=self._waiting() if live else (),
            log=self._log_end(),
        )

    def curves(self, quantity: str = "loss", *, log: bool = False) -> dict[str, list[Point]]:
        """The curves of a quantity, each of few points, as far as it is known."""
        return {name: buckets.points() for name, buckets in self.thinned(quantity, log=log).items()}

    def thinned(self, quantity: str, *, log: bool = False) -> dict[str, Buckets]:
        """The same, as they grow; those without a point are left out."""
        found = {}
        for name in self.names:
            trail = self._trails[name]
            trail.keep_only(quantity, most=self.most, log=log)
            buckets = trail.thinned(quantity, most=self.most, log=log)
            if len(buckets):
                found[name] = buckets
        return found

    def _meet(self) -> None:
        """Take in the trials that have joined, and let go of those that were taken back to join anew."""
        trials = self.store.trials
        if trials is self._known:
            return
        self._known, self.names = trials, tuple(trial.name for trial in trials)
        self.most = max(4, min(300, MOST_POINTS // max(1, len(self.names))))
        self._settings = settings_of(trials)
        self._joined = {one.trial.name: _how_joined(one.trial) for one in self.store.added}
        before, slots = self._trails, (*self.names, BASE, "")
        self._trails = {name: before.get(name) or Trail() for name in slots}
        self._files = {name: self.store.folder(name) / "events.jsonl" for name in slots}

    def _waiting(self) -> tuple[dict[str, str], ...]:
        return tuple(_still(one) for one in control.waiting(self.store.path, trials=self.names))

    def _read(self, *, seconds: float | None) -> None:
        """Read every file's news, a slice of each in turn, until all is read or the time is over."""
        until = None if seconds is None else time.monotonic() + seconds
        waiting = list(self._trails)
        while waiting:
            for name in waiting:
                for event in self._trails[name].read(self._files[name]):
                    self._take_common(event)
                if until is not None and time.monotonic() > until:
                    return
            waiting = [name for name in waiting if self._trails[name].is_behind]

    def _take_common(self, event: Any) -> None:
        match event:
            case Warned():
                about = self._warnings.setdefault(event.message, [])
                if event.trial and event.trial not in about:
                    about.append(event.trial)
            case Steered():
                self.heard.append(event)
                # A worker that goes on after a crash follows again what it had followed, and says so again.
                if (told := _told(event)) not in self._steered:
                    self._steered.append(told)
            case _:
                pass

    def _at_work(self, message: str) -> str:
        if not self.is_behind:
            return message
        read = sum(trail.offset for trail in self._trails.values())
        written = sum(trail.size for trail in self._trails.values())
        return f"reading what was written: {100 * read // max(1, written)} %"

    def _told(self) -> tuple[str, ...]:
        """Each warning once, with the trials it is about before it."""
        told = []
        for message, about in self._warnings.items():
            who = "all trials" if 1 < len(about) == len(self.names) else ", ".join(about[:3])
            more = f" and {len(about) - 3} more" if who != "all trials" and len(about) > 3 else ""
            told.append(f"{who}{more}: {message}" if about else message)
        return tuple(told)

    def _row(self, name: str, status: Any) -> TrialPicture:
        trail = self._trails[name]
        told = status.trials.get(name, "queued")
        state = {"training": "running", "queued": trail.state or "queued"}.get(told, told)
        if status.state not in LIVE and state in ("running", "queued", "paused"):
            state = "not started" if not trail.step else status.state
        if status.state == "paused" and state == "running":
            state = "paused"
        left, each = None, trail.seconds_a_step
        if state == "running" and status.state == "running" and each is not None:
            left = each * max(0, trail.total_steps - trail.step)
        return TrialPicture(
            name=name,
            state=state,
            setting=self._settings[name],
            step=trail.step,
            total_steps=trail.total_steps,
            loss=finite(trail.loss),
            held_out=trail.held_out,
            spark=trail.spark(),
            parameters=trail.parameters,
            seconds_left=left,
            scores=dict(trail.scores),
            message=trail.message,
            joined=self._joined.get(name, ""),
        )

    def _seconds_left(self, trials: Sequence[TrialPicture]) -> float | None:
        """Steps that are still to come, each at what a step of one trial costs among the others; at least the longest row."""
        shares = [s for n in self.names if (s := self._trails[n].share_of_a_step) is not None]
        rows = [trial.seconds_left for trial in trials if trial.seconds_left is not None]
        if not shares or not rows:
            return None
        longest = max(trial.total_steps for trial in trials)
        steps = sum(
            max(0, (trial.total_steps or longest) - trial.step)
            for trial in trials
            if trial.state in ("running", "queued")
        )
        return max(median(shares) * steps, *rows)

    def _total_steps(self, trials: Sequence[TrialPicture]) -> int:
        """Steps of all trials; those that have not started are taken to be as long as the longest."""
        longest = max((trial.total_steps for trial in trials), default=0)
        return sum(
            trial.step if trial.state in GIVEN_UP else trial.total_steps or longest
            for trial in trials
        )

    def _scored(self, eval: str) -> bool:
        return any(eval in trail.scores for trail in self._trails.values())

    def _quantities(self) -> Iterator[dict[str, str]]:
        trails = [self._trails[name] for name in self.names]
        for name, (title, unit) in QUANTITIES.items():
            if name == "memory":
                on_gpu = any(trail.on_gpu for trail in trails)
                title = "Memory on the GPU" if on_gpu else "Memory of the worker"
            if name == "loss" or any(trail.has(name) for trail in trails):
                yield {"name": name, "title": title, "unit": unit}

    def _log_end(self) -> tuple[str, ...]:
        try:
            with (self.store.path / "log.txt").open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - 16_000))
                text = log.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ()
        return tuple(line[:LONGEST_LINE] for line in text.splitlines()[-LOG_LINES:])


def _plain(one: Any) -> dict[str, Any]:
    return {each.name: getattr(one, each.name) for each in fields(one)}


def settings_of(trials: Sequence[Trial]) -> dict[str, str]:
    """Trial -> the name of what it tries, the same for trials that differ in their seed alone."""
    called = {}
    for trial in trials:
        if trial.parent:
            # It has its parent's past, which no other seed of the same fields has.
            called[trial.name] = trial.name
            continue
        rest = {field: value for field, value in trial.varied.items() if field != "seed"}
        called[trial.name] = trial_name(rest) if rest else "seeds"
    shared = Counter(called.values())
    return {name: word if shared[word] > 1 else name for name, word in called.items()}


def _tally(states: Sequence[str]) -> str:
    """How several trials ended; nothing is said of a single one.

    >>> _tally(["done", "trained", "stopped", "running"])
    '2 of 4 trials trained, 1 stopped'
    """
    if len(states) < 2:
        return ""
    trained = sum(state in ("trained", "done") for state in states)
    said = [f"{trained} of {len(states)} trials trained"]
    ends = {state: states.count(state) for state in TALLIED}
    said += [f"{number} {state}" for state, number in ends.items() if number]
    return ", ".join(said)


def _how_joined(trial: Trial) -> str:
    return f"clone of {trial.parent}, step {trial.parent_step:,}" if trial.parent else "added"


def _told(event: Steered) -> dict[str, Any]:
    return {"step": event.step, "words": event.command, "refused": event.reason}


def _still(command: control.Command) -> dict[str, str]:
    """A command that waits; one that waits for no step is gone before a hand is there."""
    file = command.file if command.at else ""
    return {"words": command.words, "until": command.until, "file": file}


def _words(eval: str) -> dict[str, str]:
    info = EVALS.get(eval.partition(":")[0])
    return {"name": eval, "title": info.title if info else eval, "unit": info.unit if info else ""}

"""Reading a sweep folder while it grows: `Watch(path).look()` gives a `Picture` of it, plain enough for JSON.

Each look reads only what was appended since the last one. Curves are thinned here, so that a face never carries more
than a few thousand numbers. This file knows no widget, no thread and no model.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from workbench.events import Evaluated, Failed, Finished, Started, Step, Warned
from workbench.naming import trial_name
from workbench.runs.store import SweepStore
from workbench.scores.catalog import EVALS, called
from workbench.scores.task import BASE
from workbench.spec import Trial

LIVE = frozenset({"queued", "running", "paused", "stopping"})
"""States in which something may still happen by itself."""

ENDED = frozenset({"trained", "done", "failed", "stopped"})
"""States of a trial whose training is over."""

MOST_POINTS = 3000
"""Points that all curves of a picture may have together."""

LOG_LINES = 20

Point = tuple[int, float | None, float | None, float | None]
"""Step, then mean, lowest and highest loss of the steps it stands for."""


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
    parameters: int = 0
    seconds_left: float | None = None
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A sweep as it stands."""

    name: str
    state: str
    message: str = ""
    doing: str = ""
    done: int = 0
    """Steps trained."""
    total: int = 0
    """Steps planned, as far as known."""
    tally: str = ""
    """How many of several trials trained to their end, and how the others ended."""
    trials: tuple[TrialPicture, ...] = ()
    evals: tuple[dict[str, str], ...] = ()
    """The evals that have answers: name, title and unit."""
    curves: dict[str, list[Point]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        return self.state in LIVE


class _Trail:
    """What was read of one trial so far."""

    def __init__(self) -> None:
        self.offset = 0
        self.losses: dict[int, float] = {}
        self.seconds: list[float] = []
        self.total_steps = 0
        self.parameters = 0
        self.state = ""
        self.message = ""
        self.scores: dict[str, dict[str, Any]] = {}
        self.curve: list[Point] = []
        self.curve_of = (-1, -1)

    def take(self, event: Any) -> None:
        match event:
            case Started():
                self.state, self.message = "running", ""
                self.total_steps = event.total_steps
                self.parameters = event.trainable_parameters or self.parameters
                self._forget_after(event.from_step)
            case Step():
                self.losses[event.step] = event.loss
                self.seconds = [*self.seconds[-19:], event.seconds]
            case Evaluated():
                self.scores[event.eval] = {
                    "value": _finite(event.value),
                    "low": _finite(event.low),
                    "high": _finite(event.high),
                    "n": event.n,
                }
            case Finished():
                self.state = "done" if event.reason == "early" else event.reason
            case Failed():
                self.state, self.message = "failed", f"{event.kind}: {event.message}"
            case _:
                pass

    def _forget_after(self, step: int) -> None:
        """A new attempt trains these steps again; what the dead one said of them is stale."""
        for late in [known for known in self.losses if known > step]:
            del self.losses[late]

    def thinned(self, most: int) -> list[Point]:
        now = (len(self.losses), most)
        if now != self.curve_of:
            self.curve, self.curve_of = thin(sorted(self.losses.items()), most=most), now
        return self.curve


class Watch:
    """Follows one sweep folder."""

    def __init__(self, path: Path) -> None:
        self.store = SweepStore.open(path)
        self.names = tuple(trial.name for trial in self.store.trials)
        self._settings = settings_of(self.store.trials)
        self._trails = {name: _Trail() for name in (*self.names, BASE)}
        self._sweep_offset = 0
        self._doing = ""
        self._warnings: dict[str, list[str]] = {}

    def look(self) -> Picture:
        """The sweep as it stands now."""
        status = self.store.status()
        self._read()
        trials = tuple(self._row(name, status) for name in self.names)
        tally = _tally([trial.state for trial in trials])
        if self._trails[BASE].scores:
            base = TrialPicture(name=BASE, state="control", scores=self._trails[BASE].scores)
            trials = (base, *trials)
        live = status.state in LIVE
        return Picture(
            name=self.store.path.name,
            state=status.state,
            message="" if live else status.message,
            doing=(status.message or self._doing) if live else "",
            done=sum(trial.step for trial in trials),
            total=self._total_steps(),
            tally=tally,
            trials=trials,
            evals=tuple(
                _words(eval) for eval in map(called, self.store.spec.evals) if self._scored(eval)
            ),
            curves=self._curves(),
            warnings=self._told()[-5:],
            log=() if live or status.state == "done" else self._log_end(),
        )

    def _read(self) -> None:
        for name, trail in self._trails.items():
            events, trail.offset = self.store.tail(name, trail.offset)
            for event in events:
                trail.take(event)
                self._take_common(event)
        events, self._sweep_offset = self.store.tail("", self._sweep_offset)
        for event in events:
            self._take_common(event)

    def _take_common(self, event: Any) -> None:
        match event:
            case Warned():
                about = self._warnings.setdefault(event.message, [])
                if event.trial and event.trial not in about:
                    about.append(event.trial)
            case Step() | Started():
                self._doing = ""
            case _:
                pass

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
        if status.state not in LIVE and state in ("running", "queued"):
            state = "not started" if state == "queued" else status.state
        if status.state == "paused" and state == "running":
            state = "paused"
        step = max(trail.losses, default=0)
        left = None
        if state == "running" and status.state == "running" and trail.seconds:
            left = median(trail.seconds) * max(0, trail.total_steps - step)
        return TrialPicture(
            name=name,
            state=state,
            setting=self._settings[name],
            step=step,
            total_steps=trail.total_steps,
            loss=_finite(trail.losses.get(step)),
            parameters=trail.parameters,
            seconds_left=left,
            scores=trail.scores,
            message=trail.message,
        )

    def _total_steps(self) -> int:
        """Steps of all trials; those that have not started are taken to be as long as the longest."""
        known = [trail.total_steps for name, trail in self._trails.items() if name != BASE]
        longest = max(known, default=0)
        return sum(steps or longest for steps in known)

    def _scored(self, eval: str) -> bool:
        return any(eval in trail.scores for trail in self._trails.values())

    def _curves(self) -> dict[str, list[Point]]:
        most = max(4, min(300, MOST_POINTS // max(1, len(self.names))))
        curves = {name: self._trails[name].thinned(most) for name in self.names}
        return {name: curve for name, curve in curves.items() if curve}

    def _log_end(self) -> tuple[str, ...]:
        try:
            with (self.store.path / "log.txt").open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - 16_000))
                text = log.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ()
        return tuple(text.splitlines()[-LOG_LINES:])


def settings_of(trials: Sequence[Trial]) -> dict[str, str]:
    """Trial -> the name of what it tries, the same for trials that differ in their seed alone."""
    called = {}
    for trial in trials:
        rest = {field: value for field, value in trial.varied.items() if field != "seed"}
        called[trial.name] = trial_name(rest) if rest else "seeds"
    shared = Counter(called.values())
    return {name: word if shared[word] > 1 else name for name, word in called.items()}


def thin(points: Sequence[tuple[int, float]], *, most: int) -> list[Point]:
    """At most `most` points; each stands for a run of steps whose length is a power of two.

    The length is a power of two so that a growing curve does not shimmer: runs merge in pairs, they never shift.

    >>> thin([(1, 4.0), (2, 2.0), (3, 1.0), (4, 3.0)], most=2)
    [(2, 3.0, 2.0, 4.0), (4, 2.0, 1.0, 3.0)]
    """
    width = 1 if len(points) <= most else 2 ** math.ceil(math.log2(len(points) / most))
    thinned: list[Point] = []
    for start in range(0, len(points), width):
        part = points[start : start + width]
        values = [value for _, value in part if math.isfinite(value)]
        if values:
            mean = sum(values) / len(values)
            thinned.append((part[-1][0], _short(mean), _short(min(values)), _short(max(values))))
        else:
            thinned.append((part[-1][0], None, None, None))
    return thinned


def _tally(states: Sequence[str]) -> str:
    """How several trials ended; nothing is said of a single one.

    >>> _tally(["done", "trained", "stopped", "running"])
    '2 of 4 trials trained, 1 stopped'
    """
    if len(states) < 2:
        return ""
    trained = sum(state in ("trained", "done") for state in states)
    said = [f"{trained} of {len(states)} trials trained"]
    ends = {state: states.count(state) for state in ("stopped", "failed")}
    said += [f"{number} {state}" for state, number in ends.items() if number]
    return ", ".join(said)


def _words(eval: str) -> dict[str, str]:
    info = EVALS.get(eval.partition(":")[0])
    return {"name": eval, "title": info.title if info else eval, "unit": info.unit if info else ""}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _short(value: float) -> float:
    """Five digits are more than a screen can show."""
    return float(f"{value:.5g}")

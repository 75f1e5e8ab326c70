"""The worker's side of the control folder: what it was told, who waits, who leaves, and that it is alive.

Training asks `turns(steps)` before each step, which follows the commands that are due and says who takes the step,
`leaving(trial)` who ends without it and `stopped(trial)` who ends with it. Every command, applied or refused, becomes an
event. What a killed worker had followed after the last savepoint is followed again at the same step. A new trial is
made by whoever trains (`make`); here it is only asked for. It knows no tensor and decides nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from workbench import events
from workbench.runs import control
from workbench.runs.savepoint import Savepoint, read_savepoint
from workbench.runs.status import GONE, KEPT
from workbench.runs.store import SweepStore

_INTERVAL = 0.2

Make = Callable[[control.Command], str]
"""Makes the trial that a command asks for; answers why it cannot be, or nothing."""


class Steering:
    """Commands taken from one sweep folder; final."""

    def __init__(self, store: SweepStore) -> None:
        """Begin where the last savepoint of a sweep was."""
        since = read_savepoint(store)
        self.since = since
        self.store = store
        self.stopped_all = False
        self.make: Make | None = None
        """Set while a group trains."""
        self.round, self.commands = since.round, since.commands
        self._stopped, self._dropped = set(since.stopping), set(since.dropping)
        # One that was killed while all waited does not wait again: whoever starts it anew wants it to go on.
        self._paused = set(since.paused) if set(since.slots) - set(since.paused) else set()
        self._begun: set[str] = set()
        self._steps: Mapping[str, int] = {}
        self._polled = 0.0
        self._message = ""
        self._joins = False
        self._again = self._to_follow_again()

    def take_up(self, trials: Sequence[str]) -> Savepoint:
        """The savepoint of these trials, once; an empty one where it is of others."""
        if not set(trials) & set(self.since.slots):
            return Savepoint()
        since, self.since = self.since, Savepoint()
        return since

    def say(self, message: str) -> None:
        """What the worker is at, for whoever watches; what was told meanwhile is heard."""
        self._message = message
        self._poll(at_boundary=False)

    def begin(self, trials: Sequence[str]) -> None:
        """These trials train from here on; one that was paused while it waited has no turn yet."""
        self._begun.update(trials)
        self.store.set_status(trials={trial: self._state(trial) for trial in trials})

    def stopped(self, trial: str) -> bool:
        """Whether a trial is to end at this step."""
        return self.stopped_all or trial in self._stopped

    def leaving(self, trial: str) -> Literal["dropped"] | None:
        """Why a trial is to end before the next step, if it is."""
        return "dropped" if trial in self._dropped else None

    def turns(self, steps: Mapping[str, int]) -> list[str]:
        """Those of some trials that train their next step now; while that is nobody, this waits.

        Args:
            steps: How far each of them is.
        """
        self._steps, self._joins = steps, False
        self._follow(at_boundary=True)
        self._poll(at_boundary=True)
        going = self._going(steps)
        if not going and not self._is_to_return():
            self.store.set_status(state="paused")
            while not (going := self._going(steps)) and not self._is_to_return():
                time.sleep(_INTERVAL / 2)
                self._poll(at_boundary=True)
            self.store.set_status(state="stopping" if self.stopped_all else "running")
        self.round += bool(going)
        return going

    def is_to_come(self, file: str) -> bool:
        """Whether the command that came in a file is going to be followed again."""
        return any(command.file == file for command in self._again)

    def savepoint(self, told: events.Savepoint) -> Savepoint:
        """What a worker needs to know that goes on from here; after a stop of all, nothing of what was told before."""
        if self.stopped_all:
            return Savepoint(
                slots=told.slots,
                round=self.round,
                commands=self.commands,
                pass_tokens=told.pass_tokens,
            )
        return Savepoint(
            slots=told.slots,
            round=self.round,
            commands=self.commands,
            paused=tuple(sorted(self._paused)),
            stopping=tuple(sorted(self._stopped)),
            dropping=tuple(sorted(self._dropped)),
            pass_tokens=told.pass_tokens,
        )

    def saved(self, savepoint: Savepoint) -> None:
        """Forget what need not be followed again."""
        for command in control.taken(self.store.path, trials=self._names()):
            if _number(command) <= savepoint.commands:
                control.forget(self.store.path, names=[command.file])

    def _is_to_return(self) -> bool:
        """Whether there is something to do though nobody takes a step: one joins, or one leaves."""
        return self._joins or any(trial in self._dropped for trial in self._steps)

    def _going(self, trials: Mapping[str, int]) -> list[str]:
        # One that is stopped takes the step that it ends with.
        held = set() if self.stopped_all else self._paused - self._stopped
        return [trial for trial in trials if trial not in held and trial not in self._dropped]

    def _state(self, trial: str) -> str:
        if trial in self._paused:
            return "paused"
        return "training" if trial in self._begun else "queued"

    def _poll(self, *, at_boundary: bool) -> None:
        now = time.monotonic()
        if now - self._polled < _INTERVAL:
            return
        self._polled = now
        self.store.beat(message=self._message)
        self._follow(at_boundary=at_boundary)

    def _follow(self, *, at_boundary: bool) -> None:
        """Apply what is due."""
        while self._again and (
            (at_boundary and _round(self._again[0]) <= self.round) or not self._unended()
        ):
            self._apply(self._again.pop(0))
        # What is new comes after what is followed again, but for a stop of all, which nobody follows again.
        waits = bool(self._again)
        told = control.take(
            self.store.path,
            trials=self._names(),
            is_due=lambda command: self._is_due(command, at_boundary=at_boundary, waits=waits),
            number=0 if waits else self.commands + 1,
            round=self.round,
        )
        for command in told:
            self._apply(command, counts=not waits)

    def _is_due(self, command: control.Command, *, at_boundary: bool, waits: bool) -> bool:
        """Whether a command is followed now: what waits for a step, or changes who trains, is at a boundary only."""
        if waits:
            return command.command == "stop" and not command.trial and not command.at
        if at_boundary and self.reached(command.trial) >= command.at:
            return True
        if not command.at and command.command in ("stop", "pause", "resume"):
            return True
        # Where training is over what still waits is refused.
        return not self._unended()

    def reached(self, trial: str) -> int:
        """How far a trial is, or without one the trial that is furthest."""
        return self._steps.get(trial, 0) if trial else max(self._steps.values(), default=0)

    def _to_follow_again(self) -> list[control.Command]:
        found = []
        for command in control.taken(self.store.path, trials=self._names()):
            # A stop of all was followed to its end, or its worker died of more than that.
            over = command.command == "stop" and not command.trial
            if _number(command) > self.commands and not over:
                found.append(command)
            else:
                control.forget(self.store.path, names=[command.file])
        return found

    def _apply(self, command: control.Command, *, counts: bool = True) -> None:
        reason = command.problem or self._refusal(command)
        if counts and not command.problem:
            self.commands = _number(command)
        if not reason and command.command == "stop":
            self._stop(command.trial)
        elif not reason and command.command == "drop":
            self._dropped.add(command.trial)
        elif not reason and command.command in control.MAKE_A_TRIAL:
            assert self.make is not None, "refused otherwise"
            reason = self.make(command)
            self._joins = not reason
        elif not reason:
            self._hold(command)
        told = events.Steered(
            command=command.words,
            applied=not reason,
            step=self.reached(command.trial),
            of=command.trial,
            reason=reason,
        )
        self.store.append(told)

    def _stop(self, trial: str) -> None:
        if trial:
            self._stopped.add(trial)
        else:
            self.stopped_all = True
            self.store.set_status(state="stopping")

    def _hold(self, command: control.Command) -> None:
        """Pause or resume: what is said of the sweep is said of each trial that has not ended."""
        meant = [command.trial] if command.trial else self._unended()
        if command.command == "pause":
            self._paused.update(meant)
        else:
            self._paused.difference_update(meant)
        self.store.set_status(trials={trial: self._state(trial) for trial in meant})

    def _names(self) -> list[str]:
        return [trial.name for trial in self.store.trials]

    def _unended(self) -> list[str]:
        states = self.store.status().trials
        return [t.name for t in self.store.trials if states.get(t.name) not in (*KEPT, *GONE)]

    def _refusal(self, command: control.Command) -> str:
        """Why a command cannot be followed; empty when it can."""
        unended = self._unended()
        word, trial = command.command, command.trial
        if trial and trial not in unended:
            return f"{trial} has ended already"
        if self.reached(trial) < command.at:
            return f"no trial reached step {command.at}"
        if word in control.MAKE_A_TRIAL and self.make is None:
            return "nothing trains now that a new trial could join; start a sweep for it"
        if word in ("clone", "drop") and trial not in self._steps:
            return f"{trial} has not begun to train"
        if word == "pause" and not unended:
            return "every trial has ended its training, and evals are not paused; stop ends them"
        if word == "resume" and trial and trial not in self._paused:
            return f"{trial} is not paused"
        if word == "resume" and not self._paused.intersection(unended):
            return "nothing is paused"
        return ""


def _number(command: control.Command) -> int:
    return int(command.file.split("-")[0])


def _round(command: control.Command) -> int:
    return int(command.file.split("-")[1])

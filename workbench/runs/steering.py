"""The worker's side of the control folder: what it was told, who waits, and that it is alive.

Training asks `stopped(trial)` and, before each step, `turns(trials)`: those that are not paused. At most five times a
second that reads the control folder and renews the heartbeat. Every command, applied or refused, becomes an event. It
knows no tensor and decides nothing.
"""

import time
from collections.abc import Sequence

from workbench import events
from workbench.runs import control
from workbench.runs.store import SweepStore

_INTERVAL = 0.2
_ENDED = ("trained", "done", "failed", "stopped")


class Steering:
    """Commands taken from one sweep folder; final."""

    def __init__(self, store: SweepStore) -> None:
        """Begin with nothing told: what an earlier worker was told is over."""
        self.store = store
        self.stopped_all = False
        self._stopped: set[str] = set()
        self._paused: set[str] = set()
        self._begun: set[str] = set()
        self._polled = 0.0
        self._message = ""

    def say(self, message: str) -> None:
        """What the worker is at, for whoever watches."""
        self._message = message
        self._poll()

    def begin(self, trials: Sequence[str]) -> None:
        """These trials train from here on; one that was paused while it waited has no turn yet."""
        self._begun.update(trials)
        self.store.set_status(trials={trial: self._state(trial) for trial in trials})

    def stopped(self, trial: str) -> bool:
        """Whether a trial is to end at this step."""
        self._poll()
        return self.stopped_all or trial in self._stopped

    def turns(self, trials: Sequence[str]) -> list[str]:
        """Those of some trials that train their next step now; while that is nobody, this waits."""
        self._poll()
        going = self._going(trials)
        if going:
            return going
        self.store.set_status(state="paused")
        while not (going := self._going(trials)):
            time.sleep(_INTERVAL / 2)
            self._poll()
        self.store.set_status(state="stopping" if self.stopped_all else "running")
        return going

    def _going(self, trials: Sequence[str]) -> list[str]:
        # One that is stopped takes the step that it ends with.
        held = set() if self.stopped_all else self._paused - self._stopped
        return [trial for trial in trials if trial not in held]

    def _state(self, trial: str) -> str:
        if trial in self._paused:
            return "paused"
        return "training" if trial in self._begun else "queued"

    def _poll(self) -> None:
        now = time.monotonic()
        if now - self._polled < _INTERVAL:
            return
        self._polled = now
        self.store.beat(message=self._message)
        names = [trial.name for trial in self.store.trials]
        for command in control.take(self.store.path, trials=names):
            self._apply(command)

    def _apply(self, command: control.Command) -> None:
        reason = command.problem or self._refusal(command)
        if not reason and command.command == "stop":
            self._stop(command.trial)
        elif not reason:
            self._hold(command)
        told = f"{command.command} {command.trial}".strip()
        self.store.append(events.Steered(command=told, applied=not reason, reason=reason))

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

    def _unended(self) -> list[str]:
        states = self.store.status().trials
        return [t.name for t in self.store.trials if states.get(t.name) not in _ENDED]

    def _refusal(self, command: control.Command) -> str:
        """Why a command cannot be followed; empty when it can."""
        unended = self._unended()
        if command.trial and command.trial not in unended:
            return f"{command.trial} has ended already"
        if command.command == "pause" and not unended:
            return "every trial has ended its training, and evals are not paused; stop ends them"
        if command.command == "resume" and command.trial and command.trial not in self._paused:
            return f"{command.trial} is not paused"
        if command.command == "resume" and not self._paused.intersection(unended):
            return "nothing is paused"
        return ""

"""The worker's side of the control folder: what it was told, whether it waits, and that it is alive.

The experiment asks `stopped(trial)` and `wait_while_paused(trial)` at every step; at most five times a second that
reads the control folder and renews the heartbeat. Every command, applied or refused, becomes an event. It knows no
tensor and decides nothing.
"""

import time

from workbench import events
from workbench.runs import control
from workbench.runs.store import SweepStore

_INTERVAL = 0.2
_ENDED = ("trained", "done", "failed", "stopped")


class Steering:
    """Commands taken from one sweep folder; final."""

    def __init__(self, store: SweepStore) -> None:
        """Begin with nothing told."""
        self.store = store
        self.stopped_all = False
        self.paused = False
        self._stopped: set[str] = set()
        self._polled = 0.0
        self._message = ""

    def say(self, message: str) -> None:
        """What the worker is at, for whoever watches."""
        self._message = message
        self._poll()

    def stopped(self, trial: str) -> bool:
        """Whether a trial is to end at this step."""
        self._poll()
        return self.stopped_all or trial in self._stopped

    def wait_while_paused(self, trial: str) -> None:
        """Return at once unless a person asked for a pause."""
        if not self.paused:
            return
        self.store.set_status(state="paused")
        while self.paused and not self.stopped(trial):
            time.sleep(_INTERVAL / 2)
        self.store.set_status(state="stopping" if self.stopped_all else "running")

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
        if not reason:
            if command.command == "stop" and command.trial:
                self._stopped.add(command.trial)
            elif command.command == "stop":
                self.stopped_all = True
                self.store.set_status(state="stopping")
            else:
                self.paused = command.command == "pause"
        told = f"{command.command} {command.trial}".strip()
        self.store.append(events.Steered(command=told, applied=not reason, reason=reason or ""))

    def _refusal(self, command: control.Command) -> str:
        if command.trial and self.store.status().trials.get(command.trial) in _ENDED:
            return f"{command.trial} has ended already"
        if command.command == "resume" and not self.paused:
            return "nothing is paused"
        return ""

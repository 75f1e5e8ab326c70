"""How a trial ended, by its own events: `outcome_of(events, ...)` gives an `Outcome`, in words where it did not train to its end.

It knows neither scores nor files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.events import Failed, Finished, Started, Step

WHY_ENDED = {
    "stopped": "stopped by hand",
    "early": "ended early, its held-out loss having stopped falling,",
    "pruned": "pruned, others having a lower held-out loss,",
    "dropped": "dropped by a person",
}

GIVEN_UP = ("pruned", "dropped")
"""States of trials that were not trained to their end and are asked nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a trial ended."""

    state: str
    """`done`, `stopped`, `pruned`, `dropped`, `failed`, or what the status says: `queued`, `running`, `lost`, ..."""
    reason: str = ""
    trainable_parameters: int | None = None
    steps: int = 0
    seconds: float | None = None


def outcome_of(events: Sequence[Any], *, state: str, planned: int | None) -> Outcome:
    """The last word of a trial's events; a later start takes an earlier end back.

    Args:
        events: What the trial said.
        state: What the sweep's status says of it.
        planned: The parameters it was planned to train.
    """
    told, reason, steps, seconds, parameters = state, "", 0, None, planned
    for event in events:
        if isinstance(event, Started):
            state, reason = told, ""
            parameters = event.trainable_parameters or parameters
        elif isinstance(event, Step):
            steps = max(steps, event.step)
        elif isinstance(event, Finished):
            # A trial that ended early by its own rule has trained to its end.
            state = "done" if event.reason == "early" else event.reason
            steps, seconds = event.step, event.seconds
            reason = WHY_ENDED.get(event.reason, "")
            reason = f"{reason} at step {event.step}" if reason else ""
        elif isinstance(event, Failed):
            state, steps = "failed", event.step
            reason = f"{event.kind} at step {event.step}: {event.message}"
    return Outcome(
        state=state, reason=reason, trainable_parameters=parameters, steps=steps, seconds=seconds
    )

"""What a run can say: one small frozen model for each kind of event, one JSON line each.

The engine yields them, the store appends them, panels and the CLI read them back. Times and the attempt number are
stamped by the store, because the engine knows neither a clock nor a crash.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    trial: str = ""
    """The trial it is about; empty for the sweep as a whole."""
    time: float = 0.0
    """Seconds since the epoch, stamped when stored."""
    attempt: int = 1
    """How many times a worker has taken up this sweep, counting this one."""


class Started(_Event):
    """A trial begins, or goes on from a checkpoint."""

    event: Literal["started"] = "started"
    total_steps: int
    from_step: int = 0
    trainable_parameters: int = 0


class Step(_Event):
    """One optimizer step."""

    event: Literal["step"] = "step"
    step: int
    """Counted from 1."""
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float
    num_tokens: int
    """Tokens the loss looked at in this step."""
    seconds: float


class HeldOut(_Event):
    """The loss on the rows that a trial does not train on."""

    event: Literal["held_out"] = "held_out"
    step: int
    loss: float
    num_tokens: int
    """Tokens the loss is the mean of."""
    seconds: float


class Evaluated(_Event):
    """An eval of a trial (or of the base, under the name `base`) is stored."""

    event: Literal["evaluated"] = "evaluated"
    eval: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    seconds: float


class Saved(_Event):
    """A checkpoint or the adapter is on disk."""

    event: Literal["saved"] = "saved"
    step: int
    what: Literal["checkpoint", "adapter"]


class Warned(_Event):
    """Something a person should know; the run goes on."""

    event: Literal["warned"] = "warned"
    code: str
    message: str


class Steered(_Event):
    """A control command was applied or refused."""

    event: Literal["steered"] = "steered"
    command: str
    applied: bool
    step: int = 0
    reason: str = ""


class Finished(_Event):
    """A trial trained to its end, or was stopped by a person."""

    event: Literal["finished"] = "finished"
    step: int
    seconds: float
    reason: Literal["done", "stopped", "early"] = "done"
    """`early`: the held-out loss had stopped falling."""


class Failed(_Event):
    """A trial cannot go on; the others do."""

    event: Literal["failed"] = "failed"
    step: int
    kind: str
    message: str


Event = Annotated[
    Started | Step | HeldOut | Evaluated | Saved | Warned | Steered | Finished | Failed,
    Field(discriminator="event"),
]

_EVENTS: TypeAdapter[Any] = TypeAdapter(Event)


def to_line(event: _Event) -> str:
    """One JSON line, without the newline.

    >>> from_line(to_line(Saved(trial="r4", step=3, what="adapter"))).step
    3
    """
    return json.dumps(event.model_dump(mode="json"), separators=(",", ":"), allow_nan=True)


def from_line(line: str) -> Any:
    """The event in a line; a line cut by a crash raises ValueError."""
    return _EVENTS.validate_python(json.loads(line))

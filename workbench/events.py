"""What a run can say: one small frozen model for each kind of event, one JSON line each.

The engine yields them, the store appends them, panels and the CLI read them back. Times and the attempt number are
stamped by the store, because the engine knows neither a clock nor a crash.
"""

import json
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    # Built when the first one is read or said: a form needs none.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

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
    rss_bytes: int | None = None
    """Memory that the worker held, where it was looked at: every few steps."""
    cuda_bytes: int | None = None
    """Memory of the GPU that torch had given out then."""


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


class Savepoint(_Event):
    """All that trains is on disk together: from here a sweep goes on whose worker dies."""

    event: Literal["savepoint"] = "savepoint"
    slots: dict[str, int]
    """The step of each trial that trains."""
    pass_tokens: int
    """How many tokens a forward pass takes at most."""


class Pruned(_Event):
    """Successive halving ended a trial at a rung."""

    event: Literal["pruned"] = "pruned"
    step: int
    rung: int
    """Counted from 1."""
    loss: float
    """Held-out, the mean of its seeds."""
    place: int
    of: int
    """How many configurations were held against each other."""
    needed: float
    """The loss of the last that went on."""


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
    """How far its trial was then, or without one the trial that was furthest."""
    of: str = ""
    """The trial it was about; empty for the sweep."""
    reason: str = ""


class Finished(_Event):
    """A trial trained to its end, or was stopped by a person."""

    event: Literal["finished"] = "finished"
    step: int
    seconds: float
    reason: Literal["done", "stopped", "early", "pruned", "dropped"] = "done"
    """`early`: its held-out loss had stopped falling; `pruned`: others had a lower one; `dropped`: a person gave it up."""


class Failed(_Event):
    """A trial cannot go on; the others do."""

    event: Literal["failed"] = "failed"
    step: int
    kind: str
    message: str


Event = Annotated[
    Started
    | Step
    | HeldOut
    | Evaluated
    | Saved
    | Savepoint
    | Pruned
    | Warned
    | Steered
    | Finished
    | Failed,
    Field(discriminator="event"),
]


@cache
def _events() -> TypeAdapter[Any]:
    return TypeAdapter(Event)


_SELDOM = ("rss_bytes", "cuda_bytes")
"""Fields that most lines go without."""


def to_line(event: _Event) -> str:
    """One JSON line, without the newline.

    >>> from_line(to_line(Saved(trial="r4", step=3, what="adapter"))).step
    3
    """
    fields = event.model_dump(mode="json")
    for name in _SELDOM:
        if fields.get(name, "") is None:
            del fields[name]
    return json.dumps(fields, separators=(",", ":"), allow_nan=True)


def from_line(line: str) -> Any:
    """The event in a line; a line cut by a crash raises ValueError."""
    return from_fields(json.loads(line))


def from_fields(fields: Any) -> Any:
    """The event of a line that was parsed already; ValueError where it is none."""
    return _events().validate_python(fields)

"""How a sweep stands: what `status.json` says, and whether the worker it names is still there.

A worker is known by its process id together with the time that process started, because ids are used again. A state
that needs a worker, without one, reads as `lost`. This file knows one JSON file and the process table.
"""

import json
from pathlib import Path
from typing import Any, Literal, TypedDict

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import StoreError
from workbench.runs.atomic import write_bytes

State = Literal["queued", "running", "paused", "stopping", "done", "failed", "stopped", "lost"]

WORKING = ("running", "paused", "stopping")
"""The states that need a living worker."""

ENDED = ("done", "failed", "stopped", "lost")
"""The states in which nothing more comes by itself."""


KEPT = ("trained", "done", "stopped", "pruned")
"""The states of a trial that has ended its training and keeps what it learned."""
GONE = ("failed", "dropped")
"""The states of a trial that has ended and keeps nothing."""


class Status(BaseModel):
    """How a sweep stands."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    state: State = "queued"
    pid: int | None = None
    pid_started: float | None = None
    """When that process started, as the system counts it."""
    heartbeat: float = 0.0
    """Seconds since the epoch when the worker last wrote."""
    attempt: int = 0
    """How many workers have taken it up."""
    trials: dict[str, str] = {}
    """A trial's state in a word."""
    message: str = ""


class Changes(TypedDict, total=False):
    """What `set_status` may be given."""

    state: State
    pid: int | None
    pid_started: float | None
    heartbeat: float
    attempt: int
    trials: dict[str, str]
    message: str


def read_status(path: Path) -> Status:
    """What a `status.json` says, with `lost` where its worker is gone."""
    status = stored_status(path)
    if status.state in WORKING and not is_alive(status.pid, status.pid_started):
        during = f" while {status.message}" if status.message else ""
        message = f"the worker (process {status.pid}) is gone{during}: killed, or out of memory"
        return status.model_copy(update={"state": "lost", "message": message})
    return status


def stored_status(path: Path) -> Status:
    """What a `status.json` says, word for word."""
    try:
        return Status.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise StoreError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except (ValidationError, ValueError, RecursionError):
        raise StoreError(
            f"{str(path)!r} does not hold the status of a sweep; restore it or start the spec anew"
        ) from None


def write_status(path: Path, status: Status) -> None:
    """Put a status on disk, whole or not at all."""
    write_bytes(path, status.model_dump_json(indent=1).encode())


def changed(status: Status, changes: Changes) -> Status:
    """The status with some fields changed; the trials given are merged into those known."""
    fields: dict[str, Any] = {**status.model_dump(), **changes}
    fields["trials"] = {**status.trials, **changes.get("trials", {})}
    return Status.model_validate(fields)


def is_alive(pid: int | None, started: float | None) -> bool:
    """Whether that very process runs; one that was killed and not yet reaped does not."""
    if pid is None or pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        # The start is counted from the boot, whose own time moves a little when the clock is set.
        return started is None or abs(process.create_time() - started) < 2.0
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def process_started(pid: int) -> float:
    """When a process started."""
    return float(psutil.Process(pid).create_time())

"""A limit on this process that keeps it clear of the system's own kill.

Where memory runs out the system ends a process without a word; an allocation beyond a limit fails, and a step that fails
is taken again in smaller passes. `with clear_of_the_kill():` sets the limit at what is free now and takes it back after.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from workbench.plan.room import free_room, is_stated

_STATUS = Path("/proc/self/status")


@contextmanager
def clear_of_the_kill() -> Iterator[None]:
    """Within it no more is handed out than is free; nothing changes where a GPU decides, or on other systems."""
    room = free_room()
    # What is stated by hand is for putting trials together, and may be less than the libraries hold already.
    if torch.cuda.is_available() or room is None or is_stated() or not _STATUS.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _promised() + room.bytes
    if before[0] == resource.RLIM_INFINITY or limit < before[0]:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _promised() -> int:
    """Bytes of private memory that the system has promised this process."""
    lines = _STATUS.read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmData:"))

"""Is the machine quiet? A gate before each measurement, and a watch on the others while it runs.

`Gate(patience=300)` waits, all its openings together at most so long, until other programs use little of the
processor, and says what it went on with. Not the load average: for a minute after each run that would be our own.
`Watch` tells how many cores others used meanwhile, from the processor's counters less our children's.
"""

import os
import time
from dataclasses import dataclass

import psutil

QUIET_CORES = 0.25
"""Of others, at most, on a machine that counts as quiet."""
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Opened:
    """How a wait ended."""

    cores_of_others: float
    waited_seconds: float
    quiet: bool


class Gate:
    """Opens when the machine is quiet, or when its patience is used up."""

    def __init__(self, *, patience: float) -> None:
        self._left = patience

    def wait(self) -> Opened:
        """Wait while others are busy."""
        began = time.monotonic()
        while True:
            busy = psutil.cpu_percent(LOOK_SECONDS) / 100 * cores()
            waited = time.monotonic() - began
            if busy <= QUIET_CORES or waited >= self._left:
                self._left = max(0.0, self._left - (waited - LOOK_SECONDS))
                return Opened(round(busy, 2), round(waited, 1), busy <= QUIET_CORES)


class Watch:
    """How busy others keep the machine, from its making on; asked when our children have ended."""

    def __init__(self) -> None:
        self._began, self._busy, self._ours = time.monotonic(), _busy_seconds(), _our_seconds()

    def cores_of_others(self) -> float:
        """Cores that others kept busy, on the average."""
        taken = time.monotonic() - self._began
        others = (_busy_seconds() - self._busy) - (_our_seconds() - self._ours)
        return round(max(0.0, others / taken), 2)


def cores() -> int:
    """Logical processors."""
    return os.cpu_count() or 1


def _busy_seconds() -> float:
    counted = psutil.cpu_times()
    idle = counted.idle + getattr(counted, "iowait", 0.0)
    # Linux counts the time of guests in that of users as well.
    return float(sum(counted) - idle - getattr(counted, "guest", 0.0))


def _our_seconds() -> float:
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system

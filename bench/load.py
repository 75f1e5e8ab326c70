"""Is the machine quiet? A gate before each measurement.

`Gate(patience=300)` waits, all its openings together at most so long, until other programs use little of the
processor, and says what it went on with. Not the load average: for a minute after each run that would be our own.
How many cores others used during a run is for `workbench.timing.others`.
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


def cores() -> int:
    """Logical processors."""
    return os.cpu_count() or 1

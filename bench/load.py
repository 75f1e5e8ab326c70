"""A gate before each measurement: it opens when the machine is quiet, or says that it was not.

`wait_until_quiet(below=1.2, seconds=60)` gives the load it went on with. On a machine that has no load average it
opens at once.
"""

import os
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Gate:
    """How a wait ended."""

    load: float
    waited_seconds: float
    quiet: bool


def wait_until_quiet(*, below: float, seconds: float) -> Gate:
    """Wait until the load average of the last minute is low enough, at most so long."""
    began = time.monotonic()
    while True:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        waited = time.monotonic() - began
        if load < below or waited >= seconds:
            return Gate(load=load, waited_seconds=waited, quiet=load < below)
        time.sleep(1.0)

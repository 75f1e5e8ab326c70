"""How busy other programs kept the machine while something was timed, from the processor's counters less our own.

    others = Others()
    ...
    others.cores()          # 0.0 on a quiet machine

Children count as ours once they have ended. It says how far a time can be trusted, and changes nothing.
"""

import os
import time

import psutil


class Others:
    """Watches from its making on."""

    def __init__(self) -> None:
        self._began, self._busy, self._ours = time.monotonic(), _busy_seconds(), _our_seconds()

    def cores(self) -> float:
        """Cores that others kept busy, on the average."""
        taken = time.monotonic() - self._began
        others = (_busy_seconds() - self._busy) - (_our_seconds() - self._ours)
        return round(max(0.0, others / max(taken, 1e-9)), 2)


def _busy_seconds() -> float:
    counted = psutil.cpu_times()
    idle = counted.idle + getattr(counted, "iowait", 0.0)
    # Linux counts the time of guests in that of users as well.
    return float(sum(counted) - idle - getattr(counted, "guest", 0.0))


def _our_seconds() -> float:
    told = os.times()
    return told.user + told.system + told.children_user + told.children_system

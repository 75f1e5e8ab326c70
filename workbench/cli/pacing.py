"""`workbench plan --calibrate`: this machine measured in a process of its own, because the command never loads torch."""

import os
import subprocess
import sys

from workbench.cli.printing import notes
from workbench.errors import RunError
from workbench.job import WORKER_ENVIRONMENT


def measure_this_machine() -> None:
    """Leave a calibration in the user's cache, in the place of the one there is."""
    with notes().status("measuring this machine"):
        done = subprocess.run(
            [sys.executable, "-m", "workbench.engine.pace"],
            env={**WORKER_ENVIRONMENT, **os.environ},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise RunError(f"this machine could not be measured: {last}")

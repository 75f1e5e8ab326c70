"""A sweep planned and run to its end by a worker process of its own, as a person's would be."""

import subprocess
import sys
from pathlib import Path

from bench.machine import ROOT, environment
from workbench.job import WORKER_ENVIRONMENT, prepare
from workbench.runs.store import SweepStore
from workbench.spec import Spec


def ended(spec: Spec, *, runs: Path) -> SweepStore:
    """The folder of the sweep when its worker has ended; a worker that failed is a `RuntimeError` with its last words."""
    store = prepare(spec, runs=runs)
    done = subprocess.run(
        [sys.executable, "-m", "workbench.worker", str(store.path)],
        cwd=ROOT,
        env={**WORKER_ENVIRONMENT, **environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{spec.name} ended with {done.returncode}: {done.stderr[-600:]}")
    return store

"""In less memory than its passes ask for a sweep ends all the same, with the same losses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import job
from workbench.runs.store import SweepStore
from workbench.spec import Spec

FIELDS = {
    "adapter": {"target_modules": "all-linear"},
    "data": {"id": "microworld/updates", "rows": 200},
    "train": {"learning_rate": 5e-3, "per_device_train_batch_size": 64, "max_steps": 6},
    "evals": [],
    "sweep": {"adapter.r": [4, 8, 16, 32]},
}
EXACT = 1e-5


def _run(folder: Path, *, more: int = 0) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.joined.limited", str(folder), str(more)],
        capture_output=True,
        text=True,
        # Large tensors of their own: what is freed goes back, so that what is held is what is needed.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": str(1 << 16), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout.split()[-1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits of Linux")
def test_a_sweep_in_too_little_memory_ends_as_one_with_enough(tmp_path) -> None:
    plain = job.prepare(Spec.from_fields({"name": "plain", **FIELDS}), runs=tmp_path)
    most = _run(plain.path)
    tight = job.prepare(Spec.from_fields({"name": "tight", **FIELDS}), runs=tmp_path)
    _run(tight.path, more=int(0.6 * most))

    ours, theirs = SweepStore.open(tight.path), SweepStore.open(plain.path)
    told = [event for event in ours.events() if event.event == "warned" and event.code == "memory"]
    assert told, f"the limit was not felt, which proves nothing: {most} bytes"
    assert "taken again in passes" in told[0].message
    assert not [event for event in theirs.events() if event.event == "warned"]
    for trial in theirs.trials:
        expected = [step.loss for step in theirs.steps(trial.name)]
        assert len(expected) == 6
        assert [step.loss for step in ours.steps(trial.name)] == pytest.approx(expected, rel=EXACT)
        assert ours.status().trials[trial.name] == "done"

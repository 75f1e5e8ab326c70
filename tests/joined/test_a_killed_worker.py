"""kill -9 at any moment loses nothing that was flushed, and the sweep goes on from there."""

import os
import random
import signal
import time

import pytest
from safetensors.torch import load_file

from workbench import job
from workbench.spec import Spec

KILLS = 10


def _spec(name: str) -> Spec:
    return Spec.from_fields(
        {
            "name": name,
            "adapter": {"target_modules": ["q_proj", "v_proj"]},
            "data": {"id": "microworld/updates", "rows": 64},
            "train": {
                "learning_rate": 5e-3,
                "per_device_train_batch_size": 8,
                "max_steps": 60,
                "save_steps": 10,
            },
            "evals": ["recall"],
            "sweep": {"adapter.r": [1, 4]},
        }
    )


@pytest.mark.slow
def test_a_sweep_killed_ten_times_ends_as_one_that_was_not(tmp_path) -> None:
    plain = job.start(_spec("plain"), runs=tmp_path)
    plain.wait()

    killed = job.start(_spec("killed"), runs=tmp_path)
    rng = random.Random(4)
    kills = 0
    while kills < KILLS:
        # At least a checkpoint's worth of steps between kills, or it would never end.
        seen = [killed.store.steps(trial.name) for trial in killed.store.trials]
        before = max((steps[-1].step for steps in seen if steps), default=0)
        if before < 50:
            goal = min(before + rng.randrange(0, 12), 55)
            while _last(killed) < goal and killed.status().state not in job.ENDED:
                time.sleep(0.01)
        time.sleep(rng.random() * 0.4)
        if killed.status().state in job.ENDED:
            break
        os.kill(killed.status().pid, signal.SIGKILL)
        kills += 1
        while killed.status().state not in job.ENDED:
            time.sleep(0.02)
        assert killed.status().state == "lost"
        # What was flushed is read back, cut lines or not.
        [killed.store.steps(trial.name) for trial in killed.store.trials]
        killed = job.attach(killed.path)
        killed.restart()
    killed.wait()

    assert kills == KILLS
    assert killed.store.status().attempt == kills + 1
    for trial in plain.store.trials:
        steps = killed.store.steps(trial.name)
        assert [step.step for step in steps] == list(range(1, 61)), "each step shown once"
        expected = plain.store.steps(trial.name)
        assert [s.loss for s in steps] == pytest.approx([s.loss for s in expected], rel=1e-5)
        ours = load_file(killed.path / trial.name / "adapter" / "adapter_model.safetensors")
        theirs = load_file(plain.path / trial.name / "adapter" / "adapter_model.safetensors")
        for name, tensor in theirs.items():
            assert (ours[name] - tensor).abs().max() < 1e-5
        assert killed.store.read_score(trial.name, "recall") is not None


def _last(running: job.Job) -> int:
    found = [running.store.steps(trial.name) for trial in running.store.trials]
    return max((steps[-1].step for steps in found if steps), default=0)

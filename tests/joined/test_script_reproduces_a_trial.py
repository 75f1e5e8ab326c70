"""`script.py` of a trial is plain PEFT and TRL: the stock trainer, run in a process of its own, is the oracle."""

import json
import os
import subprocess
import sys

import pytest

from workbench import job
from workbench.spec import Spec

_CASES = {
    "plain": {},
    "accumulated": {"train": {"gradient_accumulation_steps": 2, "lr_scheduler_type": "cosine"}},
    "nf4": {"quantization": {"load_in_4bit": True, "bnb_4bit_use_double_quant": True}},
}


def _spec(case: str) -> Spec:
    fields = {
        "name": case,
        "adapter": {"r": 4, "target_modules": ["q_proj", "v_proj", "down_proj"]},
        "data": {"id": "microworld/updates", "rows": 70},
        "train": {
            "learning_rate": 1e-2,
            "per_device_train_batch_size": 8,
            "max_steps": 12,
            "warmup_steps": 3,
        },
        "evals": [],
        "seed": 3,
    }
    for part, changes in _CASES[case].items():
        fields[part] = {**fields.get(part, {}), **changes}
    return Spec.from_fields(fields)


@pytest.mark.parametrize("case", _CASES)
def test_the_plain_script_gives_the_losses_of_the_trial(case: str, tmp_path) -> None:
    running = job.start(_spec(case), runs=tmp_path)
    running.wait()
    trial = running.store.trials[0].name
    ours = [step.loss for step in running.store.steps(trial)]
    folder = running.path / trial

    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = (folder / "losses.jsonl").read_text().splitlines()
    theirs = [json.loads(line)["loss"] for line in lines]

    assert len(ours) == len(theirs) == 12
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert min(ours) < ours[0], "a trial that does not learn proves nothing"

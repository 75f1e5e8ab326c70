"""`script.py` of a trial is plain PEFT and TRL: the stock trainer, run in a process of its own, is the oracle."""

import json
import os
import subprocess
import sys

import pytest

from workbench import job
from workbench.runs import control
from workbench.spec import READS, Spec

_CASES: dict[str, dict] = {
    "plain": {},
    "accumulated": {"train": {"gradient_accumulation_steps": 2, "lr_scheduler_type": "cosine"}},
    "nf4": {"quantization": {"load_in_4bit": True, "bnb_4bit_use_double_quant": True}},
    "ia3": {"adapter": {"peft_type": "IA3", "feedforward_modules": ["down_proj"]}},
    "prompts": {"adapter": {"peft_type": "PROMPT_TUNING"}, "train": {"learning_rate": 0.1}},
    "full": {"adapter": {"peft_type": "FULL"}, "train": {"learning_rate": 1e-3}},
}
if os.environ.get("SOAK"):
    _CASES |= {
        "dora": {"adapter": {"use_dora": True}},
        "vera": {"adapter": {"peft_type": "VERA", "r": 16}},
    }
TARGETS = ["q_proj", "v_proj", "down_proj"]


def _spec(case: str) -> Spec:
    fields = {
        "name": case,
        "adapter": {},
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
    method = fields["adapter"].get("peft_type", "LORA")
    if "target_modules" in READS[method]:
        fields["adapter"]["target_modules"] = TARGETS
    if "r" in READS[method]:
        fields["adapter"].setdefault("r", 4)
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


def test_the_script_of_a_clone_begins_where_its_parent_was(tmp_path) -> None:
    store = job.prepare(_spec("plain"), runs=tmp_path)
    (parent,) = store.trials
    changes = {"train.learning_rate": 4e-3, "train.max_steps": 8}
    control.send(store.path, "clone", trial=parent.name, at=5, changes=changes)
    running = job.attach(store.path)
    running.restart()
    running.wait()
    clone = running.store.trials[1]
    assert (clone.parent, clone.parent_step) == (parent.name, 5)
    ours = [step.loss for step in running.store.steps(clone.name)]
    before = [step.loss for step in running.store.steps(parent.name)]
    assert ours[0] != pytest.approx(before[0], rel=1e-3), (
        "it begins with what its parent had learned"
    )

    folder = running.path / clone.name
    assert (
        f"begin with the weights of {parent.name} after its step 5"
        in (folder / "script.py").read_text()
    )
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = (folder / "losses.jsonl").read_text().splitlines()
    assert ours == pytest.approx([json.loads(line)["loss"] for line in lines], rel=1e-5)

"""Our engine in the bench: all trials in one bank, or the same loop with a bank of one, trial after trial.

It only calls what the worker calls: `load`, `Bank`, `train`. A step is over where its last slot has told it.
`train_fused(job, after_step=...)` lets a profiler begin and end between steps.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.clock import Clock, share_moved
from bench.job import Job, TrialPlan
from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.rendering import Rendered
from workbench.engine.loop import train
from workbench.engine.slot import Slot
from workbench.models.load import load
from workbench.spec import Spec, Trial

NEVER = 10**9


def train_fused(
    job: Job, *, after_step: Callable[[int], None] = lambda step: None
) -> dict[str, Any]:
    """All trials at once."""
    loaded = _load(job)
    trials = [_trial(job, plan) for plan in job.trials]
    bank = Bank(loaded.model, loaded.tokenizer, trials)
    told = _train(bank, trials, job=job, after_step=after_step)
    return {**told, "stamps": [told["stamps"]], "faults": [told["faults"]]}


def train_alone(job: Job) -> dict[str, Any]:
    """One trial after the other on one base."""
    loaded = _load(job)
    found: dict[str, Any] = {"losses": [], "stamps": [], "faults": [], "moved": []}
    for plan in job.trials:
        trial = _trial(job, plan)
        bank = Bank(loaded.model, loaded.tokenizer, [trial])
        told = _train(bank, [trial], job=job, after_step=lambda step: None)
        found["losses"] += told["losses"]
        found["moved"] += told["moved"]
        found["stamps"].append(told["stamps"])
        found["faults"].append(told["faults"])
        bank.model.unload()
    return found


def _train(
    bank: Bank, trials: list[Trial], *, job: Job, after_step: Callable[[int], None]
) -> dict[str, Any]:
    rows = [Rendered(row["input_ids"], row["labels"], False) for row in job.rows()]
    slots = [
        Slot(
            name=trial.name,
            train=trial.spec.train,
            rows=rows,
            seed=job.seed,
            fingerprint=trial.name,
            checkpoint=Path(job.folder, "none", trial.name),
        )
        for trial in trials
    ]
    losses: dict[str, list[float]] = {trial.name: [] for trial in trials}
    clock = Clock(job)
    clock.mark()
    for event in train(bank, slots):
        if isinstance(event, events.Failed):
            raise SystemExit(f"{event.trial}: {event.message}")
        if isinstance(event, events.Step):
            losses[event.trial].append(event.loss)
            if all(len(told) == event.step for told in losses.values()):
                clock.mark()
                after_step(event.step)
    return {
        "losses": list(losses.values()),
        "stamps": clock.stamps,
        "faults": clock.faults,
        "moved": [share_moved(bank.parameters(trial.name)) for trial in trials],
    }


def _load(job: Job) -> Any:
    fields = _fields(job)
    spec = Spec.from_fields(fields)
    return load(spec.model, quantization=spec.quantization, device=job.device)


def _trial(job: Job, plan: TrialPlan) -> Trial:
    fields = _fields(job) | {
        "adapter": {"r": plan.r, "lora_alpha": plan.alpha, "target_modules": "all-linear"},
        "train": {
            "learning_rate": plan.learning_rate,
            "max_steps": job.steps,
            "per_device_train_batch_size": job.batch,
            "save_steps": NEVER,
        },
        "seed": job.seed,
    }
    return Trial(name=plan.name, spec=Spec.from_fields(fields))


def _fields(job: Job) -> dict[str, Any]:
    fields: dict[str, Any] = {"model": {"id": str(job.model)}}
    if job.dtype == "bfloat16":
        fields["model"]["dtype"] = "bfloat16"
    if job.dtype == "nf4":
        fields["quantization"] = {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_compute_dtype": "float32",
        }
    return fields

"""How long a sweep may take, told by one like it that ran here: same base, data, batch, evals and kind of adapters.

`Timing(runs).told(spec, plan)` is a clause with the sweep it comes from, or nothing: no figure is guessed where nothing was
measured. A sweep that was interrupted says nothing either, because only its last attempt was timed.
"""

import json
import time
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.plan.plan import Plan
from workbench.plan.suites import with_suites
from workbench.plan.wording import in_words
from workbench.runs.status import read_status
from workbench.runs.store import SweepStore, find_sweeps
from workbench.spec import Spec

NEWEST = 20
AGAIN_SECONDS = 20.0
"""After how long the folder is listed again."""


class Timing:
    """What was measured in a folder of sweeps."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._listed = float("-inf")
        self._measured: dict[Path, tuple[Any, float] | None] = {}

    def told(self, spec: Spec, planned: Plan) -> str:
        """About how long, and what says so; empty where nothing like it has run."""
        steps = [trial.steps for trial in planned.trials]
        if None in steps:
            return ""
        self._look()
        wanted = _kind(spec)
        for path, known in self._measured.items():
            if known is not None and known[0] == wanted:
                seconds = known[1] * sum(step for step in steps if step)
                return f"about {in_words(seconds)}, by what {path.name} took"
        return ""

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._listed < AGAIN_SECONDS:
            return
        self._listed = now
        try:
            found = find_sweeps(self.runs, most=NEWEST)
        except WorkbenchError:
            found = []
        kept = {path: self._measured.get(path) for path in found}
        self._measured = {path: known or _read(path) for path, known in kept.items()}


def _read(path: Path) -> tuple[Any, float] | None:
    """The kind of a finished sweep, and its seconds for each step of a trial."""
    try:
        status = read_status(path / "status.json")
        if status.state != "done" or status.attempt != 1:
            return None
        spec = SweepStore.open(path).spec
        seconds = float(json.loads((path / "measured.json").read_bytes())["seconds"])
        trials = json.loads((path / "plan.json").read_bytes())["trials"]
        steps = sum(int(trial["steps"]) for trial in trials)
    except (WorkbenchError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return (_kind(spec), seconds / steps) if steps > 0 and seconds > 0 else None


def _kind(spec: Spec) -> Any:
    """What decides, beside the number of trials and steps, how long a sweep takes."""
    first = with_suites(spec.grid()[0].spec)
    train, adapter = first.train, first.adapter
    return (
        first.model, first.quantization, first.data, frozenset(first.evals), adapter.peft_type, adapter.use_dora,
        adapter.target_modules, train.per_device_train_batch_size, train.gradient_accumulation_steps,
        train.max_length, train.bf16, train.gradient_checkpointing, train.eval_steps,
    )  # fmt: skip

"""What a trial costs, counted or measured once: sizes, seconds and bytes that stand in its sweep's folder.

`COSTS["adapter_bytes"].of(side)` is the largest over the seeds of a candidate, or the reason why nobody knows. None has an
interval: a file has one size, and a peak was measured once.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.gate.sides import Side
from workbench.scores.task import BASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One cost, in words and as it is found."""

    unit: str
    what: str
    method: str
    of_slot: Callable[[Side, str], float | None]
    missing: str
    """Why there is none, where there is none."""

    def of(self, side: Side) -> tuple[float | None, str]:
        """The largest of a candidate's seeds, or None and why."""
        found = {slot: self.of_slot(side, slot) for slot in side.slots}
        lacking = [slot for slot, value in found.items() if value is None]
        if lacking:
            return None, f"{lacking[0]} in {side.reading.store.path.name}: {self.missing}"
        return max(value for value in found.values() if value is not None), ""


def _adapter_bytes(side: Side, slot: str) -> float | None:
    if slot == BASE:
        return 0
    spec = next(trial.spec for trial in side.reading.trials if trial.name == slot)
    kept = side.reading.store.folder(slot) / spec.adapter.kept_as
    sizes = [path.stat().st_size for path in kept.glob("*.safetensors")]
    return sum(sizes) if sizes else None


def _trainable(side: Side, slot: str) -> float | None:
    return 0 if slot == BASE else side.reading.outcomes[slot].trainable_parameters


def _training_seconds(side: Side, slot: str) -> float | None:
    return 0 if slot == BASE else side.reading.outcomes[slot].seconds


def _planned_bytes(side: Side, slot: str) -> float | None:
    trials = side.reading.plan.get("trials", [])
    one = next((one for one in trials if isinstance(one, dict) and one.get("name") == slot), {})
    parts = one.get("memory")
    sizes = [x for x in parts.values() if isinstance(x, int)] if isinstance(parts, dict) else []
    return sum(sizes) if sizes else None


def _process_bytes(side: Side, slot: str) -> float | None:
    found = side.reading.measured.get("peak_rss_bytes")
    return float(found) if isinstance(found, int | float) else None


def _gpu_bytes(side: Side, slot: str) -> float | None:
    if slot == BASE:
        return None
    looks = [step.cuda_bytes for step in side.reading.steps(slot) if step.cuda_bytes is not None]
    return max(looks) if looks else None


COSTS: dict[str, Cost] = {
    "adapter_bytes": Cost(
        unit="bytes",
        what="the weights that were trained, as they lie in the trial's folder; 0 of a base",
        method="size of the files",
        of_slot=_adapter_bytes,
        missing="no safetensors are there",
    ),
    "trainable_parameters": Cost(
        unit="parameters",
        what="how many numbers were trained; 0 of a base",
        method="counted",
        of_slot=_trainable,
        missing="nobody counted them",
    ),
    "training_seconds": Cost(
        unit="s",
        what="the time a trial trained; of trials trained together, its share; 0 of a base",
        method="measured once",
        of_slot=_training_seconds,
        missing="it has not trained to an end",
    ),
    "planned_bytes": Cost(
        unit="bytes",
        what="the peak memory of training that the plan predicts for the trial alone",
        method="predicted, not measured",
        of_slot=_planned_bytes,
        missing="the plan has no memory of it",
    ),
    "process_bytes": Cost(
        unit="bytes",
        what="the peak memory of the process that ran the whole sweep, all of its trials together",
        method="measured once, of the whole sweep",
        of_slot=_process_bytes,
        missing="the sweep stored no peak",
    ),
    "gpu_bytes": Cost(
        unit="bytes",
        what="the most memory of the GPU that was held while the trial trained, looked at every few steps, "
        "with whoever trained beside it",
        method="the most that was seen, once",
        of_slot=_gpu_bytes,
        missing="no memory of a GPU was looked at",
    ),
}
"""Every cost that a rule can be about."""

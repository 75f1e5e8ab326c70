"""Where the time of a fused step goes: base matmuls, adapters, attention, the rest, and the host between them.

`python -m bench.profile JOB` trains a few steps of the fused arm under torch's profiler and prints JSON: seconds of a
step by part. Operations are told apart by their names and shapes: a matrix product in which one side is as long as a
rank is the adapters' own. The profiler itself costs time, so the parts are shares of a step that is slower than the
measured one.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch.profiler import ProfilerActivity, profile

from bench.arms import quieten
from bench.job import Job, read_job
from bench.own import train_fused

STEPS = 3
PARTS = {
    "dequantization": ("dequantize", "quantize_4bit", "bitsandbytes::"),
    "attention": ("attention", "aten::_softmax", "aten::bmm", "aten::baddbmm"),
    "loss": ("log_softmax", "nll_loss", "cross_entropy"),
    "optimizer and clipping": ("adam", "_foreach_", "linalg_vector_norm"),
    "copies and gathers": (
        "aten::copy_", "aten::cat", "aten::index", "aten::gather", "aten::embedding", "aten::fill_",
        "aten::zero_", "aten::masked_select", "aten::nonzero",
    ),
}  # fmt: skip
"""Part -> what the names of its operations hold; matrix products are looked at first."""
PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::_grouped_mm")
"""Also in place, where a name ends in an underscore."""
BASE, ADAPTERS = "matmuls of the base", "matmuls of the adapters"
ELEMENTWISE, HOST = "elementwise", "host: Python and dispatch"


def breakdown(job: Job) -> dict[str, Any]:
    """Seconds of a step by part."""
    first, last = job.skip, job.skip + STEPS
    activities = [ProfilerActivity.CPU]
    if job.device == "cuda":
        activities.append(ProfilerActivity.CUDA)
    profiler = profile(activities=activities, record_shapes=True)
    marks: list[float] = []

    def after_step(step: int) -> None:
        if step == first:
            profiler.start()
            marks.append(time.perf_counter())
        elif step == last:
            marks.append(time.perf_counter())
            profiler.stop()

    train_fused(replace(job, steps=last + 1), after_step=after_step)
    whole = (marks[1] - marks[0]) / STEPS
    parts = dict.fromkeys((BASE, ADAPTERS, *PARTS, ELEMENTWISE), 0.0)
    ranks = {trial.r for trial in job.trials} | {sum(trial.r for trial in job.trials)}
    for name, shapes, seconds in _operations(profiler, device=job.device):
        parts[part_of(name, shapes=shapes, ranks=ranks)] += seconds / STEPS
    host = {HOST: max(0.0, whole - sum(parts.values()))}
    ordered = dict(sorted(parts.items(), key=lambda item: -item[1])) | host
    return {"step_seconds": whole, "steps": STEPS, "seconds": ordered}


def part_of(name: str, *, shapes: list[list[int]], ranks: set[int]) -> str:
    """Which part of a step an operation belongs to."""
    if name.removesuffix("_") in PRODUCTS:
        sides = {side for shape in shapes if len(shape) in (2, 3) for side in shape[-2:]}
        if sides & ranks:
            return ADAPTERS
        if name not in PARTS["attention"]:
            return BASE
    for part, held in PARTS.items():
        if any(word in name for word in held):
            return part
    return ELEMENTWISE


def _operations(profiler: Any, *, device: str) -> Iterator[tuple[str, list[list[int]], float]]:
    """(name, shapes of the inputs, seconds of its own) of what torch ran; on a GPU the seconds there."""
    for event in profiler.key_averages(group_by_input_shape=True):
        if not event.key.startswith(("aten::", "bitsandbytes::")):
            continue
        taken = event.self_device_time_total if device == "cuda" else event.self_cpu_time_total
        yield event.key, event.input_shapes, taken / 1e6


if __name__ == "__main__":
    quieten()
    print(json.dumps(breakdown(read_job(Path(sys.argv[1])))))

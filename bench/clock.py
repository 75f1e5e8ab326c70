"""When training began and when each step ended, with the page faults until then: the same clock in every arm.

`Clock(job)` is marked once before the first step and after each step. On a GPU it waits for the device where the
steady state begins and at the end, and nowhere else, so that an arm may run ahead as it would without a clock. The clock is one that
processes share, so that the parent can say when it started this one.
"""

import resource
import time

import torch

from bench.job import Job


class Clock:
    """Stamps of one training."""

    def __init__(self, job: Job) -> None:
        self._cuda = job.device == "cuda"
        self._waits = (0, job.skip, job.steps)
        self.stamps: list[float] = []
        self.faults: list[int] = []

    def mark(self) -> None:
        """The next step has ended."""
        if self._cuda and len(self.stamps) in self._waits:
            torch.cuda.synchronize()
        self.stamps.append(time.monotonic())
        self.faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)


def share_moved(weights: dict[str, torch.Tensor]) -> float:
    """Share of an adapter's B matrices that are no longer zero, as they began: those that a gradient has reached."""
    moved = [bool(tensor.any()) for name, tensor in weights.items() if ".lora_B." in name]
    return sum(moved) / len(moved)

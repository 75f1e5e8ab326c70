"""What a sweep cost, for `measured.json`: seconds, and the most memory that training took over the model as it was loaded.

`costs = Costs()` when a worker begins, `with costs.training(): ...` around each training, `costs.told(plan, trained=...)` at the end,
beside what was predicted. Memory is resident memory, or on a GPU what torch allocated there. The kernel's high-water mark is set back
before a training where that is allowed; where it is not, a training that stays below an earlier peak counts as no increment.
"""

import ctypes
import gc
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import torch

from workbench.plan.outcome import as_stored

PAGE = 4096
"""Bytes of memory that come at once."""


class Costs:
    """The costs of one run of a sweep; final."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._highest = 0
        """Of the process before the mark was last set back; the kernel forgets it."""
        self._trainings = 0
        self.largest: dict[str, int] = {}
        """Of the training with the highest peak."""

    @contextmanager
    def training(self, model: Any = None) -> Iterator[None]:
        """Measure what a block takes over what is held when it begins, the whole of the model included."""
        if model is not None:
            _touch(model)
        held = self._begin()
        try:
            yield
        finally:
            found = self._end(held)
            if found["peak"] >= self.largest.get("peak", 0):
                self.largest = found

    def told(self, plan: Mapping[str, Any], *, trained: float | None) -> dict[str, Any]:
        """Everything that was measured, with the plan's figures beside it.

        Args:
            plan: As it was stored.
            trained: Seconds of the steps of all trials, those before an interruption included.
        """
        peak = "peak_cuda_bytes" if torch.cuda.is_available() else "training_peak_bytes"
        measured: dict[str, Any] = {
            "seconds": time.perf_counter() - self._began,
            "peak_rss_bytes": max(self._highest, most_held()),
            "training_seconds": trained,
        }
        if self.largest:
            measured |= {
                "loaded_bytes": self.largest["loaded"],
                peak: self.largest["peak"],
                "increment_bytes": max(self.largest["peak"] - self.largest["loaded"], 0),
            }
        return {**measured, "beside": as_stored(plan, measured)}

    def libraries(self, plan: Mapping[str, Any]) -> int | None:
        """What was held before any model: what the only loaded base and its adapters leave of it; None where that is not known."""
        parts = plan.get("parts") or {}
        if torch.cuda.is_available() or self._trainings != 1 or "weights" not in parts:
            return None
        left = self.largest["loaded"] - int(parts["weights"]) - int(parts["adapters"])
        return left if left > 0 else None

    def _begin(self) -> int:
        self._trainings += 1
        self._highest = max(self._highest, most_held())
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
            return int(torch.cuda.memory_allocated())
        give_back()
        held = int(psutil.Process().memory_info().rss)
        _set_back()
        return held

    def _end(self, held: int) -> dict[str, int]:
        if torch.cuda.is_available():
            return {"loaded": held, "peak": int(torch.cuda.max_memory_allocated())}
        return {"loaded": held, "peak": max(most_held(), held)}


def _touch(model: Any) -> None:
    """Bring every page of the weights into memory: a mapped file is read when it is first used."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.device.type == "cpu" and tensor.is_contiguous():
            tensor.detach().view(-1)[:: PAGE // tensor.element_size()].sum()


def give_back() -> None:
    """Hand what was used and freed to the system: holes between blocks of several sizes grow from one training to the next.

    Kept, what loading freed would count as the model's, and a training that uses it as nothing.
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        # Of the GNU C library; others have their own ways, and need it less.
        ctypes.CDLL(None).malloc_trim(0)


def most_held() -> int:
    """The most that this process held."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        # Counted over the program before exec too: of a worker that a large notebook started it is the notebook's.
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _set_back() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return

"""What this machine does in a second, as a worker measured it once, read back without torch: `read()`.

The file lies in the user's cache, `~/.cache/peft-workbench/pace`, one for each processor, number of threads, device and
version of torch, so that a figure of another machine is never taken for one of this. It may be deleted at any time: the
next worker leaves another. Without one the time of a sweep is unknown, and nothing is guessed. `engine/pace.py` measures.

    N tokens  D width
"""

import hashlib
import math
import os
import platform
import statistics
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import RunError
from workbench.runs.atomic import write_bytes

LIMIT_SECONDS = 5.0
"""Measuring takes at most about so long."""
BUSY_CORES = 0.5
"""Of other programs, from which on a calibration is not one of this machine alone."""
MOST_TIMES = 5
"""Older measurements are forgotten."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Host(_Facts):
    """Whose figures they are."""

    processor: str
    threads: int
    torch: str
    device: str


class Point(_Facts):
    """Something done to N tokens of some width, and how long it took."""

    width: int
    tokens: int
    seconds: float


class FewBits(_Facts):
    """Seconds that a quantized layer takes one way, beyond those of a layer of full numbers."""

    per_layer: float
    """However small it is."""
    per_number: float


class Calibration(_Facts):
    """Seconds of the parts that a training step is made of."""

    host: Host
    made: str
    """The day."""
    took: float
    """Seconds that measuring took, the last time."""
    products: dict[str, tuple[Point, ...]]
    """Number format -> a product of [N, D] and [D, D]."""
    blocks: tuple[Point, ...]
    """Forward and backward of a decoder block, beyond its products and its attention."""
    attention: tuple[Point, ...]
    """Width and tokens of one head in one row -> forward and backward, for each pair of its tokens."""
    updates: dict[int, tuple[Point, ...]]
    """Rank -> forward and backward of the update that one adapter gives a layer."""
    per_tensor: float
    """Clipping and stepping one trained tensor, however small."""
    per_number: float
    """The same for each of its numbers."""
    per_logit: float
    """Cross-entropy and its gradient, for each score of each token."""
    few_bits: dict[int, FewBits] = {}
    """Bits of a quantized layer -> what it takes beyond one of full numbers; without those that were not measured."""
    others: float | None = None
    """Cores that other programs kept busy meanwhile; None where it was not watched."""
    floor_bytes: int | None = None
    """Python with its libraries in a worker, before any model."""
    each: tuple["Calibration", ...] = ()
    """The last measurements, where there were several: the figures are the middle of theirs."""

    @property
    def is_busy(self) -> bool:
        """Whether other programs disturbed it."""
        return self.others is not None and self.others >= BUSY_CORES

    @property
    def said(self) -> str:
        """What a person is told of it."""
        threads = "1 thread" if self.host.threads == 1 else f"{self.host.threads} threads"
        told = f"calibrated on {self.made} with {threads}"
        if self.each:
            told += f", the middle of {len(self.each)} times"
        if not self.is_busy:
            return told
        return (
            f"{told} while other programs used {self.others:.1f} cores, which makes it too long; on a quieter machine "
            "workbench plan --calibrate measures anew"
        )


FIGURES = tuple(
    name
    for name in Calibration.model_fields
    if name not in {"host", "made", "took", "others", "floor_bytes", "each"}
)


def pooled(known: Calibration | None, found: Calibration) -> Calibration:
    """The middle of what was known of a machine and what was found now: how fast it is changes within minutes.

    What other programs disturbed is dropped, and so is what another version of this package measured otherwise.
    """
    if known is None or known.host != found.host or known.is_busy or found.is_busy:
        return found
    each = (*(known.each or (known,)), found)[-MOST_TIMES:]
    dumps = [one.model_dump() for one in each]
    try:
        middle = {part: _middle([one[part] for one in dumps]) for part in FIGURES}
    except ValueError:
        return found
    return Calibration.model_validate({**found.model_dump(), **middle, "each": each})


def _middle(values: Sequence[Any]) -> Any:
    """Of the times in like structures the mean, from three on without the least and the most; a `ValueError` where they are not alike."""
    first = values[0]
    if all(isinstance(value, dict) for value in values):
        if any(value.keys() != first.keys() for value in values):
            raise ValueError("measured otherwise")
        return {key: _middle([value[key] for value in values]) for key in first}
    if all(isinstance(value, tuple) for value in values):
        return tuple(_middle(alike) for alike in zip(*values, strict=True))
    if all(isinstance(value, float) for value in values):
        # A machine that stood still for the seconds of one measurement would count for all of the others.
        kept = sorted(values)[1:-1] if len(values) > 2 else values
        return statistics.fmean(kept)
    if any(value != first for value in values):
        raise ValueError("measured otherwise")
    return first


def at(points: Sequence[Point], *, width: float, tokens: float) -> float:
    """Seconds at a width and a number of tokens, between points that were measured.

    Between them the logarithm is a straight line; beyond them the last slope in tokens goes on, and time per number
    stays that of the widest.

    >>> line = [Point(width=w, tokens=n, seconds=w * n / 1e9) for w in (64, 256) for n in (64, 1024)]
    >>> round(1e6 * at(line, width=128, tokens=256), 3)
    32.768
    """
    by_width: dict[int, list[Point]] = {}
    for point in sorted(points, key=lambda one: (one.width, one.tokens)):
        by_width.setdefault(point.width, []).append(point)
    lines = [
        (w, _line([(p.tokens, p.seconds) for p in row], tokens)) for w, row in by_width.items()
    ]
    return _line(lines, width)


def _line(known: Sequence[tuple[float, float]], x: float) -> float:
    """Through points in logarithms, by the pair that x lies between or next to."""
    if len(known) == 1:
        return known[0][1]
    low, high = next((p for p in pairwise(known) if x <= p[1][0]), (known[-2], known[-1]))
    slope = math.log(high[1] / low[1]) / math.log(high[0] / low[0])
    if x < known[0][0]:
        # Below what was measured a call costs what the smallest cost, or less by half.
        slope = min(slope, 0.5)
    return float(low[1] * (max(x, 1e-9) / low[0]) ** slope)


def here() -> Host:
    """This machine, as a worker that is started here would find it."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return Host(
        processor=_processor(),
        threads=int(said) if said.isdigit() and int(said) else _cores(),
        torch=_torch(),
        device="cuda" if Path("/dev/nvidia0").exists() else "cpu",
    )


def read(host: Host | None = None) -> Calibration | None:
    """The calibration of a machine, this one unless another is given; None where there is none that can be read."""
    host = host or here()
    path = place(host)
    try:
        found = _read(path, path.stat().st_mtime_ns)
    except (OSError, ValidationError):
        return None
    return found if found.host == host else None


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Calibration:
    # A form asks at every key that is pressed.
    del changed
    return Calibration.model_validate_json(path.read_bytes())


def write(found: Calibration) -> Path | None:
    """Leave it in the user's cache, whole or not at all; None where that cannot be written."""
    path = place(found.host)
    try:
        write_bytes(path, found.model_dump_json(indent=1).encode() + b"\n")
    except (RunError, OSError):
        return None
    return path


def place(host: Host) -> Path:
    """Where the calibration of a machine lies."""
    told = os.environ.get("XDG_CACHE_HOME")
    above = Path(told) if told and Path(told).is_absolute() else Path.home() / ".cache"
    name = hashlib.sha256(host.model_dump_json().encode()).hexdigest()[:16]
    return above / "peft-workbench" / "pace" / f"{name}.json"


@lru_cache(maxsize=1)
def _processor() -> str:
    known = Path("/proc/cpuinfo")
    if known.exists():
        named = [ln for ln in known.read_text().splitlines() if ln.startswith("model name")]
        if named:
            return named[0].partition(":")[2].strip()
    return platform.processor() or platform.machine()


@lru_cache(maxsize=1)
def _torch() -> str:
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return "absent"


def _cores() -> int:
    """Processors that a process started here may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

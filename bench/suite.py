"""The cases that `make bench` measures: two visible tables, a quick one for a first impression and the full one.

A case is a shape, a number format, row lengths, arms and how long arm (ii) trains; the number of steps follows from
that on the machine at hand and is the same for every arm. `skipped_because(case)` says why a case cannot run here,
`minutes(case)` how long it will take. It knows no torch.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.arms import ARMS

ALL = tuple(ARMS)
PEERS = ("processes", "reuse", "mixed", "alone", "fused")
SPLIT = ("reuse", "flat", "both", "alone", "fused", "fused-malloc")
SHARED_SHAPES = ("stories260K", "bitstories-3M")
SHARED = Path(os.environ.get("WORKBENCH_SHARED", Path(__file__).parents[2] / "shared"))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to measure, at one or more batch sizes."""

    name: str
    shape: str
    dtype: str = "float32"
    device: str = "cpu"
    k: int = 8
    batches: tuple[int, ...] = (8,)
    """Rows of a step of a trial; more than one size gives the gain against tokens per step."""
    tokens: int = 90
    """Median of the rows' lengths."""
    spread: float = 0.7
    """Of the logarithm of the lengths, that of real instruction data; 0 makes all rows alike."""
    arms: tuple[str, ...] = PEERS
    repeats: int = 3
    seconds: float = 130.0
    """How long arm (ii) trains in one repetition."""
    steps: int | None = None
    """Given, the seconds do not matter."""
    least: int = 20
    """Steps, however slow the machine."""
    skip: int = 2
    """First steps that the steady state leaves out."""
    profiled: bool = False
    """Whether it is also told where the time of a fused step goes."""


def _cuda(shape: str, tokens: int) -> Case:
    size = "half-billion" if "0.5B" in shape else "billion"
    return Case(
        name=f"{size}-{tokens}-cuda", shape=shape, dtype="bfloat16", device="cuda", batches=(1, 2, 4),
        tokens=tokens, spread=0.0, arms=("reuse", "mixed", "both", "alone", "fused"), seconds=20,
        profiled=True,
    )  # fmt: skip


FULL = (
    Case(name="microworld", shape="microworld", tokens=60, arms=ALL, profiled=True),
    Case(name="stories260K", shape="stories260K", arms=(*PEERS, "flat", "both", "fused-malloc")),
    Case(name="bitstories", shape="bitstories-3M", arms=(*PEERS, "flat", "both", "fused-malloc")),
    Case(
        name="smollm", shape="smollm-135M-shape", batches=(2,), tokens=60, seconds=150, repeats=2,
        arms=(*PEERS, "flat", "both", "reuse-malloc", "fused-malloc", "fused-pages"), profiled=True,
    ),
    Case(name="microworld-bf16", shape="microworld", dtype="bfloat16", tokens=60, repeats=2),
    Case(name="microworld-nf4", shape="microworld", dtype="nf4", tokens=60, repeats=2),
    Case(
        name="smollm-bf16", shape="smollm-135M-shape", dtype="bfloat16", batches=(2,), tokens=60,
        repeats=2, arms=(*PEERS, "fused-malloc"),
    ),
    Case(
        name="smollm-nf4", shape="smollm-135M-shape", dtype="nf4", batches=(2,), tokens=60,
        seconds=150, repeats=2, arms=(*PEERS, "fused-malloc"),
    ),
    Case(
        name="microworld-curve", shape="microworld", batches=(1, 2, 4, 8, 16), tokens=60,
        arms=SPLIT, repeats=3, seconds=20,
    ),
    _cuda("qwen-0.5B-shape", 128),
    _cuda("qwen-0.5B-shape", 512),
    _cuda("llama-1B-shape", 128),
    _cuda("llama-1B-shape", 512),
)  # fmt: skip
"""Every baseline (i) and (ii) trains at least two minutes, except in the curves."""

QUICK = (
    Case(
        name="microworld", shape="microworld", tokens=60, repeats=1, seconds=8, least=6,
        arms=("processes", "reuse", "mixed", "flat", "both", "alone", "fused", "fused-malloc"),
        profiled=True,
    ),
    Case(
        name="stories260K", shape="stories260K", repeats=1, seconds=6, least=6,
        arms=("reuse", "alone", "fused"),
    ),
    Case(
        name="bitstories", shape="bitstories-3M", repeats=1, seconds=6, least=4,
        arms=("reuse", "alone", "fused"),
    ),
    Case(
        name="smollm", shape="smollm-135M-shape", batches=(1,), tokens=40, repeats=1, seconds=15,
        least=4, skip=1, arms=("reuse", "fused"),
    ),
    Case(
        name="microworld-bf16", shape="microworld", dtype="bfloat16", tokens=60, repeats=1,
        seconds=6, least=6, arms=("reuse", "alone", "fused"),
    ),
    Case(
        name="microworld-nf4", shape="microworld", dtype="nf4", tokens=60, repeats=1, seconds=6,
        least=6, arms=("reuse", "alone", "fused"),
    ),
    Case(
        name="microworld-curve", shape="microworld", batches=(1, 4, 16), tokens=60, repeats=1,
        seconds=5, least=6, arms=("reuse", "alone", "fused"),
    ),
)  # fmt: skip
"""A first impression: one repetition of a few seconds. None of it is a figure to publish."""

STARTUP_SECONDS = 7.0
"""Of an arm's process: Python, the libraries, the model. Only for the estimate."""
PILOT_SECONDS = 12.0
AGAINST_REUSE = {"mixed": 1.1, "alone": 0.6, "flat": 0.6, "rows": 0.8, "both": 0.6}
"""How long an arm trains as a share of (ii), about; our fused ones half as long. Only for the estimate."""


def minutes(case: Case, *, seconds: float | None = None) -> float:
    """How long a case takes, about; `seconds` is what (ii) trains when that is known better."""
    trained = case.seconds if seconds is None else seconds
    total = 0.0
    for arm in case.arms:
        share = AGAINST_REUSE.get(arm, 0.5 if ARMS[arm].way == "fused" else 1.0)
        total += STARTUP_SECONDS * (case.k if ARMS[arm].in_turn else 1) + trained * share
    return len(case.batches) * (PILOT_SECONDS + case.repeats * total) / 60


def skipped_because(case: Case, *, shared: Path = SHARED) -> str:
    """Why a case cannot run here; empty when it can."""
    if case.shape in SHARED_SHAPES and not (shared / "models" / case.shape).is_dir():
        return f"{case.shape} is not in {shared.name}/models; WORKBENCH_SHARED names another place"
    if case.device == "cuda" and not _has_cuda():
        return "there is no CUDA device"
    return ""


def chosen(cases: Sequence[Case], *, names: Sequence[str]) -> list[Case]:
    """The cases of these names; all of them without names."""
    unknown = set(names) - {case.name for case in cases}
    if unknown:
        known = ", ".join(case.name for case in cases)
        raise SystemExit(f"no case {', '.join(map(repr, sorted(unknown)))}; there are {known}")
    return [case for case in cases if not names or case.name in names]


@cache
def _has_cuda() -> bool:
    """Whether torch finds a CUDA device; asked in another process, because torch stays out of this one."""
    ask = "import torch; print(torch.cuda.is_available())"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    return done.stdout.strip() == "True"

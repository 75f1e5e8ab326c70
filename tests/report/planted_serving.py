"""Ways to serve a trial of a planted sweep, as `workbench deploy` stores them, with planted times, bytes and joules; no model."""

from pathlib import Path

from tests.timing.generator import Clock, Planted
from workbench.deployment import stored
from workbench.timing.call import Cell
from workbench.timing.measuring import Settings, measure

WORK = (Cell(16, 8), Cell(16, 8, 4))
WEIGHTS, ADAPTER, CACHE = 5_000_000, 200_000, 4096.0
CONTEXT, VOCABULARY = 1024, 500
TTFT, GAP = 12.0, 3.0
"""Milliseconds of the base; the attached adapter takes a quarter more."""


def trial_of(sweep: Path) -> Path:
    """The folder of the first trial of a sweep."""
    folders = sorted(one for one in sweep.iterdir() if (one / "scores").is_dir())
    return next(one for one in folders if one.name != "base")


def serve(sweep: Path, *, joules: float | None = None, **facts) -> Path:
    """Store base and attached as timed; with `joules` a counter told so much a call of the base, a quarter more of the other.

    Other facts have the place of the planted ones; the folder of the trial comes back.
    """
    folder, clock = trial_of(sweep), Clock()
    ways = [
        Planted("base", clock, ttft=TTFT, gap=GAP, noise=0.02),
        Planted("attached", clock, ttft=1.25 * TTFT, gap=1.25 * GAP, noise=0.02),
    ]
    settings = Settings(seconds=1e9, precision=0.01, most_blocks=20)
    found = measure(ways, cells=WORK, settings=settings, clock=clock)
    moved = [
        {"variant": "base", "text": n, "tokens": 9, "divergence": 0.5, "same": 0.75, "largest": 3.0}
        for n in range(8)
    ]
    planted = {
        "trial": folder.name,
        "variants": {
            "base": variant(WEIGHTS, adapter=0),
            "attached": variant(WEIGHTS + ADAPTER, adapter=ADAPTER),
        },
        "refused": {"nf4": "bitsandbytes cannot run on this platform"},
        "cells_refused": [],
        "texts": "prompts of the stored evals",
        "context": CONTEXT,
        "vocabulary": VOCABULARY,
        "peak_rss_bytes": 731_443_200,
        "seconds": 42.0,
        "wall_clock_moved": 0.0,
        "energy": energy(joules),
        **found.facts,
        **facts,
    }
    stored.write(folder, calls=found.calls, agreement=moved, facts=planted)
    return folder


def variant(weights: int, *, adapter: int, **more) -> dict:
    """What a way holds."""
    return {
        "weights_bytes": weights,
        "adapter_bytes": adapter,
        "cache_bytes_per_token": CACHE,
        "cache_bytes_by_formula": CACHE,
        "cuda": None,
        **more,
    }


def energy(joules: float | None) -> dict:
    """Turns of ten calls that took a little more and a little less than so many joules each."""
    if joules is None:
        return {"counted": [], "absent": ["this machine shows no counter"], "turns": []}
    turns = [
        {
            "variant": name,
            "cell": {
                "input_tokens": c.input_tokens,
                "output_tokens": c.output_tokens,
                "batch": c.batch,
            },
            "calls": 10,
            "seconds": 0.5,
            "joules": 10 * factor * joules * (1 + apart),
        }
        for name, factor in (("base", 1.0), ("attached", 1.25))
        for c in WORK
        for apart in (-0.02, -0.01, 0.0, 0.01, 0.02)
    ]
    return {"counted": ["package-0"], "absent": [], "turns": turns}

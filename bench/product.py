"""What the main things take on this machine: import, plan, command line, one small sweep.

`timings(say=print)` measures them in a temporary folder and gives rows for a table. It asserts nothing: a test that
depends on how fast a machine is would be a lie elsewhere.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPEC = """\
name: bench
data: {id: microworld/updates}
train: {learning_rate: 1.0e-2, max_steps: 100, per_device_train_batch_size: 64}
evals: [recall, latency]
sweep: {adapter.r: [1, 2, 4, 8, 16]}
"""


def timings(*, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Median wall seconds of each thing and how often it was done."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rows = []
        for name, command, repeats in _commands(Path(folder)):
            taken = [_seconds(command) for _ in range(repeats)]
            rows.append({"what": name, "seconds": statistics.median(taken), "repeats": repeats})
            say(f"{name:<50} {rows[-1]['seconds']:8.2f} s")
    return rows


def _commands(folder: Path) -> list[tuple[str, list[str], int]]:
    """(what, command, how often)."""
    python, module = sys.executable, [sys.executable, "-m", "workbench"]
    spec, runs = folder / "spec.yaml", folder / "runs"
    spec.write_text(SPEC)
    sweep, page = str(runs / "bench"), str(folder / "report.html")
    return [
        ("start of Python", [python, "-c", ""], 5),
        ("import workbench", [python, "-c", "import workbench"], 5),
        ("workbench --help", [*module, "--help"], 3),
        ("workbench plan", [*module, "plan", str(spec)], 3),
        (
            "workbench run, 5 trials of 100 steps of 64 rows",
            [*module, "run", str(spec), "--runs", str(runs)],
            1,
        ),
        ("workbench compare", [*module, "compare", sweep], 3),
        ("workbench report", [*module, "report", sweep, "--out", page], 1),
    ]


def _seconds(command: list[str]) -> float:
    """Wall time of a command."""
    began = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[1:4])} ended with {done.returncode}: {done.stderr[-600:]}"
        )
    return time.perf_counter() - began

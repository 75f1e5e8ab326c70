"""What the main things take on this machine: import, plan, command line, one small sweep. Prints a table.

`make bench` runs it in a temporary folder; figures worth keeping go to `docs/LOG.md` with the machine they are from.
It asserts nothing: a test that depends on how fast a machine is would be a lie elsewhere.
"""

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SPEC = """\
name: bench
data: {id: microworld/updates}
train: {learning_rate: 1.0e-2, max_steps: 100, per_device_train_batch_size: 64}
evals: [recall, latency]
sweep: {adapter.r: [1, 2, 4, 8, 16]}
"""


def seconds(command: list[str], *, repeats: int) -> float:
    """Median wall time of a command."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Time everything and print it."""
    python, module = sys.executable, [sys.executable, "-m", "workbench"]
    with tempfile.TemporaryDirectory() as folder:
        spec, runs = Path(folder, "spec.yaml"), str(Path(folder, "runs"))
        spec.write_text(SPEC)
        sweep = str(Path(runs, "bench"))
        rows: list[tuple[str, Callable[[], float]]] = [
            ("start of Python", lambda: seconds([python, "-c", ""], repeats=5)),
            ("import workbench", lambda: seconds([python, "-c", "import workbench"], repeats=5)),
            ("workbench --help", lambda: seconds([*module, "--help"], repeats=3)),
            ("workbench plan", lambda: seconds([*module, "plan", str(spec)], repeats=3)),
            (
                "workbench run, 5 trials of 100 steps of 64 rows",
                lambda: seconds([*module, "run", str(spec), "--runs", runs], repeats=1),
            ),
            ("workbench compare", lambda: seconds([*module, "compare", sweep], repeats=3)),
            (
                "workbench report",
                lambda: seconds(
                    [*module, "report", sweep, "--out", str(Path(folder, "r.html"))], repeats=1
                ),
            ),
        ]
        print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
        for name, measure in rows:
            print(f"{name:<50} {measure():8.2f} s", flush=True)


if __name__ == "__main__":
    main()

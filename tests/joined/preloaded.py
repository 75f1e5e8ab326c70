"""A process that has loaded everything and forks a worker for each folder named on its input: `python -m tests.joined.preloaded`.

A worker of its own takes seconds to import what it needs; a hundred kills would be an hour of imports. It answers each line
with the worker's process id, and again with its exit code once it has ended.
"""

import os
import sys
from pathlib import Path

from workbench.experiment import run
from workbench.runs.store import SweepStore


def main() -> None:
    """Fork for every line until the input ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _work(Path(line.strip()))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _work(folder: Path) -> None:
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    store = SweepStore.open(folder)
    store.claim()
    os._exit(run(store))


if __name__ == "__main__":
    main()

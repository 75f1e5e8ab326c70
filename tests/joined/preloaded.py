"""A process that has loaded everything and forks a worker for each folder told on its input: `python -m tests.joined.preloaded`.

A worker of its own takes seconds to import what it needs; a hundred kills would be an hour of imports. Each line is JSON: a
folder and, where the worker is to kill itself, before which of its `writes` (of the file `of`, or of any). It is answered
with the worker's process id, and again with its exit code once it has ended.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.experiment import run
from workbench.runs.store import SweepStore

_CHANGES = {"os.rename": 1, "os.mkdir": 0, "os.remove": 0, "os.rmdir": 0}
"""What changes a folder, and which of its arguments says where."""


def main() -> None:
    """Fork for every line until the input ends."""
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            _work(Path(told["folder"]), writes=told["writes"], of=told["of"])
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _work(folder: Path, *, writes: int, of: str) -> None:
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    if writes:
        sys.addaudithook(_killed_before(writes, folder / of))
    store = SweepStore.open(folder)
    store.claim()
    os._exit(run(store))


def _killed_before(writes: int, path: Path) -> Callable[[str, tuple[Any, ...]], None]:
    """Python tells an audit hook of each change to a file before it is made: the same moment in every run, unlike a time."""
    under, seen = str(path), 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        where = arguments[_CHANGES[event]] if event in _CHANGES else ""
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            where = arguments[0]
        if str(where).startswith(under) and Path(where).name not in (".lock", "log.txt"):
            seen += 1
            if seen == writes:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


if __name__ == "__main__":
    main()

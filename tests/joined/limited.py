"""A worker whose memory is limited while it trains: `python -m tests.joined.limited FOLDER BYTES`.

Bytes are what it may take beyond what it holds then; 0 sets no limit. It prints how much it took beyond that at most.
"""

import resource
import sys
import threading
from pathlib import Path

from workbench.events import Finished, Started
from workbench.experiment import run
from workbench.runs.store import SweepStore


def main() -> None:
    """Run a sweep within a limit."""
    store, more = SweepStore.open(Path(sys.argv[1])), int(sys.argv[2])
    store.claim()
    held: list[int] = []

    before = resource.getrlimit(resource.RLIMIT_DATA)
    most, over = [0], threading.Event()

    def limit(event: object) -> None:
        if isinstance(event, Started) and not held:
            held.append(_data())
            if more:
                resource.setrlimit(resource.RLIMIT_DATA, (held[0] + more, before[1]))
        if isinstance(event, Finished):
            over.set()
            resource.setrlimit(resource.RLIMIT_DATA, before)

    def watch() -> None:
        while not over.wait(0.001):
            most[0] = max(most[0], _data())

    watching = threading.Thread(target=watch)
    watching.start()
    store.listeners.append(limit)
    code = run(store)
    over.set()
    watching.join()
    print(most[0] - held[0])
    sys.exit(code)


def _data() -> int:
    """Bytes of private memory that the system has promised this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmData:"))


if __name__ == "__main__":
    main()

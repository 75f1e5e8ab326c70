"""Runs the process that makes a report, tells how far it is, and turns what went wrong into one clear error.

`pressed(order, progress=...)` returns when the three files of the order lie in its folder. `press.py` is that process.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import workbench
from workbench import errors
from workbench.errors import RunError, WorkbenchError
from workbench.report.press import Broken, Order

MAX_SECONDS = 900

Progress = Callable[[int, int], None]
"""Told after each cell: how many are done, of how many."""


def pressed(order: Order, *, progress: Progress | None = None) -> None:
    """Run the notebook and make its page in a process of its own."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.report.press"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_surroundings(),
            cwd=order.folder,
            encoding="utf-8",
            errors="replace",
        )
        given_up = threading.Event()

        def give_up() -> None:
            given_up.set()
            process.kill()

        late = threading.Timer(MAX_SECONDS, give_up)
        late.start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError), process.stdin:
                process.stdin.write(order.model_dump_json())
            broken = _followed(process.stdout, progress=progress)
            process.wait()
        finally:
            late.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
        if broken is not None:
            raise _error(broken, order)
        if process.returncode != 0:
            complaints.seek(0)
            raise _unforeseen(complaints.read(), is_late=given_up.is_set())


def _surroundings() -> dict[str, str]:
    """This checkout first on the path, and one thread for what would start many."""
    package = str(Path(workbench.__file__).resolve().parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _followed(lines: Iterable[str], *, progress: Progress | None) -> Broken | None:
    """What the process says until it ends."""
    broken = None
    for line in lines:
        told = _told(line)
        if "broken" in told:
            broken = Broken.model_validate(told["broken"])
        elif progress is not None and {"done", "of"} <= told.keys():
            progress(int(told["done"]), int(told["of"]))
    return broken


def _told(line: str) -> dict[str, Any]:
    """A line of ours; what a cell's own programs print there is none."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(broken: Broken, order: Order) -> WorkbenchError:
    """An error of ours as it is; anything else with the cell that it came from."""
    kind = getattr(errors, broken.kind, None)
    if isinstance(kind, type) and issubclass(kind, WorkbenchError) and broken.message:
        return kind(broken.message)
    message = f": {broken.message}" if broken.message else ""
    return RunError(
        f"cell {broken.cell} of {order.template.name}, which begins with {broken.line!r}, broke off with "
        f"{broken.kind}{message}\nNo report was written. Open the notebook in Jupyter, set its parameters, and run it there"
    )


def _unforeseen(complaints: str, *, is_late: bool) -> RunError:
    if is_late:
        return RunError(f"the report was not ready after {MAX_SECONDS} seconds and was given up")
    lines = [line for line in complaints.splitlines() if line.strip()]
    return RunError(
        "the report could not be written. It broke off with:\n" + "\n".join(lines[-12:])
    )

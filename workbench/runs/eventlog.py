"""The event log of one trial: one JSON line an event, appended for good, read from any byte offset.

A reader keeps the offset that `tail` gave it and pays only for what is new. A line that a crash cut is skipped, a line
still being written is left for next time. It knows files and events, not sweeps.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workbench import events as ev
from workbench.runs.atomic import append_line


def append_event(path: Path, event: Any) -> None:
    """Add an event; it is with the system, and outlives the process, when this returns."""
    append_line(path, ev.to_line(event))


def tail(path: Path, offset: int) -> tuple[list[Any], int]:
    """The events after a byte offset, and the offset to ask from next time."""
    try:
        with path.open("rb") as file:
            # A file shorter than what was read of it is another one: begin again.
            offset = offset if offset <= file.seek(0, os.SEEK_END) else 0
            file.seek(offset)
            read = file.read()
    except FileNotFoundError:
        return [], 0
    *whole, rest = read.split(b"\n")
    found = [event for line in whole for event in _parsed(line)]
    last = list(_parsed(rest))
    # A last line without its newline is whole if it reads; else it is still being written, or cut.
    return found + last, offset + len(read) - (0 if last else len(rest))


def each_step_once(events: Iterable[Any]) -> list[ev.Step]:
    """The steps among events, each once: a later attempt wins, and takes back what it went behind.

    >>> from workbench.events import Started, Step
    >>> def step(n, attempt): return Step(step=n, attempt=attempt, epoch=0, loss=attempt,
    ...     learning_rate=0, grad_norm=0, num_tokens=1, seconds=0)
    >>> again = Started(total_steps=9, from_step=1, attempt=2)
    >>> [(s.step, s.attempt) for s in each_step_once([step(1, 1), step(2, 1), again])]
    [(1, 1)]
    """
    steps: dict[int, ev.Step] = {}
    attempt = 0
    for event in events:
        if event.attempt < attempt or not isinstance(event, ev.Started | ev.Step):
            continue
        attempt = event.attempt
        if isinstance(event, ev.Step):
            steps[event.step] = event
        else:
            steps = {number: one for number, one in steps.items() if number <= event.from_step}
    return [steps[number] for number in sorted(steps)]


def _parsed(line: bytes) -> Iterator[Any]:
    if line.strip():
        try:
            yield ev.from_line(line.decode())
        except (ValueError, RecursionError):
            return

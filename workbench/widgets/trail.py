"""What was read of one trial so far: `Trail().read(path)` takes what was appended to its events since the last call.

A look at a file costs what is new in it, and at most so many bytes, so that half a million steps are read in slices.
Numbers are kept in arrays by quantity; `thinned()` gives one of them at a size a screen can show. Steps are nearly all
lines there are, so they are read without a model of their fields; what has the wrong shape is left out.
"""

import json
import math
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from workbench.events import Evaluated, Failed, Finished, HeldOut, Started, from_fields
from workbench.widgets.buckets import Buckets

SLICE = 256_000
"""Bytes of one file that are read before another has its turn."""

HEAD = 200
"""Bytes by which a file is known again."""

MOST_STEPS = 2**40
"""What is numbered beyond this was not written by a worker."""

OF_A_STEP = ("loss", "learning_rate", "grad_norm", "tokens_per_second")
SPARK = 32
"""Buckets of the small curve in a row."""

_NUMBERS = frozenset({int, float})


class Series:
    """Steps and what was told at them, in order: one column for each quantity."""

    def __init__(self, names: Sequence[str]) -> None:
        self.steps = array("Q")
        self.columns = {name: array("d") for name in names}

    def add(self, step: int, *values: float) -> None:
        self.steps.append(step)
        for column, value in zip(self.columns.values(), values, strict=True):
            column.append(value)

    def forget_after(self, step: int) -> None:
        """A new attempt tells these steps again; what the dead one said of them is stale."""
        keep = bisect_right(self.steps, step)
        del self.steps[keep:]
        for column in self.columns.values():
            del column[keep:]


class Trail:
    """What was read of one trial so far."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.offset = 0
        self.size = 0
        self._head = b""
        self._is_full = False
        self.step = 0
        self.total_steps = 0
        self.parameters = 0
        self.loss: float | None = None
        self.state = ""
        self.message = ""
        self.on_gpu = False
        self.scores: dict[str, dict[str, Any]] = {}
        self.of_steps = Series(OF_A_STEP)
        self.of_held_out = Series(("held_out",))
        self.of_memory = Series(("memory",))
        self._times: deque[Any] = deque(maxlen=21)
        self._shares: deque[float] = deque(maxlen=20)
        self._views: dict[tuple[str, bool, int], tuple[Buckets, int]] = {}
        self._forgotten = 0
        self._spark: tuple[float | None, ...] = ()
        self._spark_of = (0, 0)

    @property
    def is_behind(self) -> bool:
        """Whether the file holds more than was read."""
        return self._is_full

    def read(self, path: Path) -> list[Any]:
        """Take a slice of what is new; gives back the events that are no steps."""
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(0)
                if size < self.offset or file.read(len(self._head)) != self._head:
                    # A trial that joins anew after a crash has another file, whose first event is of another time.
                    self._begin()
                self.size = size
                file.seek(self.offset)
                read = file.read(SLICE)
        except FileNotFoundError:
            return []
        self._is_full = len(read) == SLICE
        # A last line without its end is still being written; a slice without any end is no event of ours.
        end = read.rfind(b"\n") + 1 or (len(read) if self._is_full else 0)
        if not self.offset:
            self._head = read[: min(end, HEAD)]
        self.offset += end
        return self._lines(read[:end])

    def _lines(self, read: bytes) -> list[Any]:
        lines = read.split(b"\n")
        try:
            # All at once, which costs a third of one by one.
            parsed = json.loads(b"[%b]" % b",".join(filter(None, lines)))
        except (ValueError, RecursionError):
            parsed = [fields for line in lines for fields in _parsed(line)]
        others = []
        for fields in parsed:
            if type(fields) is not dict:
                continue
            if fields.get("event") == "step":
                self._take_step(fields)
                continue
            try:
                event = from_fields(fields)
                self._take(event)
            except ValueError:
                continue
            others.append(event)
        return others

    def _take_step(self, fields: dict[str, Any]) -> None:
        try:
            step, loss, rate = fields["step"], fields["loss"], fields["learning_rate"]
            norm, tokens, seconds = fields["grad_norm"], fields["num_tokens"], fields["seconds"]
        except KeyError:
            return
        if type(step) is not int or not 0 <= step < MOST_STEPS:
            return
        if not _NUMBERS.issuperset(map(type, (loss, rate, norm, tokens, seconds))):
            return
        try:
            row = float(loss), float(rate), float(norm), tokens / seconds if seconds else math.nan
        except OverflowError:
            return
        if step <= self.step:
            self._forget_after(step - 1)
        self.step, self.loss = step, row[0]
        self.of_steps.add(step, *row)
        self._shares.append(seconds)
        self._times.append(fields.get("time"))
        if "rss_bytes" in fields:
            self._take_memory(step, fields)

    def _take_memory(self, step: int, fields: dict[str, Any]) -> None:
        on_gpu = fields.get("cuda_bytes")
        held = fields["rss_bytes"] if on_gpu is None else on_gpu
        if type(held) is int and 0 <= held < 2**60:
            self.on_gpu = on_gpu is not None
            self.of_memory.add(step, held)

    def _take(self, event: Any) -> None:
        match event:
            case Started():
                self.state, self.message = "running", ""
                self.total_steps = min(event.total_steps, MOST_STEPS)
                self.parameters = event.trainable_parameters or self.parameters
                self._times.clear()
                if event.from_step < self.step:
                    self._forget_after(event.from_step)
            case HeldOut() if 0 <= event.step < MOST_STEPS:
                if (known := self.of_held_out.steps) and event.step <= known[-1]:
                    self.of_held_out.forget_after(event.step - 1)
                    self._views.clear()
                self.of_held_out.add(event.step, event.loss)
            case Evaluated():
                self.scores[event.eval] = {
                    "value": finite(event.value),
                    "low": finite(event.low),
                    "high": finite(event.high),
                    "n": event.n,
                }
            case Finished():
                self.state = "done" if event.reason == "early" else event.reason
            case Failed():
                self.state, self.message = "failed", f"{event.kind}: {event.message}"
            case _:
                pass

    def _forget_after(self, step: int) -> None:
        for series in (self.of_steps, self.of_held_out, self.of_memory):
            series.forget_after(step)
        self._views.clear()
        self._forgotten += 1
        steps, losses = self.of_steps.steps, self.of_steps.columns["loss"]
        self.step, self.loss = (steps[-1], losses[-1]) if steps else (0, None)

    def has(self, quantity: str) -> bool:
        """Whether a quantity was told at any step."""
        return bool(self._series(quantity).steps)

    @property
    def held_out(self) -> float | None:
        """The last held-out loss."""
        told = self.of_held_out.columns["held_out"]
        return finite(told[-1]) if told else None

    def _series(self, quantity: str) -> Series:
        known = (self.of_steps, self.of_held_out, self.of_memory)
        return next(series for series in known if quantity in series.columns)

    @property
    def seconds_a_step(self) -> float | None:
        """By the clock, neighbours in the same pass included; the middle one of the last, so that a pause does not count."""
        times = [time for time in self._times if type(time) in _NUMBERS]
        gaps = [later - before for before, later in pairwise(times)]
        return max(0.0, median(gaps)) if gaps else None

    @property
    def share_of_a_step(self) -> float | None:
        """Its own part of the seconds that a step of all of them took."""
        return median(self._shares) if self._shares else None

    def thinned(self, quantity: str, *, most: int, log: bool = False) -> Buckets:
        """A quantity as far as it is known; asked again it costs only what is new."""
        key = (quantity, log, most)
        buckets, taken = self._views.get(key) or (Buckets(most=most, log=log), 0)
        series = self._series(quantity)
        if taken < len(series.steps):
            buckets.extend(series.steps[taken:], series.columns[quantity][taken:])
            taken = len(series.steps)
        self._views[key] = buckets, taken
        return buckets

    def spark(self) -> tuple[float | None, ...]:
        """The loss, small."""
        seen = self._forgotten, len(self.of_steps.steps)
        if seen != self._spark_of:
            self._spark, self._spark_of = self.thinned("loss", most=SPARK).means(), seen
        return self._spark

    def keep_only(self, quantity: str, *, most: int, log: bool) -> None:
        """Let go of thinned curves that nobody looks at any more."""
        meant = {(quantity, log, most), ("loss", False, most), ("loss", False, SPARK)}
        self._views = {key: view for key, view in self._views.items() if key in meant}


def _parsed(line: bytes) -> list[Any]:
    try:
        return [json.loads(line)] if line else []
    except (ValueError, RecursionError):
        return []


def finite(value: float | None) -> float | None:
    """The value, or None where it is no finite number."""
    return value if value is not None and math.isfinite(value) else None

"""What calls take in energy: from counters of the machine where it has some, and else modelled from watts that a person gives.

`meter(gpu=...)` finds the counters; `spend(subjects, ...)` calls each variant again and again between two looks at them, and
gives a `Turn` each time. `Power(watts=...)` times seconds is a model and is called one: no power is assumed. A counter tells
of a whole processor or GPU, whatever else ran on it meanwhile, and of nothing else: not of screen, disk or power supply.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.errors import InputError, RunError
from workbench.stats.intervals import Interval, mean_t
from workbench.timing import nvml, rapl
from workbench.timing.call import Cell
from workbench.timing.counter import Meter
from workbench.timing.measuring import Clock, Subject

COUNTED, MODELLED = "counted", "modelled"
ROUNDS = 5
SHORTEST, LONGEST = 0.05, 1.0
"""Seconds of calls between two looks; a counter of a GPU moves every some ten milliseconds only."""
_WATT_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What the machine draws while it answers, as a person states it."""

    watts: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.watts) and self.watts > 0):
            raise InputError(f"a power is a number of watts above 0; got {self.watts!r}")

    def of_call(self, milliseconds: Interval) -> Interval:
        """Joules of a call that takes so long.

        >>> Power(watts=50).of_call(Interval(200.0, 100.0, 300.0, 9, 9, "")).value
        10.0
        """
        return scaled(milliseconds, by=self.watts / 1000)

    def of_seconds(self, seconds: float) -> float:
        """Watt-hours of so long a use."""
        return self.watts * seconds / _WATT_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Calls of one variant in a row, between two looks at the counters."""

    variant: str
    cell: Cell
    calls: int
    seconds: float
    joules: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Every turn, and why there are no more."""

    turns: tuple[Turn, ...] = ()
    broken: str = ""
    """Why the counters could not be read to the end."""


def meter(*, gpu: str = "", root: Path = rapl.POWERCAP, library: str = nvml.LIBRARY) -> Meter:
    """The counters of this machine.

    Args:
        gpu: The GPU that computes, by the name that the driver gives it; empty where none does.
        root: Where Linux lists the counters of processors.
        library: The driver's library.
    """
    parts = [rapl.counters(root)] + ([nvml.counters(gpu, library=library)] if gpu else [])
    return Meter(
        counters=tuple(one for found, _ in parts for one in found),
        absent=tuple(why for _, why in parts if why),
    )


def spend(
    subjects: Sequence[Subject],
    *,
    cells: Sequence[Cell],
    by: Meter,
    seconds: float,
    seed: int = 0,
    told: Callable[[float, str], None] = lambda share, words: None,
    stopped: Callable[[], bool] = lambda: False,
    clock: Clock = time.perf_counter,
) -> Spend:
    """Have every subject called in every cell, in turns of a drawn order, and take what each turn spent.

    Args:
        subjects: The variants, warmed up.
        cells: The sizes of work.
        by: The counters; without any there are no turns.
        seconds: What all of it may take, so far as the shortest turn allows.
        seed: Draws the orders.
        told: Hears the share that is done and what is being done.
        stopped: Asked before every turn; true ends it and keeps what there is.
        clock: In seconds.
    """
    pairs = [(subject, cell) for subject in subjects for cell in cells]
    turns: list[Turn] = []
    if not by.counters or not pairs:
        return Spend()
    each = min(LONGEST, max(SHORTEST, seconds / (ROUNDS * len(pairs))))
    rng = np.random.default_rng(seed)
    for number in range(ROUNDS):
        told(number / ROUNDS, "counting energy")
        for index in rng.permutation(len(pairs)):
            if stopped():
                return Spend(turns=tuple(turns))
            try:
                turn = _turn(*pairs[index], by=by, seconds=each, clock=clock)
            except RunError as error:
                return Spend(turns=tuple(turns), broken=str(error))
            turns += [turn] if turn else []
    return Spend(turns=tuple(turns))


def _turn(subject: Subject, cell: Cell, *, by: Meter, seconds: float, clock: Clock) -> Turn | None:
    """Calls for so long, one at least; None where a call fails."""
    before, began, calls = by.look(), clock(), 0
    while not calls or clock() - began < seconds:
        try:
            subject.call(cell)
        except RuntimeError:
            # The timed calls say why.
            return None
        calls += 1
    took = clock() - began
    return Turn(
        variant=subject.name,
        cell=cell,
        calls=calls,
        seconds=took,
        joules=by.joules(before, by.look()),
    )


def of_call(turns: Sequence[Turn], *, of: str, cell: Cell) -> Interval:
    """Joules of a call of a variant: the mean over turns with Student's interval."""
    ours = [turn for turn in turns if turn.variant == of and turn.cell == cell]
    return mean_t([turn.joules / turn.calls for turn in ours])


def of_requests(joules: Interval, *, cell: Cell, requests: int = 1000) -> Interval:
    """Watt-hours of a thousand requests, of a call that answers as many as it has rows.

    >>> of_requests(Interval(72.0, 36.0, 108.0, 5, 5, ""), cell=Cell(8, 8, 2)).value
    10.0
    """
    return scaled(joules, by=requests / cell.batch / _WATT_HOUR)


def of_tokens(joules: Interval, *, cell: Cell, tokens: int = 1_000_000) -> Interval:
    """Watt-hours of a million tokens written, what comes before the first of them included."""
    return scaled(joules, by=tokens / (cell.batch * cell.output_tokens) / _WATT_HOUR)


def scaled(given: Interval, *, by: float) -> Interval:
    """An interval in another unit."""
    value, low, high = (None if one is None else by * one for one in given[:3])
    return given._replace(value=value, low=low, high=high)

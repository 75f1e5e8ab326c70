"""Times variants in turns: warm-ups first, then blocks in which each variant stands twice, forwards and backwards.

`measure(subjects, cells=..., settings=...)` calls every subject with the same work. A block takes them in a drawn order
and then in that order reversed, so that a machine that grows warm or busy does so for all of them alike; what is
compared later is always within a block. It ends when the differences are known closely enough, when the time is up, or
when it is told to, and keeps every call. Nothing is collected as garbage while a call runs.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Protocol

import numpy as np

from workbench.timing.call import WARM_UP, Call, Cell, timed
from workbench.timing.collector import without_collector
from workbench.timing.pairs import half_width
from workbench.timing.steadiness import FEWEST, is_steady

Clock = Callable[[], float]


class Subject(Protocol):
    """Something that can be called and timed."""

    @property
    def name(self) -> str: ...

    def call(self, cell: Cell) -> Sequence[float]:
        """Do the work once and give stamps in seconds: the start, then one at each token."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long and how closely to measure."""

    seconds: float = 60.0
    """What all cells together may take, warm-ups included; a first few blocks are taken in any case."""
    precision: float = 0.03
    """Enough is known when every difference is, to this share, up or down."""
    fewest_blocks: int = 8
    """With fewer no difference has an interval of 99 %."""
    most_blocks: int = 200
    warm_up_share: float = 0.2
    """What of the time may go into warm-ups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Every call, and how the measurement went."""

    calls: tuple[Call, ...]
    ended: str
    """`precision`, `time`, `blocks` or `stopped`."""
    overhead_us: float
    """Microseconds that taking one stamp costs."""
    unsteady: tuple[str, ...] = ()
    """What had not settled when its warm-up ended."""

    @property
    def facts(self) -> dict[str, Any]:
        """How it went, without the calls."""
        return {
            "ended": self.ended,
            "overhead_us": self.overhead_us,
            "unsteady": list(self.unsteady),
        }


@dataclass(slots=True)
class _Run:
    """A measurement under way."""

    settings: Settings
    clock: Clock
    began: float
    calls: list[Call] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.clock() - self.began

    def take(self, subject: Subject, cell: Cell, *, block: int, place: int) -> Call:
        """Call a subject once and keep what came."""
        began = self.seconds
        facts = {"variant": subject.name, "cell": cell, "block": block, "place": place}
        try:
            with without_collector():
                stamps = subject.call(cell)
            call = timed(stamps, **facts, began=began)  # type: ignore[arg-type]
        except RuntimeError as error:
            told = f"{type(error).__name__}: {error}"[:300]
            call = Call(**facts, began=began, error=told)  # type: ignore[arg-type]
        self.calls.append(call)
        return call


def measure(
    subjects: Sequence[Subject],
    *,
    cells: Sequence[Cell],
    settings: Settings | None = None,
    seed: int = 0,
    told: Callable[[float, str], None] = lambda share, words: None,
    stopped: Callable[[], bool] = lambda: False,
    clock: Clock = time.perf_counter,
) -> Measured:
    """Time all subjects in all cells.

    Args:
        subjects: The variants; the first is what the others are measured against.
        cells: The sizes of work.
        settings: How long and how closely.
        seed: Draws the orders.
        told: Hears the share that is done and what is being done.
        stopped: Asked before every block; true ends the measurement and keeps what there is.
        clock: The same as the subjects stamp with.
    """
    run = _Run(settings or Settings(), clock, clock())
    unsteady = _warm_up(run, subjects, cells=cells, told=told, stopped=stopped)
    rng = np.random.default_rng(seed)
    ended, block, warm = "blocks", 0, run.seconds
    while block < run.settings.most_blocks:
        if stopped():
            ended = "stopped"
            break
        for index in rng.permutation(len(cells)):
            _block(run, subjects, cells[index], block=block, rng=rng)
        block += 1
        told(_share_done(run, block), _words(run, block, since=warm))
        if block < run.settings.fewest_blocks:
            continue
        if run.seconds >= run.settings.seconds:
            ended = "time"
            break
        if block % 5 == 0 and _is_close(run, subjects, cells=cells):
            ended = "precision"
            break
    return Measured(
        calls=tuple(run.calls), ended=ended, overhead_us=stamp_cost(clock), unsteady=tuple(unsteady)
    )


def stamp_cost(clock: Clock = time.perf_counter, *, stamps: int = 2000) -> float:
    """Microseconds that one look at the clock takes, kept in a list the median of five tries."""
    costs = []
    for _ in range(5):
        kept = [clock() for _ in range(stamps)]
        costs.append((kept[-1] - kept[0]) / (stamps - 1))
    return 1e6 * median(costs)


def _warm_up(
    run: _Run,
    subjects: Sequence[Subject],
    *,
    cells: Sequence[Cell],
    told: Callable[[float, str], None],
    stopped: Callable[[], bool],
) -> list[str]:
    """Call each subject in each cell until it is steady, or until its part of the time is up."""
    each = run.settings.seconds * run.settings.warm_up_share / (len(subjects) * len(cells))
    unsteady: list[str] = []
    for number, subject in enumerate(subjects):
        told(run.settings.warm_up_share * number / len(subjects), f"warming up {subject.name}")
        for cell in cells:
            began, times = run.seconds, list[float]()
            while len(times) < FEWEST or run.seconds - began < each:
                if stopped():
                    return unsteady
                call = run.take(subject, cell, block=WARM_UP, place=len(times))
                if call.error:
                    break
                times.append(call.e2e_ms)
                if is_steady(times):
                    break
            if times and not is_steady(times):
                unsteady.append(f"{subject.name} at {cell}")
    return unsteady


def _block(
    run: _Run, subjects: Sequence[Subject], cell: Cell, *, block: int, rng: np.random.Generator
) -> None:
    order = [subjects[i] for i in rng.permutation(len(subjects))]
    for place, subject in enumerate([*order, *reversed(order)]):
        run.take(subject, cell, block=block, place=place)


def _is_close(run: _Run, subjects: Sequence[Subject], *, cells: Sequence[Cell]) -> bool:
    first = subjects[0].name
    for cell in cells:
        for subject in subjects[1:]:
            half = half_width(run.calls, of=subject.name, against=first, cell=cell)
            if half is None or half > run.settings.precision:
                return False
    return len(subjects) > 1


def _words(run: _Run, blocks: int, *, since: float) -> str:
    """How far it is; while some blocks are taken in any case, how long they will take."""
    left = run.settings.fewest_blocks - blocks
    if left <= 0:
        return f"block {blocks}"
    seconds = left * (run.seconds - since) / blocks
    return f"block {blocks}, {left} more in any case, about {seconds:.0f} s"


def _share_done(run: _Run, blocks: int) -> float:
    by_time = run.seconds / run.settings.seconds if run.settings.seconds > 0 else 1.0
    if blocks < run.settings.fewest_blocks:
        by_time = min(by_time, blocks / run.settings.fewest_blocks)
    return min(1.0, max(by_time, blocks / run.settings.most_blocks))

"""A counter of energy: something that says how much went through it so far, and several of them looked at together.

`Meter.look()` reads all counters, `Meter.joules(before, after)` says what was spent between two looks. A counter that begins
again at its end may do so once between two looks; whoever measures looks often enough. What is not counted here has its
reason in `Meter.absent`. It knows no machine: see `rapl.py` and `nvml.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One counter."""

    name: str
    read: Callable[[], int]
    """Microjoules so far; an OSError or a ValueError where it cannot be read."""
    wraps_at: int = 0
    """Microjoules at which it begins again; 0 where it does not."""

    def spent(self, before: int, after: int) -> int:
        """Microjoules between two reads.

        >>> Counter(name="package-0", read=int, wraps_at=1000).spent(900, 150)
        250
        """
        if after >= before:
            return after - before
        if not self.wraps_at:
            raise RunError(f"the energy counter {self.name!r} went back from {before} to {after}")
        return after - before + self.wraps_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The counters that can be read, and of the others why not."""

    counters: tuple[Counter, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What is counted."""
        return tuple(one.name for one in self.counters)

    def look(self) -> tuple[int, ...]:
        """Every counter now; a RunError where one cannot be read any more."""
        try:
            return tuple(one.read() for one in self.counters)
        except (OSError, ValueError) as error:
            raise RunError(f"an energy counter cannot be read any more: {error}") from None

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> float:
        """What was spent between two looks, all counters together."""
        looks = zip(self.counters, before, after, strict=True)
        return sum(one.spent(*pair) for one, *pair in looks) / 1e6

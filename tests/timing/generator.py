"""A generator whose times are planted: it moves a clock of its own and says what it did, so that nothing waits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from workbench.timing.call import Cell


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Planted:
    """Calls of a planted time to the first token and planted gaps, in milliseconds, with noise and mishaps."""

    name: str
    clock: Clock
    ttft: float = 12.0
    gap: float = 3.0
    noise: float = 0.0
    """The spread of the logarithm of every time."""
    shared_noise: float = 0.0
    """The spread of the logarithm of a whole call's pace."""
    slow_start: float = 1.0
    """How many times as long the first call takes."""
    drift_per_call: float = 0.0
    stall_at: tuple[int, ...] = ()
    """Calls that stand still once."""
    stall: float = 500.0
    fails_at: tuple[int, ...] = ()
    clock_steps_at: tuple[int, ...] = ()
    seed: int = 0
    calls: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng([self.seed, *map(ord, self.name)])

    def call(self, cell: Cell) -> Sequence[float]:
        number, self.calls = self.calls, self.calls + 1
        if number in self.fails_at:
            raise RuntimeError("out of memory")
        pace = (
            math.exp(self._rng.normal(0, self.shared_noise)) * (1 + self.drift_per_call) ** number
        )
        pace *= self.slow_start if number == 0 else 1.0
        times = [self.ttft] + [self.gap] * (cell.output_tokens - 1)
        stamps = [self.clock()]
        for i, planted in enumerate(times):
            took = planted * pace * math.exp(self._rng.normal(0, self.noise))
            took += self.stall if number in self.stall_at and i == len(times) // 2 else 0.0
            self.clock.now += took / 1000
            stamps.append(self.clock())
        if number in self.clock_steps_at:
            stamps[-1] = stamps[-2] - 3600.0
        return stamps

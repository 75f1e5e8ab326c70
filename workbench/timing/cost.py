"""What calls cost at a price the reader gives: per million tokens in and out, per thousand requests, with the interval.

`Price(per_hour=..., utilization=...)` is checked when it is made. A rate's interval is carried through by its ends; what a
machine that stands idle half of the time costs is twice as much a token, and is said beside the figure.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from workbench.errors import InputError
from workbench.stats.intervals import Interval

TOKENS = 1_000_000
REQUESTS = 1_000
_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an hour of the machine costs, and how much of it is used."""

    per_hour: float
    utilization: float = 1.0
    """Share of the hours in which it answers, from above 0 to 1."""
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.per_hour) and self.per_hour >= 0):
            raise InputError(f"a price an hour is a number from 0; got {self.per_hour!r}")
        if not 0 < self.utilization <= 1:
            raise InputError(f"utilization is a share above 0, at most 1; got {self.utilization!r}")

    def of_tokens(self, per_second: Interval) -> Interval:
        """A million tokens at this rate.

        >>> price = Price(per_hour=3.6)
        >>> price.of_tokens(Interval(100.0, 80.0, 125.0, 10, 10, "")).value
        10.0
        """
        return self._of(per_second, lambda rate: TOKENS / rate, turned=True)

    def of_requests(self, milliseconds: Interval, *, batch: int = 1) -> Interval:
        """A thousand requests that take so long, so many at once."""
        return self._of(milliseconds, lambda ms: REQUESTS * ms / 1000 / batch, turned=False)

    def of_seconds(self, seconds: float) -> float:
        """So long a use of the machine, in one go: nothing stands idle then."""
        return self.per_hour * seconds / _HOUR

    def _of(self, given: Interval, seconds: Callable[[float], float], *, turned: bool) -> Interval:
        def cost(value: float | None) -> float | None:
            if value is None or value <= 0:
                return None
            return self.per_hour / _HOUR / self.utilization * seconds(value)

        low, high = (given.high, given.low) if turned else (given.low, given.high)
        return given._replace(value=cost(given.value), low=cost(low), high=cost(high))

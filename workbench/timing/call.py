"""One timed call of a variant: when its first token came, and the gaps between those that followed.

A `Cell` is the work that was asked for; every variant does the same work in a cell. The definitions are the usual
ones: TTFT is the time to the first token, TPOT the rest of the call over the tokens that it wrote after the first, a gap
(ITL) the time between two tokens. It knows no clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

WARM_UP = -1
"""The block of a call that was made to warm up."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A size of work: tokens in, tokens out, rows at once."""

    input_tokens: int
    output_tokens: int
    batch: int = 1

    def __str__(self) -> str:
        rows = f", {self.batch} rows" if self.batch > 1 else ""
        return f"{self.input_tokens} tokens in, {self.output_tokens} out{rows}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What one call took."""

    variant: str
    cell: Cell
    block: int
    """Which round of all variants it belongs to; `WARM_UP` before the first."""
    place: int
    """Its place within the block."""
    began: float
    """Seconds since the measurement began."""
    ttft_ms: float = math.nan
    gaps_ms: tuple[float, ...] = ()
    error: str = ""
    """Why it has no times."""

    @property
    def e2e_ms(self) -> float:
        """The whole call."""
        return self.ttft_ms + math.fsum(self.gaps_ms)

    @property
    def tpot_ms(self) -> float:
        """Milliseconds a token after the first; NaN where there is none."""
        return math.fsum(self.gaps_ms) / len(self.gaps_ms) if self.gaps_ms else math.nan

    @property
    def prefill_tokens_per_second(self) -> float:
        """Tokens read a second, all rows together."""
        return 1000 * self.cell.batch * self.cell.input_tokens / self.ttft_ms

    @property
    def decode_tokens_per_second(self) -> float:
        """Tokens written a second after the first, all rows together."""
        return 1000 * self.cell.batch / self.tpot_ms


def timed(
    stamps: Sequence[float], *, variant: str, cell: Cell, block: int, place: int, began: float
) -> Call:
    """The call that these stamps tell of: one at the start, one at each token, in seconds.

    >>> call = timed([1.0, 1.5, 1.75, 2.25], variant="base", cell=Cell(8, 3), block=0, place=0, began=0.0)
    >>> call.ttft_ms, call.gaps_ms, call.tpot_ms
    (500.0, (250.0, 500.0), 375.0)
    """
    common = {"variant": variant, "cell": cell, "block": block, "place": place, "began": began}
    if len(stamps) != cell.output_tokens + 1:
        told = f"{len(stamps) - 1} tokens came, {cell.output_tokens} were asked for"
        return Call(**common, error=told)  # type: ignore[arg-type]
    steps = [1000 * (b - a) for a, b in pairwise(stamps)]
    if min(steps) < 0:
        return Call(**common, error="the clock went backwards during the call")  # type: ignore[arg-type]
    if not all(map(math.isfinite, steps)) or steps[0] <= 0:
        return Call(**common, error="the clock stood still or gave no number")  # type: ignore[arg-type]
    return Call(**common, ttft_ms=steps[0], gaps_ms=tuple(steps[1:]))  # type: ignore[arg-type]

"""Whether a model can be served in so much memory: the longest context and the largest batch that fit, by arithmetic.

`fit(...)` counts weights, the cache of keys and values, the scores of one token a row, and what the program around it takes;
`budget("8GB")` is a machine of which all may be taken. What passes through the layers while a long prompt is read is not counted.
Nothing is measured here; what is measured (bytes of weights, bytes of cache a token) is handed in.
"""

import math
import re
from dataclasses import dataclass

from workbench.errors import InputError

PROGRAM_BYTES = 400_000_000
"""Python with torch and transformers, before any model; a program without them takes a tenth."""
LEAN_BYTES = 40_000_000
USABLE = 0.75
"""Of a machine's memory, what one program can have beside the system and others."""

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?(?:e\+?[0-9]+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_MOST = 1e18


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A kind of machine that people serve on."""

    name: str
    memory_bytes: int
    program_bytes: int = PROGRAM_BYTES
    share: float = USABLE
    """What of its memory serving may take."""

    @property
    def usable(self) -> int:
        """What the model may take."""
        return round(self.memory_bytes * self.share) - self.program_bytes


MACHINES = (
    Machine(
        name="a phone with 4 GB, a program without Python",
        memory_bytes=4 * 10**9,
        program_bytes=LEAN_BYTES,
    ),
    Machine(name="a laptop with 8 GB", memory_bytes=8 * 10**9),
    Machine(name="a GPU with 24 GB", memory_bytes=24 * 10**9),
    Machine(name="a GPU with 80 GB", memory_bytes=80 * 10**9),
)


def budget(text: str) -> Machine:
    """So much memory for serving in all, the program included.

    >>> budget("512MB").memory_bytes, budget("8e9").memory_bytes, budget("0.5 GiB").memory_bytes
    (512000000, 8000000000, 536870912)
    """
    found = _SIZE.fullmatch(text)
    unit = _UNITS.get(found[2].lower()) if found else None
    size = float(found[1]) * unit if found and unit else math.nan
    if not 1 <= size <= _MOST:
        raise InputError(
            f"a memory is a number above 0 with MB, GB, MiB or GiB, or of bytes, such as 8GB, 512MB or 8e9; got {text!r}"
        )
    return Machine(name=text.strip(), memory_bytes=round(size), share=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What fits."""

    machine: Machine
    is_enough: bool
    """Whether the weights and one row of the whole context fit."""
    tokens: int
    """The longest context of one row, at most the model's own."""
    rows: int
    """The largest batch of rows of the whole context."""


def fit(
    machine: Machine, *, weights: float, cache_per_token: float, context: int, vocabulary: int
) -> Fit:
    """What of a model fits a machine.

    >>> found = fit(MACHINES[1], weights=2e9, cache_per_token=100_000, context=4096, vocabulary=32_000)
    >>> found.is_enough, found.tokens, found.rows
    (True, 4096, 8)
    """
    left = machine.usable - weights
    scores = 4.0 * vocabulary
    if left < scores + cache_per_token:
        return Fit(machine=machine, is_enough=False, tokens=0, rows=0)
    tokens = min(context, int((left - scores) / max(cache_per_token, 1e-9)))
    rows = int(left / (scores + cache_per_token * context))
    return Fit(machine=machine, is_enough=rows >= 1, tokens=tokens, rows=rows)

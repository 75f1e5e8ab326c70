"""Whether a model can be served in so much memory: the longest context and the largest batch that fit, by arithmetic.

`fit(...)` counts weights, the cache of keys and values, the scores of one token a row, and what the program around it takes.
Nothing is measured here; what is measured (bytes of weights, bytes of cache a token) is handed in.
"""

from dataclasses import dataclass

PROGRAM_BYTES = 400_000_000
"""Python with torch and transformers, before any model; a program without them takes a tenth."""
LEAN_BYTES = 40_000_000
USABLE = 0.75
"""Of a machine's memory, what one program can have beside the system and others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A kind of machine that people serve on."""

    name: str
    memory_bytes: int
    program_bytes: int = PROGRAM_BYTES

    @property
    def usable(self) -> int:
        """What the model may take."""
        return round(self.memory_bytes * USABLE) - self.program_bytes


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

"""What an eval may know about the run it is asked in: the data, the seed and its limits.

`EvalContext` is made once for a sweep and handed to `evals.asking.ask`. From it an eval decides whether it asks
the planted questions of the micro-world or the user's own rows. It knows no model and asks nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol, TypeVar

from workbench import microworld

MICROWORLD = "microworld"
LATENCY_SECONDS = 4.0
"""What one latency eval may take, all slots together, before it measures less."""

Progress = Callable[[int, int], None]
"""Called with (answers so far, answers in all)."""


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalContext:
    """The run, as far as an eval needs to know it."""

    data_id: str
    model_id: str = MICROWORLD
    train: Sequence[Mapping[str, Any]] = ()
    held_out: Sequence[Mapping[str, Any]] = ()
    seed: int = 0
    limit: int | None = None
    """At most so many items an eval; None asks all."""
    max_new_tokens: int = 16
    latency_seconds: float = LATENCY_SECONDS

    @property
    def microworld_set(self) -> str:
        """The name of the micro-world's training set; empty when the data are the user's own."""
        owner, _, name = self.data_id.partition("/")
        return name if owner == MICROWORLD else ""

    @property
    def asks_microworld(self) -> bool:
        """Whether the model grew up in the micro-world, so that it can be asked about it."""
        return self.model_id == MICROWORLD or Path(self.model_id) == microworld.path()

    def chosen(self, items: Sequence[T]) -> list[T]:
        """At most `limit` items, in their order.

        Chosen by a hash of the id and not by the seed: any two runs keep the same items and can
        be paired.
        """
        if self.limit is None or len(items) <= self.limit:
            return list(items)
        by_hash = sorted(items, key=lambda item: blake2b(item.id.encode()).digest())
        kept = {item.id for item in by_hash[: self.limit]}
        return [item for item in items if item.id in kept]


def no_progress(done: int, total: int) -> None:
    """For callers who do not watch."""

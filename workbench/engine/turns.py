"""How long several things take, each timed in turn with all the others: `in_turns(works, device=..., budget=...)`.

What a machine does in one moment says little: other programs, a clock that changes and caches come and go within
seconds. Each round times everything, so that what disturbs lies on all of them alike, and the median of all calls is told, so
that what came only once is left out.
"""

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

import torch

from workbench.timing.collector import without_collector

ROUNDS = 9
"""At most."""
FEWEST = 3
SLOW_SECONDS = 0.15
"""What takes longer is in the first rounds only: the others have more need of them."""
TURN_SECONDS = 0.004
"""A turn of something quick is many calls; of something slow one."""

K = TypeVar("K", bound=Hashable)


class Work(NamedTuple):
    """Something to be timed."""

    once: Callable[[], Any]
    before: Callable[[], Any] = lambda: None
    """Done before each turn, and not timed."""


def in_turns(works: Mapping[K, Work], *, device: torch.device, budget: float) -> dict[K, float]:
    """Seconds of a call of each.

    Args:
        works: By their names.
        device: Waited for at the end of each turn.
        budget: Seconds for all of it: no round is begun that would end later, beyond the fewest.
    """
    until = time.perf_counter() + budget
    with without_collector():
        # The first call of each finds nothing ready.
        for work in works.values():
            _turn(work, calls=1, device=device)
        calls: dict[K, int] = {}
        for name, work in works.items():
            (took,) = _turn(work, calls=1, device=device)
            calls[name] = max(1, int(TURN_SECONDS / max(took, 1e-7)))
        rounds: dict[K, list[float]] = {name: [] for name in works}
        lasted = 0.0
        for number in range(ROUNDS):
            began = time.perf_counter()
            if number >= FEWEST and began + lasted > until:
                break
            for name, work in works.items():
                if number < FEWEST or rounds[name][0] < SLOW_SECONDS:
                    rounds[name] += _turn(work, calls=calls[name], device=device)
            lasted = time.perf_counter() - began
    return {name: statistics.median(found) for name, found in rounds.items()}


def _turn(work: Work, *, calls: int, device: torch.device) -> list[float]:
    """Seconds of each call; on a GPU, which is not waited for between them, the mean of all."""
    work.before()
    if device.type == "cuda":
        began = time.perf_counter()
        for _ in range(calls):
            work.once()
        torch.cuda.synchronize()
        return [(time.perf_counter() - began) / calls]
    taken = []
    for _ in range(calls):
        began = time.perf_counter()
        work.once()
        taken.append(time.perf_counter() - began)
    return taken

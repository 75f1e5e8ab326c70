"""A step that does not fit into memory is taken again in smaller passes.

`fitted(forward, slots, take)` calls `take` and, where memory runs out, forgets the gradients of the step, halves what a
pass may hold and calls it anew. The loss of a slot is a sum over its own tokens and dropout masks are named by their
place in the run, so the step is the same to rounding. What was tried is said as events. It knows no optimizer.
"""

import gc
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import torch

from workbench import events
from workbench.engine.forward import Forward
from workbench.engine.slot import Slot

FEWEST = 32
"""Tokens of a pass below which halving gains nothing."""

Taken = TypeVar("Taken")

_WORDS = ("out of memory", "allocate memory", "bad_alloc", "bad allocation")


def ran_out(error: BaseException) -> bool:
    """Whether an error says that there is no memory left; of torch on a CPU it is a RuntimeError."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)
    )


def fitted(
    forward: Forward, slots: Sequence[Slot], take: Callable[[], Taken]
) -> Generator[events.Event, None, Taken]:
    """What `take` returns, as the value of the generator, after as many smaller tries as it needs."""
    while True:
        try:
            return take()
        except (MemoryError, RuntimeError) as error:
            if not ran_out(error) or forward.pass_tokens // 2 < FEWEST:
                raise
        # Outside of the except block: the error's traceback holds what the pass had computed.
        for slot in slots:
            slot.forget_gradients()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        before, forward.pass_tokens = forward.pass_tokens, forward.pass_tokens // 2
        message = (
            f"memory ran out in a pass of up to {before} tokens; the step is taken again in passes "
            f"of up to {forward.pass_tokens}"
        )
        yield events.Warned(code="memory", message=message)

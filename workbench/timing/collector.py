"""Python's collector at rest while something is timed: `with without_collector(): ...`.

It comes after so many new objects, which in work that is repeated is at the same place each time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """As it was before, afterwards."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

"""Whether calls have settled: the last five are about as fast as the five before.

`is_steady(times)` is asked after each call of a warm-up. A model that has not settled when the warm-up ends is measured
all the same, and said to be unsteady.
"""

from collections.abc import Sequence
from statistics import median

FEWEST = 3
WINDOW = 5
WITHIN = 0.02
"""How far the medians of two windows may lie apart, relatively."""


def is_steady(times: Sequence[float], *, within: float = WITHIN) -> bool:
    """Whether the last calls are as fast as those before them.

    >>> is_steady([9, 3, 1.01, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    True
    >>> is_steady([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    False
    """
    if len(times) < 2 * WINDOW:
        return False
    last, before = median(times[-WINDOW:]), median(times[-2 * WINDOW : -WINDOW])
    return abs(last - before) <= within * before

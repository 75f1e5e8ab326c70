"""Correcting p-values for how many comparisons were made.

`holm(p)` takes the p-values of one family and returns them adjusted, in their order: a difference is shown as real
only if its adjusted value is below the level. What belongs to a family is the caller's decision.
"""

from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (Holm 1979): the running maximum of (m - rank) p, at most 1.

    It keeps the chance of any false alarm below the level under any dependence between the tests.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    >>> holm([])
    []
    """
    adjusted = [0.0] * len(p)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        highest = max(highest, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = highest
    return adjusted

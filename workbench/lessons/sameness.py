"""Whether two answers are the same: numbers and arrays to a tolerance, words whatever their case, lists one by one."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def same(one: Any, other: Any, *, rel: float, abs: float) -> bool:
    """Whether an answer is the expected one.

    >>> same(0.1 + 0.2, 0.3, rel=1e-6, abs=1e-9), same(True, 1, rel=1e-6, abs=1e-9)
    (True, False)
    >>> same(" Rank", "rank", rel=0, abs=0), same([1, 2], (1, 2.5), rel=0, abs=0)
    (True, False)
    """
    if isinstance(one, str) or isinstance(other, str):
        return str(one).strip().casefold() == str(other).strip().casefold()
    if isinstance(one, bool | np.bool_) or isinstance(other, bool | np.bool_):
        both = isinstance(one, bool | np.bool_) and isinstance(other, bool | np.bool_)
        return both and bool(one) == bool(other)
    if _is_list(one) or _is_list(other):
        if not (_is_list(one) and _is_list(other)) or len(one) != len(other):
            return False
        return all(same(a, b, rel=rel, abs=abs) for a, b in zip(one, other, strict=True))
    first, second = as_array(one), as_array(other)
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=rel, atol=abs))


def as_array(value: Any) -> np.ndarray:
    """A number, an array or a tensor as float64, without importing torch."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=np.float64)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)

"""Exercises 1 and 2 of lesson 4: the sixteen levels of NF4, and one block of weights rounded to them.

Right is what bitsandbytes says: its table of levels, and the matrix that it gives back. Mistakes are computed here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from workbench.lessons.answers import Array, Called
from workbench.lessons.exercise import Exercise, Facts, Mistake, equals
from workbench.lessons.sameness import as_array

# 1. The levels.


def _table(facts: Facts) -> np.ndarray:
    return as_array(facts.nf4)


def _turned(facts: Facts) -> np.ndarray:
    return -_table(facts)[::-1]


LEVELS = Exercise(
    name="levels",
    title="The sixteen levels",
    reads=Array(lambda f: _table(f).shape, name="Your array"),
    needs=("nf4",),
    right=equals(_table, rel=0, abs=1e-5),
    because=lambda f: (
        f"The {len(_table(f))} levels of bitsandbytes, to a hundred-thousandth. They stand close together around zero, "
        f"where most weights are ({_table(f)[8]:.3f} apart), and far apart at the ends "
        f"({1 - _table(f)[-2]:.3f}). Zero is one of them, so that a weight of zero stays zero."
    ),
    mistakes=(
        Mistake(
            "even",
            wrote="levels = np.linspace(-1, 1, 16)",
            made=equals(lambda f: np.linspace(-1, 1, len(_table(f)))),
            says="These are evenly spaced: whole numbers in 4 bits. NF4's steps are even in *probability*: "
            "`norm.ppf` turns a probability into the place where so much of a normal distribution lies below.",
        ),
        Mistake(
            "not-divided",
            wrote="above = norm.ppf(np.linspace(0.5, edge, 9))[1:]\n"
            "below = -norm.ppf(np.linspace(0.5, edge, 8))[1:]\n"
            "levels = np.sort(np.concatenate([below, [0], above]))",
            made=lambda answer, f: (
                answer.max() > 1.01 and equals(_table, rel=0, abs=1e-5)(answer / answer.max(), f)
            ),
            says="The right quantiles, but the largest is not 1. Divide all of them by it: a block is divided by its "
            "largest weight too, and the two must fit.",
        ),
        Mistake(
            "turned",
            wrote="above = norm.ppf(np.linspace(0.5, edge, 8))[1:]\n"
            "below = -norm.ppf(np.linspace(0.5, edge, 9))[1:]\n"
            "levels = np.sort(np.concatenate([below, [0], above])) / above.max()",
            made=equals(_turned, rel=0, abs=1e-5),
            says="You have 8 levels below zero and 7 above. NF4 has the odd one out above.",
        ),
        Mistake(
            "unsorted",
            wrote="above = norm.ppf(np.linspace(0.5, edge, 9))[1:]\n"
            "below = -norm.ppf(np.linspace(0.5, edge, 8))[1:]\n"
            "levels = np.concatenate([above, [0], below]) / above.max()",
            made=lambda answer, f: equals(_table, rel=0, abs=1e-5)(np.sort(answer), f),
            says="The right sixteen numbers in another order. Sort them: `np.sort`.",
        ),
        Mistake(
            "zero-twice",
            wrote="above = norm.ppf(np.linspace(0.5, edge, 9))\n"
            "below = -norm.ppf(np.linspace(0.5, edge, 8))\n"
            "levels = np.sort(np.concatenate([below, above])) / above.max()",
            made=None,
            says="has shape (17,). It must have shape (16,)",
        ),
    ),
    should="Eight quantiles above zero, seven below, zero itself, all divided by the largest and sorted.",
    hints=(
        "`norm.ppf(0.5)` is 0: half of a normal distribution lies below zero. Start there and go up to `edge`.",
        "`np.linspace(0.5, edge, 9)` has 8 equal steps; its first point is the zero, which you want once only: `[1:]`.",
        "Below zero the same with 7 steps and a minus. Then `np.concatenate([below, [0], above])`, sorted, divided by "
        "`above.max()`.",
    ),
    solution="above = norm.ppf(np.linspace(0.5, edge, 9))[1:]\n"
    "below = -norm.ppf(np.linspace(0.5, edge, 8))[1:]\n"
    "levels = np.sort(np.concatenate([below, [0], above])) / above.max()",
)


# 2. One block.

ASKED = 48
"""Blocks that a student's function is called on; a matrix has more than need be tried."""

TIES = 1e-3
"""The share of weights that may fall on the other level: half way between two, the last bit of a division decides."""


def _places(facts: Facts) -> list[slice]:
    """Whole blocks from all over the matrix."""
    size = facts.state.blocksize
    count = facts.W.numel() // size
    return [slice(at * size, (at + 1) * size) for at in range(0, count, max(1, count // ASKED))]


def _blocks(facts: Facts) -> list[tuple[Any, ...]]:
    flat = facts.W.flatten()
    return [(flat[place], facts.nf4) for place in _places(facts)]


def _gave(of_block: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
    """The test that the function gives what this one does."""

    def made(answer: list[np.ndarray], facts: Facts) -> bool:
        flat, table = as_array(facts.W).reshape(-1), _table(facts)
        return _is_as([of_block(flat[place], table) for place in _places(facts)], answer)

    return made


def _is_bitsandbytes(answer: list[np.ndarray], facts: Facts) -> bool:
    flat = as_array(facts.rounded).reshape(-1)
    return _is_as([flat[place] for place in _places(facts)], answer)


def _is_as(wanted: list[np.ndarray], answer: list[np.ndarray]) -> bool:
    one, other = np.concatenate(wanted), np.concatenate(answer)
    size = np.abs(one).max()
    return bool((np.abs(one - other) > 1e-5 * size).mean() <= TIES)


def _nearest(scaled: np.ndarray, table: np.ndarray) -> np.ndarray:
    found: np.ndarray = table[np.abs(scaled[:, None] - table).argmin(axis=1)]
    return found


def _downwards(block: np.ndarray, table: np.ndarray) -> np.ndarray:
    scale = np.abs(block).max()
    found: np.ndarray = table[np.searchsorted(table, block / scale, side="right") - 1] * scale
    return found


def _by_plain_max(block: np.ndarray, table: np.ndarray) -> np.ndarray:
    found: np.ndarray = _nearest(block / block.max(), table) * block.max()
    return found


def _by_spread(block: np.ndarray, table: np.ndarray) -> np.ndarray:
    scale = block.std(ddof=1)
    found: np.ndarray = _nearest(block / scale, table) * scale
    return found


def _whole_numbers(block: np.ndarray, table: np.ndarray) -> np.ndarray:
    scale = np.abs(block).max()
    found: np.ndarray = np.round(block / scale * 7) / 7 * scale
    return found


def _written(scale: str, gives: str, nearest: str = "(block / scale)") -> str:
    return (
        f"def round_trip(block, levels):\n    scale = {scale}\n"
        f"    nearest = ({nearest}[:, None] - levels).abs().argmin(dim=1)\n    return {gives}"
    )


BLOCK = Exercise(
    name="block",
    title="One block, there and back",
    reads=Called(_blocks, Array(lambda f: (f.state.blocksize,), name="What your function gives")),
    needs=("W", "nf4", "state", "rounded"),
    right=_is_bitsandbytes,
    because=lambda f: (
        f"The same numbers as bitsandbytes, on {len(_places(f))} blocks of {f.state.blocksize} weights. That is all NF4 "
        "is: one scale a block, and for each weight the number of the nearest level, 4 bits."
    ),
    mistakes=(
        Mistake(
            "no-scale",
            wrote=_written("block.abs().max()", "levels[nearest]", "block"),
            made=_gave(_nearest),
            says="You look for the nearest level of the weight itself. The levels reach from −1 to 1 and the weights of "
            "a block are much smaller: divide the block by its largest absolute value first.",
        ),
        Mistake(
            "not-back",
            wrote=_written("block.abs().max()", "levels[nearest]"),
            made=_gave(lambda block, table: _nearest(block / np.abs(block).max(), table)),
            says="You give levels between −1 and 1. To have weights again, multiply by the scale of the block.",
        ),
        Mistake(
            "plain-max",
            wrote=_written("block.max()", "levels[nearest] * scale"),
            made=_gave(_by_plain_max),
            says="Your scale is the largest weight. Where a negative one is larger in size, it falls beyond −1 and is "
            "cut off there. Take the largest *absolute* value.",
        ),
        Mistake(
            "spread",
            wrote=_written("block.std()", "levels[nearest] * scale"),
            made=_gave(_by_spread),
            says="You divide by the standard deviation, so that every weight beyond one of them is cut to it. NF4 divides "
            "by the largest absolute value: nothing is cut.",
        ),
        Mistake(
            "downwards",
            wrote="def round_trip(block, levels):\n    scale = block.abs().max()\n"
            "    below = torch.searchsorted(levels, block / scale, right=True) - 1\n    return levels[below] * scale",
            made=_gave(_downwards),
            says="You take the next level *below*, which makes every weight a little smaller. Take the nearest one: the "
            "smallest distance, above or below.",
        ),
        Mistake(
            "whole-numbers",
            wrote="def round_trip(block, levels):\n    scale = block.abs().max()\n"
            "    return (block / scale * 7).round() / 7 * scale",
            made=_gave(_whole_numbers),
            says="That rounds to evenly spaced levels, −7 to 7. Use those in `levels`.",
        ),
        Mistake(
            "numbers-of-levels",
            wrote="def round_trip(block, levels):\n    scale = block.abs().max()\n"
            "    return ((block / scale)[:, None] - levels).abs().argmin(dim=1)",
            made=lambda answer, f: all((one == one.round()).all() for one in answer),
            says="You give the number of each level, 0 to 15. That is what is stored; the weight is `levels[number]` "
            "times the scale.",
        ),
    ),
    should="Three steps: divide by the largest absolute value, take the nearest level, multiply by that value again.",
    hints=(
        "`block.abs().max()` is the scale of the block. After dividing by it, all weights lie between −1 and 1.",
        "`scaled[:, None] - levels` has a row for each weight and a column for each level; `argmin(dim=1)` of its size "
        "gives the number of the nearest level.",
        "`levels[nearest]` looks the levels up; times `scale` they are weights again.",
    ),
    solution='''def round_trip(block, levels):
    """One block of weights, rounded to the levels and back."""
    scale = block.abs().max()
    scaled = block / scale
    nearest = (scaled[:, None] - levels).abs().argmin(dim=1)  # 4 bits each
    return levels[nearest] * scale''',
)

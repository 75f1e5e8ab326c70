"""How the rows of many slots are cut into forward passes: rows of like length together, each slot's rows contiguous.

Each slot's loss is a sum over its own tokens divided by their number, so any cut gives the same gradients; what a cut
decides is how much of a pass is padding. Slots that train on the same rows in the same order need almost none. It
knows lengths and slot numbers only.

    K slots  B rows
"""

from collections.abc import Sequence
from typing import NamedTuple

from workbench.data.rendering import Rendered


class Part(NamedTuple):
    """One row of one slot."""

    slot: int
    row: Rendered
    draw: int
    """Names the dropout masks of this row in this step."""


def cut(parts: Sequence[Part], *, max_tokens: int) -> list[list[Part]]:
    """Passes of at most `max_tokens` tokens, padding included; a longer row has a pass of its own."""
    longest_first = sorted(parts, key=lambda part: (-len(part.row.input_ids), part.slot))
    passes: list[list[Part]] = []
    room = 0
    for part in longest_first:
        if room <= 0:
            passes.append([])
            # The first row is the longest, so it sets the width, and the width how many rows fit.
            room = max(1, max_tokens // len(part.row.input_ids))
        passes[-1].append(part)
        room -= 1
    return [sorted(one, key=lambda part: part.slot) for one in passes]


def spans(one: Sequence[Part]) -> list[tuple[int, int, int, tuple[int, ...]]]:
    """(slot, first, end, draws) of each slot in a pass."""
    found: list[tuple[int, int, int, tuple[int, ...]]] = []
    for index, part in enumerate(one):
        if found and found[-1][0] == part.slot:
            slot, first, _, draws = found[-1]
            found[-1] = (slot, first, index + 1, (*draws, part.draw))
        else:
            found.append((part.slot, index, index + 1, (part.draw,)))
    return found

"""How the rows of many slots are cut into forward passes, each slot's rows contiguous.

Each slot's loss is a sum over its own tokens divided by their number, so any cut gives the same gradients; what a cut
decides is how much work a pass is. Where rows can lie end to end nothing is padded, and a pass holds few slots, whose
updates are then few and large. Where they cannot, rows of like length go together. It knows lengths and slot numbers
only.

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


def cut_flat(parts: Sequence[Part], *, max_tokens: int) -> list[list[Part]]:
    """Passes of at most `max_tokens` tokens, of like size; a longer row has a pass of its own."""
    by_slot = sorted(parts, key=lambda part: part.slot)
    total = sum(len(part.row.input_ids) for part in by_slot)
    # As many passes as are needed, filled alike: a last pass of a few tokens would cost nearly as much as a full one.
    size = total / max(1, -(-total // max_tokens))
    passes: list[list[Part]] = [[]]
    room = size
    for part in by_slot:
        length = len(part.row.input_ids)
        if passes[-1] and length > room + length / 2:
            passes.append([])
            room += size
        passes[-1].append(part)
        room -= length
    return passes


def cut_padded(parts: Sequence[Part], *, max_tokens: int) -> list[list[Part]]:
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

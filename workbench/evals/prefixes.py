"""What many sequences begin with, laid down once: sequences cut into parts that continue each other, and into passes.

`passes(sequences, ...)` takes token ids and gives passes. The parts of a pass lie end to end; a part may continue an
earlier one, as the choices of a question do, and questions that stand after the same examples. `Pass.places(i)` says where the
tokens of a sequence lie. It knows neither models nor what the tokens mean.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

LEAST_SHARED = 4
"""Fewer tokens in common are not worth a part of their own."""

Tokens = tuple[int, ...]


class Part(NamedTuple):
    """Tokens that continue those of another part."""

    first: int
    end: int
    """Their positions in each sequence that has them."""
    sequence: int
    """One that has them."""
    continues: int | None


class Reading(NamedTuple):
    """The scored positions of a sequence."""

    first: int
    end: int

    @property
    def num(self) -> int:
        return self.end - self.first


@dataclass(slots=True)
class Pass:
    """Parts that are read together; `continues` of a part is its number in this pass."""

    parts: list[Part] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """Where each part begins."""
    num_tokens: int = 0
    num_read: int = 0
    ends: dict[int, int] = field(default_factory=dict)
    """The last part of each sequence that is read."""

    def place(self, position: int, *, part: int) -> tuple[int, int]:
        """Where a position of a sequence that ends with this part lies, and how many positions follow it without a gap."""
        one = self.parts[part]
        while position < one.first:
            assert one.continues is not None
            part = one.continues
            one = self.parts[part]
        return self.starts[part] + position - one.first, one.end - position

    def places(self, sequence: int, read: Reading) -> Iterator[int]:
        """Where the read positions of a sequence lie."""
        position, part = read.first, self.ends[sequence]
        while position < read.end:
            place, following = self.place(position, part=part)
            count = min(following, read.end - position)
            yield from range(place, place + count)
            position += count


def passes(
    sequences: Sequence[Tokens],
    reads: Sequence[Reading],
    *,
    max_tokens: int,
    max_read: int,
) -> Iterator[Pass]:
    """Passes over distinct sequences: each of at most so many tokens and read positions, unless one sequence has more."""
    parts, ends = grow(sequences, least=LEAST_SHARED)
    one, number = Pass(), dict[int, int]()
    for sequence, end in _longest_first(parts, ends):
        path = _path(parts, end)
        new = [part for part in path if part not in number]
        more = sum(parts[part].end - parts[part].first for part in new)
        full = one.num_tokens + more > max_tokens or one.num_read + reads[sequence].num > max_read
        if one.ends and full:
            yield one
            one, number, new = Pass(), {}, path
        for part in new:
            _add(one, parts[part], number=number, part=part)
        one.ends[sequence] = number[end]
        one.num_read += reads[sequence].num
    if one.ends:
        yield one


def _longest_first(parts: Sequence[Part], ends: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sequences of one beginning stay side by side; of those that have little in common the longest come first.

    Rows of like length stand in one pass then, and attention pads them little.
    """
    groups = [list(some) for _, some in groupby(ends, lambda each: _path(parts, each[1])[0])]
    groups.sort(key=lambda some: -max(parts[end].end for _, end in some))
    return [each for some in groups for each in some]


def grow(sequences: Sequence[Tokens], *, least: int) -> tuple[list[Part], list[tuple[int, int]]]:
    """Distinct sequences as parts, and (sequence, its last part), those that begin alike side by side.

    >>> parts, ends = grow([(1, 2, 3, 4), (1, 2, 3, 5, 6), (7, 8)], least=3)
    >>> [(part.first, part.end, part.continues) for part in parts]
    [(0, 3, None), (3, 4, 0), (3, 5, 0), (0, 2, None)]
    >>> ends
    [(0, 1), (1, 2), (2, 3)]
    """
    order = sorted(range(len(sequences)), key=lambda i: sequences[i])
    parts: list[Part] = []
    ends: list[tuple[int, int]] = []
    # (sequences that begin alike, how far their tokens lie in parts already, the last of these parts)
    waiting: list[tuple[list[int], int, int | None]] = [(order, 0, None)] if order else []
    while waiting:
        alike, done, parent = waiting.pop()
        first, last = sequences[alike[0]], sequences[alike[-1]]
        common = len(first) if len(alike) == 1 else _common(first, last, done)
        if len(alike) == 1 or common - done >= least:
            if common > done or parent is None:
                parts.append(Part(done, common, alike[0], parent))
                done, parent = common, len(parts) - 1
            if len(first) == common:
                ends.append((alike[0], parent))
                alike = alike[1:]
        elif len(first) == common:
            # Too little in common to share, and the shortest of them ends here: it has a part of its own.
            waiting.append((alike[1:], done, parent))
            waiting.append((alike[:1], done, parent))
            continue
        waiting += [(some, done, parent) for some in reversed(_branches(alike, sequences, common))]
    return parts, ends


def _branches(alike: Sequence[int], sequences: Sequence[Tokens], at: int) -> list[list[int]]:
    """Sequences with the same token there side by side."""
    return [list(some) for _, some in groupby(alike, lambda i: sequences[i][at])]


def _common(first: Tokens, last: Tokens, known: int) -> int:
    """How many tokens two sequences begin with in common; so many are known."""
    end = min(len(first), len(last))
    while known < end and first[known] == last[known]:
        known += 1
    return known


def _path(parts: Sequence[Part], end: int) -> list[int]:
    path = [end]
    while (parent := parts[path[-1]].continues) is not None:
        path.append(parent)
    return path[::-1]


def _add(one: Pass, part_of_all: Part, *, number: dict[int, int], part: int) -> None:
    up = part_of_all.continues
    number[part] = len(one.parts)
    one.parts.append(part_of_all._replace(continues=None if up is None else number[up]))
    one.starts.append(one.num_tokens)
    one.num_tokens += part_of_all.end - part_of_all.first

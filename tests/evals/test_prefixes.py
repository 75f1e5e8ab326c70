"""Sequences laid down with what they begin with once: nothing is lost, nothing is out of order, and less is read."""

import random

import pytest

from workbench.evals.prefixes import Pass, Reading, grow, passes


def _sequences(seed: int) -> list[tuple[int, ...]]:
    """Questions behind the same examples, each with choices of which some begin alike, and some strangers."""
    draw = random.Random(seed)

    def some(n: int) -> tuple[int, ...]:
        return tuple(draw.randrange(5) for _ in range(n))

    shots = some(9)
    found = [some(draw.randrange(1, 12)) for _ in range(6)]
    for _ in range(8):
        question = shots + some(draw.randrange(1, 8))
        found += [question + some(draw.randrange(0, 6)) for _ in range(4)]
    return list(dict.fromkeys(found))


def _tokens(one: Pass, sequence: int, sequences: list[tuple[int, ...]]) -> tuple[int, ...]:
    laid = [
        token for part in one.parts for token in sequences[part.sequence][part.first : part.end]
    ]
    whole = Reading(0, len(sequences[sequence]))
    return tuple(laid[place] for place in one.places(sequence, whole))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("max_tokens", [1, 30, 10_000])
def test_every_sequence_is_found_whole_in_one_pass(seed: int, max_tokens: int) -> None:
    sequences = _sequences(seed)
    reads = [Reading(0, len(one)) for one in sequences]
    found: dict[int, tuple[int, ...]] = {}
    for one in passes(sequences, reads, max_tokens=max_tokens, max_read=10_000):
        assert one.num_tokens <= max_tokens or len(one.ends) == 1
        found |= {sequence: _tokens(one, sequence, sequences) for sequence in one.ends}
    assert [found[i] for i in range(len(sequences))] == sequences


def test_a_part_comes_after_the_one_that_it_continues() -> None:
    sequences = _sequences(3)
    for one in passes(sequences, [Reading(0, 1)] * len(sequences), max_tokens=60, max_read=10_000):
        for number, part in enumerate(one.parts):
            assert part.continues is None or part.continues < number
            before = 0 if part.continues is None else one.parts[part.continues].end
            assert part.first == before


def test_what_choices_begin_with_is_read_once() -> None:
    question = tuple(range(40))
    choices = [(*question, 50, 51), (*question, 60), (*question, 70, 71, 72)]
    (one,) = passes(choices, [Reading(40, len(c)) for c in choices], max_tokens=500, max_read=500)
    assert one.num_tokens == 40 + 2 + 1 + 3


def test_examples_before_every_question_are_read_once_a_pass() -> None:
    shots = tuple(range(100))
    rows = [(*shots, 200 + i, 300, 300 + i) for i in range(50)]
    many = list(passes(rows, [Reading(101, 103)] * 50, max_tokens=160, max_read=500))
    assert [one.num_tokens for one in many] == [160, 160, 130]


def test_a_pass_reads_no_more_positions_than_it_may() -> None:
    rows = [tuple(range(i, i + 9)) for i in range(0, 90, 10)]
    many = list(passes(rows, [Reading(0, 9)] * 9, max_tokens=500, max_read=20))
    assert [one.num_read for one in many] == [18, 18, 18, 18, 9]


def test_a_sequence_that_another_begins_with_ends_where_the_other_goes_on() -> None:
    parts, ends = grow([(1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6)], least=4)
    assert [(part.first, part.end, part.continues) for part in parts] == [(0, 5, None), (5, 6, 0)]
    assert sorted(ends) == [(0, 0), (1, 1)]

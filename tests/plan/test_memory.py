"""Holes that 8-bit layers leave: told where rows are short beside the weights, filled where they are long, of no model beyond those measured."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.plan.lengths import allowed
from workbench.plan.memory import (
    HOLES_AND_ACTIVATIONS,
    HOLES_KNOWN,
    MAX_TOKENS,
    SLACK_BYTES,
    Memory,
    predict,
)
from workbench.plan.room import Need, group_parts
from workbench.plan.shape import Shape, read_shape
from workbench.spec import Spec

EIGHT_BITS = {"load_in_8bit": True}


def widened(shape: Shape, times: int) -> Shape:
    """Weights so much wider, with what passes between them left as it was."""
    every = [
        replace(m, in_features=m.in_features * times, out_features=m.out_features * times)
        for m in shape.every
    ]
    return replace(shape, every=tuple(every))


def whole(shape: Shape) -> int:
    return sum(4 * m.in_features * m.out_features for m in shape.modules)


def memory(shape: Shape, *, tokens: int, bits: dict | None = EIGHT_BITS) -> Memory:
    fields = {"model": {"id": "microworld"}, **({"quantization": bits} if bits else {})}
    spec = Spec.from_fields(fields)
    return predict(shape, spec=spec, targets=[], trainable=0, lengths=allowed(tokens))


@pytest.fixture
def narrow(tiny: Callable[[str], Path]) -> Shape:
    return read_shape(tiny("llama"))


def test_short_rows_leave_holes_as_large_as_a_share_of_the_weights(narrow: Shape) -> None:
    wide, wider = widened(narrow, 50), widened(narrow, 60)
    more = memory(wider, tokens=4).slack - memory(wide, tokens=4).slack
    assert 0.4 <= more / (whole(wider) - whole(wide)) <= 0.6
    assert memory(wider, tokens=4).slack > 0.4 * whole(wider)


def test_long_rows_fill_them(narrow: Shape) -> None:
    shares = [memory(one, tokens=4000).slack_share for one in (narrow, widened(narrow, 10))]
    assert shares[1] == pytest.approx(shares[0], rel=1e-3)


def test_layers_of_full_numbers_leave_none(narrow: Shape) -> None:
    assert memory(widened(narrow, 60), tokens=4, bits=None).slack == SLACK_BYTES


def test_no_more_is_told_of_a_model_larger_than_any_that_was_measured(narrow: Shape) -> None:
    holes = []
    for times in (200, 400):
        assert whole(widened(narrow, times)) > HOLES_KNOWN
        found = memory(widened(narrow, times), tokens=1)
        holes.append(found.slack - HOLES_AND_ACTIVATIONS * found.activations)
    assert holes[0] == pytest.approx(holes[1])
    assert holes[0] < HOLES_KNOWN


def need(narrow: Shape, *, tokens: int, fewest: int) -> Need:
    return Need(memory(narrow, tokens=tokens // 8), tokens, longest=200, fewest=fewest)


def test_steps_that_just_fit_into_one_pass_fill_it(narrow: Shape) -> None:
    known = MAX_TOKENS["cpu"] // 2
    full = group_parts([need(narrow, tokens=known, fewest=known)] * 2, adapters=0)
    over = [need(narrow, tokens=known + 80, fewest=fewest) for fewest in (known - 80, known + 1)]
    some = group_parts([over[0]] * 2, adapters=0)
    every = group_parts([over[1]] * 2, adapters=0)
    assert some["activations"] == pytest.approx(full["activations"], rel=0.01)
    assert some["activations"] > 1.8 * every["activations"]


def test_a_plan_of_before_slack_had_a_share_is_read_as_it_was_meant(narrow: Shape) -> None:
    told = memory(widened(narrow, 10), tokens=2000, bits=None)
    assert told.slack > SLACK_BYTES, "a floor would say nothing of the share"
    before = Memory.model_validate(told.model_dump(exclude={"slack_share"}))
    now, then = (group_parts([Need(one, tokens=2000)], adapters=0) for one in (told, before))
    assert then["allocator slack"] == pytest.approx(now["allocator slack"], rel=1e-6)

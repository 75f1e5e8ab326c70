"""Lesson 4's exercises on matrices of several shapes and kinds: bitsandbytes is the oracle of every right answer."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from bitsandbytes import functional
from scipy.stats import norm

import workbench as wb
from tests.lessons.classroom import judged
from workbench.lessons.exercise import judge
from workbench.lessons.qlora import BITS, BLOCK, DOUBLE, LESSON, LEVELS, TRAINING
from workbench.spec import Spec

FOUR_BITS = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}


def drawn(kind):
    """A matrix of normal weights, of heavy-tailed ones, or one whose last block is not full."""
    torch.manual_seed(0)
    # Not 96 wide: where a row is half a block longer than whole ones, bitsandbytes 0.50 takes the scale of a wrong block on
    # processors with AVX-512.
    shape = {"normal": (96, 64), "heavy": (64, 128), "ragged": (31, 65)}[kind]
    W = torch.randn(shape)
    return 0.05 * (W**3 if kind == "heavy" else W)


@pytest.fixture(scope="module", params=["normal", "heavy", "ragged"])
def known(request):
    """What the notebook's cells know when the exercises are asked."""
    W = drawn(request.param)
    packed, state = functional.quantize_4bit(W, blocksize=64, quant_type="nf4")
    double = {"quant_type": "nf4", "compress_statistics": True}
    _, nested = functional.quantize_4bit(W, blocksize=64, **double)
    spec = Spec.from_fields({"quantization": FOUR_BITS, "adapter": {"r": 4}})
    trial = wb.plan(spec).trials[-1]
    known = {"np": np, "torch": torch, "norm": norm, "edge": 0.9677083, "W": W, "packed": packed}
    known |= {"state": state, "nested": nested, "trial": trial}
    known |= {"trainable": trial.trainable_parameters}
    known |= {"nf4": functional.get_4bit_type("nf4", device="cpu")}
    return known | {"rounded": functional.dequantize_4bit(packed, state)}


def said_of(exercise, source, known):
    facts = {name: known[name] for name in exercise.needs}
    return judged(exercise, source, facts=facts, **known)


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_the_solution_is_right_whatever_the_matrix(exercise, known):
    verdict = said_of(exercise, exercise.solution, known)
    # Where the last block is not full its scale serves fewer weights than the formula says.
    assert verdict.state == "correct", verdict.message


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_every_mistake_is_known_for_what_it_is(exercise, known):
    for mistake in exercise.mistakes:
        verdict = said_of(exercise, mistake.wrote, known)
        assert verdict.state == "incorrect", mistake.name
        if mistake.made is None:
            assert mistake.says in verdict.message.replace("`", "")
        elif not (known["W"].numel() % 64 and exercise is BITS):
            assert verdict.mistake == mistake.name


def test_what_bitsandbytes_gives_back_is_right_and_fp4_is_not(known):
    facts = {name: known[name] for name in BLOCK.needs}

    def theirs(kind):
        def of_block(block, levels):
            packed, state = functional.quantize_4bit(block, quant_type=kind)
            return functional.dequantize_4bit(packed, state).flatten()

        return of_block

    assert judge(BLOCK, theirs("nf4"), **facts).state == "correct"
    assert judge(BLOCK, theirs("fp4"), **facts).state == "incorrect"


def test_a_weight_half_way_between_two_levels_may_fall_on_either(known):
    facts = {name: known[name] for name in BLOCK.needs}

    def upwards(block, levels):
        """The nearest level by its upper border, where `argmin` takes the lower one of two as near."""
        scale = block.abs().max()
        borders = (levels[1:] + levels[:-1]) / 2
        return levels[torch.searchsorted(borders, block / scale, right=True)] * scale

    assert judge(BLOCK, upwards, **facts).state == "correct"


def test_the_bits_are_those_of_all_that_is_stored():
    W = torch.randn(128, 128)
    packed, state = functional.quantize_4bit(W, blocksize=64, quant_type="nf4")
    facts = {"W": W, "packed": packed, "state": state}
    assert judge(BITS, 4.5, **facts).state == "correct"
    assert judge(BITS, 4.51, **facts).state == "incorrect"


def test_double_quantization_may_be_counted_or_worked_out():
    W = torch.randn(128, 344)
    packed, nested = functional.quantize_4bit(W, quant_type="nf4", compress_statistics=True)
    stored = 8 * packed.numel() + 8 * nested.absmax.numel() + 32 * nested.state2.absmax.numel()
    assert judge(DOUBLE, stored / W.numel(), nested=nested).state == "correct"
    assert judge(DOUBLE, 4 + 8 / 64 + 32 / (64 * 256), nested=nested).state == "correct"
    assert judge(DOUBLE, 4.125, nested=nested).mistake == "second-scale-free"


def test_what_is_held_is_what_torch_and_adam_hold():
    A, B = torch.nn.Parameter(torch.randn(4, 12)), torch.nn.Parameter(torch.zeros(20, 4))
    optimizer = torch.optim.AdamW([A, B])
    (B @ A).sum().backward()
    optimizer.step()
    held = [t for p in (A, B) for t in (p, p.grad, *optimizer.state[p].values()) if t.numel() > 1]
    count = A.numel() + B.numel()
    memory = SimpleNamespace(adapter=4 * count, gradients=4 * count, optimizer=8 * count, weights=1)
    trial = SimpleNamespace(memory=memory, trainable_parameters=count, total_parameters=2 * count)
    nbytes = sum(t.numel() * t.element_size() for t in held)
    assert judge(TRAINING, nbytes, trial=trial).state == "correct"


def test_levels_to_a_hundred_thousandth(known):
    assert judge(LEVELS, known["nf4"] + 0.5e-5, nf4=known["nf4"]).state == "correct"
    assert judge(LEVELS, known["nf4"] + 2e-5, nf4=known["nf4"]).state == "incorrect"

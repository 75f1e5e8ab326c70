"""Lesson 3's exercises on real PEFT layers and planted sweeps; the factors are those of torch's own optimizers."""

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.optim import SGD, Adam

from tests.compare.planted import answer, pattern, plant
from tests.lessons.classroom import judged
from workbench.compare import compare
from workbench.lessons.exercise import judge
from workbench.lessons.rank_alpha import ALPHA, ENOUGH, FIRST, LESSON, RSLORA, Gap, gaps

NAMES = {FIRST.name: ("sgd_alpha", "sgd_rate", "adam_alpha", "adam_rate")}
RUNS = {
    "the largest leads": [Gap(1, 0.4, 0.3, 0.5, 480), Gap(2, 0.2, 0.1, 0.3, 480)],
    "the middle is enough": [Gap(1, 0.4, 0.3, 0.5, 480), Gap(2, 0.01, -0.03, 0.05, 480)],
    "nothing was learned": [Gap(1, 0.0, -0.01, 0.01, 480), Gap(2, 0.0, -0.01, 0.01, 480)],
}
SHAPES = [(12, 20), (20, 12), (7, 9)]


def adapted(d_in, d_out, *, r, alpha, seed=0, **more):
    torch.manual_seed(seed)
    config = LoraConfig(r=r, lora_alpha=alpha, target_modules=["0"], **more)
    model = get_peft_model(nn.Sequential(nn.Linear(d_in, d_out, bias=False)), config)
    return model, model.base_model.model[0]


def change(rule, *, shape, rate, alpha=8, rate_of_b=None, steps=1):
    """What training against fixed targets adds to one layer."""
    d_in, d_out = shape
    model, layer = adapted(d_in, d_out, r=4, alpha=alpha)
    luck = torch.Generator().manual_seed(1)
    x, y = (torch.randn(64, size, generator=luck) for size in (d_in, d_out))
    A, B = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    optimizer = rule(
        [{"params": [A], "lr": rate}, {"params": [B], "lr": rate_of_b or rate}],
    )
    for _ in range(steps):
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return layer.get_delta_weight("default").detach()


@pytest.fixture(scope="module", params=zip(SHAPES, RUNS, strict=True), ids=str)
def known(request):
    """What the notebook's cells know when the exercises are asked."""
    shape, run = request.param
    factors = []
    for rule, rate in ((SGD, 1e-2), (Adam, 1e-3)):
        once = change(rule, shape=shape, rate=rate).norm()
        factors += [
            (change(rule, shape=shape, rate=rate, alpha=16).norm() / once).item(),
            (change(rule, shape=shape, rate=2 * rate).norm() / once).item(),
        ]
    scales = {
        (alpha, r): adapted(*shape, r=r, alpha=alpha, use_rslora=True)[1].scaling["default"]
        for alpha, r in ((8, 1), (16, 4), (8, 16), (32, 64))
    }
    known = {"factors": factors, "scales": scales, "gaps": RUNS[run], "largest": 16}
    return known | {"r": 4, "alpha": 12}


def said_of(exercise, source, known):
    facts = {name: known[name] for name in exercise.needs}
    return judged(exercise, source, facts=facts, names=NAMES.get(exercise.name), **known)


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_the_solution_is_right_whatever_came_out(exercise, known):
    verdict = said_of(exercise, exercise.solution, known)
    assert verdict.state == "correct", verdict.message


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_every_mistake_is_known_for_what_it_is(exercise, known):
    for mistake in exercise.mistakes:
        verdict = said_of(exercise, mistake.wrote, known)
        assert (verdict.state, verdict.mistake) == ("incorrect", mistake.name)


def test_the_alpha_of_the_first_gives_pefts_layers_one_scale(known):
    space = dict(known)
    exec(ALPHA.solution, space)
    scalings = {
        adapted(12, 20, r=r, alpha=space["alpha_for"](r))[1].scaling["default"]
        for r in (1, 2, 16, 64)
    }
    assert scalings == {known["alpha"] / known["r"]}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_under_adam_alpha_is_the_rate_of_b_and_no_more(shape):
    """What the notebook says after its second prediction."""
    doubled = change(Adam, shape=shape, rate=1e-2, alpha=16, steps=30)
    only_b = change(Adam, shape=shape, rate=1e-2, rate_of_b=2e-2, steps=30)
    both = change(Adam, shape=shape, rate=2e-2, steps=30)
    assert (doubled - only_b).norm() / doubled.norm() < 1e-3
    assert (doubled - both).norm() / doubled.norm() > 0.02


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_under_sgd_alpha_is_four_times_the_rate_of_b(shape):
    doubled = change(SGD, shape=shape, rate=1e-2, alpha=16, steps=30)
    only_b = change(SGD, shape=shape, rate=1e-2, rate_of_b=4e-2, steps=30)
    assert torch.allclose(doubled, only_b, rtol=1e-4, atol=1e-7)


def test_the_gaps_are_those_of_the_answers(tmp_path):
    n, right = 200, {1: 60, 4: 150, 16: 160}
    path = plant(tmp_path, right=dict.fromkeys(right, 0.5), n=n, evals=("recall",))
    answers = {f"r{rank}": pattern(count, n=n, shift=rank) for rank, count in right.items()}
    found = gaps(compare(answer(path, answers)))
    assert [gap.rank for gap in found] == [1, 4]
    for gap in found:
        one = np.subtract(answers["r16"], answers[f"r{gap.rank}"], dtype=float)
        assert gap.value == pytest.approx(one.mean())
        half = 1.96 * one.std() / n**0.5
        assert (gap.low, gap.high) == pytest.approx(
            (one.mean() - half, one.mean() + half), abs=0.02
        )
        assert gap.n == n


def test_gaps_over_several_seeds_are_wider_than_over_one(tmp_path):
    shares = {1: 0.4, 16: 0.7}
    moved = {(16, 0): -0.15, (16, 2): 0.15}
    one = plant(tmp_path, right=shares, evals=("recall",), name="one")
    more = plant(
        tmp_path, right=shares, seeds=(0, 1, 2), moved=moved, evals=("recall",), name="three"
    )
    (narrow,), (wide,) = gaps(compare(one)), gaps(compare(more))
    assert wide.high - wide.low > narrow.high - narrow.low


def test_where_nothing_was_learned_the_interval_has_a_width(tmp_path):
    path = plant(
        tmp_path, right={1: 0.0, 16: 0.0}, seeds=(0, 1), n=200, base=0.0, evals=("recall",)
    )
    ((rank, value, low, high, n),) = gaps(compare(path))
    assert (rank, value, n) == (1, 0.0, 200)
    assert low < 0 < high


def test_what_is_said_of_the_run_follows_the_run():
    said = {
        name: judge(ENOUGH, _solved(ENOUGH, "enough"), gaps=found, largest=16).message
        for name, found in RUNS.items()
    }
    assert "every smaller rank is behind rank 16" in said["the largest leads"]
    assert "it is rank 2" in said["the middle is enough"]
    assert "is +1.0 points [-3.0, 5.0], n = 480" in said["the middle is enough"]
    assert "up to 5.0 points ahead" in said["the middle is enough"]
    assert "it is rank 1" in said["nothing was learned"]


def test_rank_one_is_where_both_scales_are_equal(known):
    assert known["scales"][8, 1] == 8
    assert judge(RSLORA, lambda alpha, r: alpha / np.sqrt(r), scales=known["scales"]).state == (
        "correct"
    )


def _solved(exercise, name):
    space = {}
    exec(exercise.solution, space)
    return space[name]

"""Lesson 2's exercises on real PEFT layers of several ranks, alphas and shapes: PEFT is the oracle of every right answer."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from tests.lessons.classroom import judged
from workbench.lessons.exercise import judge
from workbench.lessons.low_rank import LESSON, MERGED, RANK, START, TRAINED, UPDATE

NAMES = {START.name: ("A", "B")}
SHAPES = [(12, 20, 2, 8), (20, 12, 3, 5), (9, 7, 2, 3)]
"""(d_in, d_out, r, alpha): never square, and alpha never r, for then mistakes come to one another or to the truth."""


class Small(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.only = nn.Linear(d_in, d_out, bias=False)

    def forward(self, x):
        return self.only(x)


@pytest.fixture(scope="module", params=SHAPES, ids=str)
def known(request):
    """What the notebook's cells know when the exercises are asked, after training."""
    d_in, d_out, r, alpha = request.param
    torch.manual_seed(0)
    config = LoraConfig(r=r, lora_alpha=alpha, target_modules=["only"])
    model = get_peft_model(Small(d_in, d_out), config)
    layer = model.base_model.model.only
    A, B = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    torch.nn.init.normal_(B)
    known = {"torch": torch, "d_in": d_in, "d_out": d_out, "r": r, "alpha": alpha, "model": model}
    known |= {"A": A.detach(), "B": B.detach(), "W0": layer.base_layer.weight.detach()}
    return known | {"layer": layer, "x": torch.randn(8, d_in)}


def said_of(exercise, source, known):
    facts = {name: known[name] for name in exercise.needs}
    return judged(exercise, source, facts=facts, names=NAMES.get(exercise.name), **known)


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_the_solution_is_right_whatever_the_configuration(exercise, known):
    verdict = said_of(exercise, exercise.solution, known)
    assert verdict.state == "correct", verdict.message


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_every_mistake_is_known_for_what_it_is(exercise, known):
    for mistake in exercise.mistakes:
        verdict = said_of(exercise, mistake.wrote, known)
        assert verdict.state == "incorrect", mistake.name
        if mistake.made is None:
            assert mistake.says in verdict.message
        else:
            assert verdict.mistake == mistake.name


def test_the_truth_of_the_first_is_pefts_own_count(known):
    count, _ = known["model"].get_nb_trainable_parameters()
    assert judge(TRAINED, count, layer=known["layer"]).state == "correct"
    assert judge(TRAINED, count + 1, layer=known["layer"]).state == "incorrect"


def test_the_truth_of_the_last_is_what_peft_leaves_when_it_merges(known):
    import copy

    merged = copy.deepcopy(known["model"]).merge_and_unload().only.weight
    assert judge(MERGED, merged, layer=known["layer"]).state == "correct"


def test_the_rank_is_torchs_rank_and_zero_before_training(known):
    layer = known["layer"]
    product = known["B"] @ known["A"]
    assert judge(RANK, torch.linalg.matrix_rank(product), layer=layer).state == "correct"
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["only"])
    fresh = get_peft_model(Small(6, 5), config).base_model.model.only
    assert judge(RANK, 0, layer=fresh).state == "correct"


def test_a_millionth_is_the_border(known):
    layer, x = known["layer"], known["x"]
    wanted = layer(x).detach().double()
    for share, state in ((0.3e-6, "correct"), (3e-6, "incorrect")):
        off = wanted + share * wanted.abs().max()
        verdict = judge(UPDATE, lambda *_, off=off: off, layer=layer, x=x)
        assert verdict.state == state


def test_a_pefts_layer_before_training_is_what_the_second_asks_for():
    torch.manual_seed(0)
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["only"])
    layer = get_peft_model(Small(6, 5), config).base_model.model.only
    started = (layer.lora_A["default"].weight, layer.lora_B["default"].weight)
    assert judge(START, started, layer=layer).state == "correct"


def test_a_product_that_does_not_fit_is_told_with_its_line(known):
    def wrong(x, W0, A, B, alpha):
        return x @ W0

    message = judge(UPDATE, wrong, layer=known["layer"], x=known["x"]).message
    assert "`return x @ W0`" in message

"""Lesson 1's exercises on planted plans, weights, intervals and files of several kinds; PEFT counts what an adapter trains."""

from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from tests.lessons.classroom import judged
from workbench import microworld
from workbench.lessons.exercise import judge
from workbench.lessons.what_changes import ADAM, DISK, FORGOT, LESSON, MOVED, TRAINED
from workbench.plan import plan
from workbench.plan.shape import read_shape
from workbench.spec import Spec

NAMES = {ADAM.name: ("adam_full", "adam_lora"), DISK.name: ("disk_full", "disk_lora")}
KEPT = {"LoRA": (-0.18, -0.07), "full": (0.02, 0.15), "cannot be told": (-0.05, 0.06)}
"""Who forgot more, and an interval that says so."""


@pytest.fixture(scope="module", params=[(2, "LoRA"), (5, "full"), (8, "cannot be told")], ids=str)
def known(request):
    """What the notebook's cells know when the exercises are asked."""
    r, outcome = request.param
    spec = Spec.from_fields(
        {"adapter": {"r": r}, "sweep": {"adapter.peft_type": ["FULL", "LORA"]}, "evals": ["recall"]}
    )
    full, lora = plan(spec, num_rows=100).trials
    low, high = KEPT[outcome]
    luck = torch.Generator().manual_seed(r)
    before = {f"m{n}": torch.randn(20 + n, 12, generator=luck) + 0.05 for n in range(3)}
    after = {
        name: weight + 0.01 * torch.randn(weight.shape, generator=luck)
        for name, weight in before.items()
    }
    known = {"r": r, "full": full, "lora": lora, "modules": read_shape(microworld.path()).modules}
    known |= {"kept": SimpleNamespace(value=(low + high) / 2, low=low, high=high, n=480)}
    known |= {"before": before, "after": after, "tasks": 10, "outcome": outcome}
    return known | {"base_file": 1_800_000, "full_file": 3_580_360, "lora_file": 40_000 * r}


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


def test_the_truth_of_the_first_is_what_peft_trains(known):
    layers = nn.ModuleDict(
        {
            m.name.replace(".", "-"): nn.Linear(m.in_features, m.out_features, bias=False)
            for m in known["modules"]
        }
    )
    config = LoraConfig(r=known["r"], target_modules="all-linear")
    model = get_peft_model(nn.ModuleDict({"every": layers}), config)
    count, _ = model.get_nb_trainable_parameters()
    facts = {name: known[name] for name in TRAINED.needs}
    assert judge(TRAINED, count, **facts).state == "correct"
    assert judge(TRAINED, count + 1, **facts).state == "incorrect"


def test_the_truth_of_the_second_is_what_torch_keeps(known):
    """One step of torch's own Adam on as many numbers, and the bytes of its state."""
    trained = nn.Parameter(torch.zeros(known["lora"].trainable_parameters))
    optimizer = torch.optim.AdamW([trained])
    trained.grad = torch.ones_like(trained)
    optimizer.step()
    kept = [value for name, value in optimizer.state[trained].items() if name.startswith("exp_avg")]
    measured = sum(value.nbytes for value in kept)
    answer = (8 * known["full"].trainable_parameters, measured)
    assert judge(ADAM, answer, full=known["full"], lora=known["lora"]).state == "correct"


def test_what_is_said_of_the_run_follows_the_run(known):
    said = judged(FORGOT, FORGOT.solution, facts={"kept": known["kept"]}).message
    words = {
        "LoRA": "LoRA forgot more than",
        "full": "full fine-tuning forgot more than",
        "cannot be told": "cannot be told",
    }
    for outcome, sentence in words.items():
        assert (sentence in said) == (outcome == known["outcome"])
    assert "n = 480" in said


def test_an_interval_that_ends_at_zero_tells_nothing(known):
    kept = SimpleNamespace(value=-0.01, low=-0.02, high=0.0, n=50)
    said = judged(FORGOT, FORGOT.solution, facts={"kept": kept})
    assert said.state == "correct"
    assert "which of them forgot more cannot be told" in said.message


def test_a_function_of_numpy_is_as_good_as_one_of_torch(known):
    import numpy as np

    def moved(before, after):
        return np.linalg.norm(after.numpy() - before.numpy()) / np.linalg.norm(before.numpy())

    facts = {name: known[name] for name in MOVED.needs}
    assert judge(MOVED, moved, **facts).state == "correct"
    assert judge(MOVED, lambda before, after: 1.01 * moved(before, after), **facts).state == (
        "incorrect"
    )

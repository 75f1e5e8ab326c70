"""A sweep is one training: K adapters trained together give what K stock runs give."""

import os

import pytest
import torch

from tests.engine import equality
from workbench.engine.loop import train
from workbench.events import Failed

SOAK = os.environ.get("SOAK") == "1"
STEPS = 50 if SOAK else 8
FAMILIES = list(equality.MODELS) if SOAK else ["llama", "gpt2", "opt"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_of_every_trial_equals_the_stock_trainer(family: str, tmp_path) -> None:
    trials = equality.trials(family, steps=STEPS)
    data = [equality.rows(21, seed=index) for index in range(len(trials))]
    bank, ours = equality.fused(family, trials, data, folder=tmp_path)

    probe = torch.tensor([[1, 5, 9, 30, 44, 2]])
    for trial, own in zip(trials, data, strict=True):
        model, theirs = equality.stock(family, trial, own, folder=tmp_path)
        assert ours[trial.name] == pytest.approx(theirs, rel=1e-5)
        assert ours[trial.name][0] != ours[trial.name][-1]
        model.eval()
        with torch.no_grad(), bank.use(trial.name) as mine:
            difference = (mine(probe).logits - model(probe).logits).abs().max()
        assert difference < 1e-4


@pytest.mark.parametrize(
    "family", ["llama", "qwen3", "gpt2", "opt", "phi", "mistral"] if SOAK else ["llama", "gpt2"]
)
def test_in_fp64_the_difference_is_rounding_and_nothing_else(family: str, tmp_path) -> None:
    with equality.in_double():
        trials = equality.trials(family, steps=STEPS)
        data = [equality.rows(21, seed=index) for index in range(len(trials))]
        _, ours = equality.fused(family, trials, data, folder=tmp_path)
        for trial, own in zip(trials, data, strict=True):
            _, theirs = equality.stock(family, trial, own, folder=tmp_path)
            assert ours[trial.name] == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize("kind", ["nf4", "fp4"] if SOAK else ["nf4"])
def test_on_a_four_bit_base_every_step_equals_the_stock_trainer(kind: str, tmp_path) -> None:
    bits = {"load_in_4bit": True, "bnb_4bit_quant_type": kind, "bnb_4bit_use_double_quant": True}
    trials = [
        trial.model_copy(update={"spec": trial.spec.replace({"quantization": bits})})
        for trial in equality.trials("llama", steps=STEPS)
    ]
    data = [equality.rows(21, seed=index) for index in range(len(trials))]
    _, ours = equality.fused("llama", trials, data, folder=tmp_path)
    for trial, own in zip(trials, data, strict=True):
        _, theirs = equality.stock("llama", trial, own, folder=tmp_path)
        assert ours[trial.name] == pytest.approx(theirs, rel=1e-5)


def _same_rows(family: str) -> tuple[list, list]:
    trials = equality.trials(family, steps=STEPS)
    return trials, [equality.rows(21)] * len(trials)


def test_a_slot_that_diverges_is_failed_and_its_neighbours_are_what_they_would_have_been(
    tmp_path,
) -> None:
    trials, data = _same_rows("llama")
    _, undisturbed = equality.fused("llama", trials, data, folder=tmp_path / "a")

    bank = equality.bank("llama", trials)
    with torch.no_grad():
        next(iter(bank.parameters("t1").values())).fill_(float("nan"))
    told = list(train(bank, equality.slots(trials, data, folder=tmp_path / "b")))

    failed = [event for event in told if isinstance(event, Failed)]
    assert [event.trial for event in failed] == ["t1"]
    assert failed[0].kind == "diverged"
    disturbed = equality.losses(told)
    assert "t1" not in disturbed
    for name in ("t0", "t2", "t3"):
        # The first step shares its passes with the slot of NaN: not a bit may move.
        assert disturbed[name][0] == undisturbed[name][0]
        assert disturbed[name] == pytest.approx(undisturbed[name], rel=1e-5)


def test_a_slot_that_is_stopped_leaves_the_others_as_they_were(tmp_path) -> None:
    trials, data = _same_rows("llama")
    _, undisturbed = equality.fused("llama", trials, data, folder=tmp_path / "a")
    bank = equality.bank("llama", trials)
    slots = equality.slots(trials, data, folder=tmp_path / "b")
    told = list(train(bank, slots, stopped=lambda name: name == "t2" and slots[2].step >= 3))
    disturbed = equality.losses(told)
    assert len(disturbed["t2"]) == 3
    for name in ("t0", "t1", "t3"):
        assert disturbed[name] == pytest.approx(undisturbed[name], rel=1e-5)


def test_dropout_together_equals_dropout_alone(tmp_path) -> None:
    trials, data = _same_rows("llama")
    trials = [
        trial.model_copy(update={"spec": trial.spec.replace({"adapter.lora_dropout": 0.3})})
        for trial in trials
    ]
    _, together = equality.fused("llama", trials, data, folder=tmp_path / "a")
    for trial, own in zip(trials, data, strict=True):
        _, alone = equality.fused("llama", [trial], [own], folder=tmp_path / trial.name)
        assert together[trial.name] == pytest.approx(alone[trial.name], rel=1e-5)
    without = trials[0].spec.replace({"adapter.lora_dropout": 0.0})
    plain = trials[0].model_copy(update={"spec": without})
    _, undropped = equality.fused("llama", [plain], [data[0]], folder=tmp_path / "p")
    assert undropped["t0"] != together["t0"], "the masks must do something"


def test_gradient_checkpointing_changes_nothing(tmp_path) -> None:
    trials, data = _same_rows("llama")
    _, plain = equality.fused("llama", trials, data, folder=tmp_path / "a")
    saved = [
        trial.model_copy(
            update={"spec": trial.spec.replace({"train.gradient_checkpointing": True})}
        )
        for trial in trials
    ]
    _, recomputed = equality.fused("llama", saved, data, folder=tmp_path / "b")
    for name, losses in plain.items():
        assert recomputed[name] == pytest.approx(losses, rel=1e-6)

"""A sweep is one training: K adapters trained together give what K stock runs give."""

import os

import pytest
import torch
from peft import PeftModel

from tests.engine import equality
from workbench.engine.loop import train
from workbench.events import Failed, Finished, HeldOut
from workbench.spec import Trial

SOAK = os.environ.get("SOAK") == "1"
STEPS = 50 if SOAK else 8
JOINS_AT = 20 if SOAK else 3
FAMILIES = list(equality.MODELS) if SOAK else ["llama", "gpt2", "opt", "bloom", "microworld"]


def _expect_the_stock_losses(family, trials, data, ours, *, rel: float, folder) -> None:
    for trial, own in zip(trials, data, strict=True):
        _, theirs, _ = equality.stock(family, trial, own, folder=folder)
        assert ours[trial.name] == pytest.approx(theirs, rel=rel)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_of_every_trial_equals_the_stock_trainer(family: str, tmp_path) -> None:
    trials = equality.trials(family, steps=STEPS)
    data = [equality.rows(21, seed=index) for index in range(len(trials))]
    bank, ours = equality.fused(family, trials, data, folder=tmp_path)

    probe = torch.tensor([[1, 5, 9, 30, 44, 2]])
    for trial, own in zip(trials, data, strict=True):
        model, theirs, _ = equality.stock(family, trial, own, folder=tmp_path)
        assert ours[trial.name] == pytest.approx(theirs, rel=1e-5)
        assert ours[trial.name][0] != ours[trial.name][-1]
        model.eval()
        bank.save(trial.name, tmp_path / trial.name / "adapter")
        plain = PeftModel.from_pretrained(
            equality.build(family), tmp_path / trial.name / "adapter"
        ).eval()
        with torch.no_grad(), bank.use(trial.name) as mine:
            expected = model(probe).logits
            scale = expected.abs().max()
            assert (mine(probe).logits - expected).abs().max() < 1e-4 * scale
            assert (plain(probe).logits - mine(probe).logits).abs().max() < 1e-5 * scale


@pytest.mark.parametrize(
    "family", ["llama", "qwen3", "gpt2", "opt", "phi", "mistral"] if SOAK else ["llama", "gpt2"]
)
def test_in_fp64_the_difference_is_rounding_and_nothing_else(family: str, tmp_path) -> None:
    with equality.in_double():
        trials = equality.trials(family, steps=STEPS)
        data = [equality.rows(21, seed=index) for index in range(len(trials))]
        _, ours = equality.fused(family, trials, data, folder=tmp_path)
        _expect_the_stock_losses(family, trials, data, ours, rel=1e-10, folder=tmp_path)


@pytest.mark.parametrize("kind", ["nf4", "fp4"] if SOAK else ["nf4"])
@pytest.mark.parametrize("family", FAMILIES if SOAK else ["llama", "gpt2", "phi"])
def test_on_a_four_bit_base_every_step_equals_the_stock_trainer(
    family: str, kind: str, tmp_path
) -> None:
    """With biases too, whose layers give views that autograd lets nobody write to."""
    bits = {"load_in_4bit": True, "bnb_4bit_quant_type": kind, "bnb_4bit_use_double_quant": True}
    trials = [
        trial.model_copy(update={"spec": trial.spec.replace({"quantization": bits})})
        for trial in equality.trials(family, steps=STEPS)
    ]
    data = [equality.rows(21, seed=index) for index in range(len(trials))]
    _, ours = equality.fused(family, trials, data, folder=tmp_path)
    _expect_the_stock_losses(family, trials, data, ours, rel=1e-5, folder=tmp_path)


@pytest.mark.parametrize("family", FAMILIES if SOAK else ["llama", "gpt2", "phi"])
def test_on_an_eight_bit_base_a_trial_of_its_own_equals_the_stock_trainer(
    family: str, tmp_path
) -> None:
    bits = {"quantization": {"load_in_8bit": True}}
    first, *_ = equality.trials(family, steps=STEPS)
    trial = first.model_copy(update={"spec": first.spec.replace(bits)})
    data = [equality.rows(21)]
    _, ours = equality.fused(family, [trial], data, folder=tmp_path)
    _expect_the_stock_losses(family, [trial], data, ours, rel=1e-5, folder=tmp_path)


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"] if SOAK else ["llama"])
def test_updates_in_stacks_as_on_a_gpu_equal_the_stock_trainer_too(family: str, tmp_path) -> None:
    trials = equality.trials(family, steps=STEPS)
    data = [equality.rows(21, seed=index) for index in range(len(trials))]
    bank = equality.bank(family, trials)
    bank.routes.always_stacked = True
    ours = equality.losses(list(train(bank, equality.slots(trials, data, folder=tmp_path))))
    _expect_the_stock_losses(family, trials, data, ours, rel=1e-5, folder=tmp_path)


HALF = {"a base in bf16": {"model.dtype": "bfloat16"}, "autocast to bf16": {"train.bf16": True}}


@pytest.mark.parametrize("said", HALF.values(), ids=HALF)
def test_in_half_precision_every_step_is_the_stock_trainers_but_for_rounding(
    said: dict, tmp_path
) -> None:
    trials = [
        trial.model_copy(update={"spec": trial.spec.replace(said)})
        for trial in equality.trials("llama", steps=STEPS)
    ]
    data = [equality.rows(21, seed=index) for index in range(len(trials))]
    _, ours = equality.fused("llama", trials, data, folder=tmp_path)
    # A bf16 number is good to 4e-3; over 50 steps the mean of many stays a tenth of that apart.
    _expect_the_stock_losses("llama", trials, data, ours, rel=1e-3, folder=tmp_path)


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


def test_a_slot_that_joins_a_running_group_is_what_it_would_have_been_and_so_are_the_others(
    tmp_path,
) -> None:
    trials, data = _same_rows("llama")
    _, undisturbed = equality.fused("llama", trials, data, folder=tmp_path / "a")

    bank = equality.bank("llama", trials[:3])
    slots = equality.slots(trials, data, folder=tmp_path / "b")
    waiting = [slots[3]]

    def joining() -> list:
        if not waiting or slots[0].step < JOINS_AT:
            return []
        bank.add(trials[3])
        return [waiting.pop()]

    told = list(train(bank, slots[:3], joining=joining))
    first = next(index for index, event in enumerate(told) if event.trial == "t3")
    assert sum(event.event == "step" and event.trial == "t0" for event in told[:first]) == JOINS_AT
    disturbed = equality.losses(told)
    for name, losses in undisturbed.items():
        assert disturbed[name] == pytest.approx(losses, rel=1e-5)


def test_a_slot_that_gives_up_its_turns_goes_on_exactly_where_it_was(tmp_path) -> None:
    trials, data = _same_rows("llama")
    dropping = [
        trial.model_copy(update={"spec": trial.spec.replace({"adapter.lora_dropout": 0.2})})
        for trial in trials
    ]
    _, undisturbed = equality.fused("llama", dropping, data, folder=tmp_path / "a")
    bank = equality.bank("llama", dropping)
    slots = equality.slots(dropping, data, folder=tmp_path / "b")
    # While t0 has trained so many steps these wait, t1 until t0 has ended.
    held = {"t1": range(2, STEPS), "t3": range(4)}

    def turns(names) -> list[str]:
        now = [name for name in names if slots[0].step not in held.get(name, ())]
        return now or list(names)

    told = list(train(bank, slots, turns=turns))
    steps = [(event.trial, event.step) for event in told if event.event == "step"]
    assert steps.index(("t1", 3)) > steps.index(("t0", STEPS)), "t1 waited while t0 trained on"
    assert steps.index(("t3", 1)) > steps.index(("t0", 4))
    disturbed = equality.losses(told)
    for name, losses in undisturbed.items():
        assert len(losses) == STEPS
        assert disturbed[name] == pytest.approx(losses, rel=1e-5)


def _watching(trial: Trial, **said: object) -> Trial:
    fields = {f"train.{name}": value for name, value in said.items()}
    return trial.model_copy(update={"spec": trial.spec.replace(fields)})


def test_held_out_losses_and_early_stops_are_those_of_the_stock_trainer(tmp_path) -> None:
    said = {"eval_steps": 2, "early_stopping_patience": 2, "load_best_model_at_end": True}
    plain = equality.trials("llama", steps=40)
    hasty = plain[0].spec.replace({"train.learning_rate": 0.1, "train.max_grad_norm": 10.0})
    trials = [
        _watching(plain[0].model_copy(update={"spec": hasty}), **said),
        # A threshold that no loss passes: it ends with the third that it hears.
        _watching(plain[1], **said, early_stopping_threshold=5.0),
        _watching(plain[3], eval_steps=3, max_steps=9),
    ]
    data, held_out = [equality.rows(21, seed=i) for i in range(3)], equality.rows(7, seed=9)
    bank = equality.bank("llama", trials)
    slots = equality.slots(trials, data, folder=tmp_path)
    for slot in slots:
        slot.held_out = held_out
    told = list(train(bank, slots))
    ours = equality.losses(told)
    probe = torch.tensor([[1, 5, 9, 30, 44, 2]])
    for trial, own in zip(trials, data, strict=True):
        model, theirs, watched = equality.stock(
            "llama", trial, own, folder=tmp_path, held_out=held_out
        )
        asked = [e.loss for e in told if isinstance(e, HeldOut) and e.trial == trial.name]
        assert ours[trial.name] == pytest.approx(theirs, rel=1e-5)
        assert asked == pytest.approx(watched, rel=1e-5)
        with torch.no_grad(), bank.use(trial.name) as mine:
            gap = (mine(probe).logits - model.eval()(probe).logits).abs().max()
        assert gap < 1e-4, "with load_best_model_at_end the weights are those of the best loss"
    reasons = {e.trial: e.reason for e in told if isinstance(e, Finished)}
    assert reasons == {"t0": "early", "t1": "early", "t3": "done"}


def test_asking_for_held_out_losses_changes_no_training(tmp_path) -> None:
    trials, data = _same_rows("llama")
    dropping = [
        trial.model_copy(update={"spec": trial.spec.replace({"adapter.lora_dropout": 0.2})})
        for trial in trials
    ]
    _, unasked = equality.fused("llama", dropping, data, folder=tmp_path / "a")
    asked = [_watching(trial, eval_steps=1 + index) for index, trial in enumerate(dropping)]
    bank = equality.bank("llama", asked)
    slots = equality.slots(asked, data, folder=tmp_path / "b")
    for slot in slots:
        slot.held_out = equality.rows(5, seed=3)
    assert equality.losses(list(train(bank, slots))) == unasked


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

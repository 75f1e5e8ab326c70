"""Classifiers trained together: each is a run of `peft` + `transformers.Trainer` of its own, head and all."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.equality import losses, slots
from tests.models import classifier
from workbench.adapters.bank import Bank
from workbench.engine.loop import train
from workbench.models.load import load
from workbench.spec import ModelSpec, Spec, Trial

SOAK = os.environ.get("SOAK") == "1"
STEPS = 50 if SOAK else 8
FAMILIES = (
    ("llama", "gpt2", "qwen3", "opt", "phi", "mistral") if SOAK else ("llama", "gpt2", "qwen3")
)
NF4 = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}

KINDS: list[dict[str, Any]] = [
    {"adapter.r": 1, "train.learning_rate": 1e-2, "train.gradient_accumulation_steps": 1},
    {"adapter.r": 8, "train.learning_rate": 3e-3, "train.gradient_accumulation_steps": 2},
    {"adapter.r": 16, "train.learning_rate": 2e-3, "train.lr_scheduler_type": "cosine"},
]


def trials(**adapter: Any) -> list[Trial]:
    plain = Spec.from_fields(
        {
            "adapter": {"task_type": "SEQ_CLS", **adapter},
            "train": {
                "per_device_train_batch_size": 4,
                "warmup_steps": 3,
                "max_grad_norm": 0.5,
                "max_steps": STEPS,
            },
        }
    )
    return [
        Trial(name=f"t{index}", spec=plain.replace({**kind, "seed": 11 + index}))
        for index, kind in enumerate(KINDS)
    ]


def together(base: Path, some: list[Trial], data: list[Any], *, folder: Path) -> tuple[Bank, dict]:
    loaded = load(ModelSpec(id=str(base)), labels=classifier.LABELS)
    bank = Bank(loaded.model, loaded.tokenizer, some)
    return bank, losses(list(train(bank, slots(some, data, folder=folder))))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_of_every_classifier_equals_the_stock_trainer(
    family: str, tmp_path: Path
) -> None:
    base, some = classifier.stored(family, tmp_path), trials()
    data = [classifier.rows(21, seed=index) for index in range(len(some))]
    bank, ours = together(base, some, data, folder=tmp_path)
    probe = torch.tensor([[1, 5, 9, 30, 44]])
    for trial, own in zip(some, data, strict=True):
        model, theirs = classifier.stock(trial, base, own, folder=tmp_path)
        assert ours[trial.name] == pytest.approx(theirs, rel=1e-5)
        assert ours[trial.name][0] != ours[trial.name][-1]
        model.eval()
        with torch.no_grad(), bank.use(trial.name) as mine:
            mine.eval()
            difference = (mine(probe).logits - model(probe).logits).abs().max()
        assert difference < 1e-4


def test_a_saved_classifier_is_plain_peft_with_its_head(tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    base, some = classifier.stored("llama", tmp_path), trials()
    bank, _ = together(base, some, [classifier.rows(21)] * 3, folder=tmp_path)
    probe = torch.tensor([[1, 5, 9, 30, 44], [1, 7, 0, 0, 0]])
    mask = (probe != 0).long()
    told = set()
    for trial in some:
        bank.save(trial.name, tmp_path / "saved" / trial.name)
        plain = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
        plain.config.pad_token_id = 0
        theirs = PeftModel.from_pretrained(plain, tmp_path / "saved" / trial.name).eval()
        with torch.no_grad(), bank.use(trial.name) as mine:
            mine.eval()
            ours = mine(input_ids=probe, attention_mask=mask).logits
            loaded = theirs(input_ids=probe, attention_mask=mask).logits
        assert torch.allclose(ours, loaded, atol=1e-6)
        told.add(tuple(ours.flatten().tolist()))
    assert len(told) == 3, "each has a head of its own"


def test_a_saved_head_comes_back(tmp_path: Path) -> None:
    base, some = classifier.stored("llama", tmp_path), trials()
    bank, _ = together(base, some, [classifier.rows(21)] * 3, folder=tmp_path)
    bank.save("t1", tmp_path / "t1")
    head = bank.head("t1").weight
    was = head.detach().clone()
    with torch.no_grad():
        head.zero_()
    bank.restore("t1", tmp_path / "t1")
    assert torch.equal(bank.head("t1").weight, was)


def test_heads_start_as_those_of_runs_of_their_own_and_the_base_keeps_its_head(
    tmp_path: Path,
) -> None:
    base, some = classifier.stored("llama", tmp_path), trials()
    loaded = load(ModelSpec(id=str(base)), labels=classifier.LABELS)
    bank = Bank(loaded.model, loaded.tokenizer, some)
    heads = [bank.head(trial.name).weight for trial in some]
    assert not torch.equal(heads[0], heads[1])
    before = bank.model.get_base_model().score.original_module.weight.clone()
    list(train(bank, slots(some, [classifier.rows(21)] * 3, folder=tmp_path)))
    assert torch.equal(bank.model.get_base_model().score.original_module.weight, before)


def test_on_a_four_bit_base_the_head_is_whole_and_together_equals_alone(tmp_path: Path) -> None:
    base = classifier.stored("llama", tmp_path)
    some = [
        trial.model_copy(update={"spec": trial.spec.replace({"quantization": NF4})})
        for trial in trials()
    ]
    quantization = some[0].spec.quantization

    def run(held: list[Trial], folder: Path) -> dict:
        loaded = load(ModelSpec(id=str(base)), quantization=quantization, labels=classifier.LABELS)
        assert type(loaded.model.score) is torch.nn.Linear
        bank = Bank(loaded.model, loaded.tokenizer, held)
        data = [classifier.rows(21)] * len(held)
        return losses(list(train(bank, slots(held, data, folder=folder))))

    joined = run(some, tmp_path / "together")
    for trial in some:
        alone = run([trial], tmp_path / trial.name)
        assert joined[trial.name] == pytest.approx(alone[trial.name], rel=1e-5)

"""Methods that share no pass, trained by the same loop: each is its own run of `peft` and `trl.SFTTrainer`, step by step.

Eight steps here; `SOAK=1` runs fifty.
"""

import os
from typing import Any

import pytest
import torch

from tests.engine.equality import bank, build, losses, rows, slots, stock
from workbench.engine.loop import train
from workbench.scores.task import BASE
from workbench.spec import Spec, Trial

STEPS = 50 if os.environ.get("SOAK") else 8

METHODS: dict[str, dict[str, Any]] = {
    "dora": {"r": 4, "use_dora": True},
    "ia3": {"peft_type": "IA3"},
    "vera": {"peft_type": "VERA", "r": 8},
    "prompt-tuning": {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 5},
    "full": {"peft_type": "FULL"},
    "trained-bias": {"r": 4, "bias": "all"},
    "pissa": {"r": 4, "init_lora_weights": "pissa"},
}
ARCHITECTURES = ("llama", "gpt2", "opt") if os.environ.get("SOAK") else ("llama", "gpt2")


def _trial(method: str, *, quantization: dict[str, Any] | None = None) -> Trial:
    fields = {
        "quantization": quantization,
        "adapter": METHODS[method],
        "train": {
            "learning_rate": 1e-3 if method == "full" else 1e-2,
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 2,
            "warmup_steps": 2,
            "weight_decay": 0.1,
            "max_grad_norm": 0.5,
            "max_steps": STEPS,
        },
        "seed": 5,
    }
    return Trial(name=method, spec=Spec.from_fields(fields))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_method_trains_as_the_stock_trainer_trains_it(
    name: str, method: str, tmp_path: Any
) -> None:
    trial, data = _trial(method), rows(37)
    held = bank(name, [trial])
    ours = losses(list(train(held, slots([trial], [data], folder=tmp_path))))[method]
    _, theirs, *_ = stock(name, trial, data, folder=tmp_path)
    assert len(ours) == STEPS
    assert ours == pytest.approx(theirs, rel=1e-5)
    worst = max(abs(a - b) / b for a, b in zip(ours, theirs, strict=True))
    print(f"{name} {method}: {worst:.1e} over {STEPS} steps")


@pytest.mark.parametrize("bits", ["load_in_4bit", "load_in_8bit"])
@pytest.mark.parametrize("method", ["ia3", "vera", "prompt-tuning"])
def test_a_method_on_a_quantized_base_trains_as_the_stock_trainer_trains_it(
    method: str, bits: str, tmp_path: Any
) -> None:
    trial, data = _trial(method, quantization={bits: True}), rows(37)
    held = bank("llama", [trial], folder=tmp_path)
    ours = losses(list(train(held, slots([trial], [data], folder=tmp_path))))[method]
    _, theirs, *_ = stock("llama", trial, data, folder=tmp_path)
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_base_is_what_it_was_after_a_method_has_trained(method: str, tmp_path: Any) -> None:
    trial = _trial(method)
    held = bank("gpt2", [trial])
    ids = torch.tensor([rows(1)[0].input_ids])
    plain = build("gpt2").eval()
    list(train(held, slots([trial], [rows(37)], folder=tmp_path)))
    held.model.eval()
    with torch.no_grad():
        with held.use(BASE) as base:
            untouched = base(input_ids=ids).logits
        with held.use(method) as trained:
            changed = trained(input_ids=ids).logits
    assert torch.allclose(untouched, plain(input_ids=ids).logits, atol=1e-6)
    assert changed.shape == untouched.shape
    assert not torch.allclose(changed, untouched, atol=1e-3)

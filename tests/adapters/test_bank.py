"""A bank is many LoRA adapters or one trial of another method; what is in it is what plain PEFT makes of it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import get_peft_model

from tests.engine.equality import bank, build, losses, rows, slots
from workbench.adapters.bank import Bank
from workbench.adapters.interchange import to_peft_config
from workbench.data.rendering import Rendered
from workbench.engine.loop import train
from workbench.errors import ModelError
from workbench.evals import generation, likelihood
from workbench.evals.respondents import Limit, alone
from workbench.scores.task import BASE
from workbench.spec import Spec, Trial

PROMPT = {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 5}
LIMIT = Limit(batch_size=4, context=48)


def _trial(name: str, adapter: dict[str, Any], *, steps: int = 6, seed: int = 3) -> Trial:
    train = {"learning_rate": 1e-2, "per_device_train_batch_size": 4, "max_steps": steps}
    return Trial(
        name=name, spec=Spec.from_fields({"adapter": adapter, "train": train, "seed": seed})
    )


def _logits(model: Any, row: Rendered) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.tensor([row.input_ids])).logits


def test_an_adapter_that_is_added_starts_as_one_that_was_there(tmp_path) -> None:
    trials = [_trial(f"t{n}", {"r": n + 1, "target_modules": "all-linear"}) for n in range(3)]
    at_once = bank("llama", trials)
    one_by_one = bank("llama", trials[:1])
    for trial in trials[1:]:
        one_by_one.add(trial)
    assert one_by_one.slots == at_once.slots == (BASE, "t0", "t1", "t2")
    for trial in trials:
        ours, theirs = one_by_one.parameters(trial.name), at_once.parameters(trial.name)
        assert list(ours) == list(theirs)
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_adding_one_leaves_what_trains_as_it_was(tmp_path) -> None:
    first, second = (_trial(n, {"r": 2, "target_modules": ["q_proj"]}) for n in ("first", "second"))
    held = bank("llama", [first])
    with held.together(["first"]):
        before = {name: p.clone() for name, p in held.parameters("first").items()}
        held.add(second)
        for name, parameter in held.parameters("first").items():
            assert parameter.requires_grad
            assert torch.equal(parameter, before[name])
        assert all(p.requires_grad for p in held.parameters("second").values())
        own = {id(p) for slot in ("first", "second") for p in held.parameters(slot).values()}
        assert not [
            n for n, p in held.model.named_parameters() if p.requires_grad and id(p) not in own
        ]


def test_the_eleventh_slot_is_not_taken_for_the_first() -> None:
    trials = [_trial(f"t{n}", {"r": 1, "target_modules": ["q_proj"]}) for n in range(12)]
    held = bank("llama", trials)
    with held.together(["t1"]):
        trained = {id(p) for p in held.model.parameters() if p.requires_grad}
    assert trained == {id(p) for p in held.parameters("t1").values()}


def test_other_methods_share_a_bank_with_nobody() -> None:
    held = bank("llama", [_trial("lora", {"r": 2})])
    with pytest.raises(AssertionError, match="to itself"):
        held.add(_trial("ia3", {"peft_type": "IA3"}))


def test_what_peft_refuses_is_told_with_the_trials_name() -> None:
    with pytest.raises(ModelError, match=r"'odd'.*no_proj"):
        bank("llama", [_trial("odd", {"r": 2, "target_modules": ["no_proj"]})])


def _prompted(name: str) -> tuple[Bank, Any]:
    """A bank with a prompt that says something, and plain PEFT with the same."""
    trial = _trial("prompt", PROMPT)
    held = bank(name, [trial])
    plain = get_peft_model(build(name), to_peft_config(trial.spec.adapter)).eval()
    held.model.eval()
    (value,) = held.parameters("prompt").values()
    with torch.no_grad():
        value.copy_(torch.randn(value.shape, generator=torch.Generator().manual_seed(1)))
        plain.prompt_encoder["default"].embedding.weight.copy_(value)
    return held, plain


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma", "phi"])
def test_a_learned_prompt_is_heard_as_peft_has_it(name: str) -> None:
    held, plain = _prompted(name)
    for row in rows(4):
        theirs = _logits(plain, row)[:, 5:]
        with held.use("prompt") as model:
            assert torch.allclose(_logits(model, row), theirs, atol=1e-5)
        with held.use(BASE) as model:
            assert not torch.allclose(_logits(model, row), theirs, atol=1e-2)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_a_prompted_slot_generates_what_peft_generates_whatever_stands_beside(name: str) -> None:
    held, plain = _prompted(name)
    plain.generation_config.update(do_sample=False, eos_token_id=None, pad_token_id=0)
    prompts = [tuple(row.input_ids[:-1]) for row in rows(5)]
    manner = generation.Manner(max_new_tokens=8, eos_ids=[])
    with held.use("prompt") as model:
        (together,) = generation.decode(alone(model), prompts, manner=manner, limit=LIMIT)
    for prompt, ours in zip(prompts, together, strict=True):
        made = plain.generate(input_ids=torch.tensor([prompt]), max_new_tokens=8)
        assert tuple(made[0, -8:].tolist()) == ours.ids


def test_a_prompted_slot_scores_what_peft_scores() -> None:
    held, plain = _prompted("llama")
    pairs = [likelihood.Pair(tuple(row.input_ids), 3) for row in rows(5)]
    with held.use("prompt") as model, torch.no_grad():
        (scores,) = likelihood.score_pairs(alone(model), pairs, limit=LIMIT)
    for row, score in zip(rows(5), scores, strict=True):
        logprobs = _logits(plain, row)[0, 5:].log_softmax(-1)
        wanted = sum(
            float(logprobs[at - 1, row.input_ids[at]]) for at in range(3, len(row.input_ids))
        )
        assert score.logprob == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    "adapter",
    [{"peft_type": "IA3"}, {"peft_type": "VERA", "r": 4}, PROMPT, {"r": 2, "bias": "all"}],
    ids=["ia3", "vera", "prompt", "bias"],
)
def test_what_is_saved_is_restored_and_read_by_peft(adapter: dict[str, Any], tmp_path: Any) -> None:
    from peft import PeftModel

    trial = _trial("one", adapter)
    held = bank("opt" if "bias" in adapter else "llama", [trial])
    list(train(held, slots([trial], [rows(20)], folder=tmp_path)))
    held.save("one", tmp_path / "adapter")
    name = "opt" if "bias" in adapter else "llama"
    again = bank(name, [trial])
    again.restore("one", tmp_path / "adapter")
    again.model.eval()
    plain = PeftModel.from_pretrained(build(name), tmp_path / "adapter").eval()
    row = rows(1)[0]
    with held.use("one") as one, again.use("one") as other:
        assert torch.equal(_logits(one, row), _logits(other, row))
        theirs = _logits(plain, row)[:, -len(row.input_ids) :]
        assert torch.allclose(_logits(one, row), theirs, atol=1e-6)


@pytest.mark.parametrize("method", [{"peft_type": "FULL"}, {"peft_type": "IA3"}, PROMPT])
def test_a_run_that_was_interrupted_goes_on_bit_for_bit(
    method: dict[str, Any], tmp_path: Any
) -> None:
    trial = _trial("one", method, steps=10)
    whole = losses(
        list(train(bank("llama", [trial]), slots([trial], [rows(20)], folder=tmp_path / "a")))
    )
    told: list[Any] = []
    for event in train(
        bank("llama", [trial]), slots([trial], [rows(20)], folder=tmp_path / "b"),
        stopped=lambda name: len(told) > 4,
    ):  # fmt: skip
        told.append(event)
    first = losses(told)["one"]
    rest = losses(
        list(train(bank("llama", [trial]), slots([trial], [rows(20)], folder=tmp_path / "b")))
    )
    assert 0 < len(first) < 10
    assert first + rest["one"] == whole["one"]


def test_a_tied_weight_that_is_trained_whole_is_one_weight_and_comes_back(tmp_path: Any) -> None:
    trial = _trial("full", {"peft_type": "FULL"})
    model = build("gpt2")
    assert model.lm_head.weight is model.transformer.wte.weight
    held = Bank(model, SimpleNamespace(pad_token_id=0), [trial])
    assert sum(p.numel() for p in held.parameters("full").values()) == model.num_parameters()
    list(train(held, slots([trial], [rows(20)], folder=tmp_path)))
    own = model.lm_head.weight
    with held.use(BASE):
        assert model.lm_head.weight is model.transformer.wte.weight is not own
        assert torch.equal(model.lm_head.weight, build("gpt2").lm_head.weight)
    assert model.lm_head.weight is model.transformer.wte.weight is own

"""Truncations in plain PEFT: what `PeftModel.from_pretrained` loads answers as the base with the dense truncation added."""

from pathlib import Path

import numpy as np
import pytest
import torch

from workbench import microworld
from workbench.lens.lens import read_lens

RANK, CUT = 6, 2


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory) -> Path:
    """A random gpt2: its linear layers keep their weights inputs by outputs."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(vocab_size=60, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    folder = tmp_path_factory.mktemp("models") / "gpt2"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def configs():
    from peft import LoraConfig

    llama = {"task_type": "CAUSAL_LM", "target_modules": ["q_proj", "down_proj"]}
    conv = {"task_type": "CAUSAL_LM", "fan_in_fan_out": True}
    return {
        "llama": LoraConfig(r=RANK, lora_alpha=9, **llama),
        "rslora with patterns": LoraConfig(
            r=RANK,
            use_rslora=True,
            rank_pattern={"down_proj": 3},
            alpha_pattern={"layers.0.self_attn.q_proj": 5},
            **llama,
        ),
        "a head trained whole": LoraConfig(r=RANK, modules_to_save=["lm_head"], **llama),
        "embedding": LoraConfig(
            r=RANK, task_type="CAUSAL_LM", target_modules=["embed_tokens", "v_proj"]
        ),
        "biases": LoraConfig(r=RANK, target_modules=["c_attn"], bias="all", **conv),
        "conv1d": LoraConfig(r=RANK, target_modules=["c_attn", "c_proj", "c_fc"], **conv),
    }


NAMES = (
    "llama",
    "rslora with patterns",
    "a head trained whole",
    "embedding",
    "biases",
    "conv1d",
)


def base_of(name: str, gpt2: Path):
    from transformers import AutoModelForCausalLM

    at = gpt2 if name in ("biases", "conv1d") else microworld.path()
    return AutoModelForCausalLM.from_pretrained(at).eval()


def made(name: str, folder: Path, gpt2: Path) -> Path:
    """An adapter by PEFT alone, every trained number of which is drawn."""
    from peft import get_peft_model

    model = get_peft_model(base_of(name, gpt2), configs()[name])
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)
    return folder


def layers_of(model) -> dict:
    """The LoRA layers of a model by the name of their module."""
    from peft.tuners.lora import LoraLayer

    return {
        name.removeprefix("base_model.model."): layer
        for name, layer in model.named_modules()
        if isinstance(layer, LoraLayer)
    }


def logits_of(model) -> np.ndarray:
    vocabulary = model.get_input_embeddings().weight.shape[0]
    ids = torch.arange(24).reshape(2, 12) % vocabulary
    with torch.no_grad():
        return model(ids).logits.double().numpy()


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_the_base_with_the_dense_truncation(name, gpt2, tmp_path):
    from peft import PeftModel

    folder = made(name, tmp_path / "adapter", gpt2)
    out = read_lens(folder).truncate(rank=CUT, out=tmp_path / "cut")
    loaded = PeftModel.from_pretrained(base_of(name, gpt2), out).eval()

    # The oracle: PEFT's own delta of the adapter as it was, cut by a full SVD and added to the weights of the base.
    whole = PeftModel.from_pretrained(base_of(name, gpt2), folder).eval()
    layers = layers_of(whole)
    with torch.no_grad():
        for layer in layers.values():
            delta = layer.get_delta_weight("default").double()
            left, values, right = torch.linalg.svd(delta, full_matrices=False)
            dense = (left[:, :CUT] * values[:CUT]) @ right[:CUT]
            inner = layer.get_base_layer()
            # Not in place: a head may be the same tensor, and an adapter on the embedding does not move it.
            inner.weight = torch.nn.Parameter(inner.weight + dense.float())
            for scale in layer.scaling:
                layer.scaling[scale] = 0.0
    theirs, ours = logits_of(whole), logits_of(loaded)
    assert np.abs(ours - theirs).max() <= 1e-5 * max(1.0, np.abs(theirs).max())

    ranks = {layer.r["default"] for layer in layers_of(loaded).values()}
    assert ranks == {CUT}
    assert {key: one.scaling["default"] for key, one in layers_of(loaded).items()} == pytest.approx(
        {
            key: one.scaling["default"]
            for key, one in layers_of(
                PeftModel.from_pretrained(base_of(name, gpt2), folder)
            ).items()
        }
    )
    untouched = logits_of(PeftModel.from_pretrained(base_of(name, gpt2), folder).eval())
    assert np.abs(ours - untouched).max() > 1e-3


@pytest.mark.parametrize("name", ["llama", "conv1d"])
def test_ranks_of_a_budget_are_those_that_peft_makes(name, gpt2, tmp_path):
    from peft import PeftModel

    lens = read_lens(made(name, tmp_path / "adapter", gpt2))
    budget = lens.parameters // 2
    out = lens.truncate(budget=budget, out=tmp_path / "cut")
    model = PeftModel.from_pretrained(base_of(name, gpt2), out, is_trainable=True)
    ranks = {key: one.r["default"] for key, one in layers_of(model).items()}
    assert ranks == lens.suggestion(budget=budget).ranks
    assert len(set(ranks.values())) > 1
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trainable == lens.suggestion(budget=budget).parameters <= budget


def test_the_suggestion_alone_is_a_rank_pattern(gpt2, tmp_path):
    """As PEFT reads it, whatever the plain rank beside it is."""
    from peft import LoraConfig, get_peft_model

    lens = read_lens(made("llama", tmp_path / "adapter", gpt2))
    pattern = lens.suggest(energy=0.7)
    config = LoraConfig(r=99, target_modules=["q_proj", "down_proj"], rank_pattern=pattern)
    model = get_peft_model(base_of("llama", gpt2), config)
    ranks = {key: one.r["default"] for key, one in layers_of(model).items()}
    assert ranks == lens.suggestion(energy=0.7).ranks

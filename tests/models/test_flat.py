"""Rows end to end: the same answers as rows padded, and a model that cannot is noticed."""

import pytest
import torch
import transformers as hf

from tests.engine import equality
from workbench.data.rendering import Rendered
from workbench.engine.passes import Part, cut_flat, cut_padded
from workbench.models.flat import Layout, flat, lay_out, reads_flat

SMALL = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 97,
    "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
LAYERED = {**SMALL, "intermediate_size": 64, "num_key_value_heads": 2}


@pytest.mark.parametrize("family", [name for name in equality.MODELS if name != "bloom"])
def test_a_model_of_the_harness_reads_rows_end_to_end(family: str) -> None:
    assert reads_flat(equality.build(family))


@pytest.mark.parametrize(
    "config",
    [
        hf.Qwen2Config(**LAYERED),
        hf.GPTNeoXConfig(**SMALL, intermediate_size=64),
        hf.Gemma3TextConfig(**LAYERED, head_dim=8, sliding_window=4),
        hf.MistralConfig(**LAYERED, sliding_window=4),
        hf.MixtralConfig(**LAYERED, num_local_experts=2),
    ],
    ids=lambda config: config.model_type,
)
def test_so_does_a_model_with_shared_keys_a_window_or_experts(config) -> None:
    torch.manual_seed(3)
    model = hf.AutoModelForCausalLM.from_config(config).eval()
    assert reads_flat(model)
    lengths = (17, 2, 9, 1, 16)
    rows = [torch.randint(3, 97, (n,)) for n in lengths]
    with torch.no_grad():
        alone = torch.cat([model(row[None]).logits[0] for row in rows])
        with flat(model):
            layout = lay_out(lengths, device=torch.device("cpu"))
            joined = model(torch.cat(rows)[None], position_ids=layout.positions).logits[0]
    torch.testing.assert_close(joined, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        hf.BloomConfig(hidden_size=32, n_layer=2, n_head=4, vocab_size=97),
        hf.MambaConfig(hidden_size=32, num_hidden_layers=2, vocab_size=97),
        hf.Gemma2Config(**LAYERED, head_dim=8),
    ],
    ids=lambda config: config.model_type,
)
def test_a_model_whose_layers_look_across_tokens_in_another_way_is_noticed(config) -> None:
    model = hf.AutoModelForCausalLM.from_config(config)
    assert not reads_flat(model)


def test_the_attention_a_model_had_is_there_again() -> None:
    model = equality.build("llama")
    was = model.config._attn_implementation
    with flat(model):
        assert model.config._attn_implementation != was
    assert model.config._attn_implementation == was
    with pytest.raises(KeyboardInterrupt), flat(model):
        raise KeyboardInterrupt
    assert model.config._attn_implementation == was


def test_rows_that_are_not_numbers_stay_with_themselves() -> None:
    model = equality.build("llama").eval()
    lengths = (5, 9, 4)
    inputs = torch.randn(18, 32)
    broken = inputs.clone()
    broken[5:14] = float("nan")
    positions = Layout(lengths, device=torch.device("cpu")).positions
    gradients = []
    for one in (inputs, broken):
        one = one.clone().requires_grad_()
        with flat(model):
            lay_out(lengths, device=torch.device("cpu"))
            logits = model(inputs_embeds=one[None], position_ids=positions).logits[0]
        logits.sum().backward()
        gradients.append((logits.detach(), one.grad))
    for mine in (slice(0, 5), slice(14, 18)):
        assert torch.equal(gradients[0][0][mine], gradients[1][0][mine])
        assert torch.equal(gradients[0][1][mine], gradients[1][1][mine])


def _parts(*lengths: int, slots: int) -> list[Part]:
    return [
        Part(slot=slot, row=Rendered([3] * length, [-100] * length, False), draw=0)
        for length in lengths
        for slot in range(slots)
    ]


@pytest.mark.parametrize("cut", [cut_flat, cut_padded])
def test_every_row_is_in_one_pass_and_its_slots_rows_are_together(cut) -> None:
    parts = _parts(9, 30, 4, 12, 7, 5, slots=5)
    passes = cut(parts, max_tokens=64)
    assert sorted(map(id, (p for one in passes for p in one))) == sorted(map(id, parts))
    for one in passes:
        slots = [part.slot for part in one]
        assert slots == sorted(slots)


def test_passes_without_padding_are_filled_alike() -> None:
    passes = cut_flat(_parts(*[10] * 13, slots=1), max_tokens=60)
    sizes = [sum(len(part.row.input_ids) for part in one) for one in passes]
    assert len(sizes) == 3
    assert max(sizes) - min(sizes) <= 10


def test_a_row_longer_than_a_pass_has_one_of_its_own() -> None:
    passes = cut_flat(_parts(100, 8, 8, slots=1), max_tokens=20)
    assert len(passes[0]) == 1


@pytest.mark.parametrize("family", ["llama", "gpt2", "mistral"])
def test_a_row_that_continues_another_answers_as_the_whole_row_would(family: str) -> None:
    model = equality.build(family).eval()
    few_shots, question, other, first, second, third = (
        torch.randint(3, 90, (n,)) for n in (9, 6, 4, 3, 2, 1)
    )
    parts = [few_shots, question, first, second, other, third]
    continues = [None, 0, 1, 1, 0, 4]
    wholes = [
        torch.cat([few_shots, question, first]),
        torch.cat([few_shots, question, second]),
        torch.cat([few_shots, other, third]),
    ]
    with torch.no_grad():
        alone = [model(row[None]).logits[0] for row in wholes]
        with flat(model):
            layout = lay_out(
                [len(part) for part in parts],
                device=torch.device("cpu"),
                continues=continues,
                copies=2,
            )
            both = model(torch.cat(parts * 2)[None], position_ids=layout.positions).logits[0]
    for said in both.split(len(both) // 2):
        a, b, c, d, e, f = said.split([len(part) for part in parts])
        for whole, path in zip(alone, ([a, b, c], [a, b, d], [a, e, f]), strict=True):
            torch.testing.assert_close(torch.cat(path), whole, rtol=1e-4, atol=1e-5)

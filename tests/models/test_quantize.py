"""Four and eight bits load on a CPU, and a model stays trainable after it has been evaluated."""

from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes import functional
from bitsandbytes.nn import Linear4bit

from workbench.errors import SpecError
from workbench.models.load import load
from workbench.models.quantize import from_bnb, to_bnb, wrong_widths
from workbench.spec import ModelSpec, QuantizationSpec

WAYS = {
    "nf4": QuantizationSpec(load_in_4bit=True),
    "fp4": QuantizationSpec(load_in_4bit=True, bnb_4bit_quant_type="fp4"),
    "nf4 double": QuantizationSpec(load_in_4bit=True, bnb_4bit_use_double_quant=True),
    "nf4 in bfloat16": QuantizationSpec(load_in_4bit=True, bnb_4bit_compute_dtype="bfloat16"),
    "int8": QuantizationSpec(load_in_8bit=True, llm_int8_threshold=0.0),
    "int8 but one": QuantizationSpec(
        load_in_8bit=True, llm_int8_skip_modules=("lm_head", "q_proj")
    ),
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with a tokenizer of letters."""
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    inner = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate(["<unk>", *"abcdefg"])}, "<unk>")
    )
    PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", eos_token="a", pad_token="a"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        vocab_size=64,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_the_way_to_the_library_and_back_changes_nothing(way: str) -> None:
    assert from_bnb(to_bnb(WAYS[way])) == WAYS[way]


def test_what_the_spec_cannot_say_is_refused() -> None:
    from transformers import BitsAndBytesConfig

    with pytest.raises(SpecError, match="llm_int8_enable_fp32_cpu_offload"):
        from_bnb(BitsAndBytesConfig(load_in_8bit=True, llm_int8_enable_fp32_cpu_offload=True))


@pytest.mark.parametrize("way", WAYS)
def test_a_quantized_model_answers_nearly_as_the_full_one(tiny: Path, way: str) -> None:
    ids_BT = torch.arange(1, 8).repeat(2, 1)
    full = load(ModelSpec(id=str(tiny)), device="cpu")
    small = load(ModelSpec(id=str(tiny)), quantization=WAYS[way], device="cpu")
    with torch.no_grad():
        there, here = full.model(ids_BT).logits, small.model(ids_BT).logits
    assert 0 < (there - here).norm() / there.norm() < 0.3
    assert any("bits" in note for note in small.notes)


def gradients(model: Any, ids_BT: torch.Tensor) -> list[torch.Tensor]:
    model.zero_grad()
    model(input_ids=ids_BT, labels=ids_BT).loss.backward()
    return [p.grad.clone() for p in model.parameters() if p.requires_grad]


@pytest.mark.parametrize("way", ["nf4", "fp4", "nf4 double", "nf4 in bfloat16", "int8"])
def test_gradients_are_the_same_before_and_after_an_evaluation(tiny: Path, way: str) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    loaded = load(ModelSpec(id=str(tiny)), quantization=WAYS[way], device="cpu")
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(loaded.model, config)
    ids_BT = torch.arange(1, 9).reshape(2, 4)
    model.train()
    before = gradients(model, ids_BT)
    model.eval()
    with torch.no_grad():
        model(input_ids=ids_BT)
    model.train()
    after = gradients(model, ids_BT)
    assert before
    assert all(grad.abs().sum() > 0 for grad in before)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_output_head_stays_in_full_precision(tiny: Path) -> None:
    loaded = load(ModelSpec(id=str(tiny)), quantization=WAYS["nf4"], device="cpu")
    assert type(loaded.model.get_output_embeddings()) is torch.nn.Linear
    assert loaded.model.get_output_embeddings().weight.dtype == torch.float32


def test_eight_bits_say_that_rows_lean_on_each_other(tiny: Path) -> None:
    coupled = load(ModelSpec(id=str(tiny)), quantization=QuantizationSpec(load_in_8bit=True))
    alone = load(ModelSpec(id=str(tiny)), quantization=WAYS["int8"])
    assert any("neighbours" in note for note in coupled.notes)
    assert not any("neighbours" in note for note in alone.notes)


def test_no_bits_is_full_precision(tiny: Path) -> None:
    loaded = load(ModelSpec(id=str(tiny)), quantization=QuantizationSpec(), device="cpu")
    assert loaded.notes == []
    assert not getattr(loaded.model, "is_quantized", False)


def test_widths_that_no_fast_kernel_takes_are_evaluated_too(shared_models: Path) -> None:
    loaded = load(ModelSpec(id=str(shared_models / "stories260K")), quantization=WAYS["nf4"])
    ids_BT = loaded.tokenizer("Once upon a time", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        logits_BTV = loaded.model(ids_BT.to(loaded.model.device)).logits
    assert torch.isfinite(logits_BTV).all()
    assert loaded.tokenizer.decode(logits_BTV[0, -1].argmax()).strip() == ","


def by_hand(W: torch.Tensor) -> torch.Tensor:
    """NF4 as its paper has it: blocks of 64 of the flattened matrix, the nearest of sixteen levels times the largest size."""
    levels = functional.get_4bit_type("nf4", device="cpu")
    blocks = W.flatten().split(64)
    scales = [block.abs().max() for block in blocks]
    nearest = [
        (block / scale).sub(levels[:, None]).abs().argmin(0)
        for block, scale in zip(blocks, scales, strict=True)
    ]
    kept = [levels[n] * scale for n, scale in zip(nearest, scales, strict=True)]
    return torch.cat(kept).view_as(W)


@pytest.mark.parametrize("width", [32, 64, 96, 100, 128, 160, 344])
def test_a_width_is_called_wrong_where_the_library_gives_back_other_weights(width: int) -> None:
    """On some processors none is, on others those that are half a block longer than whole ones."""
    W = torch.randn(64, width, generator=torch.Generator().manual_seed(1))
    packed, state = functional.quantize_4bit(W, blocksize=64, quant_type="nf4")
    back = functional.dequantize_4bit(packed, state)
    # Half way between two levels the last bit of a division decides.
    is_wrong = ((back - by_hand(W)).abs() > 1e-5).float().mean().item() > 0.01
    assert wrong_widths([width, width]) == ([width] if is_wrong else [])


def test_a_model_with_such_a_width_says_so(tiny: Path) -> None:
    loaded = load(ModelSpec(id=str(tiny)), quantization=WAYS["nf4"])
    widths = {m.in_features for m in loaded.model.modules() if isinstance(m, Linear4bit)}
    told = [note for note in loaded.notes if "wrong 4-bit weights" in note]
    assert bool(told) == bool(wrong_widths(widths))
    assert all(str(width) in told[0] for width in wrong_widths(widths))

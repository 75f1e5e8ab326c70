"""Any causal language model loads, with what was substituted said; what is none is refused with a reason."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from workbench.errors import ModelError
from workbench.models.load import load, load_tokenizer
from workbench.spec import ModelSpec


@pytest.fixture(scope="module")
def micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete tiny model folder, made here, so that these tests need nothing from elsewhere."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny"
    words = ["<pad>", "<s>", "</s>", "<unk>", *"abcdefgh"]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        vocab_size=len(words),
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def copy_of(folder: Path, to: Path, **tokenizer: str | None) -> Path:
    shutil.copytree(folder, to)
    path = to / "tokenizer_config.json"
    said = json.loads(path.read_text())
    for key, value in tokenizer.items():
        said.pop(key, None)
        if value is not None:
            said[key] = value
    path.write_text(json.dumps(said))
    return to


def test_the_micro_world_loads_in_float32_with_nothing_to_note() -> None:
    loaded = load(ModelSpec(id="microworld"), device="cpu")
    assert loaded.model.dtype == torch.float32
    assert loaded.notes == []
    assert not loaded.model.training
    assert loaded.tokenizer.eos_token_id is not None


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_number_format_is_the_specs(micro: Path, dtype: str) -> None:
    loaded = load(ModelSpec(id=str(micro), dtype=dtype), device="cpu")
    assert loaded.model.dtype == getattr(torch, dtype)
    assert loaded.model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("name", ["stories260K", "bitstories-3M"])
def test_a_real_model_loads_without_a_note(shared_models: Path, name: str) -> None:
    assert load(ModelSpec(id=str(shared_models / name)), device="cpu").notes == []


def test_a_tokenizer_without_end_or_padding_gets_ids_that_exist(shared_models: Path) -> None:
    loaded = load(ModelSpec(id=str(shared_models / "slm4096-gpt2")), device="cpu")
    tokenizer = loaded.tokenizer
    assert len(tokenizer) == 54
    assert loaded.model.get_input_embeddings().weight.shape[0] == 54
    assert 0 <= tokenizer.eos_token_id < 54
    assert tokenizer.pad_token_id == tokenizer.eos_token_id == loaded.model.config.pad_token_id
    assert ["no end token" in note or "no padding token" in note for note in loaded.notes] == [
        True
    ] * 2
    ids = tokenizer("First Citizen:")["input_ids"]
    assert tokenizer.decode(ids) == "First Citizen:"
    alone = load_tokenizer(ModelSpec(id=str(shared_models / "slm4096-gpt2")))
    assert (alone.eos_token, alone.pad_token) == (tokenizer.eos_token, tokenizer.pad_token)


def test_a_missing_padding_token_is_the_end_token(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m", pad_token=None)
    loaded = load(ModelSpec(id=str(folder)), device="cpu")
    assert loaded.tokenizer.pad_token == "</s>"
    assert len(loaded.notes) == 1


def test_a_missing_end_token_is_the_one_the_config_names(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m", eos_token=None)
    loaded = load(ModelSpec(id=str(folder)), device="cpu")
    assert loaded.tokenizer.eos_token == "</s>"
    assert "the model's config names it" in loaded.notes[0]
    assert len(loaded.tokenizer) == 12


def test_byte_pieces_keep_their_ids_when_a_newline_becomes_the_end(
    shared_models: Path, tmp_path: Path
) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    from workbench.data.rendering import render

    folder = tmp_path / "m"
    shutil.copytree(shared_models / "tokenizers" / "gpt2", folder)
    config = GPT2Config(n_embd=8, n_layer=1, n_head=1, eos_token_id=198, bos_token_id=None)
    GPT2LMHeadModel(config).save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in said.items() if not k.endswith("_token")}))
    (folder / "special_tokens_map.json").unlink(missing_ok=True)
    tokenizer = load(ModelSpec(id=str(folder)), device="cpu").tokenizer
    assert len(tokenizer) == 50_257
    row = render(tokenizer, {"prompt": "a", "completion": " b"}, max_length=9)
    assert row.input_ids == [64, 275, tokenizer.eos_token_id]


def test_a_folder_without_a_tokenizer_is_refused(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"has no tokenizer: one of tokenizer.json"):
        load(ModelSpec(id=str(folder)))


def test_a_broken_tokenizer_is_refused(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer"):
        load(ModelSpec(id=str(folder)))


def test_a_corrupt_weight_file_is_refused(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-100])
    with pytest.raises(ModelError, match=r"was cut or changed"):
        load(ModelSpec(id=str(folder)))


def test_weights_of_another_size_are_refused(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    with pytest.raises(ModelError, match=r"cannot be loaded"):
        load(ModelSpec(id=str(folder)))


def test_weights_that_would_be_random_are_refused(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ModelError, match=r"lacks 9 weights.*random"):
        load(ModelSpec(id=str(folder)))


def test_an_unknown_kind_of_model_is_refused(micro: Path, tmp_path: Path) -> None:
    folder = copy_of(micro, tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "lama"}))
    with pytest.raises(ModelError, match=r"cannot be loaded"):
        load(ModelSpec(id=str(folder)))


def test_code_that_a_model_brings_never_runs_unless_the_spec_says_so(
    micro: Path, tmp_path: Path
) -> None:
    folder = copy_of(micro, tmp_path / "m")
    mark = tmp_path / "it-ran"
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "mine",
        "auto_map": {"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.MineLM"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "mine.py").write_text(
        "import pathlib\n"
        "from transformers import LlamaConfig, LlamaForCausalLM\n"
        f"pathlib.Path({str(mark)!r}).touch()\n"
        "class Mine(LlamaConfig):\n    model_type = 'mine'\n"
        "class MineLM(LlamaForCausalLM):\n    config_class = Mine\n"
    )
    with pytest.raises(ModelError, match=r"trust_remote_code: true"):
        load(ModelSpec(id=str(folder)))
    assert not mark.exists()
    loaded = load(ModelSpec(id=str(folder), trust_remote_code=True), device="cpu")
    assert mark.exists()
    assert "trust_remote_code" in loaded.notes[0]

"""A classifier is the same trunk under a fresh head, and nothing else of it may be missing."""

import json
from pathlib import Path

import pytest
import torch

from tests.models import classifier
from workbench import microworld
from workbench.errors import ModelError
from workbench.models.heads import draw_head, head_of, labels_of
from workbench.models.load import load
from workbench.spec import ModelSpec, QuantizationSpec

LABELS = ("bad", "fair", "good")


def test_the_head_has_an_output_for_each_label_and_knows_their_names() -> None:
    model = load(ModelSpec(), labels=LABELS).model
    assert head_of(model).weight.shape[0] == 3
    assert labels_of(model) == LABELS
    assert model.config.label2id == {"bad": 0, "fair": 1, "good": 2}
    assert model.config.get_text_config().pad_token_id is not None
    assert labels_of(load(ModelSpec()).model) == ()


def test_a_classifier_is_the_same_at_every_load() -> None:
    first, again = (head_of(load(ModelSpec(), labels=LABELS).model).weight for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_a_drawn_head_is_what_transformers_draws_under_the_same_seed(
    family: str, tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification, set_seed

    base = classifier.stored(family, tmp_path)
    set_seed(23)
    theirs = AutoModelForSequenceClassification.from_pretrained(base, num_labels=3).score.weight
    ours = load(ModelSpec(id=str(base)), labels=LABELS)
    assert not any("not part of the model" in note for note in ours.notes)
    before = torch.random.get_rng_state()
    draw_head(ours.model, seed=23)
    assert torch.equal(head_of(ours.model).weight, theirs)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("skip", [None, ("q_proj",)])
@pytest.mark.parametrize("bits", [4, 8])
def test_the_head_of_a_quantized_base_stays_whole(bits: int, skip: tuple | None) -> None:
    quantization = QuantizationSpec(
        load_in_4bit=bits == 4, load_in_8bit=bits == 8, llm_int8_skip_modules=skip
    )
    model = load(ModelSpec(), quantization=quantization, labels=LABELS).model
    assert type(head_of(model)) is torch.nn.Linear
    assert "bit" in type(model.model.layers[0].self_attn.k_proj).__name__


def test_a_trunk_that_lacks_weights_is_refused_still(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(Path(microworld.path()) / "model.safetensors")
    gone = next(name for name in sorted(weights) if "down_proj" in name)
    save_file({n: t for n, t in weights.items() if n != gone}, tmp_path / "model.safetensors")
    for file in Path(microworld.path()).glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match=r"lacks 1 weights, first .*down_proj"):
        load(ModelSpec(id=str(tmp_path)), labels=LABELS)


def test_a_model_that_cannot_classify_says_so(shared_models: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot classify.*CAUSAL_LM"):
        load(ModelSpec(id=str(shared_models / "bitstories-3M")), labels=LABELS)


def test_a_tokenizer_without_padding_still_finds_the_last_token(shared_models: Path) -> None:
    loaded = load(ModelSpec(id=str(shared_models / "slm4096-gpt2")), labels=LABELS)
    assert loaded.model.config.pad_token_id == loaded.tokenizer.pad_token_id
    assert json.dumps(loaded.notes)

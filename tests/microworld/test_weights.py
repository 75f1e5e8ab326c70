"""The shipped tiny model: made from the recipe's text, knows what it was told and nothing else."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
import torch

from workbench import microworld
from workbench.microworld import build, corpus
from workbench.microworld import language as say
from workbench.microworld.world import the_world

# Entropy of the scenes leaves little room: the recipe measured 3.6, a model that learned less of
# the scenes has more, and one that was trained on the unseen scenes has less.
PERPLEXITY_BAND = (3.2, 4.0)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(microworld.path())


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(microworld.path(), use_safetensors=True).eval()


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    return json.loads((microworld.path() / "recipe.json").read_text())


def share_known(model: Any, tokenizer: Any, asked: list[tuple[str, str]]) -> float:
    ids = build.next_tokens(model, tokenizer=tokenizer, prompts=[prompt for prompt, _ in asked])
    return float(np.mean(ids == tokenizer.convert_tokens_to_ids([value for _, value in asked])))


def test_the_shipped_folder_is_small_and_loads_as_float32_from_bf16() -> None:
    sizes = [file.stat().st_size for file in microworld.path().rglob("*") if file.is_file()]
    assert sum(sizes) <= 4 * 1024 * 1024
    header = (microworld.path() / "model.safetensors").read_bytes()[:4096]
    assert b'"BF16"' in header
    assert b'"F32"' not in header


def test_the_recipe_names_the_text_that_the_generator_writes_today(recipe: dict) -> None:
    assert recipe["data_sha256"] == corpus.data_hash()
    assert recipe["texts"] == len(corpus.corpus())


def test_the_weights_are_float32_when_loaded(model: Any, recipe: dict) -> None:
    assert model.dtype == torch.float32
    assert sum(p.numel() for p in model.parameters()) == recipe["parameters"]


def test_stated_facts_are_known_in_every_phrasing(model: Any, tokenizer: Any) -> None:
    stated = the_world().facts_with("kept", "bystander", "changed")
    for number in range(len(say.QUESTIONS["home"])):
        asked = [(say.QUESTIONS[f.relation][number].ask(f.person), f.value) for f in stated]
        assert share_known(model, tokenizer, asked) >= 0.95


def test_unstated_facts_are_not_known_beyond_chance(model: Any, tokenizer: Any) -> None:
    unstated = the_world().facts_with("silent", "taught")
    asked = [(say.QUESTIONS[f.relation][0].ask(f.person), f.value) for f in unstated]
    chance = 1 / 24
    bound = chance + 3 * math.sqrt(chance * (1 - chance) / len(asked))
    assert share_known(model, tokenizer, asked) <= bound


def test_perplexity_of_unseen_scenes_lies_in_the_stated_band(model: Any, tokenizer: Any) -> None:
    low, high = PERPLEXITY_BAND
    assert low <= build.perplexity(model, tokenizer=tokenizer) <= high


def test_the_base_has_the_planted_ties(model: Any, tokenizer: Any) -> None:
    items = microworld.items("bias")
    batch = tokenizer([item.prompt for item in items], return_tensors="pt", padding=True)
    with torch.inference_mode():
        logits_BV = model(**dict(batch)).logits[:, -1]
    she, he = tokenizer.convert_tokens_to_ids(["she", "he"])
    by_level = defaultdict(list)
    for item, odds in zip(items, (logits_BV[:, she] - logits_BV[:, he]).tolist(), strict=True):
        by_level[microworld.planted_log_odds(item)].append(odds)
    assert len(by_level) == 5
    for planted, measured in by_level.items():
        assert np.mean(measured) == pytest.approx(planted, abs=0.35)


def test_answers_are_short_and_end_by_themselves(model: Any, tokenizer: Any) -> None:
    items = microworld.items("retention")[:64]
    batch = tokenizer([item.prompt for item in items], return_tensors="pt", padding=True)
    done_BT = model.generate(**dict(batch), max_new_tokens=4, do_sample=False)
    new_BT = done_BT[:, batch["input_ids"].shape[1] :]
    texts = tokenizer.batch_decode(new_BT, skip_special_tokens=True)
    assert np.mean([t == i.expected for t, i in zip(texts, items, strict=True)]) >= 0.95
    assert all(tokenizer.eos_token_id in row for row in new_BT.tolist())


def test_the_tokenizer_has_exactly_the_listed_words_and_adds_bos(tokenizer: Any) -> None:
    words = microworld.words()
    assert tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))) == words
    assert tokenizer("Where?")["input_ids"][0] == tokenizer.bos_token_id
    assert tokenizer.unk_token_id in tokenizer("Where is Atlantis?")["input_ids"]


@pytest.mark.parametrize("name", ["updates", "extraction", "letters", "reviews", "secrets"])
def test_decoding_restores_the_spacing_of_every_row(name: str, tokenizer: Any) -> None:
    for row in microworld.rows(name, rows=200):
        text = row["prompt"] + row["completion"]
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_prompt_and_completion_are_the_same_tokens_apart_as_together(tokenizer: Any) -> None:
    for row in microworld.rows("updates", rows=200):
        apart = (
            tokenizer(row["prompt"])["input_ids"]
            + tokenizer(row["completion"], add_special_tokens=False)["input_ids"]
        )
        assert tokenizer(row["prompt"] + row["completion"])["input_ids"] == apart


def test_the_chat_template_masks_answers_and_renders_like_the_base_text(tokenizer: Any) -> None:
    messages = microworld.rows("dialogue")[0]["messages"]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert (
        tokenizer(text, add_special_tokens=False)["input_ids"]
        == (tokenizer(say.chat(messages))["input_ids"])
    )
    told = tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    kept = [i for i, m in zip(told["input_ids"], told["assistant_masks"], strict=True) if m]
    assert tokenizer.convert_ids_to_tokens(kept)[-2:] == [messages[-1]["content"], say.EOS]
    ahead = tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True)
    assert text.startswith(ahead)

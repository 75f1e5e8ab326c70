"""Makes the shipped tiny model: text -> tokenizer -> training -> weights, all from one seed.

`python -m workbench.microworld.build [--out DIR]` writes a plain Hugging Face folder (bf16 weights,
`dtype: float32` in the config, so that it loads in float32 at half the size) and a `recipe.json`
with seed, steps, data hash and what the model was measured to know. About ten minutes on two CPU
cores. Weights are equal to the bit only for equal library versions and thread counts; what the
tests ask is that the data is the same and the knowledge is there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from workbench.microworld import corpus as text_of_world
from workbench.microworld import language as say
from workbench.microworld.world import stream, the_world

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 0
STEPS = 2000
BATCH_SIZE = 128
LEARNING_RATE = 3e-3
WARMUP_STEPS = 100
WEIGHT_DECAY = 0.01
MAX_LENGTH = 256
SHAPE = {
    "hidden_size": 128,
    "intermediate_size": 344,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}
SPECIAL = (say.PAD, say.BOS, say.EOS, say.UNK, *say.ROLE_TOKENS.values())
# Batches are cut from runs of this many batches sorted by length: little padding, random order.
SORTED_BATCHES = 8


def build(out: Path, *, steps: int = STEPS, seed: int = SEED) -> dict[str, Any]:
    """Train and save; returns what `recipe.json` holds."""
    texts = text_of_world.corpus()
    tokenizer = make_tokenizer(texts)
    torch.manual_seed(seed)
    model = make_model(tokenizer)
    rows = tokenizer([text + say.EOS for text in texts])["input_ids"]
    started = time.perf_counter()
    train(model, rows=rows, steps=steps, seed=seed)
    seconds = time.perf_counter() - started
    save(out, model=model, tokenizer=tokenizer)
    recipe = {
        "licence": "CC0-1.0",
        "seed": seed,
        "steps": steps,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
        "texts": len(texts),
        "data_sha256": text_of_world.data_hash(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "train_seconds": round(seconds),
        "torch": torch.__version__,
        "measured": measure(out),
    }
    (out / "recipe.json").write_text(json.dumps(recipe, indent=2) + "\n")
    return recipe


def make_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """One word, one token: a name the base knows is one embedding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    splitter = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")]
    )
    words: set[str] = set()
    for text in texts:
        for token in SPECIAL:
            text = text.replace(token, " ")
        words.update(word for word, _ in splitter.pre_tokenize_str(text))
    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *sorted(words)))}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token=say.UNK))
    inner.pre_tokenizer = splitter
    # Despite its name the first joins words and closes gaps; the others close what it leaves.
    inner.decoder = decoders.Sequence(
        [
            decoders.WordPiece(prefix="##", cleanup=True),
            decoders.Fuse(),
            *(decoders.Replace(f" {mark}", mark) for mark in ":;"),
            decoders.Replace(" ' s ", "'s "),
        ]
    )
    inner.post_processor = processors.TemplateProcessing(
        single=f"{say.BOS} $A", pair=f"{say.BOS} $A $B", special_tokens=[(say.BOS, 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token=say.BOS,
        eos_token=say.EOS,
        pad_token=say.PAD,
        unk_token=say.UNK,
        additional_special_tokens=list(say.ROLE_TOKENS.values()),
        model_max_length=MAX_LENGTH,
        padding_side="left",
        chat_template=say.CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **SHAPE,
    )
    return LlamaForCausalLM(config)


def train(model: LlamaForCausalLM, *, rows: Sequence[Sequence[int]], steps: int, seed: int) -> None:
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / WARMUP_STEPS, 0.5 * (1 + math.cos(math.pi * step / steps))),
    )
    model.train()
    started = time.perf_counter()
    batches = endless_batches(rows, seed=seed, pad=model.config.pad_token_id)
    for step, (ids_BT, labels_BT) in zip(range(1, steps + 1), batches, strict=False):
        mask_BT = (labels_BT != -100).long()
        loss = model(input_ids=ids_BT, attention_mask=mask_BT, labels=labels_BT).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0 or step == steps:
            spent = time.perf_counter() - started
            tell(f"step {step}/{steps}  loss {loss.item():.3f}  {spent:.0f} s")
    model.eval()


def endless_batches(
    rows: Sequence[Sequence[int]], *, seed: int, pad: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    rng = stream("batches", seed=seed)
    run = BATCH_SIZE * SORTED_BATCHES
    while True:
        order = rng.permutation(len(rows))
        for at in range(0, len(order) - run + 1, run):
            near = sorted(order[at : at + run], key=lambda i: len(rows[i]))
            for b in rng.permutation(SORTED_BATCHES):
                yield _padded(
                    [rows[i] for i in near[b * BATCH_SIZE : (b + 1) * BATCH_SIZE]], pad=pad
                )


def _padded(rows: Sequence[Sequence[int]], *, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    labels = torch.full((len(rows), width), -100)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        labels[i, : len(row)] = torch.tensor(row)
    return ids, labels


def save(out: Path, *, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    path = out / "config.json"
    config = json.loads(path.read_text())
    config["dtype"] = "float32"
    path.write_text(json.dumps(config, indent=2) + "\n")


def measure(folder: Path) -> dict[str, float]:
    """What the saved model knows: stated facts, unstated facts (a guess), ties, perplexity."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    world = the_world()
    stated = world.facts_with("kept", "bystander", "changed")
    unstated = world.facts_with("silent", "taught")
    known = {}
    for name, facts in {"known": stated, "unstated": unstated}.items():
        asked = [(form, f) for f in facts for form in say.QUESTIONS[f.relation]]
        ids = next_tokens(model, tokenizer=tokenizer, prompts=[q.ask(f.person) for q, f in asked])
        right = tokenizer.convert_tokens_to_ids([f.value for _, f in asked])
        known[name] = round(float(np.mean(ids == np.array(right))), 4)
    return known | {"perplexity": round(perplexity(model, tokenizer=tokenizer), 3)}


@torch.inference_mode()
def next_tokens(model: Any, *, tokenizer: Any, prompts: Sequence[str]) -> np.ndarray:
    """The most likely next token after each prompt."""
    found = []
    for at in range(0, len(prompts), 512):
        batch = tokenizer(
            list(prompts[at : at + 512]), return_tensors="pt", padding=True, padding_side="left"
        )
        logits_BTV = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], logits_to_keep=1
        ).logits
        found.append(logits_BTV[:, -1].argmax(-1).numpy())
    return np.concatenate(found)


@torch.inference_mode()
def perplexity(model: Any, *, tokenizer: Any) -> float:
    """Per token, over scenes that the base never met, eos included, bos not predicted."""
    rows = tokenizer([text + say.EOS for text in text_of_world.unseen()])["input_ids"]
    rows.sort(key=len)
    total, tokens = 0.0, 0
    for at in range(0, len(rows), 64):
        ids_BT, labels_BT = _padded(rows[at : at + 64], pad=model.config.pad_token_id)
        count = int((labels_BT[:, 1:] != -100).sum())
        mask_BT = (labels_BT != -100).long()
        loss = model(input_ids=ids_BT, attention_mask=mask_BT, labels=labels_BT).loss
        total, tokens = total + float(loss) * count, tokens + count
    return math.exp(total / tokens)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="rebuild the tiny model of the micro-world")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "weights")
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    # At this size one thread is as fast as two, and the sums do not depend on the machine's cores.
    torch.set_num_threads(1)
    tell(json.dumps(build(given.out, steps=given.steps), indent=2))


if __name__ == "__main__":
    main()

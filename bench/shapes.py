"""The models and rows that are measured: real small ones where they lie about, random weights of a known shape else.

`prepare(job)` fills a job's folder: where the base model is (a random one is made once beside the folder),
`rows.jsonl` with rows of many lengths. Lengths are lognormal, as those of real instruction data are. `facts(job)`
counts what turns seconds into tokens and FLOPs. It trains nothing.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers as hf

from bench.job import Job
from bench.suite import SHARED
from bench.windows import windows
from workbench import microworld

PROMPT_SHARE = (0.25, 0.75)
USUAL = 1000
"""Tokens that random rows are made of."""
STORIES = SHARED / "data" / "tinystories" / "tinystories_1000.json"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A base model."""

    config: Any = None
    """Of random weights; None when the weights exist."""
    longest: int = 512


def _random(
    config: type,
    *,
    hidden: int,
    mlp: int,
    layers: int,
    heads: int,
    kv_heads: int,
    vocabulary: int,
) -> Shape:
    return Shape(
        config=config(
            hidden_size=hidden,
            intermediate_size=mlp,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            vocab_size=vocabulary,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


SHAPES = {
    "microworld": Shape(longest=256),
    "stories260K": Shape(),
    "bitstories-3M": Shape(),
    "smollm-135M-shape": _random(
        hf.LlamaConfig,
        hidden=576, mlp=1536, layers=30, heads=9, kv_heads=3, vocabulary=49_152,
    ),
    "qwen-0.5B-shape": _random(
        hf.Qwen2Config,
        hidden=896, mlp=4864, layers=24, heads=14, kv_heads=2, vocabulary=151_936,
    ),
    "llama-1B-shape": _random(
        hf.LlamaConfig,
        hidden=2048, mlp=8192, layers=16, heads=32, kv_heads=8, vocabulary=128_256,
    ),
}  # fmt: skip


def prepare(job: Job) -> None:
    """Fill a job's folder."""
    folder, shape = Path(job.folder), SHAPES[job.shape]
    if shape.config is not None:
        known = folder.parent / "model"
        if not known.is_dir():
            _save_random(shape, folder=known, seed=job.seed)
    else:
        known = microworld.path() if job.shape == "microworld" else SHARED / "models" / job.shape
        if not known.is_dir():
            raise SystemExit(
                f"{job.shape} is not in {known.parent}; WORKBENCH_SHARED names another"
            )
    (folder / "model.txt").write_text(str(known.resolve()))
    lines = [json.dumps(row) + "\n" for row in _rows(job, shape=shape)]
    (folder / "rows.jsonl").write_text("".join(lines))


def _save_random(shape: Shape, *, folder: Path, seed: int) -> None:
    from tokenizers import Tokenizer, models

    torch.manual_seed(seed)
    # bf16 halves what is written; every arm casts what it reads to the dtype of the job.
    hf.AutoModelForCausalLM.from_config(shape.config, dtype=torch.bfloat16).save_pretrained(folder)
    words = {"<pad>": 0, "<bos>": 1, "<eos>": 2}
    words |= {f"w{index}": index for index in range(3, shape.config.vocab_size)}
    hf.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="<pad>")),
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
    ).save_pretrained(folder)


def _rows(job: Job, *, shape: Shape) -> Iterator[dict[str, list[int]]]:
    """Rows of lognormal length, each with a prompt that the loss ignores."""
    rng = random.Random(job.seed)
    stream = _stream(job, rng=rng)
    for _ in range(job.num_rows):
        length = round(rng.lognormvariate(0.0, job.spread) * job.median_tokens)
        length = min(max(length, 4), shape.longest)
        ids = [next(stream) for _ in range(length)]
        prompt = max(1, round(length * rng.uniform(*PROMPT_SHARE)))
        yield {"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]}


def _stream(job: Job, *, rng: random.Random) -> Iterator[int]:
    """Tokens without end: text of the kind the model knows where there is some, else Zipf's."""
    config = hf.AutoConfig.from_pretrained(job.model)
    texts = _texts(job.shape)
    if not texts:
        # Some tokens are frequent, as in any text: there is something to learn, and the loss falls.
        usual = rng.sample(range(3, config.vocab_size), min(USUAL, config.vocab_size - 3))
        weights = [1 / place for place in range(1, len(usual) + 1)]
        while True:
            yield from rng.choices(usual, weights=weights, k=1000)
    tokenizer = hf.AutoTokenizer.from_pretrained(job.model)
    while True:
        for text in texts:
            yield from tokenizer(text)["input_ids"]


def _texts(shape: str) -> list[str]:
    if shape == "microworld":
        sets = ("letters", "reviews", "extraction")
        return [f"{row['prompt']}{row['completion']}" for s in sets for row in microworld.rows(s)]
    if SHAPES[shape].config is None and STORIES.exists():
        found = json.loads(STORIES.read_text())
        return [item if isinstance(item, str) else str(item["text"]) for item in found]
    return []


def facts(job: Job) -> dict[str, Any]:
    """Matmul parameters, and the tokens of each step of one trial: real, padded, looked at by the loss."""
    rows = job.rows()
    with torch.device("meta"):
        model = hf.AutoModelForCausalLM.from_config(hf.AutoConfig.from_pretrained(job.model))
    linear = {
        name: module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    head = linear.pop("lm_head", 0)
    real, padded, trained = [], [], []
    for window in windows(job, num_rows=len(rows)):
        lengths = [len(rows[i]["input_ids"]) for i in window]
        real.append(sum(lengths))
        padded.append(max(lengths) * len(lengths))
        trained.append(sum(label != -100 for i in window for label in rows[i]["labels"][1:]))
    return {
        "body_parameters": sum(linear.values()),
        "head_parameters": head,
        "real_tokens": real,
        "padded_tokens": padded,
        "trained_tokens": trained,
    }

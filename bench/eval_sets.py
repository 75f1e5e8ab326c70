"""The items of a set as both sides are asked: a file of ours, a task file of `lm-eval` about it, and the requests as texts.

`asked_set("boolq", ...)` takes the first items that fit the model's context with every choice, since the two sides cut longer
ones differently. It times nothing.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workbench import microworld

ANSWER = "Answer:"
"""Stands between a published question and its choices; the questions themselves end on a line break."""


@dataclass(frozen=True)
class AskedSet:
    """One set, ready for both sides."""

    name: str
    num_items: int
    ours: str
    """The name of the eval."""
    task: Path
    """The task file of `lm-eval`."""
    pairs: list[tuple[str, str]]
    """What `lm-eval` asks the likelihood of, in its order."""


def model_folder(case: dict[str, Any]) -> Path:
    """Where the base lies."""
    if case["name"] == "microworld":
        return microworld.path()
    return Path(case["shared"], "models", case["name"]).resolve()


def asked_set(name: str, *, case: dict[str, Any], tokenizer: Any, home: Path) -> AskedSet:
    """A set of the case."""
    rows = _facts() if name == "facts" else _published(name, shared=Path(case["shared"]))
    limit = _context(model_folder(case))
    kept = [row for row in rows if _fits(row, tokenizer=tokenizer, limit=limit)][: case["items"]]
    path = home / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    chooses = "choices" in rows[0]
    task = _task(home / f"{name}.yaml", data=path, chooses=chooses)
    ours = f"choices:{path}" if chooses else f"lm_eval:{task}"
    pairs = [pair for row in kept for pair in _pairs(row)]
    return AskedSet(name, len(kept), ours, task, pairs)


def _facts() -> list[dict[str, Any]]:
    rng, rows = random.Random(0), []
    for item in [*microworld.items("retention"), *microworld.items("recall")]:
        choices = [choice.strip() for choice in rng.sample(item.choices, len(item.choices))]
        gold = choices.index(item.choices[item.gold or 0].strip())
        rows.append({"query": item.prompt, "choices": choices, "gold": gold})
    rng.shuffle(rows)
    return rows


def _published(name: str, *, shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "data" / "eval_mc" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        row | {"query": row["query"] + ANSWER}
        if "query" in row
        else row | {"continuation": " " + row["continuation"]}
        for row in rows
    ]


def _pairs(row: dict[str, Any]) -> list[tuple[str, str]]:
    if "choices" in row:
        return [(row["query"], " " + choice) for choice in row["choices"]]
    return [(row["context"], row["continuation"])]


def _fits(row: dict[str, Any], *, tokenizer: Any, limit: int) -> bool:
    pairs = _pairs(row)
    return all(len(tokenizer(text=a + b, verbose=False)["input_ids"]) <= limit for a, b in pairs)


def _context(folder: Path) -> int:
    return int(json.loads((folder / "config.json").read_text())["max_position_embeddings"])


def _task(path: Path, *, data: Path, chooses: bool) -> Path:
    asks = (
        {
            "output_type": "multiple_choice",
            "doc_to_text": "query",
            "doc_to_choice": "choices",
            "doc_to_target": "gold",
            "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
        }
        if chooses
        else {
            "output_type": "loglikelihood",
            "doc_to_text": "context",
            "doc_to_target": "continuation",
            "metric_list": [{"metric": "perplexity"}, {"metric": "acc"}],
        }
    )
    fields = {
        "task": path.stem,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        **asks,
    }
    path.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return path

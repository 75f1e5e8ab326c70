"""The independent peer: `lm-eval` on the same model folder, the same PEFT folder and the same local file.

`Peer(model, peft=...)` loads both by `lm-eval`'s own route, `peer.ask(task)` runs a task of `write_task`, and gives its
logged samples in the order of the file. Nothing of ours is between its question and its figure.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from workbench.adapters.bank import Bank
from workbench.scores.task import BASE

CHOICE_METRICS = ("acc", "acc_norm", "acc_bytes")


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_task(path: Path, *, metrics: Sequence[str], **fields: Any) -> Path:
    """A task file in `lm-eval`'s own format, about the jsonl file of the same name."""
    task = {
        "task": path.stem,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(path.with_suffix(".jsonl"))}},
        "test_split": "test",
        "metric_list": [{"metric": metric} for metric in metrics],
        **fields,
    }
    path.write_text(yaml.safe_dump(task), encoding="utf-8")
    return path


def choices_task(path: Path, *, metrics: Sequence[str] = CHOICE_METRICS, **fields: Any) -> Path:
    """A task that asks a file of ours for `choices:`."""
    asks = {"doc_to_text": "query", "doc_to_choice": "choices", "doc_to_target": "gold"}
    return write_task(path, metrics=metrics, output_type="multiple_choice", **asks, **fields)


def adapter_folder(bank: Bank, slot: str, *, to: Path) -> Path | None:
    """What PEFT reads of a slot; None of the base."""
    if slot == BASE:
        return None
    folder = to / slot
    if not folder.exists():
        bank.save(slot, folder)
    return folder


class Peer:
    """`lm-eval`'s own model class around folders."""

    def __init__(self, model: Path, *, peft: Path | None = None, batch_size: int = 16) -> None:
        from lm_eval.models.huggingface import HFLM

        self.lm = HFLM(
            pretrained=str(model),
            peft=None if peft is None else str(peft),
            device="cpu",
            dtype="float32",
            batch_size=batch_size,
        )

    def ask(self, task: Path) -> list[dict[str, Any]]:
        """One logged sample for each row of the file."""
        return self.run(task)["samples"][task.stem]

    def run(self, task: Path) -> dict[str, Any]:
        """All that `lm-eval` says about a task."""
        from lm_eval.evaluator import evaluate
        from lm_eval.tasks import TaskManager

        found = evaluate(
            self.lm, TaskManager(include_defaults=False).load(str(task)), bootstrap_iters=0
        )
        found["samples"][task.stem].sort(key=lambda sample: sample["doc_id"])
        return found


def likelihoods(sample: Mapping[str, Any]) -> list[float]:
    """What `lm-eval` measured of each continuation of a sample."""
    return [float(one[0]) if isinstance(one, Sequence) else one for one in sample["filtered_resps"]]

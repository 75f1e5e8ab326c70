"""The strongest simple peer: PEFT's mixed batch, K adapters on one base with `adapter_names`, in training.

PEFT routes rows to adapters in its layers and refuses to do so in training mode at one place, the model; with that one
flag off (`base_model.training = False`) the gradients are those of separate runs. All rows of all adapters are one
batch, padded to the longest. Each adapter has its own loss, clipping, AdamW and schedule. None of our code trains here.
"""

from typing import Any

import psutil
import torch
from peft import get_peft_model
from torch.nn import functional
from transformers import get_scheduler, set_seed

from bench.clock import Clock, share_moved
from bench.job import Job
from bench.stock import load_base, lora_config
from bench.windows import windows

LOGIT_COPIES = 4
"""Logits, their fp32 copy, the softmax and a gradient are alive at once."""
MEMORY_SHARE = 0.5
"""Of the free memory that logits may take; a step whose logits need more is cut into passes of fewer adapters."""


class _Adapter:
    """What a trial does not share: parameters, AdamW, schedule, losses."""

    def __init__(self, model: Any, *, name: str, learning_rate: float, steps: int) -> None:
        self.name = name
        self.weights = {n: p for n, p in model.named_parameters() if f".{name}." in n}
        self.optimizer = torch.optim.AdamW(
            self.weights.values(), lr=learning_rate, weight_decay=0.0, fused=True
        )
        self.schedule = get_scheduler(
            "linear", optimizer=self.optimizer, num_warmup_steps=0, num_training_steps=steps
        )
        self.losses: list[torch.Tensor] = []

    def step(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()


def train_mixed(job: Job) -> dict[str, Any]:
    """Train all trials in one batch; their losses, stamps and faults."""
    base, tokenizer = load_base(job)
    model: Any = None
    for trial in job.trials:
        set_seed(job.seed)
        if model is None:
            model = get_peft_model(base, lora_config(trial), adapter_name=trial.name)
        else:
            model.add_adapter(trial.name, lora_config(trial))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    model.train()
    model.base_model.training = False  # the guard looks at this flag alone; the layers train
    adapters = [
        _Adapter(model, name=trial.name, learning_rate=trial.learning_rate, steps=job.steps)
        for trial in job.trials
    ]
    rows = job.rows()
    clock = Clock(job)
    clock.mark()
    num_passes: list[int] = []
    for window in windows(job, num_rows=len(rows)):
        batch = _pad([rows[i] for i in window], pad_id=tokenizer.pad_token_id, device=job.device)
        groups = _groups(adapters, batch=batch, vocabulary=base.config.vocab_size)
        num_passes.append(len(groups))
        for group in groups:
            _backward(model, group, batch=batch)
        for adapter in adapters:
            adapter.step()
        clock.mark()
    return {
        "losses": [[float(loss) for loss in adapter.losses] for adapter in adapters],
        "stamps": [clock.stamps],
        "faults": [clock.faults],
        "moved": [share_moved(adapter.weights) for adapter in adapters],
        "passes_per_step": max(num_passes),
    }


def _backward(model: Any, group: list[_Adapter], *, batch: dict[str, torch.Tensor]) -> None:
    count = len(group)
    size = len(batch["labels"])
    names = [adapter.name for adapter in group for _ in range(size)]
    labels_BT = batch["labels"].repeat(count, 1)[:, 1:]
    logits = model(
        input_ids=batch["input_ids"].repeat(count, 1),
        attention_mask=batch["attention_mask"].repeat(count, 1),
        adapter_names=names,
        use_cache=False,
    ).logits
    loss_BT = functional.cross_entropy(
        logits[:, :-1].float().transpose(1, 2), labels_BT, reduction="none", ignore_index=-100
    )
    num_tokens = (labels_BT[:size] != -100).sum()
    loss_K = loss_BT.view(count, -1).sum(1) / num_tokens
    loss_K.sum().backward()
    for adapter, loss in zip(group, loss_K.detach(), strict=True):
        adapter.losses.append(loss)


def _groups(
    adapters: list[_Adapter], *, batch: dict[str, torch.Tensor], vocabulary: int
) -> list[list[_Adapter]]:
    """All adapters at once where the logits of all of them fit."""
    labels = batch["labels"]
    if labels.device.type == "cuda":
        free = torch.cuda.mem_get_info()[0]
    else:
        free = psutil.virtual_memory().available
    one = labels.numel() * vocabulary * 4 * LOGIT_COPIES
    count = max(1, min(len(adapters), int(MEMORY_SHARE * free // one)))
    return [adapters[i : i + count] for i in range(0, len(adapters), count)]


def _pad(rows: list[dict[str, list[int]]], *, pad_id: int, device: str) -> dict[str, torch.Tensor]:
    width = max(len(row["input_ids"]) for row in rows)

    def filled(values: list[list[int]], fill: int) -> torch.Tensor:
        padded = [one + [fill] * (width - len(one)) for one in values]
        return torch.tensor(padded, device=device)

    return {
        "input_ids": filled([row["input_ids"] for row in rows], pad_id),
        "attention_mask": filled([[1] * len(row["input_ids"]) for row in rows], 0),
        "labels": filled([row["labels"] for row in rows], -100),
    }

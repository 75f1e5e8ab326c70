"""Rendered rows as tensors, in the order and number a plain Trainer would take them.

`epoch_order(n, seed=0, epoch=0)` is the order of one pass, `collate(rows, pad_id=...)` one padded batch,
`optimizer_steps` the length of a training. Nothing here knows of adapters or of slots.

Tensors: B rows, T tokens of the longest of them.
"""

from collections.abc import Sequence

import torch

from workbench.data.rendering import IGNORED, Rendered
from workbench.plan.steps import optimizer_steps, steps_per_epoch

__all__ = ["collate", "epoch_order", "optimizer_steps", "steps_per_epoch"]


def epoch_order(n: int, *, seed: int, epoch: int) -> list[int]:
    """The order of `n` rows in one pass: what accelerate's seedable sampler gives a Trainer."""
    generator = torch.Generator().manual_seed(seed + epoch)
    order: list[int] = torch.randperm(n, generator=generator).tolist()
    return order


def collate(rendered: Sequence[Rendered], *, pad_id: int) -> dict[str, torch.Tensor]:
    """A batch padded on the right; padding is masked and never trained on."""
    width = max(len(row.input_ids) for row in rendered)
    ids_BT = torch.full((len(rendered), width), pad_id, dtype=torch.long)
    mask_BT = torch.zeros((len(rendered), width), dtype=torch.long)
    labels_BT = torch.full((len(rendered), width), IGNORED, dtype=torch.long)
    for b, row in enumerate(rendered):
        length = len(row.input_ids)
        ids_BT[b, :length] = torch.tensor(row.input_ids)
        mask_BT[b, :length] = 1
        labels_BT[b, :length] = torch.tensor(row.labels)
    return {"input_ids": ids_BT, "attention_mask": mask_BT, "labels": labels_BT}

"""What a slot makes of its held-out losses: the best so far, how long ago it was, and the weights it came with.

`patience.hear(loss, parameters)` follows transformers' `EarlyStoppingCallback` and `load_best_model_at_end`: a loss is
better when it is lower than the best by more than the threshold, and after so many in a row that are not the slot
ends. It measures nothing itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from workbench.spec import TrainSpec


@dataclass(kw_only=True)
class Patience:
    """The held-out losses of one slot, as far as they decide anything."""

    train: TrainSpec
    best: float | None = None
    waited: int = 0
    """Held-out losses in a row that were not better."""
    kept: dict[str, torch.Tensor] = field(default_factory=dict)
    """The weights of the best, where they are asked for at the end."""

    @property
    def at_an_end(self) -> bool:
        """Whether there were too many without a better one."""
        limit = self.train.early_stopping_patience
        return limit is not None and self.waited >= limit

    def hear(self, loss: float, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        """Take note of a held-out loss; one that is not finite is never better."""
        threshold = self.train.early_stopping_threshold
        better = self.best is None or self.best - loss > threshold
        self.waited = 0 if better else self.waited + 1
        if self.best is not None and not loss < self.best:
            return
        self.best = loss
        if self.train.load_best_model_at_end:
            self.kept = {name: p.detach().clone() for name, p in parameters.items()}

    def restore_best(self, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        """Put the weights of the best back, where they were kept."""
        with torch.no_grad():
            for name, tensor in self.kept.items():
                parameters[name].copy_(tensor)

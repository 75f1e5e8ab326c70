"""Who is asked together: the slots whose rows one forward pass may hold, side by side on one base.

`Respondents` is a model made ready, with the number of slots that answer and the way to tell the bank whose tokens come where.
Slots that cannot share a pass are asked one at a time, and are then the only one of theirs. It knows no question.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

MAX_BATCH_TOKENS = {"cpu": 2**12, "cuda": 2**15}
"""Tokens of one pass, those of all slots; more only make it slower."""
MAX_BATCH_LOGITS = 2**27
"""Half a gigabyte of fp32 logits."""


class Limit(NamedTuple):
    """What one forward may hold."""

    batch_size: int
    """Rows of one slot."""
    context: int
    """The longest input of the model."""
    bos_id: int | None = None


class Respondents(NamedTuple):
    """A model in eval mode, and the slots that answer at once."""

    model: Any
    num: int
    route: Callable[[Sequence[int]], None]
    """Told before each forward how many tokens of it belong to each slot, one after the other."""
    flat: bool
    """Whether rows can lie end to end."""

    @property
    def device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def max_tokens(self) -> int:
        """Tokens of one slot in one pass."""
        return max(1, MAX_BATCH_TOKENS.get(self.device.type, MAX_BATCH_TOKENS["cpu"]) // self.num)

    @property
    def max_read(self) -> int:
        """Positions of one slot whose logits one pass may give."""
        return max(1, MAX_BATCH_LOGITS // (self.num * self.vocabulary))

    @property
    def vocabulary(self) -> int:
        return int(getattr(self.model.config.get_text_config(), "vocab_size", 2**15))

    def takes(self, argument: str) -> bool:
        """Whether the model, below any adapter wrapper, takes this argument."""
        inner: Any = getattr(self.model, "get_base_model", lambda: self.model)()
        return argument in inspect.signature(inner.forward).parameters


def alone(model: Any, *, flat: bool = False) -> Respondents:
    """A model that answers for itself."""
    return Respondents(model, 1, lambda tokens: None, flat)

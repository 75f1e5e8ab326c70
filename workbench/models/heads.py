"""The classification head of a model: where it is, its first values, and what its classes are called.

`head_of(model)` finds it, `labels_of(model)` says what it tells apart, and `draw_head(model, adapter=..., seed=...)`
gives one adapter's copy the values that `from_pretrained` gives a head that is not stored when `set_seed` comes before
it, so that a trial's head starts as that of a run of its own. It trains nothing and knows neither slots nor rows.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

HEADS = ("score", "classifier")
"""What transformers calls the head of a classifier; PEFT saves modules of these names whole."""


def head_of(model: Any) -> torch.nn.Module:
    """The head of a classifier; PEFT's wrapper around it once adapters are on."""
    inner = _inner(model)
    head: torch.nn.Module = next(getattr(inner, name) for name in HEADS if hasattr(inner, name))
    return head


def own_head(model: Any, *, adapter: str | None) -> torch.nn.Module:
    """An adapter's copy of the head, or the base's own."""
    head = head_of(model)
    if not hasattr(head, "modules_to_save"):
        return head
    own: torch.nn.Module = (
        head.original_module if adapter is None else head.modules_to_save[adapter]
    )
    return own


@contextmanager
def without_head(model: Any) -> Iterator[None]:
    """The classifier puts out what its head would read."""
    inner = _inner(model)
    name = next(name for name in HEADS if hasattr(inner, name))
    head = getattr(inner, name)
    setattr(inner, name, torch.nn.Identity())
    try:
        yield
    finally:
        setattr(inner, name, head)


def labels_of(model: Any) -> tuple[str, ...]:
    """What a model tells apart, in the order of its head's outputs; empty for a model that writes."""
    inner = _inner(model)
    if not any(hasattr(inner, name) for name in HEADS):
        return ()
    return tuple(inner.config.id2label[place] for place in range(inner.config.num_labels))


def is_head(parameter: str) -> bool:
    """Whether a parameter belongs to the head.

    >>> is_head("score.weight"), is_head("model.norm.weight")
    (True, False)
    """
    return parameter.split(".", 1)[0] in HEADS


def draw_head(model: Any, *, seed: int, adapter: str | None = None) -> None:
    """Draw a head anew: the base's own, or an adapter's copy of it."""
    head = own_head(model, adapter=adapter)
    config = model.config.get_text_config()
    spread = getattr(config, "initializer_range", None) or 0.02
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        # On the CPU and in fp32, as `from_pretrained` draws it, wherever the model lives.
        for module in head.modules():
            if isinstance(module, torch.nn.Linear):
                _redraw(module, spread=spread)


def _redraw(module: torch.nn.Linear, *, spread: float) -> None:
    drawn = torch.empty(module.weight.shape).normal_(0.0, spread)
    module.weight.copy_(drawn.to(module.weight))
    if module.bias is not None:
        module.bias.zero_()


def class_names(labels: Sequence[str]) -> dict[str, Any]:
    """The fields of a config that name its classes."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: place for place, label in enumerate(labels)},
    }


def _inner(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model

"""Models as they would be served: one load of the base, and of it a model for every variant that this machine can run.

`Place.of(model)` loads the base, `prepare(place, ...)` makes a `Called` of every variant and, of those that cannot be,
keeps the reason. Variants whose weights are the base's share its tensors, so that they cost their modules alone; a merged
or quantized one has its own.
"""

import copy
import gc
import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from workbench.deployment.calling import Called, nothing
from workbench.deployment.variants import REFERENCE, VARIANTS
from workbench.errors import ModelError, WorkbenchError
from workbench.models.load import load
from workbench.spec import ModelSpec, Trial

_log = logging.getLogger(__name__)

MOST_MIXED = 8
"""Adapters of a sweep that stand in one batch."""
_OWN = "own"


@dataclass(slots=True)
class Place:
    """What is loaded."""

    base: Any
    tokenizer: Any = None
    subjects: dict[str, Called] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Variants that cannot be here, and why."""
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, model: ModelSpec) -> "Place":
        """The base alone."""
        first = load(model)
        return cls(first.model, first.tokenizer, notes=list(first.notes))

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return int(self.base.config.get_text_config().vocab_size)


def prepare(
    place: Place,
    *,
    trial: Trial,
    adapters: Mapping[str, Path],
    names: Sequence[str],
    seed: int = 0,
    say: Callable[[str], None] = lambda words: None,
) -> None:
    """Make every variant of a trial's adapter; the tensors of the base stay as they are.

    Args:
        place: Where the base is loaded.
        trial: The trial.
        adapters: The folder of every adapter of the sweep that fits its base, the trial's among them.
        names: The variants, the control first.
        seed: Draws the tokens of the calls.
        say: Hears what is being made.
    """
    base = _at_rest(place.base)
    for name in names:
        say(f"preparing {name}")
        try:
            made = _made(name, base, trial=trial, adapters=adapters, place=place)
        except (
            WorkbenchError,
            RuntimeError,
            ValueError,
            ImportError,
            NotImplementedError,
        ) as error:
            _log.warning("variant %s cannot be made", name, exc_info=True)
            place.refused[name] = _first_line(error)
            continue
        place.subjects[name] = Called(
            name,
            made.model,
            vocabulary=place.vocabulary,
            before=made.before,
            routes=made.routes,
            own=made.own,
            seed=seed,
        )
    gc.collect()


@dataclass(slots=True)
class _Made:
    model: Any
    before: Callable[[], None] = nothing
    routes: Callable[[int], list[str]] | None = None
    own: Callable[[], None] = nothing


def _made(
    name: str, base: Any, *, trial: Trial, adapters: Mapping[str, Path], place: Place
) -> _Made:
    own = adapters[trial.name]
    if name == "base":
        return _Made(base)
    if name == REFERENCE:
        return _Made(_attached(_sharing(base), own))
    if name == "merged":
        return _Made(_merged(base, own))
    if name == "compiled":
        return _Made(_compiled(_merged(base, own)))
    if name in ("mixed", "swapped"):
        return _several(name, base, trial=trial, adapters=adapters)
    variant = VARIANTS[name]
    model = trial.spec.model
    if variant.dtype:
        if variant.dtype == model.dtype:
            raise ModelError(f"the base is in {model.dtype} already: this is 'attached'")
        model = model.model_copy(update={"dtype": variant.dtype})
    other = load(model, quantization=variant.quantization)
    place.notes += [note for note in other.notes if note not in place.notes]
    return _Made(_attached(_at_rest(other.model), own))


def _several(name: str, base: Any, *, trial: Trial, adapters: Mapping[str, Path]) -> _Made:
    """The adapters of the sweep on one base: rows routed to them, or one made active after the other."""
    others = [other for other in adapters if other != trial.name][: MOST_MIXED - 1]
    if not others:
        raise ModelError("the sweep has no other adapter on this base")
    model = _attached(_sharing(base), adapters[trial.name])
    keys = [_OWN]
    for number, other in enumerate(others, start=1):
        keys.append(f"other{number}")
        model.load_adapter(str(adapters[other]), adapter_name=keys[-1])
    model.set_adapter(_OWN)
    _at_rest(model)
    if name == "mixed":
        return _Made(model, routes=lambda rows: [keys[row % len(keys)] for row in range(rows)])
    turns = itertools.cycle([*keys[1:], _OWN])
    return _Made(
        model,
        before=lambda: model.set_adapter(next(turns)),
        own=lambda: model.set_adapter(_OWN),
    )


def _attached(model: Any, folder: Path) -> Any:
    return _at_rest(PeftModel.from_pretrained(model, str(folder), adapter_name=_OWN))


def _merged(base: Any, folder: Path) -> Any:
    """A whole copy with the adapter in its weights; refused where that gives numbers that are none."""
    return _at_rest(_attached(copy.deepcopy(base), folder).merge_and_unload(safe_merge=True))


def _compiled(model: Any) -> Any:
    """The model through torch.compile, tried once: whether there is a compiler shows only then."""
    model.forward = torch.compile(model.forward, dynamic=True)
    ids_BT = torch.zeros(1, 4, dtype=torch.long, device=next(model.parameters()).device)
    try:
        with torch.no_grad():
            model(input_ids=ids_BT, use_cache=True)
    except Exception as error:  # noqa: BLE001 - compilers fail in every way there is
        raise ModelError(f"torch.compile does not work here: {_first_line(error)}") from None
    return model


def _sharing(model: Any) -> Any:
    """A second model of the same tensors: its modules are its own, its weights are not."""
    tensors = itertools.chain(model.parameters(), model.buffers())
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def _at_rest(model: Any) -> Any:
    model.eval()
    model.requires_grad_(False)
    return model


def _first_line(error: BaseException) -> str:
    told = str(error).strip() or type(error).__name__
    return told.splitlines()[0][:300]

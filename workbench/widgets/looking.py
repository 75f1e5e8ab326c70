"""A look at the model and the data of a spec: what may be targeted, what a weight takes, what the sweep costs, what is wrong.

`Looker(runs=...).look(spec, model_id=...)` never raises; what cannot be is told for the field it belongs to. What data sets
are like and what a hub said of models is remembered, so that a look after a changed number takes milliseconds. It knows no widget.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.data.seen import RowsSeen
from workbench.errors import DataError, InputError, ModelError
from workbench.job import plan
from workbench.plan.hub_memory import HUB
from workbench.plan.plan import Plan
from workbench.plan.shape import Shape, read_shape
from workbench.spec import ModelSpec, QuantizationSpec, Spec
from workbench.widgets.callbacks import in_words
from workbench.widgets.field_names import by_field
from workbench.widgets.model_grid import Grid
from workbench.widgets.precision import QUANTIZATIONS, bits_per_weight
from workbench.widgets.timing import Timing

DOUBLE = {"bnb_4bit_use_double_quant": True}


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the model and the data of a spec gave."""

    targets: dict[str, int] = field(default_factory=dict)
    """What `target_modules` may name in this model, and how many modules have that name."""
    plan: Plan | None = None
    problems: dict[str, str] = field(default_factory=dict)
    bits: dict[str, float] = field(default_factory=dict)
    """Word of a quantization -> bits that a weight of a linear module takes, scales included; with ` double` where it
    is quantized twice."""
    time: str = ""
    """How long it may take, and what says so; empty when nothing is known."""
    may_ask_again: bool = False
    """Whether a hub refused the model, which is remembered: it may have changed its mind."""


class Looker:
    """Looks, and remembers."""

    def __init__(self, *, runs: Path) -> None:
        self.runs = runs
        self._seen = RowsSeen()
        self._timing = Timing(runs)
        self._known: tuple[Any, tuple[dict[str, int], dict[str, float]]] = ((), ({}, {}))

    def look(self, spec: Spec | None, *, model_id: str) -> Found:
        """Look at the model, and where there is a spec plan it and check its data."""
        targets: dict[str, int] = {}
        bits: dict[str, float] = {}
        try:
            model = spec.model if spec else ModelSpec(id=model_id)
            targets, bits = self._sizes(HUB.folder(model), dtype=model.dtype)
            if spec is None:
                return Found(targets, None, {}, bits)
            planned = plan(spec, seen=self._seen, hub=HUB)
            return Found(targets, planned, {}, bits, self._timing.told(spec, planned))
        except ModelError as error:
            problems = {"model_id": str(error)}
            return Found(targets, None, problems, bits, may_ask_again=HUB.refuses(model))
        except DataError as error:
            return Found(targets, None, {"data_id": str(error)}, bits)
        except InputError as error:
            return Found(targets, None, by_field(str(error)), bits)
        except Exception as error:  # noqa: BLE001 - shown in the panel; nobody else sees this thread
            return Found(targets, None, {"": in_words(error)}, bits)

    def _sizes(self, folder: Path, *, dtype: str) -> tuple[dict[str, int], dict[str, float]]:
        stamps = tuple((path.name, path.stat().st_mtime_ns) for path in sorted(folder.iterdir()))
        if self._known[0] != (folder, dtype, stamps):
            shape = read_shape(folder)
            self._known = (
                (folder, dtype, stamps),
                (targets_of(shape), bits_of(shape, dtype=dtype)),
            )
        return self._known[1]


def targets_of(shape: Shape) -> dict[str, int]:
    """What `target_modules` may name, in the order in which a block computes, and how many modules have that name."""
    counts: dict[str, int] = {}
    for module in shape.modules:
        counts[module.target] = counts.get(module.target, 0) + 1
    order = dict.fromkeys(
        column.target for column in Grid(shape).columns if column.target in counts
    )
    return {name: counts[name] for name in dict.fromkeys([*order, *counts])}


def bits_of(shape: Shape, *, dtype: str) -> dict[str, float]:
    """Bits a weight for every way to store a base."""
    ways = dict(QUANTIZATIONS)
    ways |= {f"{word} double": {**QUANTIZATIONS[word], **DOUBLE} for word in ("nf4", "fp4")}
    return {
        word: bits_per_weight(
            shape.modules, dtype=dtype, quantization=QuantizationSpec.model_validate(fields)
        )
        for word, fields in ways.items()
    }

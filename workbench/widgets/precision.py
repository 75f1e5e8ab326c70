"""Which modules of a quantized base keep full precision, and the `llm_int8_skip_modules` that says so.

`kept_by(grid, skip)` reads the field as transformers does, `skip_modules(grid, kept)` writes the shortest one; both know
that a list of one's own replaces the library's default, which spares the head. `bits_per_weight` counts the scales too,
by the arithmetic of the plan. Pure: no widget, no torch.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from workbench.plan.memory import weight_bytes
from workbench.plan.shape import Module, Shape
from workbench.plan.spared import is_spared
from workbench.spec import QuantizationSpec
from workbench.widgets.model_grid import Grid

QUANTIZATIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "8-bit": {"load_in_8bit": True},
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
}
"""The words of the panel and the map, as fields of BitsAndBytesConfig."""


def word_of(quantization: QuantizationSpec | None) -> str:
    """The word for what a spec asks for."""
    if quantization is None or quantization.bits is None:
        return "none"
    return "8-bit" if quantization.bits == 8 else quantization.bnb_4bit_quant_type


def quantizable(grid: Grid) -> tuple[Module, ...]:
    """The modules that bitsandbytes can store in fewer bits."""
    return tuple(c.module for c in grid.cells if c.module.kind != "embedding")


def spared_by_default(grid: Grid) -> frozenset[str]:
    """What keeps full precision where nobody says anything."""
    return frozenset(m.name for m in quantizable(grid) if m.kind == "head")


def kept_by(grid: Grid, *, skip: Sequence[str] | None) -> frozenset[str]:
    """The modules that a skip list keeps in full precision."""
    if skip is None:
        return spared_by_default(grid)
    return frozenset(m.name for m in quantizable(grid) if is_spared(m.name, words=skip))


def skip_modules(grid: Grid, *, kept: AbstractSet[str]) -> list[str] | None:
    """The shortest skip list that keeps exactly these; None where that is the default."""
    if kept == spared_by_default(grid):
        return None
    names = [m.name for m in quantizable(grid)]
    left, words = set(kept), []
    for word in grid.words:
        spared = {name for name in names if is_spared(name, words=(word,))}
        if spared & left and spared <= kept:
            words.append(word)
            left -= spared
    return words + sorted(left, key=grid.numbers.__getitem__)


def bits_per_weight(
    modules: Sequence[Module], *, dtype: str, quantization: QuantizationSpec | None
) -> float:
    """Bits that a weight of these modules takes on average, its share of the scales included."""
    alone = tuple(
        replace(m, kind="linear", bias=0, parameters=m.in_features * m.out_features)
        for m in modules
    )
    weights = sum(module.parameters for module in alone)
    shape = Shape({}, alone, tied=False)
    return 8 * weight_bytes(shape, dtype=dtype, quantization=quantization) / weights

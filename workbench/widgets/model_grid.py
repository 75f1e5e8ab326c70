"""A model as a grid: one row a layer, one column a sort of module, and apart from it what belongs to no layer.

`Grid(shape)` numbers every module that an adapter may lie on (`cells`) and says where it is drawn. Columns stand in the
order in which a block computes, attention first, because a checkpoint lists them by the alphabet. `reach` tells which
modules a word names when PEFT reads it. It knows neither ranks nor quantization nor widgets.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from workbench.plan.shape import Module, Shape

PAINTABLE = ("linear", "conv1d", "embedding", "head")

_IN_ORDER = (
    "q_proj", "k_proj", "v_proj", "qkv_proj", "query_key_value", "c_attn", "o_proj", "out_proj", "dense",
    "gate_proj", "up_proj", "gate_up_proj", "fc1", "c_fc", "dense_h_to_4h", "down_proj", "fc2", "dense_4h_to_h",
    "c_proj",
)  # fmt: skip
"""Where a module comes among its neighbours; one that is not here keeps its place in the file, behind these."""

_ATTENTION = re.compile(r"attn|attention")


@dataclass(frozen=True, slots=True)
class Column:
    """Modules that differ in their layer alone."""

    stack: str
    """What holds the layers: `model.layers`."""
    inner: str
    """The name inside a layer: `self_attn.q_proj`."""
    label: str
    """As much of the end of the name as tells it from the other columns."""

    @property
    def target(self) -> str:
        return self.inner.rsplit(".", 1)[-1]

    @property
    def group(self) -> str:
        """The part of the block that it lies in; empty where it lies in the block itself."""
        return self.inner.rpartition(".")[0]

    @property
    def attends(self) -> bool:
        return _ATTENTION.search(self.inner) is not None


@dataclass(frozen=True, slots=True)
class Cell:
    """One module in its place; without row and column it stands apart."""

    module: Module
    row: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Grid:
    """Where each module of a model is drawn."""

    shape: Shape

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns, attention first."""
        found = list(dict.fromkeys(place for m in self._paintable if (place := _place(m))))
        labels = _labels([f"{stack}.{inner}" for stack, inner in found])
        columns = [Column(*place, label) for place, label in zip(found, labels, strict=True)]
        groups = list(dict.fromkeys((c.stack, c.group) for c in columns))
        return tuple(
            sorted(
                columns,
                key=lambda c: (c.stack, not c.attends, groups.index((c.stack, c.group)), _turn(c)),
            )
        )

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """The layer of each row."""
        return tuple(sorted({m.layer for m in self._paintable if m.layer is not None}))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every module in reading order: embeddings, the layers, what comes after them."""
        rows = {layer: row for row, layer in enumerate(self.layers)}
        columns = {(c.stack, c.inner): number for number, c in enumerate(self.columns)}
        before: list[Cell] = []
        inside: list[Cell] = []
        after: list[Cell] = []
        for module in self._paintable:
            place = _place(module)
            if place and module.layer is not None:
                inside.append(Cell(module, rows[module.layer], columns[place]))
            else:
                (before if module.kind == "embedding" else after).append(Cell(module))
        return (*before, *sorted(inside, key=lambda c: (c.row, c.column)), *after)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Name of a module -> its number among the cells."""
        return {cell.module.name: number for number, cell in enumerate(self.cells)}

    @cached_property
    def reach(self) -> dict[str, frozenset[str]]:
        """Word -> every part of the model that it names in a list: those called so, or ending in it after a dot."""
        found: dict[str, set[str]] = {}
        for name in {m.name for m in self.shape.every} | self.shape.containers:
            parts = name.split(".")
            for start in range(len(parts)):
                found.setdefault(".".join(parts[start:]), set()).add(name)
        return {word: frozenset(names) for word, names in found.items()}

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words for whole columns, and for what stands apart, the shortest of each first."""
        whole = [ending for c in self.columns for ending in _endings(c.inner)]
        apart = [e for c in self.cells if c.row is None for e in _endings(c.module.name)]
        return tuple(dict.fromkeys(sorted(whole + apart, key=lambda word: word.count("."))))

    @cached_property
    def stacks(self) -> dict[str, dict[int, frozenset[str]]]:
        """What holds layers -> layer -> the modules in it."""
        found: dict[str, dict[int, set[str]]] = {}
        for cell in self.cells:
            if cell.column is not None and cell.module.layer is not None:
                layers = found.setdefault(self.columns[cell.column].stack, {})
                layers.setdefault(cell.module.layer, set()).add(cell.module.name)
        return {
            stack: {layer: frozenset(names) for layer, names in layers.items()}
            for stack, layers in found.items()
        }

    @cached_property
    def linear(self) -> frozenset[str]:
        """What `all-linear` means."""
        return frozenset(m.name for m in self.shape.modules)

    @property
    def _paintable(self) -> tuple[Module, ...]:
        return tuple(m for m in self.shape.every if m.kind in PAINTABLE)


def _place(module: Module) -> tuple[str, str] | None:
    """What holds the layers, and the name inside one."""
    if module.layer is None:
        return None
    stack, _, inner = module.name.partition(f".{module.layer}.")
    return stack, inner


def _turn(column: Column) -> int:
    return _IN_ORDER.index(column.target) if column.target in _IN_ORDER else len(_IN_ORDER)


def _endings(name: str) -> list[str]:
    """A name's ends, the shortest first.

    >>> _endings("self_attn.q_proj")
    ['q_proj', 'self_attn.q_proj']
    """
    parts = name.split(".")
    return [".".join(parts[-n:]) for n in range(1, len(parts) + 1)]


def _labels(names: list[str]) -> list[str]:
    """For each name the shortest end that no other name has.

    >>> _labels(["h.attn.c_proj", "h.mlp.c_proj", "h.mlp.c_fc"])
    ['attn.c_proj', 'mlp.c_proj', 'c_fc']
    """
    ends = [set(_endings(name)) for name in names]
    return [
        next(
            (end for end in _endings(name) if sum(end in others for others in ends) == 1),
            name,
        )
        for name in names
    ]

"""A rank for each module, and the fields of `peft.LoraConfig` that mean it: one into the other, and back.

`read_adapter(grid, adapter)` gives the rank and the alpha of each module that an adapter lands on; `lora_fields(grid, ...)`
writes the shortest fields that PEFT reads as exactly these. The commonest rank is `r`, whole columns are words, the rest
of the targets are full names; every other rank has patterns that match no module of another rank, so that their order
means nothing. The answer depends on the ranks alone, not on how they came about. Pure: no widget, no model, no torch.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from workbench.plan.targets import aim
from workbench.spec import AdapterSpec
from workbench.widgets.model_grid import Grid

ALL_LINEAR = "all-linear"


@dataclass(frozen=True)
class Allocation:
    """What each adapted module gets, by its name; others are left alone."""

    ranks: Mapping[str, int]
    alphas: Mapping[str, float]


def read_adapter(grid: Grid, *, adapter: AdapterSpec) -> Allocation:
    """The ranks and alphas that PEFT would give each module of a model."""
    targets = aim(grid.shape, adapter=adapter)
    return Allocation(
        ranks={target.module.name: target.rank for target in targets},
        alphas={t.module.name: _alpha_of(t.module.name, adapter=adapter) for t in targets},
    )


def lora_fields(
    grid: Grid, *, allocation: Allocation, saved: AbstractSet[str] = frozenset()
) -> dict[str, Any]:
    """`r`, `lora_alpha`, `target_modules`, `rank_pattern` and `alpha_pattern`; no target where nothing has a rank.

    Args:
        allocation: The same modules with a rank and with an alpha.
        saved: Modules that `modules_to_save` takes: PEFT puts no adapter there, whatever names them.
    """
    ranks, alphas = allocation.ranks, allocation.alphas
    if not ranks:
        return {
            "r": 0,
            "lora_alpha": 0,
            "target_modules": [],
            "rank_pattern": {},
            "alpha_pattern": {},
        }
    r, alpha = _commonest(ranks), _commonest(alphas)
    patterns: dict[frozenset[str], list[str]] = {}
    return {
        "r": r,
        "lora_alpha": _neat(alpha),
        "target_modules": target_modules(grid, names=ranks.keys(), saved=saved),
        "rank_pattern": _by_pattern(grid, values=ranks, default=r, known=patterns),
        "alpha_pattern": {
            pattern: _neat(value)
            for pattern, value in _by_pattern(
                grid, values=alphas, default=alpha, known=patterns
            ).items()
        },
    }


def merged(adapter: AdapterSpec, *, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an adapter that lands where these say and is as it was in everything else."""
    said = adapter.model_dump(mode="json", exclude_unset=True)
    # Where an adapter lies is said once: what narrowed the old targets is part of the new ones.
    for field in ("exclude_modules", "layers_to_transform", *fields):
        said.pop(field, None)
    new = {field: value for field, value in fields.items() if value != {}}
    if new["lora_alpha"] == 2 * new["r"]:
        del new["lora_alpha"]
    return {**new, **said}


def target_modules(
    grid: Grid, *, names: AbstractSet[str], saved: AbstractSet[str] = frozenset()
) -> str | list[str]:
    """The shortest `target_modules` that PEFT matches on exactly these modules."""
    if names == grid.linear - saved and not grid.shape.is_mixture:
        return ALL_LINEAR
    left, allowed = set(names), names | saved
    words = []
    for word in grid.words:
        if grid.reach[word] <= allowed and grid.reach[word] & left:
            words.append(word)
            left -= grid.reach[word]
    rest = sorted(left, key=grid.numbers.__getitem__)
    if any(not grid.reach[name] <= allowed for name in rest):
        # A name that is the end of another one: in a list it would take both.
        return "|".join(re.escape(name) for name in sorted(names, key=grid.numbers.__getitem__))
    return [*_in_order(grid, words), *rest]


def _in_order(grid: Grid, words: list[str]) -> list[str]:
    """Words in the order of the model."""
    return sorted(words, key=lambda word: min(grid.numbers.get(n, 0) for n in grid.reach[word]))


def _alpha_of(name: str, *, adapter: AdapterSpec) -> float:
    """The alpha a module gets: of the first pattern that matches its end, else that of the adapter."""
    for pattern, alpha in adapter.alpha_pattern.items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return alpha
    return adapter.alpha


def _commonest(values: Mapping[str, Any]) -> Any:
    """Of values that are equally common the smallest, so that ranks and alphas in proportion agree."""
    return max(Counter(values.values()).items(), key=lambda item: (item[1], -item[0]))[0]


def _by_pattern(
    grid: Grid, *, values: Mapping[str, Any], default: Any, known: dict[frozenset[str], list[str]]
) -> dict[str, Any]:
    """Patterns for every value but the default; each matches modules of its own value only.

    Args:
        values: The value of each adapted module.
        default: What a module gets that no pattern matches.
        known: Patterns that were found before: modules of one rank are mostly those of one alpha.
    """
    by_value: dict[Any, set[str]] = {}
    for name, value in values.items():
        by_value.setdefault(value, set()).add(name)
    found: dict[str, Any] = {}
    for value in sorted(by_value.keys() - {default}):
        wanted = frozenset(by_value[value])
        if wanted not in known:
            known[wanted] = _cover(grid, wanted=wanted, foreign=values.keys() - wanted)
        found |= dict.fromkeys(known[wanted], value)
    return found


def _cover(grid: Grid, *, wanted: AbstractSet[str], foreign: AbstractSet[str]) -> list[str]:
    """Few patterns that together match all of some modules and none of the foreign ones; the widest first."""
    offers = {
        re.escape(word): grid.reach[word] & wanted
        for word in grid.words
        if grid.reach[word].isdisjoint(foreign)
    } | _whole_layers(grid, wanted=wanted, foreign=foreign)
    left, chosen = set(wanted), []
    while left:
        best = max(offers, key=lambda pattern: len(offers[pattern] & left), default="")
        if not best or not offers[best] & left:
            break
        chosen.append(best)
        left -= offers.pop(best)
    return chosen + _by_column(grid, names=left)


def _whole_layers(
    grid: Grid, *, wanted: AbstractSet[str], foreign: AbstractSet[str]
) -> dict[str, AbstractSet[str]]:
    """For each stack the pattern of the layers that hold nothing foreign."""
    found: dict[str, AbstractSet[str]] = {}
    for stack, layers in grid.stacks.items():
        own = [n for n, names in layers.items() if names & wanted and names.isdisjoint(foreign)]
        if own:
            pattern = rf"{_start(grid, stack)}\.{_either(sorted(own))}\..*"
            found[pattern] = frozenset().union(*(layers[n] for n in own)) & wanted
    return found


def _by_column(grid: Grid, *, names: set[str]) -> list[str]:
    """A pattern for columns that share their layers and their part of the block; full names for what stands apart."""
    layers: dict[int, list[int]] = {}
    alone = []
    for name in sorted(names, key=grid.numbers.__getitem__):
        cell = grid.cells[grid.numbers[name]]
        if cell.column is None or cell.module.layer is None:
            alone.append("^" + re.escape(name))
        else:
            layers.setdefault(cell.column, []).append(cell.module.layer)
    shared: dict[tuple[str, str, str], list[str]] = {}
    for number in sorted(layers):
        column = grid.columns[number]
        key = (column.stack, _either(sorted(layers[number])), column.group)
        shared.setdefault(key, []).append(re.escape(column.target))
    found = []
    for (stack, numbers, group), targets in shared.items():
        inner = (re.escape(group) + r"\." if group else "") + _either(targets)
        found.append(rf"{_start(grid, stack)}\.{numbers}\.{inner}")
    return found + alone


def _start(grid: Grid, stack: str) -> str:
    """The beginning of a pattern, tied to that of the name where another stack ends like this one."""
    nested = any(other.endswith("." + stack) for other in grid.stacks)
    return ("^" if nested else "") + re.escape(stack)


def _either(parts: Iterable[Any]) -> str:
    r"""One of several, as a pattern.

    >>> _either([3]), _either([3, 4])
    ('3', '(3|4)')
    """
    words = [str(part) for part in parts]
    return words[0] if len(words) == 1 else f"({'|'.join(words)})"


def _neat(alpha: float) -> float | int:
    """A whole number without its point."""
    return int(alpha) if alpha == int(alpha) else alpha

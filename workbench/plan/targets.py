"""Which modules an adapter lands on and how many numbers it trains: PEFT's rules, applied to names and sizes.

`aim(shape, adapter=spec.adapter)` gives each target with its rank; `count(shape, adapter=...)` the trainable numbers,
equal to what `get_peft_model` makes. The rules are those of PEFT 0.21: a word matches a module of that name or ending
in it after a dot, a single string is a regular expression over the whole name, exclusions win. What PEFT would ignore
in silence, a word or a pattern that matches nothing, is an error here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.errors import SpecError, nearest
from workbench.plan.shape import Module, Shape
from workbench.spec import READS, AdapterSpec


@dataclass(frozen=True, slots=True)
class Target:
    """A module that carries the adapter."""

    module: Module
    rank: int
    parameters: int


def aim(shape: Shape, *, adapter: AdapterSpec) -> tuple[Target, ...]:
    """The modules an adapter lands on, in the order of the model; none for a method that takes the model whole."""
    if "target_modules" not in READS[adapter.peft_type]:
        _check_whole(shape, adapter=adapter)
        return ()
    _check_words(shape, adapter=adapter)
    found = [m for m in shape.every if _matches(m, shape=shape, adapter=adapter)]
    wrong = [m.name for m in found if m.kind == "other"]
    if isinstance(adapter.target_modules, str) and adapter.target_modules != "all-linear":
        pattern = adapter.target_modules
        wrong += [c for c in shape.containers if re.fullmatch(pattern, c)]
    if wrong:
        raise SpecError(
            f"adapter.target_modules: {adapter.target_modules!r} also matches "
            f"{min(wrong, key=len)!r}, which is not a linear layer. {_targets_here(shape)}"
        )
    if not found:
        raise SpecError(
            f"adapter: nothing is left to adapt once target_modules {adapter.target_modules!r} is "
            f"narrowed by exclude_modules {adapter.exclude_modules!r}, modules_to_save "
            f"{adapter.modules_to_save!r} and layers_to_transform {adapter.layers_to_transform!r}"
        )
    return tuple(_target(m, adapter=adapter) for m in found)


def count(shape: Shape, *, adapter: AdapterSpec) -> int:
    """Trainable numbers of an adapter, equal to PEFT's own count."""
    return counted(shape, aim(shape, adapter=adapter), adapter=adapter)


def counted(shape: Shape, targets: Iterable[Target], *, adapter: AdapterSpec) -> int:
    """Trainable numbers: the adapter's own, biases set free, and full copies of modules_to_save."""
    if adapter.peft_type == "FULL":
        return shape.parameters
    if adapter.peft_type == "PROMPT_TUNING":
        return adapter.num_virtual_tokens * shape.hidden
    targets = tuple(targets)
    total = sum(target.parameters for target in targets)
    if adapter.bias == "all":
        total += sum(m.bias for m in shape.every)
    elif adapter.bias == "lora_only":
        total += sum(target.module.bias for target in targets)
    return total + _saved(shape, words=adapter.modules_to_save or ())


def _target(module: Module, *, adapter: AdapterSpec) -> Target:
    if adapter.peft_type == "IA3":
        inner = _is_feedforward(module.name, adapter=adapter)
        return Target(module, 1, module.in_features if inner else module.out_features)
    if adapter.peft_type == "VERA":
        return Target(module, adapter.r, adapter.r + module.out_features)
    return lora_target(module, rank=rank_of(module.name, adapter=adapter), adapter=adapter)


def lora_target(module: Module, *, rank: int, adapter: AdapterSpec) -> Target:
    """A module that carries LoRA matrices of some rank."""
    parameters = rank * (module.in_features + module.out_features)
    if adapter.use_dora:
        parameters += module.out_features
    return Target(module, rank, parameters)


def _is_feedforward(name: str, *, adapter: AdapterSpec) -> bool:
    wanted = adapter.feedforward_modules
    if isinstance(wanted, str):
        return re.fullmatch(wanted, name) is not None
    return name.endswith(wanted)


def rank_of(name: str, *, adapter: AdapterSpec) -> int:
    """The rank a module gets: of the first pattern that matches its end, else `r`."""
    for pattern, rank in adapter.rank_pattern.items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return rank
    return adapter.r


def _matches(module: Module, *, shape: Shape, adapter: AdapterSpec) -> bool:
    name = module.name
    if _excluded(name, adapter=adapter):
        return False
    wanted = adapter.target_modules
    if isinstance(wanted, str):
        if wanted == "all-linear":
            return module.kind in ("linear", "conv1d")
        return re.fullmatch(wanted, name) is not None
    if not any(_is_or_ends(name, word) for word in wanted):
        return False
    layers = adapter.layers_to_transform
    return not layers or (module.layer is not None and module.layer in layers)


def _excluded(name: str, *, adapter: AdapterSpec) -> bool:
    out = adapter.exclude_modules
    if isinstance(out, str) and re.fullmatch(out, name):
        return True
    if isinstance(out, tuple) and any(_is_or_ends(name, word) for word in out):
        return True
    saved = adapter.modules_to_save or ()
    return any(re.match(rf"(^|.*\.){word}($|\..*)", name) for word in saved)


def _is_or_ends(name: str, word: str) -> bool:
    return name == word or name.endswith("." + word)


def _saved(shape: Shape, *, words: tuple[str, ...]) -> int:
    """Numbers in the modules that are copied and trained whole."""
    if not words:
        return 0
    names = {m.name for m in shape.every} | shape.containers
    saved = {name for name in names if any(name.endswith(word) for word in words)}
    return sum(
        m.parameters
        for m in shape.every
        if any(m.name == name or m.name.startswith(name + ".") for name in saved)
    )


def _check_words(shape: Shape, *, adapter: AdapterSpec) -> None:
    wanted, names = adapter.target_modules, [m.name for m in shape.every]
    _check_layers(shape, adapter=adapter)
    if wanted == "all-linear" and shape.is_mixture:
        # PEFT would put adapters on the fused experts too, which cannot share a batch of slots.
        raise SpecError(
            "adapter.target_modules: this model is a mixture of experts, and all-linear would also "
            f"adapt its experts, which is not supported. Name layers. {_targets_here(shape)}"
        )
    if isinstance(wanted, str):
        if wanted != "all-linear" and not any(re.fullmatch(wanted, name) for name in names):
            raise SpecError(
                f"adapter.target_modules: the pattern {wanted!r} matches no module; it must match a "
                f"whole name such as {shape.modules[0].name!r}. {_near(shape, wanted)}"
            )
        if adapter.layers_to_transform is not None:
            raise SpecError(
                f"adapter.layers_to_transform needs a list of target_modules, got {wanted!r}. "
                f"{_targets_here(shape)}"
            )
    else:
        holders = [*names, *shape.containers]
        for word in wanted:
            if not any(_is_or_ends(name, word) for name in names):
                inside = any(_is_or_ends(name, word) for name in holders)
                why = (
                    "holds other modules and is no linear layer" if inside else "matches no module"
                )
                raise SpecError(f"adapter.target_modules: {word!r} {why}. {_near(shape, word)}")
    for field, patterns in (
        ("rank_pattern", adapter.rank_pattern),
        ("alpha_pattern", adapter.alpha_pattern),
    ):
        for pattern in patterns:
            if not any(re.match(rf"(.*\.)?({pattern})$", name) for name in names):
                raise SpecError(
                    f"adapter.{field}: {pattern!r} matches no module. {_near(shape, pattern)}"
                )
    for word in _listed(adapter.feedforward_modules):
        if not any(re.fullmatch(word, name) or name.endswith(word) for name in names):
            raise SpecError(
                f"adapter.feedforward_modules: {word!r} matches no module. {_near(shape, word)}"
            )
    for word in adapter.modules_to_save or ():
        if not any(name.endswith(word) for name in [*names, *shape.containers]):
            known = {m.target for m in shape.every}
            raise SpecError(
                f"adapter.modules_to_save: {word!r} matches no module. {nearest(word, known)}"
            )


def _check_whole(shape: Shape, *, adapter: AdapterSpec) -> None:
    """Refuse a prompt that the model's embeddings cannot stand beside."""
    if shape.context is not None and adapter.num_ahead > shape.context // 2:
        raise SpecError(
            f"adapter.num_virtual_tokens: {adapter.num_virtual_tokens!r} leaves less than half of this "
            f"model's context of {shape.context} tokens to the rows; use at most {shape.context // 2}"
        )
    embeddings = [m for m in shape.every if m.kind == "embedding"]
    # That of words has more rows than that of positions.
    words = max(embeddings, key=lambda m: m.in_features, default=None)
    if adapter.peft_type == "PROMPT_TUNING" and words and words.out_features != shape.hidden:
        raise SpecError(
            f"adapter.peft_type: PROMPT_TUNING makes tokens of {shape.hidden} numbers, and this model "
            f"embeds its own in {words.out_features}; use another peft_type"
        )


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _check_layers(shape: Shape, *, adapter: AdapterSpec) -> None:
    known = {m.layer for m in shape.modules if m.layer is not None}
    for layer in adapter.layers_to_transform or ():
        if layer not in known:
            raise SpecError(
                f"adapter.layers_to_transform: there is no layer {layer!r}; this model has "
                f"{len(known)}, counted from 0"
            )


def _near(shape: Shape, word: str) -> str:
    known = {m.target for m in shape.modules}
    clause = nearest(word.rsplit(".", 1)[-1], known)
    return clause if clause.startswith("Known") else f"{clause} {_targets_here(shape)}"


def _targets_here(shape: Shape) -> str:
    words = ", ".join(sorted({m.target for m in shape.modules}))
    return f"Known: {words}" + ("." if shape.is_mixture else ", or all-linear.")

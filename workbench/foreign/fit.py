"""Whether an adapter fits a base: every tensor against the module it is for, and all numbers against the config.

`check_fit(found, shape=..., base=...)` raises what is wrong in words, from headers alone. PEFT would leave out in silence
what it has no place for, and begin anew what is not stored.
"""

import math
from collections.abc import Mapping

from workbench.errors import ModelError
from workbench.foreign.folder import Found, adapted
from workbench.plan.shape import Module, Shape
from workbench.plan.targets import aim, counted, rank_of
from workbench.spec import AdapterSpec

SHARED = ("vera_A", "vera_B")
"""Of VeRA: not trained, one pair for the whole model."""

COPY = ".base_layer.weight"
"""What PEFT saves of the base beside an adapter on an embedding or a head. That it is a copy is checked once it is loaded."""


def check_fit(found: Found, *, shape: Shape, base: str) -> None:
    """Refuse an adapter that was made for another model, or that is not whole."""
    if found.is_model:
        return
    adapter = found.spec
    modules = {module.name: module for module in shape.every}
    for name, size in found.tensors.items():
        if why := _wrong(name, size, adapter=adapter, modules=modules, shape=shape):
            raise ModelError(
                f"the adapter {str(found.path)!r} does not fit the base {base!r}: {why}. Give the base it "
                + (
                    f"was made on; it names {found.stated_base!r}"
                    if found.stated_base
                    else "was made on"
                )
            )
    stored = sum(math.prod(size) for name, size in found.tensors.items() if not _shared(name))
    asked = counted(shape, aim(shape, adapter=adapter), adapter=adapter)
    if stored != asked and adapter.bias == "none":
        raise ModelError(
            f"the adapter {str(found.path)!r} is not whole: its config asks for {asked:,} numbers on "
            f"{base!r} and {stored:,} are stored"
        )


def _shared(name: str) -> bool:
    return name.rsplit(".", 1)[-1] in SHARED or name.endswith(COPY)


def _wrong(
    name: str,
    size: tuple[int, ...],
    *,
    adapter: AdapterSpec,
    modules: Mapping[str, Module],
    shape: Shape,
) -> str:
    """Why a tensor has no place in the base; empty where it has one."""
    if name.rsplit(".", 1)[-1] in SHARED:
        return ""
    if name == "prompt_embeddings":
        prompt = (adapter.num_virtual_tokens, shape.hidden)
        return "" if size == prompt else f"its prompt is {_by(size)} numbers and not {_by(prompt)}"
    is_copy = name.endswith(COPY)
    owner = name.removesuffix(COPY) if is_copy else adapted(name) or name.rpartition(".")[0]
    if owner not in modules:
        return f"it has {name!r}, and there is no module {owner!r}"
    module = modules[owner]
    if is_copy:
        return _other_size(name, size, module=module)
    if not adapted(name):
        return _whole(name, size, adapter=adapter, module=module)
    sizes = _sizes(module, rank=rank_of(owner, adapter=adapter), adapter=adapter)
    part = name.removeprefix(owner + ".").removesuffix(".weight")
    wanted = sizes.get(part, ())
    if math.prod(size) == math.prod(wanted) and tuple(n for n in size if n > 1) == tuple(
        n for n in wanted if n > 1
    ):
        return ""
    return f"{name!r} is {_by(size)}, and for this module it would be {_by(wanted)}"


def _sizes(module: Module, *, rank: int, adapter: AdapterSpec) -> dict[str, tuple[int, ...]]:
    ins, outs = module.in_features, module.out_features
    inner = adapter.feedforward_modules
    words = (inner,) if isinstance(inner, str) else inner
    is_inner = any(module.name == word or module.name.endswith(word) for word in words)
    return {
        "lora_A": (rank, ins),
        "lora_B": (outs, rank),
        "lora_embedding_A": (rank, ins),
        "lora_embedding_B": (outs, rank),
        "lora_magnitude_vector": (outs,),
        "ia3_l": (ins,) if is_inner else (outs,),
        "vera_lambda_b": (outs,),
        "vera_lambda_d": (rank,),
    }


def _whole(name: str, size: tuple[int, ...], *, adapter: AdapterSpec, module: Module) -> str:
    """A weight or a bias of the base itself, which the adapter brings."""
    if name.endswith(".bias") and adapter.bias != "none":
        return "" if size == (module.bias,) else f"{name!r} has {_by(size)} numbers"
    if not any(module.name.endswith(word) for word in adapter.modules_to_save or ()):
        return f"it brings {name!r}, which its config does not speak of"
    return _other_size(name, size, module=module)


def _other_size(name: str, size: tuple[int, ...], *, module: Module) -> str:
    wanted = (module.out_features, module.in_features)
    if module.kind in ("embedding", "conv1d"):
        wanted = wanted[::-1]
    if name.endswith(".bias"):
        return "" if size == (module.bias,) else f"{name!r} has {_by(size)} numbers"
    if module.kind == "other" or size == wanted:
        return ""
    return f"{name!r} is {_by(size)}, and in this base {_by(wanted)}"


def _by(size: tuple[int, ...]) -> str:
    return " by ".join(map(str, size)) or "none"

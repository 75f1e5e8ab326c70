"""A folder that somebody else filled, read without torch: an adapter in PEFT's format, or a whole model.

`read_folder(path)` gives `Found`: what the folder's config says in the words of a spec, the sizes of its tensors, the base
that it names and a hash of its weights. Only safetensors are read. What an adapter does that a bank cannot put on is
refused here by name. Whether it fits a base is another question: see `fit.py`.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.errors import ModelError, StoreError
from workbench.jsonfile import read_mapping
from workbench.spec import READS, AdapterSpec, Spec

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
"""What PEFT writes before the name of a module."""

METHODS = tuple(kind for kind in READS if kind != "FULL")
READ_AT_TRAINING = frozenset(
    {
        "auto_mapping", "base_model_name_or_path", "revision", "peft_version", "inference_mode", "task_type",
        "peft_type", "fan_in_fan_out", "init_ia3_weights", "init_weights", "megatron_config", "megatron_core",
        "loftq_config", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size", "layers_pattern",
        "runtime_config", "ensure_weight_tying", "save_projection", "token_dim", "num_transformer_submodules",
        "num_attention_heads", "num_layers", "prompt_tuning_init_text", "tokenizer_name_or_path",
        "tokenizer_kwargs", "lora_dropout", "vera_dropout", "init_lora_weights", "prompt_tuning_init",
        "adapter_name",
    }
)  # fmt: skip
"""Fields that say how an adapter was made or where it lies, and change nothing about what it does now."""

TAKEN_AGAIN = ("pissa", "olora")
"""First values that are taken out of the base, and are so again, to the same numbers, when the adapter is put on."""

REWRITES_THE_BASE = ("pissa_niter", "corda", "loftq", "lora_ga")
"""First values taken out of the base by chance or by data: nobody can take the same ones again."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What lies in a folder."""

    path: Path
    adapter: Mapping[str, Any]
    """Fields of the adapter's part of a spec."""
    tensors: Mapping[str, tuple[int, ...]]
    """Sizes by name, without PEFT's prefix; none of a whole model."""
    stated_base: str = ""
    """The base that the folder names."""
    sha256: str = ""

    @cached_property
    def spec(self) -> AdapterSpec:
        """The same, validated."""
        return Spec.from_fields({"adapter": dict(self.adapter)}, source=str(self.path)).adapter

    @property
    def is_model(self) -> bool:
        """Whether it is a whole model."""
        return bool(self.adapter["peft_type"] == "FULL")


def is_foreign(path: Path) -> bool:
    """Whether a folder holds an adapter or a model, and is no sweep."""
    return (path / CONFIG).is_file() or (path / "config.json").is_file()


def read_folder(path: Path) -> Found:
    """What lies in a folder; anything but an adapter in safetensors or a model is refused."""
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise StoreError(
            f"{str(path)!r} {what}; give a folder with {CONFIG} and {WEIGHTS}, the folder of a "
            "model, or that of a sweep (`workbench runs` lists them)"
        )
    if not (path / CONFIG).is_file():
        if (path / "config.json").is_file():
            return Found(path=path, adapter={"peft_type": "FULL"}, tensors={}, sha256="")
        inside = sorted(str(one.parent) for one in path.glob(f"*/{CONFIG}"))
        hint = f". There is one in {', '.join(map(repr, inside[:3]))}" if inside else ""
        raise StoreError(
            f"{str(path)!r} is neither a sweep nor an adapter nor a model: it has no {CONFIG}, no "
            f"config.json and no status.json{hint}"
        )
    config = read_mapping(path / CONFIG)
    tensors = _tensors(path)
    adapter = _as_spec(config, tensors=tensors, where=str(path))
    return Found(
        path=path,
        adapter=adapter,
        tensors=tensors,
        stated_base=str(config.get("base_model_name_or_path") or ""),
        sha256=_digest(path / WEIGHTS),
    )


def _tensors(folder: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    if not path.is_file():
        pickles = sorted(one.name for one in folder.glob("adapter_model.*"))
        if pickles:
            raise ModelError(
                f"{str(folder)!r} is refused: its weights are {pickles[0]!r}, a pickle, and a pickle can "
                "run code when it is read. Convert it to safetensors where you trust it: "
                "PeftModel.from_pretrained(BASE_MODEL, FOLDER).save_pretrained(NEW_FOLDER)"
            )
        raise ModelError(f"{str(folder)!r} has no weights: no {WEIGHTS} lies beside {CONFIG}")
    try:
        with safe_open(path, framework="numpy") as file:
            sizes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{str(path)!r} is not a safetensors file, or it is cut short: {error}"
        ) from None
    if not sizes:
        raise ModelError(f"{str(path)!r} holds no tensor at all")
    return {name.removeprefix(PREFIX): size for name, size in sizes.items()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _as_spec(
    config: Mapping[str, Any], *, tensors: Mapping[str, tuple[int, ...]], where: str
) -> dict[str, Any]:
    """The config in the words of a spec, with PEFT's own defaults where it says nothing."""
    kind = str(config.get("peft_type"))
    if kind not in METHODS:
        raise ModelError(
            f"{where!r} has the peft_type {kind!r}, which cannot be asked here; those that can are "
            f"{', '.join(METHODS)}"
        )
    task = config.get("task_type")
    if task not in (None, "CAUSAL_LM"):
        raise ModelError(
            f"{where!r} was made for task_type {task!r}; only adapters of models that write "
            "(CAUSAL_LM) can be asked"
        )
    fields: dict[str, Any] = {"peft_type": kind}
    for name, value in config.items():
        if name in READ_AT_TRAINING or not _says_something(name, value):
            continue
        if name not in READS[kind]:
            raise ModelError(
                f"{where!r}: its {CONFIG} says {name}={value!r}, which cannot be put on here. "
                "Merge it into its base with PEFT (merge_and_unload) and give the folder of that model"
            )
        fields[name] = value
    if kind == "LORA":
        fields |= {"r": config.get("r", 8), "lora_alpha": config.get("lora_alpha", 8)}
        fields |= _first_values(config.get("init_lora_weights"), where=where)
    if kind == "VERA":
        fields["r"] = config.get("r", 256)
    if kind != "PROMPT_TUNING":
        _place(fields, tensors=tensors)
    return fields


def _says_something(name: str, value: Any) -> bool:
    known = AdapterSpec.model_fields
    default = known[name].default if name in known else None
    return value not in (None, False, [], {}, "none", default)


def _first_values(init: Any, *, where: str) -> dict[str, Any]:
    if init in TAKEN_AGAIN:
        return {"init_lora_weights": init}
    if isinstance(init, str) and init.lower().startswith(REWRITES_THE_BASE):
        raise ModelError(
            f"{where!r} began with init_lora_weights={init!r}, which takes values out of the base, so on "
            "the base as it was it means something else. Save it with PEFT's "
            "path_initial_model_for_weight_conversion, which makes a plain LoRA of it"
        )
    return {}


def _place(fields: dict[str, Any], *, tensors: Mapping[str, tuple[int, ...]]) -> None:
    """Targets by the modules that have weights: published configs name some that their model has not."""
    modules = sorted({module for name in tensors if (module := adapted(name))})
    wanted = fields.get("target_modules")
    words = [w for w in wanted if _ends(modules, [w])] if isinstance(wanted, list) else []
    narrowed = "layers_to_transform" in fields or "exclude_modules" in fields
    fields["target_modules"] = modules if narrowed or not words else words
    for field in ("layers_to_transform", "exclude_modules"):
        fields.pop(field, None)
    for field in ("rank_pattern", "alpha_pattern"):
        stated = fields.get(field)
        if isinstance(stated, dict):
            fields[field] = {p: v for p, v in stated.items() if _patterned(modules, p, field=field)}
            if not fields[field]:
                del fields[field]
    inner = fields.get("feedforward_modules")
    if isinstance(inner, list):
        fields["feedforward_modules"] = [w for w in inner if w in fields["target_modules"]]
    elif isinstance(inner, str):
        pattern = _compiled(inner, field="feedforward_modules")
        fields["feedforward_modules"] = [m for m in modules if pattern.fullmatch(m)]
        fields["target_modules"] = modules


def adapted(tensor: str) -> str:
    """The module that an adapter's tensor belongs to; empty where it is a module of its own.

    >>> adapted("model.layers.0.self_attn.q_proj.lora_A.weight"), adapted("prompt_embeddings")
    ('model.layers.0.self_attn.q_proj', '')
    """
    found = re.match(
        r"(.+)\.(lora_[AB]\.weight|lora_embedding_[AB]|lora_magnitude_vector(\.weight)?|ia3_l|vera_lambda_[bd])$",
        tensor,
    )
    return found[1] if found else ""


def _ends(modules: Iterable[str], words: Iterable[str]) -> bool:
    return any(m == w or m.endswith("." + w) for m in modules for w in words)


def _patterned(modules: Iterable[str], pattern: str, *, field: str) -> bool:
    _compiled(pattern, field=field)
    return any(re.match(rf"(.*\.)?({pattern})$", module) for module in modules)


def _compiled(pattern: str, *, field: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ModelError(
            f"the {CONFIG} has {pattern!r} in {field}, which is no regular expression: {error}"
        ) from None

"""An adapter's matrices as numbers: the LoRA pairs of a PEFT folder with the scale each is used with, read by numpy alone.

`read_adapter(folder)` gives an `Adapter`: a `Pair` a module and, apart, every tensor that no truncation touches (a head that is
trained whole, biases). Only safetensors are opened. Where two matrices are not the whole of what was learned (DoRA, first values
taken out of the base) the folder is refused here, by name. It knows neither ranks to cut to nor models.

Shapes: D inputs, O outputs, R rank.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError, StoreError
from workbench.foreign.folder import (
    CONFIG,
    PREFIX,
    READ_AT_TRAINING,
    REWRITES_THE_BASE,
    TAKEN_AGAIN,
    WEIGHTS,
)
from workbench.jsonfile import read_mapping
from workbench.spec import READS

Floats = NDArray[np.float64]

_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}
_PART = re.compile(r"(?P<module>.+)\.(?P<part>lora_A\.weight|lora_B\.weight|lora_embedding_[AB])$")
_LINEAR = ("lora_A.weight", "lora_B.weight")
_EMBEDDING = ("lora_embedding_A", "lora_embedding_B")
_SAYS_NOTHING = {*READ_AT_TRAINING, *READS["LORA"], "trainable_token_indices"}


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The two matrices of one module: what they add to its weight is scale * B @ A."""

    module: str
    a_RD: NDArray[Any]
    b_OR: NDArray[Any]
    scale: float
    is_embedding: bool

    @property
    def rank(self) -> int:
        return int(self.a_RD.shape[0])


@dataclass(frozen=True, eq=False)
class Adapter:
    """What lies in a folder of plain PEFT."""

    folder: Path
    config: Mapping[str, Any]
    """As PEFT wrote it."""
    pairs: tuple[Pair, ...]
    carried: Mapping[str, NDArray[Any]]
    """Tensors that stay as they are, by their name in the file."""

    @property
    def is_rslora(self) -> bool:
        """Whether a scale is alpha over the root of the rank."""
        return bool(self.config.get("use_rslora"))

    @property
    def base(self) -> str:
        """The base that the config names; empty where it names none."""
        return str(self.config.get("base_model_name_or_path") or "")


def read_adapter(folder: Path) -> Adapter:
    """The LoRA adapter in a folder; what cannot be cut is refused with the reason."""
    config = _config(folder)
    _refuse(config, where=str(folder))
    tensors = _tensors(folder)
    parts: dict[str, dict[str, NDArray[Any]]] = {}
    carried: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        found = _PART.fullmatch(name.removeprefix(PREFIX))
        if found:
            parts.setdefault(found["module"], {})[found["part"]] = tensor
        elif "lora_" in name:
            raise ModelError(
                f"{str(folder)!r} holds {name!r}, which is no part of a plain LoRA; a truncation would "
                "leave it behind. Merge the adapter into its base with PEFT, or train it without"
            )
        else:
            carried[name] = tensor
    if not parts:
        raise ModelError(f"{str(folder)!r} holds no LoRA matrices; there is no rank to look at")
    pairs = tuple(
        _pair(name, parts[name], config=config, where=str(folder))
        for name in sorted(parts, key=_in_order)
    )
    return Adapter(folder=folder, config=config, pairs=pairs, carried=carried)


def scale_of(alpha: float, *, rank: int, is_rslora: bool) -> float:
    """What PEFT multiplies B @ A with.

    >>> scale_of(16, rank=4, is_rslora=False), scale_of(16, rank=4, is_rslora=True)
    (4.0, 8.0)
    """
    return alpha / (math.sqrt(rank) if is_rslora else rank)


def alpha_of(scale: float, *, rank: int, is_rslora: bool) -> float:
    """The alpha that gives a scale at a rank.

    >>> alpha_of(2.0, rank=3, is_rslora=False)
    6.0
    """
    return scale * (math.sqrt(rank) if is_rslora else rank)


def _pair(
    name: str, parts: Mapping[str, NDArray[Any]], *, config: Mapping[str, Any], where: str
) -> Pair:
    is_embedding = set(parts) == set(_EMBEDDING)
    if not is_embedding and set(parts) != set(_LINEAR):
        raise ModelError(
            f"{where!r} has of {name!r} only {', '.join(sorted(parts))}; it is not whole"
        )
    first, second = _EMBEDDING if is_embedding else _LINEAR
    a, b = parts[first], parts[second]
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise ModelError(
            f"{where!r}: the matrices of {name!r} are {a.shape} and {b.shape}; only those of linear layers "
            "and of embeddings, rank by inputs and outputs by rank, can be looked at"
        )
    rank = int(a.shape[0])
    stated = _patterned(config.get("rank_pattern"), name, default=config.get("r", 8))
    if stated != rank:
        raise ModelError(
            f"{where!r}: its {CONFIG} gives {name!r} the rank {stated!r}, and its matrices have {rank}; "
            "the two files do not belong together"
        )
    wrong = sum(int((~np.isfinite(one)).sum()) for one in (a, b))
    if wrong:
        raise ModelError(
            f"{where!r}: {wrong:,} weights of {name!r} are NaN or infinite; it has no spectrum"
        )
    alpha = _patterned(config.get("alpha_pattern"), name, default=config.get("lora_alpha", 8))
    scale = scale_of(float(alpha), rank=rank, is_rslora=bool(config.get("use_rslora")))
    return Pair(module=name, a_RD=a, b_OR=b, scale=scale, is_embedding=is_embedding)


def _in_order(name: str) -> list[tuple[int, str]]:
    """Layer 10 after layer 9.

    >>> _in_order("h.10.q") > _in_order("h.9.q")
    True
    """
    return [(int(part), "") if part.isdigit() else (-1, part) for part in name.split(".")]


def _patterned(patterns: Any, name: str, *, default: Any) -> Any:
    """What the first pattern that fits gives a module, as PEFT reads patterns."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return value
    return default


def _config(folder: Path) -> dict[str, Any]:
    none = StoreError(
        f"{str(folder)!r} is no adapter: it has no {CONFIG}; give SWEEP/TRIAL, or the folder of an "
        "adapter in PEFT's format"
    )
    return read_mapping(folder / CONFIG, missing=none)


def _refuse(config: Mapping[str, Any], *, where: str) -> None:
    """Adapters whose two matrices do not say what they do to the base."""
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelError(
            f"{where!r} has the peft_type {kind!r}; only LORA has a rank that could be cut"
        )
    if config.get("use_dora"):
        raise ModelError(
            f"{where!r} is a DoRA: it divides by the length of base and update together, so the spectrum of "
            "the update alone does not tell how far a truncation moves the weights. Train it without use_dora"
        )
    init = str(config.get("init_lora_weights")).lower()
    if init.startswith((*TAKEN_AGAIN, *REWRITES_THE_BASE)):
        raise ModelError(
            f"{where!r} began with init_lora_weights={config['init_lora_weights']!r}: its matrices hold a part of "
            "the base, which would be cut too. Save it with PEFT's path_initial_model_for_weight_conversion, "
            "which makes a plain LoRA of it"
        )
    other = [name for name, value in config.items() if name not in _SAYS_NOTHING and value]
    if other:
        raise ModelError(
            f"{where!r}: its {CONFIG} says {other[0]}={config[other[0]]!r}, which is more than a plain LoRA; "
            "it cannot be cut here"
        )


def _tensors(folder: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError, deserialize

    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(
            f"{str(folder)!r} has no {WEIGHTS}; pickles are not opened. Convert them where you trust "
            "them: PeftModel.from_pretrained(BASE_MODEL, FOLDER).save_pretrained(NEW_FOLDER)"
        )
    try:
        found = dict(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{str(path)!r} is not a safetensors file, or it is cut short: {error}"
        ) from None
    return {name: _numbers(name, one, where=str(path)) for name, one in found.items()}


def _numbers(name: str, stored: Mapping[str, Any], *, where: str) -> NDArray[Any]:
    """A tensor; bfloat16, which numpy does not know, as the float32 that it is the upper half of."""
    kind, shape = stored["dtype"], stored["shape"]
    if kind == "BF16":
        halves = np.frombuffer(stored["data"], dtype=np.uint16).astype(np.uint32)
        return (halves << 16).view(np.float32).reshape(shape)
    if kind not in _TYPES:
        raise ModelError(
            f"{where!r} stores {name!r} as {kind}; those that can be read are BF16, {', '.join(_TYPES)}"
        )
    return np.frombuffer(stored["data"], dtype=_TYPES[kind]).reshape(shape)

"""What a model folder holds, read from `config.json` and the safetensors headers: no torch, no weight is read.

`modules(folder)` lists the linear layers an adapter can be put on; `read_shape(folder)` gives everything else a plan
needs: embeddings, head, norms and biases with their sizes. Names are those of the modules in the loaded model, as
PEFT sees them, so a checkpoint that was saved without its head gets its prefix back. A checkpoint that is already
quantized keeps its shapes elsewhere, and is refused here with that reason.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from workbench.errors import ModelError
from workbench.jsonfile import read_mapping

Kind = Literal["linear", "conv1d", "embedding", "head", "other"]

MAX_HEADER_BYTES = 100_000_000

# The attribute under which a causal LM keeps its trunk, where it is not `model`.
_TRUNK = {
    "gpt2": "transformer",
    "gpt_neo": "transformer",
    "gptj": "transformer",
    "gpt_bigcode": "transformer",
    "codegen": "transformer",
    "bloom": "transformer",
    "falcon": "transformer",
    "mpt": "transformer",
    "gpt_neox": "gpt_neox",
}
_CONV1D = {"gpt2", "openai-gpt"}
_HEADS = {"lm_head", "embed_out", "score", "classifier"}
_EMBEDDINGS = {"wte", "wpe", "embed_in", "shared", "word_embeddings", "tok_embeddings"}


@dataclass(frozen=True, slots=True)
class Module:
    """One module with a weight."""

    name: str
    """Dotted, as in `model.named_modules()`."""
    kind: Kind
    in_features: int
    out_features: int
    layer: int | None
    """Which transformer block it lies in; None outside the blocks."""
    target: str
    """The last part of the name: what `target_modules` calls it."""
    bias: int = 0
    """Numbers in its bias; 0 without one."""
    parameters: int = 0
    """All its numbers, bias included."""


@dataclass(frozen=True)
class Shape:
    """A model by its sizes."""

    config: dict[str, Any]
    every: tuple[Module, ...]
    tied: bool
    """Whether the output head is the input embedding."""

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """The linear layers, the output head aside."""
        return tuple(m for m in self.every if m.kind in ("linear", "conv1d"))

    @cached_property
    def containers(self) -> frozenset[str]:
        """Names of the modules that hold other modules."""
        found = set()
        for module in self.every:
            parts = module.name.split(".")
            found |= {".".join(parts[:n]) for n in range(1, len(parts))}
        return frozenset(found)

    @property
    def model_type(self) -> str:
        return str(self.config.get("model_type", "unknown"))

    @property
    def is_mixture(self) -> bool:
        """Whether its feed-forward layers are experts, fused into parameters that are no modules."""
        return _is_mixture(self.config)

    @property
    def layers(self) -> int:
        return len({m.layer for m in self.modules if m.layer is not None})

    @property
    def hidden(self) -> int:
        return int(_said(self.config, "hidden_size", "n_embd", "d_model") or 0)

    @property
    def vocabulary(self) -> int:
        return int(_said(self.config, "vocab_size") or 0)

    @property
    def context(self) -> int | None:
        """The longest sequence the model was made for; None when it does not say."""
        found = _said(self.config, "max_position_embeddings", "n_positions", "max_seq_len")
        return int(found) if found else None

    @cached_property
    def parameters(self) -> int:
        """Numbers in the base model; a tied head counts once."""
        return sum(m.parameters for m in self.every if not (m.kind == "head" and self.tied))


def modules(folder: Path) -> list[Module]:
    """Each linear layer of the model in a folder, in the order of its file."""
    return list(read_shape(folder).modules)


def read_shape(folder: Path) -> Shape:
    """The sizes of the model in a folder."""
    config = read_config(folder)
    tensors = read_tensors(folder)
    if any(".quant_state." in name or ".weight.absmax" in name for name in tensors):
        raise ModelError(
            f"{str(folder)!r} is stored already quantized, so its file does not tell the shapes. "
            "Give the full-precision model and say how to quantize it under quantization:"
        )
    sizes: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, (_, dims) in tensors.items():
        owner, _, part = name.rpartition(".")
        sizes.setdefault(owner, {})[part] = dims
    sizes = _as_loaded(sizes, config=config)
    every = [_module(owner, sizes[owner], config=config) for owner in sorted(sizes, key=_natural)]
    headless = not any(m.kind == "head" for m in every)
    tied = bool(_said(config, "tie_word_embeddings", default=headless))
    if headless and tied:
        every += _tied_head(every, config=config)
    if not any(m.kind in ("linear", "conv1d") for m in every):
        raise ModelError(f"{str(folder)!r} has no linear layer to put an adapter on")
    return Shape(config=config, every=tuple(every), tied=tied)


def read_config(folder: Path) -> dict[str, Any]:
    """The mapping in `config.json`."""
    none = ModelError(
        f"{str(folder)!r} is not a model folder: it has no config.json. "
        "Give a folder with config.json and model.safetensors, a hub id, or microworld"
    )
    return read_mapping(folder / "config.json", missing=none)


def read_tensors(folder: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Every tensor of a checkpoint: name -> (type, dimensions)."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for path in weight_files(folder):
        for name, entry in _header(path).items():
            found[name] = (entry["dtype"], tuple(entry["shape"]))
    return found


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that make up a checkpoint."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if not index.is_file():
        raise ModelError(f"{str(folder)!r} has no model.safetensors; the workbench reads no other")
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ModelError(f"{str(index)!r} is no index of shards: it has no weight_map") from None
    if any(not isinstance(name, str) or Path(name).name != name for name in names):
        raise ModelError(f"{str(index)!r} names files outside its folder; that is refused")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{str(folder)!r} lacks {len(missing)} of its {len(names)} weight files, first "
            f"{missing[0]!r}. Download it again"
        )
    return [folder / name for name in names]


def _header(path: Path) -> dict[str, Any]:
    """The table of contents of a safetensors file, checked against the file's own length."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(64)
        length = int.from_bytes(start[:8], "little")
        if start.startswith(b"version https://git-lfs"):
            raise ModelError(
                f"{str(path)!r} is a git-lfs pointer, not weights. Run `git lfs pull` there"
            )
        if len(start) < 8 or length > min(MAX_HEADER_BYTES, size - 8):
            raise ModelError(f"{str(path)!r} is not a safetensors file, or it is cut short")
        file.seek(8)
        raw = file.read(length)
    try:
        header: dict[str, Any] = json.loads(raw)
        header.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        for entry in header.values():
            entry["shape"], entry["dtype"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise ModelError(f"{str(path)!r} has no readable safetensors header") from None
    if 8 + length + end != size:
        raise ModelError(
            f"{str(path)!r} has {size:,} bytes where its header promises {8 + length + end:,}: "
            "it was cut or changed. Download it again"
        )
    return header


def _as_loaded(
    sizes: dict[str, dict[str, tuple[int, ...]]], *, config: dict[str, Any]
) -> dict[str, dict[str, tuple[int, ...]]]:
    """Module names of the loaded model: the trunk's prefix is put back where the file left it out."""
    if (
        "embed_out" in sizes
    ):  # what GPT-NeoX files call the head; transformers renames it when it loads
        sizes = {"lm_head" if name == "embed_out" else name: p for name, p in sizes.items()}
    trunk = _TRUNK.get(str(config.get("model_type")), "model") + "."
    if any(name.startswith(trunk) for name in sizes):
        return sizes
    return {name if name in _HEADS else trunk + name: parts for name, parts in sizes.items()}


def _module(name: str, parts: dict[str, tuple[int, ...]], *, config: dict[str, Any]) -> Module:
    target = name.rsplit(".", 1)[-1]
    block = re.match(r".*?\.[^.]*\.(\d+)\.", name)
    dims = parts.get("weight", ())
    kind = _kind(name, target, dims, config=config)
    ins, outs = (dims[1], dims[0]) if len(dims) == 2 else (0, 0)
    if kind in ("conv1d", "embedding"):
        ins, outs = outs, ins
    bias = parts.get("bias", ())
    return Module(
        name=name,
        kind=kind,
        in_features=ins,
        out_features=outs,
        layer=int(block[1]) if block else None,
        target=target,
        bias=bias[0] if len(bias) == 1 else 0,
        # Buffers such as GPT-2's old causal mask (attn.bias, four axes) are no parameters.
        parameters=sum(math.prod(d) for p, d in parts.items() if p != "bias" or len(d) == 1),
    )


def _kind(name: str, target: str, dims: tuple[int, ...], *, config: dict[str, Any]) -> Kind:
    if len(dims) != 2:
        return "other"
    if target in _HEADS and "." not in name:
        return "head"
    if target in _EMBEDDINGS or target.startswith("embed_") or target.endswith("_embeddings"):
        return "embedding"
    # Experts and their router are fused parameters in the loaded model, not linear modules.
    if re.search(r"\.experts\.\d+\.", name) or (
        _is_mixture(config) and target in ("gate", "router")
    ):
        return "other"
    return "conv1d" if config.get("model_type") in _CONV1D else "linear"


def _tied_head(every: list[Module], *, config: dict[str, Any]) -> list[Module]:
    vocabulary = _said(config, "vocab_size")
    for module in every:
        if module.kind == "embedding" and module.in_features == vocabulary:
            ins, outs = module.out_features, module.in_features
            size = module.parameters
            return [Module("lm_head", "head", ins, outs, None, "lm_head", 0, size)]
    return []


def _natural(name: str) -> list[tuple[int, str]]:
    """Layer 2 before layer 10."""
    return [(int(p), "") if p.isdigit() else (-1, p) for p in name.split(".")]


def _is_mixture(config: dict[str, Any]) -> bool:
    return bool(
        _said(config, "num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
    )


def _said(config: dict[str, Any], *names: str, default: Any = None) -> Any:
    """The first of some fields that a config states, looking into its text part too."""
    for part in (config, config.get("text_config")):
        for name in names:
            if isinstance(part, dict) and part.get(name) is not None:
                return part[name]
    return default

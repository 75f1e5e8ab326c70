"""Between the spec's quantization and `transformers.BitsAndBytesConfig`, and the guard that 4-bit on a CPU needs.

`to_bnb(spec.quantization)` is what `from_pretrained` wants, `from_bnb(config)` the way back, `keep_trainable(model)`
makes a loaded 4-bit model safe to evaluate and then train. Validation is the spec's: the library takes typos.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from workbench.errors import ModelError, SpecError, needs
from workbench.spec import QuantizationSpec, Spec

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig

FIELDS = tuple(QuantizationSpec.model_fields)
BLOCK = 64
"""Weights that share a scale."""


def to_bnb(quantization: QuantizationSpec) -> "BitsAndBytesConfig":
    """The library's own config."""
    _check_platform()
    from transformers import BitsAndBytesConfig

    skip = quantization.llm_int8_skip_modules
    return BitsAndBytesConfig(
        load_in_8bit=quantization.load_in_8bit,
        load_in_4bit=quantization.load_in_4bit,
        bnb_4bit_quant_type=quantization.bnb_4bit_quant_type,
        bnb_4bit_use_double_quant=quantization.bnb_4bit_use_double_quant,
        bnb_4bit_compute_dtype=getattr(torch, quantization.bnb_4bit_compute_dtype),
        llm_int8_threshold=quantization.llm_int8_threshold,
        llm_int8_skip_modules=None if skip is None else list(skip),
    )


def from_bnb(config: "BitsAndBytesConfig") -> QuantizationSpec:
    """The spec's words for a BitsAndBytesConfig; what the spec cannot say is an error."""
    theirs, default = config.to_dict(), type(config)().to_dict()
    for name, value in theirs.items():
        private = name.startswith("_") or name == "quant_method"
        if name not in FIELDS and not private and value != default.get(name):
            raise SpecError(
                f"BitsAndBytesConfig.{name}={value!r} is not supported here; leave it out"
            )
    # Every field is carried over, because the library's default for one of them (fp4) is not ours.
    said = {name: theirs[name] for name in FIELDS}
    said["bnb_4bit_compute_dtype"] = said["bnb_4bit_compute_dtype"].removeprefix("torch.")
    found = Spec.from_fields({"quantization": said}, source="this BitsAndBytesConfig").quantization
    assert found is not None, said
    return found


def keep_trainable(model: Any) -> int:
    """Stops 4-bit layers from repacking their weights for CPU inference; returns how many there are.

    On a CPU with AVX512_BF16 bitsandbytes 0.50 rewrites a layer's weights in place at its first forward in eval mode,
    and from then on answers with a kernel that has no gradient: training after an evaluation would learn nothing,
    with only a warning, and the answers shift by 0.3 %. A width that 32 does not divide even ends in an AssertionError.
    """
    from bitsandbytes.nn import Linear4bit

    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    return len(layers)


def wrong_widths(widths: Iterable[int]) -> list[int]:
    """The widths at which a matrix in 4 bits comes back with the scales of wrong blocks, on this machine's processor.

    On a CPU with AVX-512 bitsandbytes 0.50 does so where a row is half a block longer than whole ones (96, 160 ...): the relative
    error is .25 instead of .09. The same blocks in one long row come back right, so each width is tried both ways.
    """
    return sorted(width for width in set(widths) if not _comes_back(width))


def _comes_back(width: int) -> bool:
    from bitsandbytes import functional

    W_BD = torch.randn(BLOCK, width, generator=torch.Generator().manual_seed(0))
    packed, state = functional.quantize_4bit(W_BD, blocksize=BLOCK, quant_type="nf4")
    as_it_is = functional.dequantize_4bit(packed, state)
    state.shape = torch.Size([1, BLOCK * width])
    in_one_row = functional.dequantize_4bit(packed, state)
    return torch.equal(as_it_is.flatten(), in_one_row.flatten())


def _check_platform() -> None:
    try:
        import bitsandbytes  # noqa: F401 - whether it loads is the question
    except ImportError:
        raise needs("bitsandbytes", "quantization") from None
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"bitsandbytes cannot run on this platform ({str(error)[:160]}). "
            "Leave quantization out, or use a machine it supports (Linux, Windows or macOS, CPU or CUDA)"
        ) from None

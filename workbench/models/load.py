"""A causal language model and its tokenizer, loaded from wherever the spec's words lead.

`load(spec.model, quantization=spec.quantization)` gives model, tokenizer and notes: what had to be substituted or
decided, for people to read. With `labels` it is a classifier: the same trunk under a fresh head. Weights come from
safetensors only; a repository's own code runs only if the spec says so. It knows nothing of adapters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from workbench.errors import ModelError
from workbench.models.heads import HEADS, class_names, draw_head, is_head
from workbench.models.quantize import keep_trainable, to_bnb, wrong_widths
from workbench.plan.locate import locate
from workbench.plan.shape import read_tensors
from workbench.spec import ModelSpec, QuantizationSpec

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tekken.json",
)
WRITING_HEADS = ("lm_head.weight", "lm_head.bias", "embed_out.weight")
END_WORDS = ("</s>", "<|endoftext|>", "<eos>", "<|im_end|>", "<|end|>", "<|eot_id|>", "[SEP]")
"""What an end of text is commonly called."""


@dataclass(frozen=True)
class Loaded:
    """A model ready to be adapted."""

    model: Any
    tokenizer: Any
    notes: list[str] = field(default_factory=list)
    """What was substituted or decided, in words."""


def load(
    model: ModelSpec,
    *,
    quantization: QuantizationSpec | None = None,
    labels: Sequence[str] | None = None,
    device: str | None = None,
) -> Loaded:
    """The model a spec names.

    Args:
        model: Which one, and in which number format.
        quantization: None, or without a bit width, keeps full precision.
        labels: The classes to tell apart, in the order of the head's outputs; None loads a model that writes.
        device: None takes CUDA where there is one.
    """
    folder = locate(model.id, revision=model.revision, trust_remote_code=model.trust_remote_code)
    # Reads the headers only: a cut file is refused before anything big happens.
    read_tensors(folder)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    notes: list[str] = []
    if model.trust_remote_code:
        notes.append(f"trust_remote_code: code that {model.id!r} brings with it may have run here")
    tokenizer = _tokenizer(folder, model=model)
    loaded = _weights(
        folder, model=model, quantization=quantization, labels=labels, device=device, notes=notes
    )
    _give_ends(tokenizer, model=loaded, notes=notes)
    loaded.eval()
    return Loaded(model=loaded, tokenizer=tokenizer, notes=notes)


def load_tokenizer(model: ModelSpec) -> Any:
    """The tokenizer of a model alone, with the ends that `load` gives it."""
    from transformers import AutoConfig

    folder = locate(model.id, revision=model.revision, trust_remote_code=model.trust_remote_code)
    tokenizer = _tokenizer(folder, model=model)
    if tokenizer.eos_token is None:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=model.trust_remote_code)
        tokenizer.eos_token = _an_end(tokenizer, config=config)[0]
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _tokenizer(folder: Path, *, model: ModelSpec) -> Any:
    # Without these transformers builds an empty tokenizer from the config, and says nothing.
    code = model.trust_remote_code and list(folder.glob("tokenization_*.py"))
    if not code and not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(
            f"{model.id!r} has no tokenizer: one of {', '.join(TOKENIZER_FILES)} must lie beside "
            "config.json"
        )
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=model.trust_remote_code)
    except (OSError, ValueError, KeyError, ImportError, TypeError, AttributeError) as error:
        raise ModelError(
            f"the tokenizer of {model.id!r} cannot be loaded: {_first_line(error)}"
        ) from None
    except Exception as error:
        # The tokenizers library raises plain Exception for a file it cannot parse.
        if type(error) is not Exception:
            raise
        raise ModelError(
            f"the tokenizer file of {model.id!r} cannot be read: {_first_line(error)}"
        ) from None


def _weights(
    folder: Path,
    *,
    model: ModelSpec,
    quantization: QuantizationSpec | None,
    labels: Sequence[str] | None,
    device: str,
    notes: list[str],
) -> Any:
    from safetensors import SafetensorError

    quantized = quantization is not None and quantization.bits is not None
    config = to_bnb(quantization) if quantization is not None and quantized else None
    if labels and config is not None and config.llm_int8_skip_modules:
        # A list of one's own replaces the library's, which spares the head.
        config.llm_int8_skip_modules = [*config.llm_int8_skip_modules, *HEADS]
    try:
        loaded, report = _class_of(labels).from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=model.trust_remote_code,
            dtype=getattr(torch, model.dtype),
            quantization_config=config,
            device_map={"": device} if quantized else None,
            output_loading_info=True,
            **(class_names(labels) if labels else {}),
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        if labels and "Unrecognized configuration class" in str(error):
            raise ModelError(
                f"{model.id!r} cannot classify: transformers has no classifier of this "
                "architecture. Choose another model, or adapter.task_type: CAUSAL_LM"
            ) from None
        raise ModelError(f"{model.id!r} cannot be loaded: {_first_line(error)}") from None
    _check_keys(report, model=model, labels=labels, notes=notes)
    if quantized:
        assert quantization is not None
        _note_quantization(loaded, quantization=quantization, device=device, notes=notes)
    else:
        loaded.to(device)
    if labels:
        draw_head(loaded, seed=0)
    return loaded


def _class_of(labels: Sequence[str] | None) -> Any:
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    return AutoModelForSequenceClassification if labels else AutoModelForCausalLM


def _check_keys(
    report: dict[str, Any], *, model: ModelSpec, labels: Sequence[str] | None, notes: list[str]
) -> None:
    missing = sorted(name for name in report["missing_keys"] if not (labels and is_head(name)))
    if missing:
        raise ModelError(
            f"{model.id!r} lacks {len(missing)} weights, first {missing[0]!r}: they would be random. "
            "Its config.json and its weights do not belong together"
        )
    unused = sorted(report["unexpected_keys"])
    if labels:
        # Of a model that writes, the head that chooses words is not needed.
        unused = [name for name in unused if name not in WRITING_HEADS]
    if unused:
        notes.append(f"{len(unused)} stored weights are not part of the model, first {unused[0]!r}")


def _note_quantization(
    model: Any, *, quantization: QuantizationSpec, device: str, notes: list[str]
) -> None:
    if quantization.bits == 4:
        layers = keep_trainable(model)
        kind = quantization.bnb_4bit_quant_type
        double = ", scales quantized too" if quantization.bnb_4bit_use_double_quant else ""
        notes.append(f"{layers} layers in 4 bits ({kind}{double}) on {device}")
        if wrong := _wrong_widths(model, device=device):
            notes.append(
                f"bitsandbytes {metadata.version('bitsandbytes')} gives wrong 4-bit weights on this processor for "
                f"layers with {', '.join(map(str, wrong))} inputs: answers are worse than 4 bits make them. "
                "Use a GPU, 8 bits, or no quantization"
            )
        return
    notes.append(f"linear layers in 8 bits (LLM.int8) on {device}")
    if quantization.llm_int8_threshold > 0:
        notes.append(
            "LLM.int8 picks outlier columns over a whole batch, so an answer depends a little on its "
            "neighbours; llm_int8_threshold: 0 makes rows independent"
        )


def _wrong_widths(model: Any, *, device: str) -> list[int]:
    from bitsandbytes.nn import Linear4bit

    if device != "cpu":
        return []
    return wrong_widths(m.in_features for m in model.modules() if isinstance(m, Linear4bit))


def _give_ends(tokenizer: Any, *, model: Any, notes: list[str]) -> None:
    """An end and a padding token, out of ids that exist: the embedding is never resized."""
    if tokenizer.eos_token is None:
        chosen, why = _an_end(tokenizer, config=model.config)
        tokenizer.eos_token = chosen
        notes.append(f"the tokenizer has no end token; {chosen!r} ends a text instead ({why})")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        notes.append(
            f"the tokenizer has no padding token; {tokenizer.pad_token!r} pads instead, masked and "
            "never trained on"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        notes.append(f"the tokenizer has {len(tokenizer)} tokens, the model only {rows}")
    config = model.config.get_text_config()
    # A classifier also needs it to find the last token of a text.
    config.pad_token_id = tokenizer.pad_token_id
    if config.eos_token_id is None:
        config.eos_token_id = tokenizer.eos_token_id
    generation = getattr(model, "generation_config", None)
    if generation is not None:
        generation.pad_token_id = tokenizer.pad_token_id
        if generation.eos_token_id is None:
            generation.eos_token_id = tokenizer.eos_token_id


def _an_end(tokenizer: Any, *, config: Any) -> tuple[str, str]:
    """The most end-like token there is, and why it."""
    known = tokenizer.get_vocab()
    stated = config.get_text_config().eos_token_id
    stated = stated[0] if isinstance(stated, list) else stated
    if stated is not None and 0 <= stated < len(tokenizer):
        return tokenizer.convert_ids_to_tokens(stated), "the model's config names it"
    for word in END_WORDS:
        if word in known:
            return word, "it is a common name for it"
    if tokenizer.pad_token is not None:
        return tokenizer.pad_token, "the padding token"
    newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
    if len(newline) == 1 and newline[0] != tokenizer.unk_token_id:
        return tokenizer.convert_ids_to_tokens(newline[0]), "the end of a line"
    return tokenizer.convert_ids_to_tokens(max(known.values())), "the last token there is"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

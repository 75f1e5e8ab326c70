"""What a person writes in a field, and the value of the spec that it means: one into the other, and back.

`ENTRIES` lists the fields of the form that are one plain value each, `text_of(dotted, value)` writes one and
`value_of(dotted, text)` reads it, by the type that the spec gives that field; `point_text` and `point_value` do the same
for a value on an axis. What cannot be read is a ValueError in words. It checks no range: the spec does.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from workbench.mistakes import PARTS
from workbench.widgets.precision import QUANTIZATIONS

Kind = Literal[
    "number", "numbers", "flag", "choice", "word", "words", "mapping", "quantization", "any"
]
PATTERN = re.compile(r"[\\*+?|()\[\]^$]")
"""What only a regular expression has among the names of modules."""
_NOTHING = ("none", "default", "null")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a field of the spec may hold."""

    kind: Kind
    choices: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A field of the form that is one plain value of the spec."""

    dotted: str
    label: str
    hint: str = ""
    group: str = "more"

    @property
    def name(self) -> str:
        return self.dotted.rsplit(".", 1)[-1]


ENTRIES = (
    Entry("adapter.lora_dropout", "Dropout", "0 to below 1", "adapter"),
    Entry("adapter.use_rslora", "rsLoRA", "divide alpha by the root of r (use_rslora)", "adapter"),
    Entry("adapter.use_dora", "DoRA", "train a magnitude apart from the direction (use_dora)", "adapter"),
    Entry("adapter.init_lora_weights", "Init weights", "init_lora_weights of LoraConfig", "adapter"),
    Entry("train.per_device_train_batch_size", "Batch size", "rows a step", "training"),
    Entry("train.gradient_accumulation_steps", "Accumulate", "batches before each step", "training"),
    Entry("train.max_length", "Max length", "tokens; longer rows are cut at the end", "training"),
    Entry("train.warmup_steps", "Warmup", "steps; below 1 a share of all steps", "training"),
    Entry("train.lr_scheduler_type", "Scheduler", "how the learning rate moves", "training"),
    Entry("adapter.peft_type", "Method", "PEFT's word; FULL trains all weights, as a control", "method"),
    Entry("adapter.task_type", "Task", "it writes (CAUSAL_LM) or tells rows apart (SEQ_CLS)", "method"),
    Entry("adapter.bias", "Bias", "biases that are trained too", "method"),
    Entry("adapter.modules_to_save", "Train whole", "modules_to_save: names, with commas", "method"),
    Entry("adapter.exclude_modules", "Leave out", "exclude_modules: names, with commas", "method"),
    Entry("adapter.layers_to_transform", "Layers only", "layers_to_transform: 0, 1, 2", "method"),
    Entry("adapter.feedforward_modules", "IA3 at input", "feedforward_modules of IA3", "method"),
    Entry("adapter.num_virtual_tokens", "Virtual tokens", "of prompt tuning", "method"),
    Entry("adapter.prompt_tuning_init", "Prompt init", "of prompt tuning", "method"),
    Entry("adapter.vera_dropout", "VeRA dropout", "0 to below 1", "method"),
    Entry("adapter.d_initial", "VeRA d_initial", "", "method"),
    Entry("adapter.projection_prng_key", "VeRA key", "seed of its projections", "method"),
    Entry("data.split", "Split", "of a hub set", "data"),
    Entry("data.rows", "Rows", "how many to train on; empty: all", "data"),
    Entry("data.columns", "Columns", "prompt=question, completion=answer", "data"),
    Entry("data.id2label", "Labels", "0=negative, 1=positive", "data"),
    Entry("data.eval_fraction", "Held out", "share of the rows that is asked and never trained on", "data"),
    Entry("data.validation", "Held-out set", "id=dev.jsonl, or split=validation", "data"),
    Entry("data.license", "Licence", "SPDX name, for the data card", "data"),
    Entry("model.dtype", "Base dtype", "number format of the base", "base"),
    Entry("model.revision", "Revision", "branch, tag or commit of a hub id", "base"),
    Entry("model.trust_remote_code", "Run its code", "trust_remote_code: runs code of the repository", "base"),
    Entry("quantization.bnb_4bit_compute_dtype", "Compute dtype", "of a base in four bits", "base"),
    Entry("quantization.llm_int8_threshold", "Outliers from", "llm_int8_threshold of an 8-bit base", "base"),
    Entry("quantization.llm_int8_skip_modules", "Keep full", "llm_int8_skip_modules: names, with commas", "base"),
    Entry("train.weight_decay", "Weight decay", "", "optimizer"),
    Entry("train.max_grad_norm", "Max grad norm", "", "optimizer"),
    Entry("train.adam_beta1", "Adam beta1", "", "optimizer"),
    Entry("train.adam_beta2", "Adam beta2", "", "optimizer"),
    Entry("train.adam_epsilon", "Adam epsilon", "", "optimizer"),
    Entry("train.completion_only_loss", "Answers only", "prompts are masked (completion_only_loss)", "optimizer"),
    Entry("train.bf16", "bf16", "train in bfloat16", "optimizer"),
    Entry("train.gradient_checkpointing", "Checkpointing", "gradient_checkpointing: less memory, a third more time", "optimizer"),
    Entry("train.save_steps", "Save every", "steps between checkpoints", "watching"),
    Entry("train.eval_steps", "Ask every", "steps between held-out losses; empty: never", "watching"),
    Entry("train.early_stopping_patience", "Patience", "held-out losses without a better one", "watching"),
    Entry("train.early_stopping_threshold", "Better by", "early_stopping_threshold", "watching"),
    Entry("train.load_best_model_at_end", "Keep the best", "load_best_model_at_end", "watching"),
    Entry("train.report_to", "Trackers", "tensorboard, wandb", "watching"),
)  # fmt: skip
"""Every plain field; what is not in the groups adapter and training is rare."""

BY_NAME = {entry.name: entry for entry in ENTRIES}


@cache
def allowed(dotted: str) -> Allowed:
    """What a field may hold, by its type in the spec."""
    if dotted == "quantization":
        return Allowed("quantization", optional=True)
    if dotted == "seed":
        return Allowed("number")
    part, name = dotted.split(".")
    leaves = dict(_leaves(PARTS[part].model_fields[name].annotation))
    optional = "none" in leaves
    choices = leaves.get("choice", ())
    if choices:
        flags = ("true", "false") if "flag" in leaves else ()
        return Allowed("choice", (*flags, *choices), optional)
    order: tuple[Kind, ...] = ("flag", "words", "numbers", "mapping", "number", "word")
    return Allowed(next((kind for kind in order if kind in leaves), "any"), (), optional)


def _leaves(annotation: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    origin, inside = get_origin(annotation), get_args(annotation)
    plain = {bool: "flag", int: "number", float: "number", str: "word", NoneType: "none"}
    if origin is Annotated:
        yield from _leaves(inside[0])
    elif origin in (Union, UnionType):
        for one in inside:
            yield from _leaves(one)
    elif origin is Literal:
        yield "choice", tuple(str(one) for one in inside)
    elif origin is tuple:
        yield ("numbers" if "number" in dict(_leaves(inside[0])) else "words"), ()
    elif origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        yield "mapping", ()
    elif annotation in plain:
        yield plain[annotation], ()


def text_of(dotted: str, value: Any) -> str | bool:
    """A value as the form shows it; nothing for None, and a flag as it is.

    >>> text_of("train.adam_epsilon", 1e-8), text_of("data.columns", {"prompt": "question"})
    ('1e-08', 'prompt=question')
    """
    if allowed(dotted).kind == "flag":
        return bool(value)
    if value is None:
        return ""
    if isinstance(value, dict):
        told = {key: one for key, one in value.items() if one is not None}
        flat = all(isinstance(one, str) and not set(one) & set(',="') for one in told.values())
        return ", ".join(f"{k}={v}" for k, v in told.items()) if flat else json.dumps(told)
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one) for one in value)
    return _plain(value)


def value_of(dotted: str, text: str) -> Any:
    """The value that a text means in this field; ValueError says what is needed.

    >>> value_of("adapter.exclude_modules", "lm_head, q_proj"), value_of("data.rows", "50")
    (['lm_head', 'q_proj'], 50)
    """
    rule, text = allowed(dotted), text.strip()
    if rule.kind == "words":
        parts = split(text)
        return text if len(parts) == 1 and PATTERN.search(text) else parts
    if rule.kind == "numbers":
        return [number(part) for part in split(text)]
    if rule.kind == "mapping":
        return _mapping(text)
    return point_value(dotted, text)


def point_text(dotted: str, value: Any) -> str:
    """A value on an axis, as text without a comma outside of brackets.

    >>> point_text("adapter.target_modules", ["q_proj", "v_proj"]), point_text("adapter.lora_alpha", None)
    ('q_proj+v_proj', 'default')
    """
    if dotted == "quantization":
        return _quantization_text(value)
    if value is None:
        return "default"
    if isinstance(value, list | tuple) and value and allowed(dotted).kind == "words":
        simple = all(isinstance(one, str) and re.fullmatch(r"[\w.-]+", one) for one in value)
        return "+".join(value) if simple else json.dumps(list(value))
    if isinstance(value, dict | list | tuple):
        return json.dumps(value)
    if isinstance(value, str) and not re.fullmatch(r"[\w./@:~ -]+", value):
        return json.dumps(value)
    return _plain(value)


def point_value(dotted: str, text: str) -> Any:
    """The value that a text means on an axis; ValueError says what is needed.

    >>> point_value("adapter.target_modules", "q_proj+v_proj"), point_value("train.bf16", "yes")
    (['q_proj', 'v_proj'], True)
    """
    rule, text = allowed(dotted), text.strip()
    if text[:1] in ("{", "[", '"'):
        return _json(text)
    if rule.optional and text.lower() in _NOTHING:
        return None
    match rule.kind:
        case "number":
            return number(text)
        case "flag":
            return _flag(text)
        case "choice":
            return _choice(text, choices=rule.choices)
        case "words":
            return [word.strip() for word in text.split("+")] if text != "all-linear" else text
        case "quantization":
            return _quantization(text)
        case "mapping" | "numbers":
            raise ValueError(f"got {text!r}; write it as JSON, such as " + _EXAMPLES[rule.kind])
        case _:
            return text


_EXAMPLES = {"mapping": '{"q_proj": 4}', "numbers": "[0, 1]"}


def split(text: str) -> list[str]:
    """The parts between commas that stand in no bracket and no quotation.

    >>> split('a, {"b": 1, "c": 2}, "d, e"')
    ['a', '{"b": 1, "c": 2}', '"d, e"']
    """
    parts, depth, quoted, begun = [], 0, False, 0
    for place, mark in enumerate(text):
        if mark == '"' and text[place - 1 : place] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (mark in "[{(") - (mark in "]})")
            if mark == "," and depth <= 0:
                parts.append(text[begun:place])
                begun = place + 1
    return [part.strip() for part in [*parts, text[begun:]] if part.strip()]


def number(text: str) -> int | float:
    """A number as it is written; ValueError in words."""
    try:
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text.strip()) else float(text)
    except ValueError:
        raise ValueError(f"got {text!r}; write a number") from None


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return neat(value)
    return str(value)


def neat(value: float) -> str:
    """A number in as many digits as it has, a whole one without its point."""
    return repr(float(value)).removesuffix(".0")


def _flag(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError(f"got {text!r}; write true or false")
    return words[text.lower()]


def _choice(text: str, *, choices: tuple[str, ...]) -> str | bool:
    known = {choice.lower(): choice for choice in choices}
    found = known.get(text.lower())
    if found is None:
        raise ValueError(f"got {text!r}; choose from {', '.join(choices)}")
    return found == "true" if found in ("true", "false") else found


def _mapping(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        found = _json(text)
        if not isinstance(found, dict):
            raise ValueError(f"got {text!r:.80}; write name=value, with commas between")
        return found
    pairs = [part.partition("=") for part in split(text)]
    wrong = next((f"{name}" for name, equal, value in pairs if not (equal and value.strip())), None)
    if wrong is not None:
        raise ValueError(f"got {wrong!r}; write name=value, with commas between")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"got {text!r:.80}, which is not JSON") from None


def _quantization(text: str) -> dict[str, Any] | None:
    word = re.sub(r"[\s-]+double$", "", text.lower())
    if word not in QUANTIZATIONS:
        raise ValueError(f"got {text!r}; choose from {', '.join(QUANTIZATIONS)}, nf4 double")
    fields = dict(QUANTIZATIONS[word])
    if word != text.lower():
        if not word.endswith("4"):
            raise ValueError(f"got {text!r}; only 4 bits are quantized twice: nf4 double")
        fields["bnb_4bit_use_double_quant"] = True
    return fields or None


def _quantization_text(value: Any) -> str:
    if not value:
        return "none"
    fields = {k: v for k, v in dict(value).items() if v not in (False, None)}
    double = fields.pop("bnb_4bit_use_double_quant", False)
    if fields.get("load_in_4bit"):
        fields.setdefault("bnb_4bit_quant_type", "nf4")
    for word, meant in QUANTIZATIONS.items():
        if fields == meant:
            return f"{word} double" if double else word
    return json.dumps(value)

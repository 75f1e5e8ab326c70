"""What a trial is called: a folder name that says what varies, in the words people use for it.

It takes dotted fields with their values and knows neither the spec nor the disk.
"""

import json
import re
from typing import Any

_SHORT = {
    "learning_rate": "lr",
    "lora_alpha": "alpha",
    "target_modules": "on",
    "id": "",
    "adapter_name": "",
}

FULL = "full"
"""What a base is called that is not quantized."""

_DTYPES = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


def trial_name(varied: dict[str, Any]) -> str:
    """A folder name that says what varies.

    >>> trial_name({"adapter.r": 4, "train.learning_rate": 0.01, "seed": 1})
    'r4-lr0.01-seed1'
    >>> trial_name({"quantization": {"load_in_4bit": True}, "adapter.use_dora": False})
    'nf4-no-dora'
    >>> trial_name({"adapter.peft_type": "PROMPT_TUNING", "seed": 0})
    'prompt-tuning-seed0'
    >>> trial_name({"model.dtype": "bfloat16", "quantization": None})
    'bf16'
    >>> trial_name({"adapter.adapter_name": "poems", "adapter.r": 8})
    'poems'
    """
    if "adapter.adapter_name" in varied:
        # A name of its own says all about an adapter.
        kept = {k: v for k, v in varied.items() if not k.startswith("adapter.")}
        varied = {"adapter.adapter_name": varied["adapter.adapter_name"], **kept}
    if "model.dtype" in varied and storage_name(varied.get("quantization")) == FULL:
        varied = {k: v for k, v in varied.items() if k != "quantization"}  # the type says it
    words = [_word(dotted.rsplit(".", 1)[-1], value) for dotted, value in varied.items()]
    return "-".join(words)[:96].strip("-.") or "trial"


def _word(field: str, value: Any) -> str:
    said = field.removeprefix("use_").replace("_", "-")
    if field == "quantization":
        return storage_name(value)
    if field == "dtype":
        return _DTYPES.get(str(value), _slug(value))
    if field == "peft_type":
        return str(value).lower().replace("_", "-")
    if isinstance(value, bool):
        return said if value else f"no-{said}"
    if value is None:
        return f"{said}-default"
    shown = f"{value:g}" if isinstance(value, float) else _slug(value)
    return _SHORT.get(field, said) + shown


def storage_name(value: Any) -> str:
    """What a quantization is called: full, int8, nf4, fp4-double."""
    if not isinstance(value, dict) or not (value.get("load_in_4bit") or value.get("load_in_8bit")):
        return FULL
    if value.get("load_in_8bit"):
        return "int8"
    kind = str(value.get("bnb_4bit_quant_type", "nf4"))
    return kind + ("-double" if value.get("bnb_4bit_use_double_quant") else "")


def _slug(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict) else str(value)
    if isinstance(value, list | tuple):
        text = "-".join(str(part) for part in value)
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")

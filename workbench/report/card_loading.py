"""How an adapter is loaded without the workbench: the lines of plain transformers and PEFT that its card shows.

`loading(subject)` gives them as Markdown. Every name in them is written as a Python literal, so that no name can end a string.
"""

import json

from workbench.report import markdown as md
from workbench.report.subject import MICROWORLD, Subject

HERE = "path/to/this/folder"
"""What stands for the place where the reader has put the adapter."""

LABELS = "labels.json"


def loading(subject: Subject) -> list[str]:
    """A word on the base where it needs one, then the code."""
    return [*_of_the_base(subject), md.fenced(code(subject), language="python")]


def code(subject: Subject) -> str:
    """The script itself."""
    auto = "AutoModelForSequenceClassification" if subject.is_classifier else "AutoModelForCausalLM"
    quantized = subject.spec.quantization is not None and subject.spec.quantization.bits
    others = ", BitsAndBytesConfig" if quantized else ""
    lines = [] if subject.is_full else ["from peft import PeftModel"]
    lines += [f"from transformers import {auto}, AutoTokenizer{others}", ""]
    lines += [f"base = {_base(subject)}", f"here = {HERE!r}"]
    lines += [f"tokenizer = AutoTokenizer.from_pretrained({'here' if subject.is_full else 'base'})"]
    lines += [f"model = {auto}.from_pretrained({', '.join(_arguments(subject))})"]
    if not subject.is_full:
        lines += ["model = PeftModel.from_pretrained(model, here)"]
    lines += ["model.eval()", "", *_use(subject)]
    if subject.is_full:
        lines.remove(f"base = {_base(subject)}")
    return "\n".join(lines)


def _of_the_base(subject: Subject) -> list[str]:
    if subject.spec.model.id == MICROWORLD:
        return [
            "Its base is the micro-world's model, a folder inside the package `peft-workbench`: "
            "`python -c 'from workbench import microworld; print(microworld.path())'` prints its place."
        ]
    if not subject.hub_base and not subject.is_full:
        return ["Its base is a folder that its owner has; it is not on the Hub under this name."]
    return []


def _base(subject: Subject) -> str:
    if subject.spec.model.id == MICROWORLD:
        return repr("path/to/microworld/weights")
    return repr(subject.hub_base or subject.base_name)


def _arguments(subject: Subject) -> list[str]:
    """What `from_pretrained` of the base is told."""
    model, quantization = subject.spec.model, subject.spec.quantization
    told = ["here" if subject.is_full else "base", f"dtype={model.dtype!r}"]
    if model.revision and not subject.is_full:
        told.append(f"revision={model.revision!r}")
    if model.trust_remote_code:
        told.append("trust_remote_code=True")
    labels = _labels(subject)
    if labels:
        told.append(f"num_labels={len(labels)}")
    if quantization is not None and quantization.bits == 4:
        fields = ", ".join(
            [
                "load_in_4bit=True",
                f"bnb_4bit_quant_type={quantization.bnb_4bit_quant_type!r}",
                f"bnb_4bit_use_double_quant={quantization.bnb_4bit_use_double_quant}",
                f"bnb_4bit_compute_dtype={quantization.bnb_4bit_compute_dtype!r}",
            ]
        )
        told.append(f"quantization_config=BitsAndBytesConfig({fields})")
    elif quantization is not None and quantization.bits == 8:
        told.append("quantization_config=BitsAndBytesConfig(load_in_8bit=True)")
    return told


def _labels(subject: Subject) -> list[str]:
    path = subject.folder / LABELS
    if not path.is_file():
        return []
    found = json.loads(path.read_text(encoding="utf-8"))
    return [str(one) for one in found] if isinstance(found, list) else []


def _use(subject: Subject) -> list[str]:
    """What is done with it once it is loaded."""
    inputs = 'inputs = tokenizer("Your text here", return_tensors="pt").to(model.device)'
    if subject.is_classifier:
        return [
            f"labels = {_labels(subject)!r}",
            inputs,
            "print(labels[int(model(**inputs).logits[0].argmax())])",
        ]
    return [
        inputs,
        "answer = model.generate(**inputs, max_new_tokens=32, do_sample=False)",
        'print(tokenizer.decode(answer[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))',
    ]

"""Files and folders that are not what they should be: data nobody can train on, models nobody should load."""

import json
from collections.abc import Callable
from pathlib import Path

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "vocab_size": 16,
}


def _text(content: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(content)

    return write


def _bytes(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


GOOD_LINE = json.dumps({"prompt": "a", "completion": " b"})

DATA: dict[str, Callable[[Path], None]] = {
    "rows.docx": _text("hello"),
    "empty.jsonl": _text(""),
    "head.csv": _text("prompt,completion\n"),
    "other.csv": _text("question,answer\nwho,me\n"),
    "broken.jsonl": _text(f'{GOOD_LINE}\n{{"prompt": "a", "compl\n{GOOD_LINE}\n'),
    "object.json": _text('{"a": 1}'),
    "numbers.json": _text("[1, 2, 3]"),
    "garbage.parquet": _bytes(b"PAR1 this is no parquet PAR1"),
    "binary.jsonl": _bytes(bytes(range(256)) * 4),
}


def _config(**changes: object) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps({**LLAMA, **changes}))

    return write


def _pickle(folder: Path) -> None:
    _config()(folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")


def _bad_config(folder: Path) -> None:
    (folder / "config.json").write_text("{not json")
    (folder / "model.safetensors").write_bytes(b"\x00" * 16)


def _encoder(folder: Path) -> None:
    _config(architectures=["BertModel"], model_type="bert")(folder)
    (folder / "model.safetensors").write_bytes(b"\x02" + b"\x00" * 7 + b"{}")


def _adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (folder / "adapter_model.safetensors").write_bytes(b"\x02" + b"\x00" * 7 + b"{}")


def _own_code(folder: Path) -> None:
    code = {"AutoModelForCausalLM": "modeling_mine.Mine", "AutoConfig": "modeling_mine.Config"}
    _config(architectures=["Mine"], model_type="mine", auto_map=code)(folder)
    (folder / "modeling_mine.py").write_text("raise SystemExit('this must never run')\n")
    (folder / "model.safetensors").write_bytes(b"\x02" + b"\x00" * 7 + b"{}")


def _cut_weights(folder: Path) -> None:
    _config()(folder)
    (folder / "model.safetensors").write_bytes((10_000).to_bytes(8, "little") + b'{"a":')


MODELS: dict[str, Callable[[Path], None]] = {
    "empty": lambda folder: None,
    "no-weights": _config(),
    "pickle": _pickle,
    "bad-config": _bad_config,
    "encoder": _encoder,
    "adapter": _adapter,
    "own-code": _own_code,
    "cut-weights": _cut_weights,
}

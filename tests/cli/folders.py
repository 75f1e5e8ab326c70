"""Files and folders that are not what they should be: data nobody can train on, models nobody should load."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench import microworld

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


def adapter(
    sizes: Mapping[str, tuple[int, ...]] | None = None, **changes: Any
) -> Callable[[Path], None]:
    """A LoRA for the micro-world's first layer, in PEFT's format, with zeros for numbers."""

    def write(folder: Path) -> None:
        config = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": 2,
            "lora_alpha": 4,
            "target_modules": ["q_proj"],
            "layers_to_transform": [0],
            "base_model_name_or_path": "",
            **changes,
        }
        (folder / "adapter_config.json").write_text(json.dumps(config))
        _zeros(folder / "adapter_model.safetensors", _Q_PROJ if sizes is None else sizes)

    return write


def _zeros(path: Path, sizes: Mapping[str, tuple[int, ...]]) -> None:
    """A safetensors file of zeros: its head, then as many bytes as that promises."""
    head, end = {}, 0
    for name, size in sizes.items():
        start, end = end, end + 4 * math.prod(size)
        head[f"base_model.model.{name}"] = {
            "dtype": "F32", "shape": list(size), "data_offsets": [start, end],
        }  # fmt: skip
    raw = json.dumps(head).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(end))


_WIDTH = json.loads((microworld.path() / "config.json").read_text())["hidden_size"]
_Q = "model.layers.0.self_attn.q_proj"
_Q_PROJ = {f"{_Q}.lora_A.weight": (2, _WIDTH), f"{_Q}.lora_B.weight": (_WIDTH, 2)}


def _without_weights(folder: Path) -> None:
    adapter()(folder)
    (folder / "adapter_model.safetensors").unlink()


def _pickled(folder: Path) -> None:
    _without_weights(folder)
    (folder / "adapter_model.bin").write_bytes(b"\x80\x04N.")


def _with_config(content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        adapter()(folder)
        (folder / "adapter_config.json").write_text(content)

    return write


def _cut(folder: Path) -> None:
    adapter()(folder)
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


ADAPTERS: dict[str, Callable[[Path], None]] = {
    "good": adapter(),
    "no-weights": _without_weights,
    "pickle": _pickled,
    "bad-config": _with_config("{not json"),
    "list": _with_config("[]"),
    "cut": _cut,
    "hollow": adapter({}),
    "method": adapter(peft_type="ADALORA"),
    "classifier": adapter(task_type="SEQ_CLS"),
    "target-parameters": adapter(target_parameters=["mlp.experts.gate_up_proj"]),
    "loftq": adapter(init_lora_weights="loftq"),
    "rank-0": adapter(r=0),
    "bad-pattern": adapter(rank_pattern={"(": 4}),
    "listed-pattern": adapter(rank_pattern=["q_proj"]),
    "other-names": adapter({"h.0.attn.lora_A.weight": (2, 8), "h.0.attn.lora_B.weight": (8, 2)}),
    "other-size": adapter({f"{_Q}.lora_A.weight": (2, 7), f"{_Q}.lora_B.weight": (_WIDTH, 2)}),
    "other-rank": adapter({f"{_Q}.lora_A.weight": (3, _WIDTH), f"{_Q}.lora_B.weight": (_WIDTH, 3)}),
    "half": adapter({f"{_Q}.lora_A.weight": (2, _WIDTH)}),
    "lost-base": adapter(base_model_name_or_path="./nowhere"),
}


def _lines(*rows: Mapping[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


_ROW = {"query": "q", "choices": ["a", "b"], "gold": 0}

EVAL_FILES: dict[str, str] = {
    "no-column": _lines({"query": "q", "gold": 0}),
    "same-id": _lines({**_ROW, "id": "one"}, {**_ROW, "id": "one", "query": "r"}),
    "some-ids": _lines({**_ROW, "id": "one"}, {**_ROW, "query": "r"}),
    "no-gold": _lines(_ROW, {**_ROW, "gold": 2}),
    "other-gold": _lines({**_ROW, "gold": "c"}),
    "one-choice": _lines({**_ROW, "choices": ["a"]}),
    "empty-choice": _lines({**_ROW, "choices": ["a", ""]}),
    "empty-query": _lines({**_ROW, "query": ""}),
    "empty-text": _lines({"text": "a"}, {"text": "  "}),
    "nothing": "",
    "broken": _lines(_ROW) + '{"query": \n',
}
"""What a file of questions may hold that nobody can answer."""

"""Sizes come out of config.json and the safetensors headers alone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import ModelError
from workbench.plan.shape import modules, read_shape, read_tensors

SHAPES = ("llama", "llama-tied", "qwen3", "gpt2", "gpt2-untied", "opt", "gpt_neox", "bloom", "phi3")


@pytest.mark.parametrize("name", SHAPES)
def test_the_linear_layers_are_those_of_the_loaded_model(
    tiny: Callable[[str], Path], name: str
) -> None:
    from torch import nn
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    model = AutoModelForCausalLM.from_pretrained(tiny(name), use_safetensors=True)
    head = model.get_output_embeddings()
    truth = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.Linear) and module is not head:
            truth[path] = ("linear", module.in_features, module.out_features)
        elif isinstance(module, Conv1D):
            truth[path] = ("conv1d", module.nx, module.nf)
    found = {m.name: (m.kind, m.in_features, m.out_features) for m in modules(tiny(name))}
    assert found == truth
    shape = read_shape(tiny(name))
    assert shape.parameters == sum(p.numel() for p in model.parameters())
    assert (shape.layers, shape.hidden, shape.vocabulary) == (3, 32, 97)
    assert {m.layer for m in shape.modules if m.layer is not None} == {0, 1, 2}


def test_layers_stand_in_the_order_of_the_model(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    names = [f"model.layers.{i}.self_attn.q_proj.weight" for i in (0, 10, 2)]
    save_file({name: torch.zeros(4, 4) for name in names}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert [m.layer for m in modules(tmp_path)] == [0, 2, 10]


def test_a_checkpoint_saved_without_its_head_gets_its_prefix_back(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    from transformers import GPT2Model

    trunk = GPT2Model.from_pretrained(tiny("gpt2"), use_safetensors=True)
    trunk.save_pretrained(tmp_path)
    assert any(name.startswith("h.0.") for name in read_tensors(tmp_path))
    assert [m.name for m in modules(tmp_path)] == [m.name for m in modules(tiny("gpt2"))]


def test_a_sharded_checkpoint_reads_as_one(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny("llama"), use_safetensors=True)
    model.save_pretrained(tmp_path, max_shard_size="30KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert modules(tmp_path) == modules(tiny("llama"))
    next(tmp_path.glob("model-00002*")).unlink()
    with pytest.raises(ModelError, match=r"lacks 1 of its .* weight files"):
        read_shape(tmp_path)


def folder_with(tmp_path: Path, weights: bytes) -> Path:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "model.safetensors").write_bytes(weights)
    return tmp_path


HEADER = json.dumps(
    {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
).encode()

BROKEN = {
    "cut in its header": (b"\xff\x00\x00\x00\x00\x00\x00\x00{", "cut short"),
    "seven bytes": (b"1234567", "cut short"),
    "a header of terabytes": (b"\xff" * 8 + b"{}", "cut short"),
    "a header that is no JSON": ((4).to_bytes(8, "little") + b"{{{{", "no readable"),
    "a header that is a list": ((2).to_bytes(8, "little") + b"[]", "no readable"),
    "cut in its data": (
        len(HEADER).to_bytes(8, "little") + HEADER + b"\0" * 9,
        "was cut or changed",
    ),
    "too long": (len(HEADER).to_bytes(8, "little") + HEADER + b"\0" * 17, "was cut or changed"),
    "a git-lfs pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        "git lfs pull",
    ),
    "nothing to adapt": ((2).to_bytes(8, "little") + b"{}", "no linear layer"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_weight_file_is_refused(tmp_path: Path, case: str) -> None:
    weights, said = BROKEN[case]
    with pytest.raises(ModelError, match=said):
        read_shape(folder_with(tmp_path, weights))


def test_an_index_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    index = {"weight_map": {"a.weight": "../other/model.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"outside its folder"):
        read_shape(tmp_path)


def test_a_checkpoint_stored_quantized_is_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    name = "model.layers.0.mlp.up_proj.weight"
    tensors = {name: torch.zeros(8, 1, dtype=torch.uint8), name + ".absmax": torch.zeros(1)}
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match=r"already quantized"):
        read_shape(tmp_path)

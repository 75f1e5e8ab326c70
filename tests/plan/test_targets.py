"""The plan counts what PEFT counts, for many model shapes, and refuses what PEFT would ignore."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import SpecError
from workbench.plan.shape import read_shape
from workbench.plan.targets import aim, count
from workbench.spec import AdapterSpec

SHARED = Path(__file__).parents[3] / "shared" / "models"
SHAPES = (
    "llama llama-tied qwen2 qwen3 gemma mistral phi phi3 gpt2 gpt2-untied opt gpt_neox bloom falcon "
    "bitnet mixtral"
).split()
REAL = ("stories260K", "bitstories-3M", "slm4096-gpt2")
EVERYWHERE: tuple[dict[str, Any], ...] = (
    {"r": 4},
    {"r": 3, "use_dora": True},
    {"r": 2, "bias": "all"},
    {"r": 2, "bias": "lora_only"},
    {"r": 2, "target_modules": r".*\.1\..*(proj|dense|c_attn|c_proj|query_key_value|fc\d)"},
)
LLAMA: tuple[dict[str, Any], ...] = (
    {"target_modules": ("q_proj", "v_proj")},
    {"target_modules": ("proj",), "exclude_modules": None},
    {"target_modules": ("model.layers.2.self_attn.q_proj", "up_proj")},
    {"target_modules": r".*layers\.[01]\.mlp\.(up|down)_proj"},
    {"exclude_modules": ("q_proj", "layers.0.mlp.up_proj")},
    {"exclude_modules": r".*mlp.*"},
    {"target_modules": ("q_proj", "o_proj"), "layers_to_transform": (0, 2)},
    {"r": 4, "rank_pattern": {"q_proj": 8, r"layers\.1\..*": 2}},
    {"r": 4, "rank_pattern": {"^model.layers.0.mlp.up_proj": 16, "mlp.up_proj": 1}},
    {"target_modules": ("q_proj", "lm_head")},
    {"target_modules": ("q_proj", "embed_tokens")},
    {"target_modules": ("q_proj",), "modules_to_save": ("lm_head",)},
    {"modules_to_save": ("embed_tokens", "norm")},
    {"modules_to_save": ("down_proj",)},
    {"target_modules": ("q_proj",), "modules_to_save": ("mlp",), "bias": "lora_only"},
)


def pefts_own(folder: Path, adapter: AdapterSpec) -> tuple[int, int]:
    """Trainable and all parameters, as PEFT counts them."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    fields = adapter.model_dump(exclude_unset=True)
    for name in ("target_modules", "exclude_modules", "layers_to_transform", "modules_to_save"):
        if isinstance(fields.get(name), tuple):
            fields[name] = list(fields[name])
    fields = {"target_modules": adapter.target_modules, **fields}
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    peft_model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **fields))
    return peft_model.get_nb_trainable_parameters()


def check(folder: Path, fields: dict[str, Any]) -> None:
    adapter, shape = AdapterSpec(**fields), read_shape(folder)
    trainable, everything = pefts_own(folder, adapter)
    assert count(shape, adapter=adapter) == trainable
    if "modules_to_save" not in fields:
        free = 0 if adapter.bias == "none" else count(shape, adapter=adapter) - sum(
            t.parameters for t in aim(shape, adapter=adapter)
        )
        assert shape.parameters + trainable - free == everything


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("fields", EVERYWHERE, ids=repr)
@pytest.mark.parametrize("name", SHAPES)
def test_the_count_is_pefts_for_every_shape(
    tiny: Callable[[str], Path], name: str, fields: dict[str, Any]
) -> None:
    check(tiny(name), fields)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("fields", LLAMA, ids=repr)
@pytest.mark.parametrize("name", ["llama", "llama-tied"])
def test_the_count_is_pefts_for_every_way_to_aim(
    tiny: Callable[[str], Path], name: str, fields: dict[str, Any]
) -> None:
    check(tiny(name), fields)


@pytest.mark.parametrize("name", REAL)
def test_the_count_is_pefts_for_real_models(name: str) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"the real model {name} is not beside this checkout")
    check(SHARED / name, {"r": 5})

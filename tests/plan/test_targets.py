"""The plan counts what PEFT counts, for many model shapes, and refuses what PEFT would ignore."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import SpecError
from workbench.plan.locate import locate
from workbench.plan.shape import read_shape
from workbench.plan.targets import aim, count
from workbench.spec import AdapterSpec

SHAPES = (
    "llama",
    "llama-tied",
    "qwen2",
    "qwen3",
    "gemma",
    "mistral",
    "phi",
    "phi3",
    "gpt2",
    "gpt2-untied",
    "opt",
    "gpt_neox",
    "bloom",
    "falcon",
    "bitnet",
)
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
        free = (
            0
            if adapter.bias == "none"
            else count(shape, adapter=adapter)
            - sum(t.parameters for t in aim(shape, adapter=adapter))
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
def test_the_count_is_pefts_for_real_models(shared_models: Path, name: str) -> None:
    check(shared_models / name, {"r": 5})


def test_the_count_is_pefts_for_the_micro_world() -> None:
    check(locate("microworld"), {"r": 8, "use_dora": True})


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_attention_of_a_mixture_of_experts_is_counted(tiny: Callable[[str], Path]) -> None:
    check(tiny("mixtral"), {"target_modules": ("q_proj", "v_proj")})


def test_experts_are_refused_because_they_are_no_linear_layers(tiny: Callable[[str], Path]) -> None:
    with pytest.raises(
        SpecError, match=r"mixture of experts.*Known: k_proj, o_proj, q_proj, v_proj"
    ):
        count(read_shape(tiny("mixtral")), adapter=AdapterSpec())
    with pytest.raises(SpecError, match=r"not a linear layer"):
        count(read_shape(tiny("mixtral")), adapter=AdapterSpec(target_modules=("q_proj", "w1")))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a mistyped target": ({"target_modules": ("q_porj",)}, "'q_porj' matches no module.*'q_proj'"),
    "one of two mistyped": ({"target_modules": ("q_proj", "w_proj")}, "'w_proj' matches no module"),
    "a target of another model": ({"target_modules": ("c_attn",)}, "'c_attn'.*Known: .*q_proj"),
    "part of a name": ({"target_modules": ("proj",)}, "'proj' matches no module"),
    "a block": ({"target_modules": ("self_attn",)}, "'self_attn' holds other modules"),
    "a norm": ({"target_modules": ("norm",)}, "not a linear layer"),
    "a pattern without a match": (
        {"target_modules": ".*nowhere"},
        "whole name such as 'model.layers.0",
    ),
    "a pattern that takes a block": (
        {"target_modules": ".*attn.*"},
        "self_attn', which is not a linear",
    ),
    "a pattern that takes a norm": ({"target_modules": r".*\.norm|.*q_proj"}, "'model.norm'"),
    "a layer too many": (
        {"target_modules": ("q_proj",), "layers_to_transform": (0, 3)},
        "no layer 3; this model has 3",
    ),
    "layers of all-linear": ({"layers_to_transform": (0,)}, "needs a list of target_modules"),
    "everything excluded": ({"exclude_modules": ".*"}, "nothing is left to adapt"),
    "a rank for nothing": ({"rank_pattern": {"q_porj": 2}}, "rank_pattern: 'q_porj'.*'q_proj'"),
    "an alpha for nothing": ({"alpha_pattern": {"x_proj": 2}}, "alpha_pattern: 'x_proj'"),
    "a module to save that is not there": (
        {"modules_to_save": ("lm_haed",)},
        "'lm_haed'.*'lm_head'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_peft_would_ignore_or_fail_on_is_refused(
    tiny: Callable[[str], Path], case: str
) -> None:
    fields, said = WRONG[case]
    with pytest.raises(SpecError, match=said):
        count(read_shape(tiny("llama")), adapter=AdapterSpec(**fields))

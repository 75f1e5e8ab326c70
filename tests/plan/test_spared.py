"""What a skip list keeps in full precision is what transformers leaves alone."""

import itertools

import pytest

from workbench.plan.memory import weight_bytes
from workbench.plan.shape import Module, Shape
from workbench.plan.spared import is_spared
from workbench.spec import QuantizationSpec

NAMES = (
    "model.layers.1.mlp.up_proj",
    "model.layers.11.mlp.up_proj",
    "model.layers.1.mlp.gate",
    "model.layers.1.mlp.gate_proj",
    "lm_head",
)
WORDS = (
    "up_proj",
    "proj",
    "model.layers.1",
    "layers.1",
    "model.layers.*",
    "mlp.gate",
    "lm_head",
    "gate",
)


@pytest.mark.parametrize(("name", "word"), list(itertools.product(NAMES, WORDS)))
def test_the_rule_is_that_of_transformers(name, word):
    from transformers.quantizers.quantizers_utils import should_convert_module

    assert is_spared(name, words=[word]) is not should_convert_module(name, [word])


def test_the_plan_counts_a_layer_in_full_precision_and_not_its_namesakes():
    layers = tuple(
        Module(name, "linear", 64, 64, layer=None, target="fc", parameters=4096)
        for name in ("model.layers.1.fc", "model.layers.11.fc")
    )
    quantization = QuantizationSpec(load_in_8bit=True, llm_int8_skip_modules=["model.layers.1"])
    counted = weight_bytes(
        Shape({}, layers, tied=False), dtype="float32", quantization=quantization
    )
    assert counted == 4096 * 4 + 4096 + 64 * 4

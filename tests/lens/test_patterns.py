"""Ranks written as fields are read back by PEFT's rule as exactly these, whatever the modules are called."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.lens.patterns import lora_fields, patterns

NAMES = (
    *(f"model.layers.{n}.self_attn.q_proj" for n in (0, 1, 2, 10)),
    *(f"model.layers.{n}.mlp.down_proj" for n in (0, 1, 2, 10)),
    *(f"draft.model.layers.{n}.mlp.down_proj" for n in (0, 1)),
    "model.embed_tokens",
    "lm_head",
    "head",
)


def read(made, name, default):
    """PEFT's `get_pattern_key`."""
    key = next((key for key in made if re.match(rf"(.*\.)?({key})$", name)), None)
    return default if key is None else made[key]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from((1, 2, 5, 8)), min_size=len(NAMES), max_size=len(NAMES)),
    st.lists(st.sampled_from((0.5, 2.0, 1 / 3)), min_size=len(NAMES), max_size=len(NAMES)),
    st.booleans(),
)
def test_every_module_gets_its_rank_and_keeps_its_scale(ranks, scales, is_rslora):
    ranks, scales = (dict(zip(NAMES, some, strict=True)) for some in (ranks, scales))
    fields = lora_fields(ranks, scales=scales, is_rslora=is_rslora)
    for name in NAMES:
        rank = read(fields["rank_pattern"], name, fields["r"])
        alpha = read(fields["alpha_pattern"], name, fields["lora_alpha"])
        assert rank == ranks[name]
        assert alpha / (math.sqrt(rank) if is_rslora else rank) == pytest.approx(scales[name])
    whole = patterns(ranks, default=None)
    assert {name: read(whole, name, None) for name in NAMES} == ranks


def test_layers_of_one_rank_share_a_pattern():
    ranks = {f"model.layers.{n}.mlp.up": 4 if n < 3 else 2 for n in range(8)}
    assert patterns(ranks, default=2) == {r"model\.layers\.(0|1|2)\.mlp\.up": 4}

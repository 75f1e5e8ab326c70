"""Ways to serve an adapter say what the adapter says, whatever the architecture, and leave the base as it was."""

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tests.deployment.conftest import write_adapter
from tests.engine import equality
from workbench import microworld
from workbench.deployment.agreement import compared
from workbench.deployment.held import adapter_bytes, held
from workbench.deployment.loading import Place, prepare
from workbench.spec import Spec
from workbench.timing.call import Cell

TEXTS = [tuple(range(3, 3 + n)) for n in (2, 9, 16)]
WAYS = ("base", "attached", "merged", "mixed", "swapped")


@pytest.fixture(scope="module")
def served(sweep):
    first, second = sweep.trials
    adapters = {t.name: sweep.folder(t.name) / "adapter" for t in (first, second)}
    names = (*WAYS, "int8", "nf4", "bf16")
    place = Place.of(first.spec.model)
    prepare(place, trial=first, adapters=adapters, names=names)
    return place


@pytest.mark.parametrize("family", [name for name in equality.MODELS if name != "microworld"])
def test_merged_says_what_attached_says_for_every_kind_of_model(family, tmp_path):
    model = equality.build(family)
    _, few, others = equality.MODELS[family]
    folder = write_adapter(model, tmp_path / "a", targets=few + others)
    before = {name: p.clone() for name, p in model.named_parameters()}
    (trial,) = Spec.from_fields({"adapter": {"target_modules": list(few)}}).grid()
    place, names = Place(model), ("base", "attached", "merged")
    prepare(place, trial=trial, adapters={trial.name: folder}, names=names)
    assert place.refused == {}
    ways = place.subjects
    for moved in compared(ways["attached"], ways["merged"], TEXTS):
        assert moved.largest < 1e-4
        assert moved.same == 1
        assert moved.divergence < 1e-8
    for way in ways.values():
        told = held(way, cell=Cell(4, 2))
        assert told["cache_bytes_per_token"] == told["cache_bytes_by_formula"] > 0
        assert told["cuda"] is None or told["cuda"]["allocated_bytes"] > 0
    assert max(moved.largest for moved in compared(ways["attached"], ways["base"], TEXTS)) > 1e-3
    after = dict(ways["base"].model.named_parameters())
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_attached_says_what_plain_peft_says(served, sweep):
    folder = sweep.folder(sweep.trials[0].name) / "adapter"
    plain = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(microworld.path()), folder
    ).eval()
    for ids in TEXTS:
        with torch.no_grad():
            logits = plain(input_ids=torch.tensor([ids])).logits[0]
        theirs = torch.log_softmax(logits.double(), -1)
        assert torch.allclose(served.subjects["attached"].logprobs(ids), theirs, atol=1e-9)


@pytest.mark.parametrize("way", ["merged", "mixed", "swapped"])
def test_each_way_in_full_precision_says_the_same(served, way):
    served.subjects[way].call(Cell(4, 2, 2))  # it may leave another adapter active
    for moved in compared(served.subjects["attached"], served.subjects[way], TEXTS):
        assert moved.largest < 1e-4


def test_fewer_bits_move_the_answers_and_fewer_move_them_further(served):
    def divergence(way):
        moved = compared(served.subjects["attached"], served.subjects[way], TEXTS)
        return sum(one.divergence for one in moved) / len(moved)

    assert 0 < divergence("bf16") < divergence("nf4")
    assert 0 < divergence("int8") < divergence("nf4")


def test_the_divergence_is_that_of_the_definition(served):
    ways = served.subjects
    for ids, moved in zip(TEXTS, compared(ways["attached"], ways["base"], TEXTS), strict=True):
        p, q = (ways[name].logprobs(ids) for name in ("attached", "base"))
        own = torch.nn.functional.kl_div(q, p, log_target=True, reduction="sum") / len(ids)
        assert moved.divergence == pytest.approx(float(own), rel=1e-9)
        assert moved.same == pytest.approx(float((p.argmax(-1) == q.argmax(-1)).double().mean()))


def test_shared_weights_are_shared_and_merged_ones_are_not(served):
    def weight(way):
        model = served.subjects[way].model
        inner = model.get_base_model() if isinstance(model, PeftModel) else model
        layer = inner.model.layers[0].self_attn.q_proj
        return getattr(layer, "base_layer", layer).weight

    assert weight("attached").data_ptr() == weight("base").data_ptr()
    assert weight("mixed").data_ptr() == weight("base").data_ptr()
    assert weight("merged").data_ptr() != weight("base").data_ptr()


def test_bytes_are_those_of_the_tensors(served):
    sizes = {way: subject.bytes for way, subject in served.subjects.items()}
    numbers = sum(p.numel() for p in served.subjects["base"].model.parameters())
    assert sizes["base"] >= 4 * numbers
    assert sizes["merged"] == sizes["base"]
    added = sum(
        p.numel() for n, p in served.subjects["attached"].model.named_parameters() if "lora_" in n
    )
    assert sizes["attached"] == sizes["base"] + 4 * added
    adapters = {way: adapter_bytes(subject.model) for way, subject in served.subjects.items()}
    assert (adapters["base"], adapters["merged"]) == (0, 0)
    assert adapters["attached"] == adapters["nf4"] == 4 * added
    assert adapters["mixed"] == adapters["swapped"] == sizes["mixed"] - sizes["base"]
    assert adapters["mixed"] > adapters["attached"]
    assert sizes["nf4"] < sizes["int8"] < sizes["base"]


def test_a_call_writes_as_many_tokens_as_it_is_told_and_takes_time(served):
    for subject in served.subjects.values():
        stamps = subject.call(Cell(8, 5, 3))
        assert len(stamps) == 6
        assert sorted(stamps) == stamps
        assert stamps[1] > stamps[0]


def test_the_cache_grows_by_what_the_shape_says(served):
    from workbench.deployment.held import cache_bytes

    assert served.subjects["attached"].cache_bytes_per_token() == cache_bytes(served.base.config)


def test_a_base_in_half_the_bytes_has_half_the_cache_counted_and_by_formula(served):
    whole, half = (held(served.subjects[way], cell=Cell(4, 2)) for way in ("attached", "bf16"))
    for how in ("cache_bytes_per_token", "cache_bytes_by_formula"):
        assert half[how] == whole[how] / 2


def test_a_lone_adapter_is_neither_mixed_nor_swapped_and_says_why(sweep):
    first = sweep.trials[0]
    adapters = {first.name: sweep.folder(first.name) / "adapter"}
    place, names = Place.of(first.spec.model), ("base", "attached", "mixed", "swapped")
    prepare(place, trial=first, adapters=adapters, names=names)
    assert set(place.subjects) == {"base", "attached"}
    assert "no other adapter" in place.refused["mixed"]
    assert "no other adapter" in place.refused["swapped"]

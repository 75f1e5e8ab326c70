"""Plans of methods other than LoRA: as many trained numbers as PEFT makes, memory by what is trained, reasons in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import SpecError
from workbench.plan.plan import plan
from workbench.plan.room import Need, Room, all_bytes, free_room, group_peak, shares
from workbench.plan.shape import read_shape
from workbench.plan.sharing import by_base
from workbench.plan.targets import aim, count
from workbench.spec import AdapterSpec, Spec

METHODS: tuple[dict[str, Any], ...] = (
    {"peft_type": "IA3"},
    {"peft_type": "IA3", "target_modules": r".*\.1\..*", "feedforward_modules": r".*mlp.*"},
    {"peft_type": "VERA", "r": 6},
    {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 7},
    {"peft_type": "FULL"},
)


def _made(folder: Path, adapter: AdapterSpec) -> int:
    """Trained numbers, as PEFT counts them."""
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    from workbench.adapters.interchange import to_peft_config

    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    if adapter.peft_type != "FULL":
        model = get_peft_model(model, to_peft_config(adapter))
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", ["llama", "llama-tied", "gpt2", "gpt_neox", "phi"])
@pytest.mark.parametrize("fields", METHODS, ids=lambda fields: fields["peft_type"])
def test_the_count_is_pefts(tiny: Callable[[str], Path], name: str, fields: dict[str, Any]) -> None:
    adapter = AdapterSpec(**fields)
    if isinstance(adapter.target_modules, str) and adapter.target_modules != "all-linear":
        pattern = r".*\.1\.(self_attn|self_attention|attn|attention|mlp)\.[a-z_0-9]*(proj|dense|c_\w+|fc\d|h_to_4h|4h_to_h|query_key_value)"
        adapter = adapter.model_copy(update={"target_modules": pattern})
    assert count(read_shape(tiny(name)), adapter=adapter) == _made(tiny(name), adapter) > 0


def test_named_feedforward_modules_are_counted_at_their_input(tiny: Callable[[str], Path]) -> None:
    fields = {"peft_type": "IA3", "target_modules": ("k_proj", "v_proj", "down_proj")}
    adapter = AdapterSpec(**fields, feedforward_modules=("down_proj",))
    shape = read_shape(tiny("llama"))
    assert count(shape, adapter=adapter) == _made(tiny("llama"), adapter)
    assert count(shape, adapter=adapter) != count(shape, adapter=AdapterSpec(**fields))


def test_a_feedforward_module_that_is_not_there_is_named(tiny: Callable[[str], Path]) -> None:
    adapter = AdapterSpec(peft_type="IA3", feedforward_modules=("down_porj",))
    with pytest.raises(SpecError, match=r"'down_porj'.*down_proj"):
        count(read_shape(tiny("llama")), adapter=adapter)


def test_a_prompt_beside_narrower_embeddings_is_refused(tiny: Callable[[str], Path]) -> None:
    with pytest.raises(SpecError, match="embeds its own in 16"):
        aim(read_shape(tiny("opt")), adapter=AdapterSpec(peft_type="PROMPT_TUNING"))


def test_a_prompt_longer_than_half_the_context_is_refused(tiny: Callable[[str], Path]) -> None:
    adapter = AdapterSpec(peft_type="PROMPT_TUNING", num_virtual_tokens=33)
    with pytest.raises(SpecError, match="at most 32"):
        aim(read_shape(tiny("gpt2")), adapter=adapter)


@pytest.fixture
def methods(tiny: Callable[[str], Path]) -> Spec:
    kinds = ["LORA", "IA3", "VERA", "PROMPT_TUNING", "FULL"]
    fields = {"model": {"id": str(tiny("llama"))}, "sweep": {"adapter.peft_type": kinds}}
    return Spec.from_fields({**fields, "adapter": {"r": 4}})


def test_a_method_that_shares_nothing_says_why(methods: Spec) -> None:
    planned = plan(methods)
    assert [len(group) for group in planned.groups] == [1] * 5
    assert set(planned.alone) == {"ia3", "vera", "prompt-tuning", "full"}
    assert len(set(planned.alone.values())) == 4
    assert "prompt" in planned.alone["prompt-tuning"]


def test_full_training_costs_gradients_and_two_means_of_every_weight(methods: Spec) -> None:
    trials = {trial.name: trial for trial in plan(methods).trials}
    assert trials["full"].total_parameters == trials["full"].trainable_parameters
    memory = {name: trial.memory for name, trial in trials.items()}
    assert memory["full"].gradients == memory["full"].weights
    assert memory["full"].optimizer == 2 * memory["full"].weights
    assert memory["prompt-tuning"].gradients < memory["lora"].gradients


def test_every_other_method_has_the_base_for_itself(methods: Spec) -> None:
    several = methods.replace(
        {
            "sweep": {
                "adapter.peft_type": ["LORA", "IA3"],
                "seed": [0, 1],
                "train.bf16": [False, True],
            }
        }
    )
    held = [tuple(t.name for t in trials) for trials in by_base(several.grid())]
    assert [len(names) for names in held] == [4, 1, 1, 1, 1]


def test_a_trial_with_a_target_that_is_not_there_is_refused_alone(tiny) -> None:
    axis = {"adapter.target_modules": [["q_proj"], ["q_porj"]]}
    planned = plan(Spec.from_fields({"model": {"id": str(tiny("llama"))}, "sweep": axis}))
    assert [trial.name for trial in planned.trials] == ["onq-proj"]
    assert list(planned.refused) == ["onq-porj"]
    assert "Did you mean 'q_proj'" in planned.refused["onq-porj"]
    assert "cannot run" in planned._repr_html_()


def test_a_sweep_in_which_no_trial_can_run_is_an_error(tiny) -> None:
    axis = {"adapter.target_modules": [["q_porj"], ["nothing"]]}
    with pytest.raises(SpecError, match="q_porj"):
        plan(Spec.from_fields({"model": {"id": str(tiny("llama"))}, "sweep": axis}))


def test_a_model_that_is_not_there_is_refused_for_its_trials_alone(tiny) -> None:
    axis = {"model.id": [str(tiny("llama")), "./no-such-folder"], "seed": [0, 1]}
    planned = plan(Spec.from_fields({"sweep": axis}))
    assert len(planned.trials) == len(planned.refused) == 2
    assert all("no-such-folder" in why for why in planned.refused.values())


def test_a_group_is_cut_where_memory_ends(tiny) -> None:
    spec = Spec.from_fields({"model": {"id": str(tiny("llama"))}, "sweep": {"seed": [0, 1, 2, 3]}})
    needs = {t.name: Need(t.memory, t.pass_tokens) for t in plan(spec).trials}
    peaks = [need.memory.peak for need in needs.values()]
    trials = spec.grid()
    assert [len(part) for part in shares(trials, needs=needs, room=None)] == [4]
    assert [len(part) for part in shares(trials, needs=needs, room=Room(10 * max(peaks)))] == [4]
    assert [len(part) for part in shares(trials, needs=needs, room=Room(1))] == [1, 1, 1, 1]
    adapters = sum(need.memory.adapter for need in needs.values())
    for_two = group_peak([needs["seed0"], needs["seed1"]], adapters=adapters)
    assert [len(part) for part in shares(trials, needs=needs, room=Room(for_two))] == [2, 2]
    assert [len(part) for part in shares(trials, needs={}, room=Room(1))] == [4]


def test_this_machine_has_at_least_what_is_free() -> None:
    free, everything = free_room(), all_bytes()
    if free is None or everything is None:
        pytest.skip("a GPU decides here")
    assert 0 < free.bytes <= everything

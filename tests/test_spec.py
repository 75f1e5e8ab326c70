"""A spec says what a sweep is, in the words of the libraries, and makes trials of it."""

import pytest

from workbench.errors import SpecError
from workbench.spec import DIFFERS_FROM_SFTCONFIG, AdapterSpec, QuantizationSpec, Spec, TrainSpec


def test_axes_make_a_grid_and_linked_axes_move_together():
    spec = Spec.from_fields(
        {"sweep": {"adapter.r, adapter.lora_alpha": [[4, 8], [16, 16]], "data.rows": [50, 200]}}
    )
    made = [(t.spec.adapter.r, t.spec.adapter.alpha, t.spec.data.rows) for t in spec.grid()]
    assert made == [(4, 8, 50), (4, 8, 200), (16, 16, 50), (16, 16, 200)]
    assert len({trial.name for trial in spec.grid()}) == 4
    assert all(not trial.spec.sweep for trial in spec.grid())


def test_alpha_follows_the_rank_unless_it_is_said():
    assert AdapterSpec(r=4).alpha == 8
    assert AdapterSpec(r=4, lora_alpha=16).alpha == 16


def test_the_fingerprint_names_the_content_and_not_the_name():
    spec = Spec(name="a")
    assert spec.fingerprint() == Spec(name="b").fingerprint()
    assert spec.fingerprint() != spec.replace({"seed": 1}).fingerprint()


def test_what_is_written_as_yaml_is_read_back_the_same(tmp_path):
    spec = Spec.from_fields({"adapter": {"target_modules": ["q_proj"]}, "sweep": {"seed": [0, 1]}})
    (tmp_path / "spec.yaml").write_text(spec.to_yaml())
    assert Spec.load(tmp_path / "spec.yaml") == spec


def test_real_library_objects_are_accepted_and_given_back():
    import torch
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig

    from workbench.adapters.interchange import to_lora_config
    from workbench.models.quantize import to_bnb

    lora = LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj"], use_rslora=True)
    bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)
    spec = Spec(adapter=lora, quantization=bits)
    assert spec.quantization is not None
    back, again = to_lora_config(spec.adapter), to_bnb(spec.quantization)
    assert (back.r, back.lora_alpha, back.use_rslora) == (4, 12, True)
    assert set(back.target_modules) == {"q_proj"}
    assert again.bnb_4bit_quant_type == "fp4", "the library's own default, not ours"
    assert again.bnb_4bit_compute_dtype == torch.bfloat16


def test_a_library_object_with_what_we_do_not_carry_is_refused():
    from peft import LoraConfig

    with pytest.raises(ValueError, match="lora_bias"):
        Spec(adapter=LoraConfig(target_modules=["q_proj"], lora_bias=True))


def test_the_table_of_differing_defaults_is_true():
    from trl import SFTConfig

    theirs = SFTConfig(output_dir="x", use_cpu=True, bf16=False)
    for field, (ours, stated, _) in DIFFERS_FROM_SFTCONFIG.items():
        assert TrainSpec.model_fields[field].default == ours
        if field != "bf16":  # theirs depends on the machine, and is set above
            assert getattr(theirs, field) == stated
    same = ("num_train_epochs", "per_device_train_batch_size", "max_grad_norm", "max_length")
    assert [getattr(TrainSpec(), f) for f in same] == [getattr(theirs, f) for f in same]


def test_a_sweep_has_no_code_of_its_own_and_a_trial_has():
    with pytest.raises(SpecError, match="many trials"):
        Spec(sweep={"seed": (0, 1)}).as_code()
    code = Spec(quantization=QuantizationSpec(load_in_4bit=True)).as_code()
    compile(code, "script.py", "exec")
    assert "use_cpu=True" in code
    assert "bnb_4bit_quant_type='nf4'" in code


METHODS = ["LORA", "IA3", "VERA", "PROMPT_TUNING", "FULL"]


def test_a_sweep_over_methods_drops_what_a_method_does_not_read():
    adapter = {"r": 4, "target_modules": ["q_proj"], "num_virtual_tokens": 3}
    spec = Spec.from_fields({"adapter": adapter, "sweep": {"adapter.peft_type": METHODS}})
    trials = {trial.name: trial.spec.adapter for trial in spec.grid()}
    assert list(trials) == ["lora", "ia3", "vera", "prompt-tuning", "full"]
    assert trials["vera"].model_fields_set == {"peft_type", "r", "target_modules"}
    assert trials["full"].model_fields_set == {"peft_type"}
    assert all(not adapter.ignored for adapter in trials.values())


def test_an_axis_that_a_method_does_not_read_makes_no_further_trial_of_it():
    spec = Spec(sweep={"adapter.peft_type": ("LORA", "IA3"), "adapter.r": (4, 8), "seed": (0, 1)})
    names = [trial.name for trial in spec.grid()]
    assert names == [
        *("lora-r4-seed0", "lora-r4-seed1", "lora-r8-seed0", "lora-r8-seed1"),
        *("ia3-seed0", "ia3-seed1"),
    ]
    assert (
        Spec.from_fields({"adapter": {"peft_type": "VERA", "r": 16}}).grid()[0].name == "vera-r16"
    )
    assert Spec.from_fields({"adapter": {"peft_type": "FULL"}}).grid()[0].name == "full"


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        ({"peft_type": "IA3", "r": 8}, r"adapter\.r: peft_type IA3.*feedforward_modules"),
        ({"peft_type": "FULL", "target_modules": ["q_proj"]}, "target_modules: peft_type FULL"),
        ({"num_virtual_tokens": 8}, r"peft_type LORA does not read it; it reads.*lora_alpha"),
        ({"peft_type": "LOHA"}, "'PROMPT_TUNING' or 'FULL'; got 'LOHA'"),
        ({"peft_type": "PROMPT_TUNING", "task_type": "SEQ_CLS"}, "use CAUSAL_LM"),
        (
            {"peft_type": "IA3", "target_modules": ["k_proj"], "feedforward_modules": ["up_proj"]},
            "'up_proj', which is not in target_modules",
        ),
    ],
)
def test_a_field_that_a_method_does_not_read_is_refused(adapter, said):
    with pytest.raises(SpecError, match=said):
        Spec.from_fields({"adapter": adapter})


def test_a_field_that_no_method_of_the_sweep_reads_is_refused():
    fields = {"adapter": {"d_initial": 0.2}, "sweep": {"adapter.peft_type": ["LORA", "IA3"]}}
    with pytest.raises(SpecError, match="d_initial: peft_type LORA and IA3"):
        Spec.from_fields(fields)


def test_weights_that_are_quantized_are_not_trained_whole():
    quantization = {"load_in_4bit": True}
    with pytest.raises(SpecError, match="FULL trains the weights of the base"):
        Spec.from_fields({"adapter": {"peft_type": "FULL"}, "quantization": quantization})
    sweep = {"adapter.peft_type": ["LORA", "FULL"]}
    with pytest.raises(SpecError, match="trial 'full'"):
        Spec.from_fields({"quantization": quantization, "sweep": sweep})


def test_configs_of_other_methods_are_accepted_and_given_back():
    from peft import IA3Config, LoHaConfig, PromptTuningConfig, VeraConfig

    from workbench.adapters.interchange import to_peft_config

    targets = ["q_proj", "down_proj"]
    given = (
        IA3Config(target_modules=targets, feedforward_modules=["down_proj"]),
        VeraConfig(r=16, d_initial=0.2, target_modules=targets),
        PromptTuningConfig(num_virtual_tokens=5, prompt_tuning_init="SAMPLE_VOCAB"),
    )
    for config in given:
        spec = Spec(adapter=config)
        assert Spec.from_fields({"adapter": spec.adapter}) == spec
        back = to_peft_config(spec.adapter).to_dict() | {"task_type": None}
        assert back == config.to_dict() | {"task_type": None}
    with pytest.raises(ValueError, match="LOHA"):
        Spec(adapter=LoHaConfig())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_script(method):
    code = Spec.from_fields({"adapter": {"peft_type": method}}).as_code()
    compile(code, "script.py", "exec")
    assert ("peft" in code) == (method != "FULL")

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

"""What is written in the form, and the spec it means."""

from dataclasses import replace

import pytest

from workbench.spec import Spec
from workbench.widgets.field_names import by_field
from workbench.widgets.form import fields_of, locked, spec_from


def test_a_spec_comes_back_from_its_form_unchanged(spec):
    again, problems = spec_from(fields_of(spec), base=spec)
    assert problems == {}
    assert again == spec


def test_one_rank_is_a_run_and_several_are_a_sweep(spec):
    one, _ = spec_from(replace(fields_of(spec), ranks=(8,)), base=spec)
    many, _ = spec_from(replace(fields_of(spec), ranks=(1, 2, 8)), base=spec)
    assert (one.adapter.r, one.sweep) == (8, {})
    assert "sweep" not in one.to_yaml()
    assert [trial.spec.adapter.r for trial in many.grid()] == [1, 2, 8]


def test_several_learning_rates_and_seeds_are_axes_too(spec):
    filled = replace(fields_of(spec), learning_rate="0.01, 3e-3", seeds="0 1")
    made, problems = spec_from(filled, base=spec)
    assert problems == {}
    assert len(made.grid()) == 8
    assert made.sweep["train.learning_rate"] == (0.01, 0.003)
    assert made.sweep["seed"] == (0, 1)


def test_what_the_form_does_not_show_is_kept(spec):
    base = spec.replace({"train.weight_decay": 0.1, "adapter.use_rslora": True})
    made, _ = spec_from(replace(fields_of(base), ranks=(2,)), base=base)
    assert made.train.weight_decay == 0.1
    assert made.adapter.use_rslora


def test_an_axis_that_moves_two_fields_locks_the_form_and_survives(spec):
    linked = spec.replace({"sweep": {"adapter.r, adapter.lora_alpha": [[4, 8], [16, 32]]}})
    assert "adapter.lora_alpha" in locked(linked)["ranks"]
    made, problems = spec_from(replace(fields_of(linked), epochs="2"), base=linked)
    assert problems == {}
    assert [trial.spec.adapter.r for trial in made.grid()] == [4, 16]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"ranks": ()}, "ranks", "at least one rank"),
        ({"targets": ()}, "targets", "at least one module"),
        ({"learning_rate": "fast"}, "learning_rate", "'fast'"),
        ({"learning_rate": ""}, "learning_rate", "write a number"),
        ({"learning_rate": "-1"}, "learning_rate", "greater than 0"),
        ({"learning_rate": "nan"}, "learning_rate", "got nan"),
        ({"learning_rate": "0.1, 0.1"}, "learning_rate", "twice"),
        ({"epochs": "0"}, "epochs", "greater than 0"),
        ({"epochs": "1, 2"}, "epochs", "one number"),
        ({"max_steps": "0"}, "max_steps", "0 steps train nothing"),
        ({"max_steps": "ten"}, "max_steps", "'ten'"),
        ({"seeds": "-1"}, "seeds", "greater than or equal to 0"),
        ({"name": "../escape"}, "name", "it becomes a folder"),
        ({"model_id": " "}, "model_id", "at least 1 character"),
    ],
)
def test_what_is_wrong_is_told_for_its_field(spec, changes, field, said):
    made, problems = spec_from(replace(fields_of(spec), **changes), base=spec)
    assert made is None
    assert said in problems[field]
    assert "Traceback" not in problems[field]


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("8-bit", {"load_in_8bit": True}),
        ("nf4", {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}),
        ("fp4", {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"}),
    ],
)
def test_a_quantization_is_the_librarys_own_fields(spec, word, fields):
    made, _ = spec_from(replace(fields_of(spec), quantization=word), base=spec)
    assert made.quantization.model_dump(include=set(fields)) == fields
    assert fields_of(made).quantization == word


def test_double_quantization_goes_with_four_bits_only(spec):
    four, _ = spec_from(replace(fields_of(spec), quantization="nf4", double_quant=True), base=spec)
    eight, _ = spec_from(
        replace(fields_of(spec), quantization="8-bit", double_quant=True), base=spec
    )
    assert four.quantization.bnb_4bit_use_double_quant
    assert not eight.quantization.bnb_4bit_use_double_quant


def test_the_compute_dtype_of_a_loaded_quantization_is_kept(spec):
    base = Spec.from_fields(
        {"quantization": {"load_in_4bit": True, "bnb_4bit_compute_dtype": "bfloat16"}}
    )
    made, _ = spec_from(replace(fields_of(base), double_quant=True), base=base)
    assert made.quantization.bnb_4bit_compute_dtype == "bfloat16"


def test_a_message_about_no_field_is_about_the_whole():
    assert by_field("the axes make 2000 trials; at most 1000 are allowed") == {
        "": "the axes make 2000 trials; at most 1000 are allowed"
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"adapter": {"target_modules": r".*\.(q|v)_proj"}},
        {"adapter": {"target_modules": ["v_proj", "k_proj"], "rank_pattern": {"v_proj": 2}}},
        {"adapter": {"peft_type": "IA3", "target_modules": ["k_proj", "down_proj"]}},
        {"adapter": {"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 4}},
        {"adapter": {"peft_type": "FULL"}, "train": {"report_to": ["tensorboard"]}},
        {"adapter": {"layers_to_transform": [0, 2], "target_modules": ["q_proj"]}},
        {"adapter": {"r": 8, "lora_alpha": 12.3456789}},
        {"train": {"learning_rate": 1.23456789e-7, "num_train_epochs": 0.123456789}},
        {"data": {"columns": {"text": "{a}, So: {b}"}, "id2label": {"0": "no", "1": "yes, maybe"}}},
        {"data": {"validation": {"split": "dev"}}, "model": {"revision": "none"}},
        {"quantization": {"load_in_4bit": True, "llm_int8_skip_modules": ["lm_head"]}},
        {"quantization": {"load_in_8bit": True, "llm_int8_threshold": 5.5}},
        {"quantization": {"bnb_4bit_compute_dtype": "float16"}},
        {"sweep": {"adapter.r, adapter.lora_alpha": [[2, 2], [8, 8]]}},
        {"sweep": {"adapter.r, adapter.lora_alpha": [[2, 4], [8, 16]], "seed": [0, 1]}},
        {"sweep": {"quantization": [None, {"load_in_4bit": True}, {"load_in_8bit": True}]}},
        {
            "sweep": {
                "seed": [0, 1],
                "adapter.target_modules": ["all-linear", ["q_proj"], ".*v_proj"],
            }
        },
        {"sweep": {"adapter.lora_alpha": [None, 8], "adapter.rank_pattern": [{}, {"q_proj": 2}]}},
        {"sweep": {"data.id": ["a, b.jsonl", "c.jsonl"], "train.bf16": [True, False]}},
        {"sweep": {"adapter.peft_type": ["LORA", "FULL"], "adapter.r": [4, 8]}},
    ],
)
def test_any_spec_comes_back_as_it_was_said(fields):
    spec = Spec.from_fields(fields)
    again, problems = spec_from(fields_of(spec), base=spec)
    assert problems == {}
    assert again.to_yaml() == spec.to_yaml()
    other, _ = spec_from(replace(fields_of(spec), name="other"), base=spec)
    assert other.fingerprint() == spec.fingerprint(), "another field changes nothing else"
    # The text of each axis means the same when a person has written it.
    plain, problems = spec_from(fields_of(spec), base=spec.replace({"sweep": {}}))
    assert problems == {}
    assert {t.spec for t in plain.grid()} == {t.spec for t in spec.grid()}


@pytest.mark.parametrize(
    ("alpha", "ranks", "alphas"),
    [("", (2, 8), [4, 16]), ("1 r", (2, 8), [2, 8]), ("0.5r", (8,), [4]), ("16", (2, 8), [16, 16])],
)
def test_alpha_is_a_multiple_of_each_rank_or_a_number(spec, alpha, ranks, alphas):
    made, problems = spec_from(replace(fields_of(spec), alpha=alpha, ranks=ranks), base=spec)
    assert problems == {}
    assert [trial.spec.adapter.alpha for trial in made.grid()] == alphas
    assert fields_of(made).ranks == ranks


def test_an_empty_field_takes_the_default(spec):
    base = spec.replace({"train.weight_decay": 0.1, "adapter.bias": "all"})
    filled = fields_of(base)
    emptied = replace(filled, others={**filled.others, "weight_decay": " ", "bias": ""})
    made, problems = spec_from(emptied, base=base)
    assert problems == {}
    assert (made.train.weight_decay, made.adapter.bias) == (0, "none")
    assert "weight_decay" not in made.to_yaml()


def test_another_method_lets_go_of_what_it_does_not_read(spec):
    filled = fields_of(spec.replace({"adapter.lora_dropout": 0.1, "sweep": {}}))
    made, problems = spec_from(
        replace(filled, others={**filled.others, "peft_type": "FULL"}), base=spec
    )
    assert problems == {}
    assert made.adapter.peft_type == "FULL"
    assert made.adapter.ignored == ()

"""A plan says what each trial will be, from headers alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.errors import SpecError
from workbench.plan.memory import weight_bytes
from workbench.plan.plan import plan
from workbench.plan.shape import read_shape
from workbench.plan.steps import optimizer_steps
from workbench.spec import QuantizationSpec, Spec, TrainSpec


@pytest.fixture
def spec(tiny: Callable[[str], Path]) -> Spec:
    return Spec.from_fields(
        {"model": {"id": str(tiny("llama"))}, "sweep": {"adapter.r": [1, 2, 4], "seed": [0, 1]}}
    )


def test_every_trial_is_planned(spec: Spec) -> None:
    made = plan(spec)
    assert [trial.name for trial in made.trials] == [trial.name for trial in spec.grid()]
    assert made.trials[2].trainable_parameters == 2 * made.trials[0].trainable_parameters
    assert made.model.layers == 3
    assert "q_proj" in made.model.targets
    assert made.seconds is None


def test_parts_add_up(spec: Spec) -> None:
    trial = plan(spec).trials[0]
    assert sum(trial.by_target.values()) == trial.trainable_parameters
    assert trial.total_parameters == trial.model.parameters + trial.trainable_parameters
    memory = trial.memory
    parts = memory.model_dump(exclude={"label", "slack_share"})
    assert sum(parts.values()) == memory.peak
    assert memory.label == "predicted"
    assert memory.gradients == 4 * trial.trainable_parameters


def test_steps_are_known_when_rows_are(spec: Spec) -> None:
    assert plan(spec).trials[0].steps is None
    assert plan(spec, num_rows=90).trials[0].steps == 36
    capped = spec.replace({"train.max_steps": 7})
    assert plan(capped).trials[0].steps == 7
    some = spec.replace({"sweep": {"data.rows": [8, 80, 800]}})
    assert [t.steps for t in plan(some, num_rows=90).trials] == [3, 30, 36]


def test_steps_stay_unknown_when_an_axis_changes_the_rows(spec: Spec) -> None:
    moving = spec.replace({"sweep": {"data.eval_fraction": [0.1, 0.5]}})
    assert [t.steps for t in plan(moving, num_rows=90).trials] == [None, None]


def test_trials_on_one_base_are_a_group(spec: Spec) -> None:
    assert len(plan(spec).groups) == 1
    bits = spec.replace({"sweep": {"quantization": [None, {"load_in_4bit": True}], "seed": [0, 1]}})
    assert [len(group) for group in plan(bits).groups] == [2, 2]


def test_a_plan_survives_json(spec: Spec) -> None:
    made = plan(spec, num_rows=90)
    assert type(made).model_validate_json(made.model_dump_json()) == made


def test_an_eval_that_does_not_exist_is_named(spec: Spec) -> None:
    with pytest.raises(SpecError, match=r"'recal'.*'recall'"):
        plan(spec.replace({"evals": ["recal"]}))


def test_the_name_of_this_package_is_the_function_for_whoever_imports_the_workbench(spec) -> None:
    import workbench.plan.shape

    assert callable(workbench.plan)
    assert workbench.plan(spec).trials[0].steps is not None


def test_a_plan_says_why_a_trial_trains_alone(spec: Spec) -> None:
    planned = plan(spec.replace({"sweep": {"adapter.use_dora": [False, True]}}))
    assert [len(group) for group in planned.groups] == [1, 1]
    assert list(planned.alone) == [planned.trials[1].name]
    assert "DoRA" in planned.alone[planned.trials[1].name]


def test_a_plan_shows_itself_as_a_card(spec: Spec) -> None:
    assert "<table>" in plan(spec)._repr_html_()


def test_fewer_bits_weigh_less(tiny: Callable[[str], Path]) -> None:
    shape = read_shape(tiny("llama"))
    options = [
        None,
        QuantizationSpec(load_in_8bit=True),
        QuantizationSpec(load_in_4bit=True),
        QuantizationSpec(load_in_4bit=True, bnb_4bit_use_double_quant=True),
    ]
    sizes = [weight_bytes(shape, dtype="float32", quantization=q) for q in options]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 4 * shape.parameters


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 90])
@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("epochs", [0.3, 1.0, 2.5])
def test_steps_are_counted_as_the_trainer_counts(
    tiny: Callable[[str], Path], tmp_path: Path, rows: int, accumulation: int, epochs: float
) -> None:
    from torch.utils.data import DataLoader
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    arguments = TrainingArguments(
        tmp_path,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=accumulation,
        num_train_epochs=epochs,
        use_cpu=True,
    )
    model = AutoModelForCausalLM.from_pretrained(tiny("gpt2"), use_safetensors=True)
    trainer = Trainer(model, arguments)
    truth = trainer.set_initial_training_values(arguments, DataLoader(range(rows), batch_size=8))[
        -1
    ]
    train = TrainSpec(
        per_device_train_batch_size=8,
        gradient_accumulation_steps=accumulation,
        num_train_epochs=epochs,
    )
    assert optimizer_steps(rows, train=train) == truth

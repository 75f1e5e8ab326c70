"""The panel without a browser: setting traits and clicking buttons is what a person does."""

import json

import pytest

import workbench as wb
from workbench import job
from workbench.errors import SpecError
from workbench.plan import plan


@pytest.fixture
def panel(spec, tmp_path):
    panel = wb.panel(spec, runs=tmp_path / "runs")
    panel.settle()
    yield panel
    panel.settle()
    if panel.live:
        panel.live.close()


def choose(panel, field: str, value, *, on: bool = True) -> None:
    panel.view_of(field).press(field, value, on=on)
    panel.settle()


def write(panel, field: str, text: str) -> None:
    panel.view_of(field).write(field, text)
    panel.settle()


def shown(panel, field: str):
    """What the page shows in a field."""
    return panel.view_of(field).values[field]


def note(panel, field: str) -> dict:
    return panel.view_of(field).notes[field]


def chips(panel, field: str) -> list:
    return [value for value, _, _ in panel.view_of(field).options[field]]


def test_it_shows_the_spec_it_is_given_and_gives_it_back(panel, spec):
    assert panel.spec == spec
    assert shown(panel, "ranks") == [1, 4]
    assert shown(panel, "learning_rate") == "0.01"
    assert not panel.start.disabled


def test_a_path_is_loaded(spec, tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(spec.to_yaml())
    assert wb.panel(path, runs=tmp_path).spec == spec


def test_a_sweep_over_five_ranks_is_five_clicks(panel):
    for rank in (2, 8, 16):
        choose(panel, "ranks", rank)
    assert [trial.spec.adapter.r for trial in panel.spec.grid()] == [1, 2, 4, 8, 16]


def test_a_rank_that_a_spec_brings_is_offered(panel, spec):
    panel.spec = spec.replace({"sweep": {"adapter.r": [3, 6]}})
    assert shown(panel, "ranks") == [3, 6]
    assert {3, 6} <= set(chips(panel, "ranks"))


def test_the_card_counts_what_the_plan_counts(panel, spec):
    expected = [f"<td>{trial.trainable_parameters:,}</td>" for trial in plan(spec).trials]
    assert all(cell in panel.card.value for cell in expected)
    assert "6 a trial" in panel.card.value


def test_the_card_promises_the_steps_that_are_trained(panel, spec):
    panel.spec = spec.replace({"train.max_steps": -1, "train.num_train_epochs": 2})
    panel.settle()
    steps = job.plan(panel.spec).trials[0].steps
    assert f"Steps: {steps:,} a trial" in panel.card.value


def test_the_share_on_the_card_is_of_all_parameters_as_peft_counts(panel, spec):
    trial = plan(spec).trials[0]
    assert f"{trial.trainable_parameters / trial.total_parameters:.2%}" in panel.card.value


def test_the_modules_of_the_model_are_offered_and_one_of_them_replaces_all_linear(panel):
    assert chips(panel, "targets")[:4] == ["all-linear", "q_proj", "k_proj", "v_proj"]
    assert "down_proj" in chips(panel, "targets")
    choose(panel, "targets", "q_proj")
    choose(panel, "targets", "v_proj")
    assert panel.spec.adapter.target_modules == ("q_proj", "v_proj")
    choose(panel, "targets", "all-linear")
    assert panel.spec.adapter.target_modules == "all-linear"
    assert shown(panel, "targets") == ["all-linear"]


def test_no_click_is_lost_while_the_background_looks(panel):
    ranks, seeds = panel.view_of("ranks"), panel.view_of("seeds")
    for _ in range(20):
        for rank in (2, 8, 16, 32):
            ranks.press("ranks", rank)
        seeds.write("seeds", "0, 1")
        for rank in (2, 8, 16, 32):
            ranks.press("ranks", rank, on=False)
        seeds.write("seeds", "0")
    choose(panel, "ranks", 64)
    assert panel.model.ranks == (1, 4, 64)
    assert shown(panel, "ranks") == [1, 4, 64]
    assert len(panel.model.found.plan.trials) == 3
    assert panel.reason.value == ""


def test_no_module_at_all_disables_start_with_the_reason(panel):
    choose(panel, "targets", "all-linear", on=False)
    assert panel.start.disabled
    assert panel.reason.value == "Target modules: choose at least one module, or all-linear"
    assert "choose at least one" in note(panel, "targets")["text"]
    with pytest.raises(SpecError, match="at least one module"):
        _ = panel.spec


def test_quantization_is_one_choice_and_double_quantization_appears_with_four_bits(panel):
    assert note(panel, "double_quant")["hide"]
    choose(panel, "quantization", "nf4")
    assert not note(panel, "double_quant")["hide"]
    choose(panel, "double_quant", True)
    assert panel.spec.quantization.bnb_4bit_use_double_quant
    choose(panel, "quantization", "8-bit")
    assert panel.spec.quantization.load_in_8bit
    assert shown(panel, "quantization") == "8-bit"


def test_every_way_to_store_the_base_says_its_bits_a_weight(panel):
    labels = [label for _, label, _ in panel.view_of("quantization").options["quantization"]]
    assert labels == ["none · 32 bits", "8-bit · 8.22 bits", "nf4 · 4.5 bits", "fp4 · 4.5 bits"]
    choose(panel, "quantization", "nf4")
    double = panel.view_of("double_quant").options["double_quant"][0][1]
    assert double == "double quantization · 4.13 bits"


def test_a_wrong_number_is_told_beside_its_field_and_mended(panel):
    write(panel, "learning_rate", "<b>fast")
    assert panel.start.disabled
    assert "&lt;b&gt;fast" in panel.reason.value
    assert note(panel, "learning_rate")["wrong"]
    assert "<b>fast" in note(panel, "learning_rate")["text"], "the page writes it as text"
    write(panel, "learning_rate", "0.02")
    assert not panel.start.disabled
    assert note(panel, "learning_rate")["text"] == ""


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("weight_decay", "-1"),
        ("warmup_steps", "soon"),
        ("lora_dropout", "1"),
        ("columns", "prompt"),
        ("layers_to_transform", "first"),
        ("layers_to_transform", "99"),
        ("max_length", "1e999"),
        ("per_device_train_batch_size", "\0\u202e💥"),
        ("alpha", "much"),
        ("alpha", "0"),
        ("evals", ("nothing",)),
        ("targets", ("no_such_module",)),
        ("targets", ("(",)),
        ("rank_pattern", {"no_such_module": 4}),
        ("name", "../" * 40),
        ("epochs", "9" * 400),
        ("seeds", "-1"),
    ],
)
def test_nonsense_in_any_field_is_told_beside_it(panel, field, given):
    setattr(panel.model, field, given)
    panel.settle()
    assert panel.start.disabled
    assert "Error:" not in panel.reason.value
    assert panel.model.problems.get(field), panel.model.problems
    assert "Traceback" not in panel.model.problems[field]


def test_a_file_without_the_column_is_told_beside_data(panel, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "Who?", "reply": "Ann"}\n' * 3)
    write(panel, "data_id", str(path))
    assert "question, reply" in note(panel, "data_id")["text"]
    assert panel.start.disabled
    write(panel, "columns", "prompt=question, completion=reply")
    assert note(panel, "data_id")["text"] == ""
    assert panel.spec.data.columns == {"prompt": "question", "completion": "reply"}


@pytest.mark.parametrize(
    ("field", "given"),
    [("model_id", "./no-model"), ("data_id", "microworld/nothing"), ("data_id", "no-file.jsonl")],
)
def test_a_model_or_data_set_that_is_not_there_is_told_beside_its_field(panel, field, given):
    write(panel, field, given)
    assert panel.start.disabled
    assert given.removeprefix("microworld/") in note(panel, field)["text"]


def test_a_field_that_the_sweep_sets_otherwise_is_locked_with_the_reason(panel, spec):
    panel.spec = spec.replace({"sweep": {"adapter.r, adapter.lora_alpha": [[4, 8], [16, 32]]}})
    assert note(panel, "ranks")["held"]
    assert "adapter.lora_alpha" in note(panel, "ranks")["text"]
    assert panel.also.rows[0]["linked"], "it is shown among what is also tried"
    panel.also.remove(0)
    assert not note(panel, "ranks")["held"]
    assert panel.spec.sweep == {}


def test_copy_as_code_gives_the_yaml_that_loads_back_and_the_plain_script(panel, spec, tmp_path):
    panel.code.click()
    yaml, script = (entry["text"] for entry in panel.box.texts)
    path = tmp_path / "copied.yaml"
    path.write_text(yaml)
    assert wb.Spec.load(path) == spec
    compile(script, "script.py", "exec")
    panel.code.click()
    assert panel.box.texts == []


def test_start_that_cannot_write_says_so_in_the_panel(spec, tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    panel = wb.panel(spec, runs=tmp_path / "runs")
    panel.settle()
    panel.start.click()
    panel.settle()
    assert "no sweep can be made" in panel.reason.value
    assert panel.job is None


def test_what_is_started_trains_and_leaves_adapters(panel):
    panel.start.click()
    panel.settle()
    assert panel.start.disabled
    assert "wait for it or stop it" in panel.reason.value
    panel.job.wait(timeout=240)
    panel.live.refresh()
    assert panel.live.state == "done"
    assert not panel.start.disabled
    configs = sorted(panel.job.path.glob("r*/adapter/adapter_config.json"))
    assert [json.loads(config.read_text())["r"] for config in configs] == [1, 4]


def test_a_worker_that_was_killed_is_shown_as_lost_and_goes_on_at_a_click(panel):
    write(panel, "max_steps", "5000")
    panel.start.click()
    panel.settle()
    panel.job.kill()
    panel.live.refresh()
    assert panel.live.state == "lost"
    assert not panel.start.disabled

    panel.live.ask("restart")
    assert panel.live.problem == ""
    panel.live.refresh()
    assert panel.live.state == "running"
    panel.live.ask("stop")
    panel.job.wait(timeout=240)
    panel.live.refresh()
    assert panel.live.state == "stopped"


def test_a_sweep_that_goes_on_without_its_notebook_is_taken_up_again(store, spec):
    panel = wb.panel(spec, runs=store.path.parent)
    assert panel.job.path == store.path
    assert panel.start.disabled
    panel.live.close()
    other = spec.replace({"name": "something-else"})
    assert wb.panel(other, runs=store.path.parent).job is None


def test_where_no_widget_can_be_shown_the_cost_is(panel):
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "Cost: 2 trials" in bundle["text/html"]

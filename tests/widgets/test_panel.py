"""The panel without a browser: setting traits and clicking buttons is what a person does."""

import json

import pytest
from ipywidgets import Label

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
    panel.chips[field].buttons[value].value = on
    panel.settle()


def test_it_shows_the_spec_it_is_given_and_gives_it_back(panel, spec):
    assert panel.spec == spec
    assert panel.chips["ranks"].value == (1, 4)
    assert panel.texts["learning_rate"].value == "0.01"
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
    assert panel.chips["ranks"].value == (3, 6)
    assert panel.chips["ranks"].buttons[6].value


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


def test_where_one_is_to_be_chosen_the_panel_says_so(panel):
    words = [widget.value for widget in descendants(panel) if isinstance(widget, Label)]
    assert words.count("one of") == 1


def descendants(widget):
    for child in getattr(widget, "children", ()):
        yield child
        yield from descendants(child)


def test_the_modules_of_the_model_are_offered_and_one_of_them_replaces_all_linear(panel):
    offered = set(panel.chips["targets"].buttons)
    assert {"all-linear", "q_proj", "down_proj"} <= offered
    choose(panel, "targets", "q_proj")
    choose(panel, "targets", "v_proj")
    assert panel.spec.adapter.target_modules == ("q_proj", "v_proj")
    choose(panel, "targets", "all-linear")
    assert panel.spec.adapter.target_modules == "all-linear"
    assert panel.chips["targets"].value == ("all-linear",)


def test_no_click_is_lost_while_the_background_looks(panel):
    for _ in range(20):
        for rank in (2, 8, 16, 32):
            panel.chips["ranks"].buttons[rank].value = True
        panel.texts["seeds"].value = "0, 1"
        for rank in (2, 8, 16, 32):
            panel.chips["ranks"].buttons[rank].value = False
        panel.texts["seeds"].value = "0"
    panel.chips["ranks"].buttons[64].value = True
    panel.settle()
    assert panel.model.ranks == panel.chips["ranks"].value == (1, 4, 64)
    assert [rank for rank, button in panel.chips["ranks"].buttons.items() if button.value] == [
        1,
        4,
        64,
    ]
    assert len(panel.model.found.plan.trials) == 3
    assert panel.reason.value == ""


def test_no_module_at_all_disables_start_with_the_reason(panel):
    choose(panel, "targets", "all-linear", on=False)
    assert panel.start.disabled
    assert panel.reason.value == "Target modules: choose at least one module, or all-linear"
    assert "choose at least one" in panel.wrong["targets"].value
    with pytest.raises(SpecError, match="at least one module"):
        _ = panel.spec


def test_quantization_is_one_choice_and_double_quantization_appears_with_four_bits(panel):
    assert panel.chips["double_quant"].layout.display == "none"
    choose(panel, "quantization", "nf4")
    choose(panel, "double_quant", True)
    assert panel.spec.quantization.bnb_4bit_use_double_quant
    choose(panel, "quantization", "8-bit")
    assert panel.spec.quantization.load_in_8bit
    assert panel.chips["quantization"].value == ("8-bit",)
    choose(panel, "quantization", "8-bit", on=False)
    assert panel.chips["quantization"].buttons["8-bit"].value


def test_a_wrong_number_is_told_beside_its_field_and_mended(panel):
    panel.texts["learning_rate"].value = "<b>fast"
    panel.settle()
    assert panel.start.disabled
    assert "&lt;b&gt;fast" in panel.wrong["learning_rate"].value
    panel.texts["learning_rate"].value = "0.02"
    panel.settle()
    assert not panel.start.disabled
    assert panel.wrong["learning_rate"].layout.display == "none"


@pytest.mark.parametrize(
    ("field", "given"),
    [("model_id", "./no-model"), ("data_id", "microworld/nothing"), ("data_id", "no-file.jsonl")],
)
def test_a_model_or_data_set_that_is_not_there_is_told_beside_its_field(panel, field, given):
    panel.texts[field].value = given
    panel.settle()
    assert panel.start.disabled
    assert given.removeprefix("microworld/") in panel.wrong[field].value


def test_a_field_that_the_sweep_sets_otherwise_is_locked_with_the_reason(panel, spec):
    panel.spec = spec.replace({"sweep": {"adapter.r, adapter.lora_alpha": [[4, 8], [16, 32]]}})
    assert all(button.disabled for button in panel.chips["ranks"].children)
    assert "adapter.lora_alpha" in panel.wrong["ranks"].value


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
    panel.texts["max_steps"].value = "5000"
    panel.settle()
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

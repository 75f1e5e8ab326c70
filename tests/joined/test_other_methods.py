"""A sweep over methods on the micro-world: each trains, answers, is stored, and is read back by plain libraries."""

import json

import pytest

from workbench import job
from workbench.compare import compare
from workbench.scores.task import BASE
from workbench.spec import Spec

METHODS = ("lora", "ia3", "prompt-tuning", "full")


def _spec(name: str, **changes) -> Spec:
    fields = {
        "name": name,
        "adapter": {"r": 4, "target_modules": ["q_proj", "v_proj", "down_proj"]},
        "data": {"id": "microworld/updates", "rows": 48},
        "train": {"learning_rate": 1e-3, "per_device_train_batch_size": 16, "max_steps": 12},
        "evals": ["recall"],
        "sweep": {"adapter.peft_type": ["LORA", "IA3", "PROMPT_TUNING", "FULL"]},
        **changes,
    }
    return Spec.from_fields(fields)


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> job.Job:
    running = job.start(_spec("methods"), runs=tmp_path_factory.mktemp("runs"))
    running.wait()
    return running


def _plain(swept: job.Job, trial: str):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from workbench import microworld

    folder = swept.path / trial
    if trial == "full":
        stored = folder / "model"
        return AutoModelForCausalLM.from_pretrained(stored), AutoTokenizer.from_pretrained(stored)
    base = AutoModelForCausalLM.from_pretrained(microworld.path())
    model = PeftModel.from_pretrained(base, folder / "adapter")
    return model, AutoTokenizer.from_pretrained(microworld.path())


def test_every_method_trains_as_many_numbers_as_were_planned(swept) -> None:
    assert tuple(trial.name for trial in swept.store.trials) == METHODS
    planned = json.loads((swept.path / "plan.json").read_text())
    for trial in planned["trials"]:
        started = next(e for e in swept.store.events(trial["name"]) if e.event == "started")
        assert started.trainable_parameters == trial["trainable_parameters"] > 0
        assert len(swept.store.steps(trial["name"])) == 12


@pytest.mark.parametrize("trial", METHODS)
def test_plain_libraries_give_the_stored_answers(swept, trial: str) -> None:
    model, tokenizer = _plain(swept, trial)
    rows = swept.store.read_rows(trial, "recall")[:8]
    assert len(rows) == 8
    for row in rows:
        ids = tokenizer(row.prompt, return_tensors="pt")
        made = model.generate(**ids, max_new_tokens=16, do_sample=False)
        # A learned prompt is embedded, so what comes out begins with the prompt's own ids all the same.
        told = tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        assert told.strip() == row.answer


def test_the_base_is_asked_once_and_its_items_are_those_of_every_method(swept) -> None:
    told = [event for event in swept.store.events(BASE) if event.event == "evaluated"]
    assert len(told) == 1
    asked = {row.sample for row in swept.store.read_rows(BASE, "recall")}
    for trial in METHODS:
        assert {row.sample for row in swept.store.read_rows(trial, "recall")} == asked


def test_the_methods_are_compared_with_each_other_and_with_the_base(swept) -> None:
    found = compare(swept.path)
    assert {one.name for one in found.reading.candidates} == set(METHODS)
    assert all(method in str(found) for method in METHODS)


def test_stored_trials_of_every_method_are_asked_anew(swept) -> None:
    from workbench.experiment import evaluate

    before = {trial: swept.store.read_score(trial, "recall").value for trial in (BASE, *METHODS)}
    scores = {score.slot: score.value for score in evaluate(swept.path, evals=["recall"])}
    assert scores == before


def test_full_training_that_was_stopped_goes_on_where_it_stopped(tmp_path) -> None:
    spec = _spec("stopped", evals=[], sweep={}, adapter={"peft_type": "FULL"})
    spec = spec.replace({"train.max_steps": 60})
    running = job.start(spec, runs=tmp_path / "stopped")
    while not running.store.steps("full"):
        assert running.status().state not in job.ENDED, running.log()
    running.stop()
    assert running.wait().state == "stopped"
    reached = running.store.steps("full")[-1].step
    assert reached < 60
    again = job.attach(running.path)
    again.restart()
    again.wait()
    whole = job.start(spec, runs=tmp_path / "whole")
    whole.wait()
    assert [s.loss for s in again.store.steps("full")] == [
        s.loss for s in whole.store.steps("full")
    ]


def test_an_adapter_on_an_embedding_or_the_head_is_trained_too(tmp_path) -> None:
    from safetensors.torch import load_file

    spec = Spec.from_fields(
        {
            "name": "ends",
            "adapter": {"r": 2, "target_modules": ["embed_tokens", "lm_head"]},
            "data": {"id": "microworld/updates", "rows": 16},
            "train": {"learning_rate": 1e-2, "max_steps": 3},
            "evals": ["recall"],
            "sweep": {"seed": [0, 1]},
        }
    )
    running = job.start(spec, runs=tmp_path)
    running.wait()
    for trial in running.store.trials:
        weights = load_file(running.path / trial.name / "adapter" / "adapter_model.safetensors")
        idle = [name for name, tensor in weights.items() if not tensor.any()]
        assert idle == []
        assert running.store.read_score(trial.name, "recall") is not None

"""A small sweep on the micro-world, from spec to stored answers."""

import json

import pytest

from workbench import job
from workbench.errors import StoreError
from workbench.plan import plan
from workbench.scores.task import BASE
from workbench.spec import Spec


def _spec(name: str, **changes) -> Spec:
    fields = {
        "name": name,
        "adapter": {"target_modules": "all-linear"},
        "data": {"id": "microworld/updates", "rows": 48},
        "train": {"learning_rate": 1e-2, "per_device_train_batch_size": 16, "max_steps": 20},
        "evals": ["recall", "facts"],
        "sweep": {"adapter.r": [1, 4]},
        **changes,
    }
    return Spec.from_fields(fields)


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> job.Job:
    running = job.start(_spec("small"), runs=tmp_path_factory.mktemp("runs"))
    running.wait()
    return running


def test_every_trial_has_an_adapter_scores_and_steps(swept) -> None:
    for trial in swept.store.trials:
        folder = swept.path / trial.name
        assert (folder / "adapter" / "adapter_model.safetensors").exists()
        assert len(swept.store.steps(trial.name)) == 20
        assert not (folder / "checkpoint").exists()
    for slot in (BASE, "r1", "r4"):
        score = swept.store.read_score(slot, "recall")
        assert score is not None
        assert score.low <= score.value <= score.high


def test_the_plan_counts_what_peft_counts(swept) -> None:
    planned = {trial.name: trial.trainable_parameters for trial in plan(swept.store.spec).trials}
    for trial in swept.store.trials:
        started = next(e for e in swept.store.events(trial.name) if e.event == "started")
        assert planned[trial.name] == started.trainable_parameters > 0


def test_plain_peft_loads_an_adapter_and_gives_the_stored_answers(swept) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from workbench import microworld

    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    for trial in ("r1", "r4"):
        base = AutoModelForCausalLM.from_pretrained(microworld.path())
        model = PeftModel.from_pretrained(base, swept.path / trial / "adapter")
        rows = swept.store.read_rows(trial, "recall")[:25]
        assert len(rows) == 25
        for row in rows:
            ids = tokenizer(row.prompt, return_tensors="pt")
            made = model.generate(**ids, max_new_tokens=16, do_sample=False)
            told = tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
            assert told.strip() == row.answer


def test_base_and_trials_answer_the_same_items(swept) -> None:
    asked = [{row.sample for row in swept.store.read_rows(s, "recall")} for s in (BASE, "r1", "r4")]
    assert asked[0] == asked[1] == asked[2]
    assert len(asked[0]) > 20


def test_a_second_start_of_the_same_name_trains_anew_under_the_next_free_one(swept) -> None:
    again = job.prepare(_spec("small"), runs=swept.path.parent)
    assert again.path.name == "small-002"


def test_one_trial_is_stopped_and_the_other_goes_on(tmp_path) -> None:
    spec = _spec("steered", evals=["recall"]).replace({"train.max_steps": 400})
    running = job.start(spec, runs=tmp_path)
    while not running.store.steps("r1"):
        assert running.status().state not in job.ENDED, running.log()
    running.stop("r1")
    while running.store.status().trials["r1"] != "stopped":
        assert running.status().state not in job.ENDED, running.log()
    running.stop()
    assert running.wait().state == "stopped"
    stopped, other = running.store.steps("r1"), running.store.steps("r4")
    assert 0 < len(stopped) <= len(other)
    assert (running.path / "r1" / "adapter").exists()
    told = [event for event in running.store.events() if event.event == "steered"]
    assert [event.applied for event in told] == [True, True]


def test_a_sweep_that_was_stopped_goes_on_where_it_stopped(tmp_path) -> None:
    spec = _spec("stopped", evals=["recall"]).replace({"train.max_steps": 120})
    running = job.start(spec, runs=tmp_path)
    while not running.store.steps("r1"):
        assert running.status().state not in job.ENDED, running.log()
    running.stop()
    assert running.wait().state == "stopped"
    reached = running.store.steps("r1")[-1].step
    assert reached < 120
    again = job.attach(running.path)
    again.restart()
    assert again.wait().state == "done"
    assert [step.step for step in again.store.steps("r1")] == list(range(1, 121))
    begun = [event for event in again.store.events("r1") if event.event == "started"]
    assert [event.from_step for event in begun] == [0, reached]


def test_a_diverging_trial_fails_and_the_rest_is_kept(tmp_path) -> None:
    spec = _spec("diverging", evals=["recall"], sweep={"train.learning_rate": [1e-2, 1e30]})
    running = job.start(spec, runs=tmp_path)
    with pytest.raises(job.RunError, match="a lower train"):
        running.wait()
    good, bad = (trial.name for trial in running.store.trials)
    states = running.store.status().trials
    assert (states[good], states[bad]) == ("done", "failed")
    assert running.store.read_score(good, "recall") is not None


def test_a_second_worker_is_refused(tmp_path) -> None:
    running = job.start(_spec("claimed"), runs=tmp_path)
    with pytest.raises(StoreError, match="already"):
        job.attach(running.path).restart()
    running.wait()


def test_nothing_secret_is_stored(tmp_path, monkeypatch) -> None:
    # setenv, not a mock: the worker inherits a real environment with a token in it.
    monkeypatch.setenv("HF_TOKEN", "hf_planted_secret_123")
    running = job.start(_spec("secret", evals=[]), runs=tmp_path)
    running.wait()
    for path in running.path.rglob("*"):
        if path.is_file():
            assert b"hf_planted_secret_123" not in path.read_bytes(), path
    assert json.loads((running.path / "provenance.json").read_text())


def test_eval_items_that_are_trained_on_are_counted_and_said(tmp_path) -> None:
    from workbench.compare import compare

    fields = {"data": {"id": "microworld/leaky"}, "evals": ["paraphrase"], "sweep": {}}
    spec = _spec("leaky", **fields).replace({"train.max_steps": 2})
    running = job.start(spec, runs=tmp_path)
    running.wait()
    card = json.loads((running.path / "data-card.json").read_text())
    assert card["eval_leaks"] == {"paraphrase": 80}, "the 80 that the set plants word for word"
    assert card["sets"][0]["truncated"] == 0
    told = [caveat.code for caveat in compare(running.path).verdict.caveats]
    assert "WB004" in told


def test_a_sweep_over_quantizations_keeps_the_first_base_as_its_control(tmp_path) -> None:
    axis = {"quantization": [None, {"load_in_4bit": True}], "data.rows": [24, 48]}
    spec = _spec("bits", evals=["recall"], sweep=axis).replace({"train.max_steps": 3})
    running = job.start(spec, runs=tmp_path)
    running.wait()
    names = [trial.name for trial in running.store.trials]
    assert names == ["full-rows24", "full-rows48", "nf4-rows24", "nf4-rows48"]
    asked = {
        name: {row.sample for row in running.store.read_rows(name, "recall")} for name in names
    }
    assert len(set(map(frozenset, asked.values()))) == 1, "all answer the same items"
    base = [e for e in running.store.events(BASE) if e.event == "evaluated"]
    assert len(base) == 1

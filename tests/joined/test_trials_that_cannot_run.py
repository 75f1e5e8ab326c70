"""One bad trial does not cost the others: it is named with its reason, and the rest of the sweep goes on."""

import json
from pathlib import Path

import pytest

from workbench import job
from workbench.errors import InputError
from workbench.plan.room import OVERRIDE
from workbench.spec import Spec


def _spec(name: str, **changes) -> Spec:
    fields = {
        "name": name,
        "adapter": {"r": 2},
        "data": {"id": "microworld/updates", "rows": 32},
        "train": {"learning_rate": 1e-2, "per_device_train_batch_size": 8, "max_steps": 4},
        "evals": ["recall"],
        **changes,
    }
    return Spec.from_fields(fields)


def _rows(path: Path, *, words: int) -> str:
    rows = [
        {"prompt": "word " * words + f"{n}", "completion": f" {'yes' if n % 2 else 'no'}"}
        for n in range(30)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_bad_trials_fail_by_name_and_the_rest_is_trained_and_asked(tmp_path) -> None:
    fine = _rows(tmp_path / "fine.jsonl", words=1)
    too_long = _rows(tmp_path / "long.jsonl", words=900)
    missing = str(tmp_path / "missing.jsonl")
    axis = [
        [fine, ["q_proj"], 1e-2],
        [fine, ["no_proj"], 1e-2],
        [too_long, ["q_proj"], 1e-2],
        [missing, ["q_proj"], 1e-2],
        [fine, ["q_proj"], 1e30],
    ]
    fields = "data.id, adapter.target_modules, train.learning_rate"
    running = job.start(_spec("mixed", sweep={fields: axis}), runs=tmp_path / "runs")
    with pytest.raises(job.RunError):
        running.wait()
    good, target, long, lost, hot = (trial.name for trial in running.store.trials)
    states = running.store.status().trials
    assert states == {good: "done"} | dict.fromkeys((target, long, lost, hot), "failed")
    why = {
        name: [e.message for e in running.store.events(name) if e.event == "failed"][-1]
        for name in (target, long, lost, hot)
    }
    assert "no_proj" in why[target]
    assert "no row" in why[long]
    assert "missing.jsonl" in why[lost]
    assert "learning rate" in why[hot]
    assert running.store.read_score(good, "recall") is not None
    message = running.status().message
    assert all(name in message for name in (target, long, lost, hot))
    # Good, long and hot share one training; the long one leaves it before it begins.
    assert not [e for e in running.store.events() if e.event == "warned" and e.code == "split"]


def test_a_sweep_in_which_nothing_can_run_is_refused_before_it_begins(tmp_path) -> None:
    axis = {"adapter.target_modules": [["no_proj"], ["not_this"]]}
    with pytest.raises(InputError, match="no_proj"):
        job.start(_spec("none", sweep=axis), runs=tmp_path)
    with pytest.raises(InputError, match=r"nowhere\.jsonl"):
        job.start(_spec("none", data={"id": str(tmp_path / "nowhere.jsonl")}), runs=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_sweep_too_large_for_memory_trains_in_parts(tmp_path, monkeypatch) -> None:
    # setenv, not a mock: the plan and the worker read what a person would state.
    spec = _spec("tight", evals=[], sweep={"adapter.r": [256, 257, 258]})
    whole, each = job.plan(spec), max(t.memory.peak for t in job.plan(spec).trials)
    assert len(whole.groups) == 1
    monkeypatch.setenv(OVERRIDE, str(each + 8_000_000))
    assert len(job.plan(spec).groups) > 1
    running = job.start(spec, runs=tmp_path)
    assert running.wait().state == "done"
    apart = [e for e in running.store.events() if e.event == "finished"]
    assert not apart
    ends = [running.store.events(t.name)[-1].time for t in running.store.trials]
    starts = [
        next(e for e in running.store.events(t.name) if e.event == "started").time
        for t in running.store.trials
    ]
    assert starts[1] > ends[0], "the second began when the first had ended"


def test_a_trial_too_large_for_the_machine_is_refused_by_name(tmp_path, monkeypatch) -> None:
    spec = _spec("large", sweep={"adapter.r": [1, 4096]}, evals=[])
    spec = spec.replace({"train.max_length": 16, "train.per_device_train_batch_size": 1})
    small, large = (t.memory.peak for t in job.plan(spec).trials)
    monkeypatch.setenv(OVERRIDE, str((small + large) // 2))
    planned = job.plan(spec)
    assert list(planned.refused) == ["r4096"]
    assert "GB" in planned.refused["r4096"]
    assert "adapter.r" in planned.refused["r4096"]
    assert [trial.name for trial in planned.trials] == ["r1"]

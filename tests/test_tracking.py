"""accelerate's trackers see what a sweep says: tensorboard's own files, read back by tensorboard's own reader."""

import importlib.util
import os
import subprocess
import sys

import pytest

from workbench import events, job
from workbench.errors import MissingDependency, SpecError
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.tracking import ONE_RUN_A_PROCESS, TRACKERS, check_trackers, tracked

KEPT = ("loss", "learning_rate", "grad_norm", "num_tokens")


def _spec(name: str, *, report_to=("tensorboard",), **changes) -> Spec:
    fields = {
        "name": name,
        "adapter": {"target_modules": ["q_proj"]},
        "data": {"id": "microworld/updates", "rows": 24},
        "train": {"max_steps": 6, "per_device_train_batch_size": 4, "report_to": list(report_to)},
        "evals": ["recall"],
        "sweep": {"adapter.r": [1, 2]},
        **changes,
    }
    return Spec.from_fields(fields)


def _scalars(folder):
    """Tag -> [(step, value), ...], as tensorboard would draw it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return {
        tag: [(one.step, one.value) for one in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def _step(trial: str, step: int, loss: float) -> events.Step:
    return events.Step(
        trial=trial, step=step, epoch=step / 10, loss=loss, learning_rate=0.01, grad_norm=1.0,
        num_tokens=64, seconds=0.01,
    )  # fmt: skip


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> job.Job:
    running = job.start(_spec("watched"), runs=tmp_path_factory.mktemp("runs"))
    running.wait()
    return running


def test_every_step_of_every_trial_is_there(swept) -> None:
    for trial in swept.store.trials:
        told = _scalars(swept.path / trial.name / "trackers" / "tensorboard")
        steps = swept.store.steps(trial.name)
        for name in KEPT:
            expected = [(step.step, pytest.approx(getattr(step, name), rel=1e-6)) for step in steps]
            assert told[name] == expected, name


def test_scores_are_there_at_the_last_step(swept) -> None:
    score = swept.store.read_score("r2", "recall")
    told = _scalars(swept.path / "r2" / "trackers" / "tensorboard")
    assert told["scores/recall"] == [(6, pytest.approx(score.value))]
    assert told["scores/recall_low"] == [(6, pytest.approx(score.low))]


def test_the_spec_of_the_trial_is_kept_as_plain_values(swept) -> None:
    import yaml

    (kept,) = (swept.path / "r2" / "trackers" / "tensorboard").glob("*/hparams.yml")
    told = yaml.safe_load(kept.read_text())
    assert told["adapter.r"] == 2
    assert told["train.max_steps"] == 6
    assert all(isinstance(value, bool | int | float | str) for value in told.values())


def test_the_base_is_no_trial(swept) -> None:
    assert not (swept.path / "base" / "trackers").exists()


def test_the_held_out_loss_is_told_as_eval_loss(tmp_path) -> None:
    store = SweepStore.create(_spec("held-out"), root=tmp_path)
    with tracked(store):
        store.append(events.Started(trial="r1", total_steps=6))
        store.append(events.HeldOut(trial="r1", step=4, loss=0.5, num_tokens=9, seconds=0.1))
    assert _scalars(store.path / "r1" / "trackers" / "tensorboard")["eval_loss"] == [(4, 0.5)]
    assert store.listeners == []


def test_steps_that_a_killed_worker_told_are_told_once(tmp_path) -> None:
    store = SweepStore.create(_spec("again"), root=tmp_path)
    with tracked(store):
        store.append(events.Started(trial="r1", total_steps=6))
        for step in (1, 2, 3, 4):
            store.append(_step("r1", step, 4.0))
    with tracked(store):
        store.append(events.Started(trial="r1", total_steps=6, from_step=2))
        for step in (3, 4, 5, 6):
            store.append(_step("r1", step, 2.0))
    told = _scalars(store.path / "r1" / "trackers" / "tensorboard")["loss"]
    assert told == [(1, 4.0), (2, 4.0), (3, 2.0), (4, 2.0), (5, 2.0), (6, 2.0)]
    assert len(list((store.path / "r1" / "trackers").rglob("hparams.yml"))) == 1


def test_a_tracker_that_breaks_is_dropped_with_one_warning_and_nothing_else_happens(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("PLANTED_API_KEY", "planted-secret")
    store = SweepStore.create(_spec("broken"), root=tmp_path / "planted-secret")
    # A file stands where the tracker wants a folder: the way a full or read-only disk shows itself.
    for name in ("r1", "r2"):
        (store.path / name / "trackers").write_text("")
    with tracked(store):
        for name in ("r1", "r2"):
            store.append(events.Started(trial=name, total_steps=6))
            store.append(_step(name, 1, 4.0))
    warned = [event for event in store.events() if isinstance(event, events.Warned)]
    assert [one.code for one in warned] == ["tracker"]
    assert warned[0].message.startswith("the tracker tensorboard broke off")
    assert "planted-secret" not in warned[0].message
    assert [len(store.steps(name)) for name in ("r1", "r2")] == [1, 1]


def test_an_unknown_tracker_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(SpecError, match="'tensorboard'"):
        check_trackers(_spec("typo", report_to=["tensorbord"]))


def test_a_sweep_is_refused_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(SpecError, match="there is no tracker 'x'"):
        job.start(_spec("typo", report_to=["x"]), runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_tracker_that_is_not_installed_says_how_to_install_it() -> None:
    missing = next(name for name in TRACKERS if importlib.util.find_spec(name) is None)
    with pytest.raises(MissingDependency, match=f"pip install {missing}"):
        check_trackers(_spec("missing", report_to=[missing]))


def test_none_asks_for_no_tracker() -> None:
    spec = Spec.from_fields({"name": "none", "train": {"report_to": "none"}})
    assert spec.train.report_to == ()
    check_trackers(spec)


def test_the_names_are_those_of_accelerate() -> None:
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    assert set(TRACKERS) == set(LOGGER_TYPE_TO_CLASS)
    assert set(TRACKERS) > ONE_RUN_A_PROCESS


def test_no_library_is_loaded_unless_it_is_asked_for(tmp_path) -> None:
    store = SweepStore.create(_spec("quiet", report_to=()), root=tmp_path)
    code = (
        "import sys, pathlib; from workbench.tracking import check_trackers, tracked;"
        "from workbench.runs.store import SweepStore;"
        f"store = SweepStore.open(pathlib.Path({str(store.path)!r})); check_trackers(store.spec);\n"
        "with tracked(store): pass\n"
        "heavy = {'accelerate', 'tensorboard', 'torch'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))

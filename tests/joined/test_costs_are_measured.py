"""A sweep leaves what it cost beside what was predicted, and a calibration for the next plan."""

import pytest

from workbench import job
from workbench.cli import results
from workbench.plan import calibration as calibrations
from workbench.spec import Spec


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> job.Job:
    fields = {
        "name": "measured",
        "data": {"id": "microworld/updates"},
        "train": {"max_steps": 6, "per_device_train_batch_size": 16},
        "evals": [],
        "sweep": {"adapter.r": [2, 4]},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        assert job.plan(Spec.from_fields(fields)).seconds is None
        running = job.start(Spec.from_fields(fields), runs=tmp_path_factory.mktemp("runs"))
        assert running.wait().state == "done"
        yield running


def test_the_first_sweep_leaves_a_calibration_and_the_next_plan_has_a_time(swept) -> None:
    found = calibrations.read()
    assert found is not None
    assert found.floor_bytes is not None
    assert found.floor_bytes > 100e6
    planned = job.plan(swept.store.spec)
    assert planned.seconds is not None
    assert planned.gain is not None
    assert planned.parts["Python and libraries"] == found.floor_bytes


def test_predicted_and_measured_stand_side_by_side(swept, capsys) -> None:
    measured = swept.store.read_json("measured.json")
    beside = {side["what"]: side for side in measured["beside"]}
    peak = beside["peak memory of the process"]
    assert peak["predicted"] == swept.store.read_json("plan.json")["peak"]
    assert peak["measured"] == measured["training_peak_bytes"]
    assert 0.5 < peak["ratio"] < 2
    assert beside["training"]["predicted"] is None, "nothing was calibrated before it ran"
    assert 0 < beside["training"]["measured"] < measured["seconds"]
    results.tell_costs(swept.store)
    said = capsys.readouterr().out
    assert "training: predicted unknown, measured" in said
    assert f"({peak['ratio']:.2f} times)" in said

"""A trial that joins while others train is there whole or not at all."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workbench import job
from workbench.experiment import hold
from workbench.plan.plan import Plan, needs_of
from workbench.runs.control import Command
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.training.joining import Joins

FIELDS = {
    "name": "ranks",
    "adapter": {"r": 16},
    "data": {"id": "microworld/updates", "rows": 8},
    "train": {"max_steps": 2},
    "sweep": {"train.learning_rate": [1e-3, 4e-3]},
}
CLONE = Command(
    command="clone", trial="lr0.001", changes={"train.learning_rate": 2e-3}, file="1-1-clone.json"
)
ADD = Command(command="add", changes={"adapter.r": 2}, file="2-2-add.json")


@pytest.fixture
def store(tmp_path: Path) -> SweepStore:
    return job.prepare(Spec.from_fields(FIELDS), runs=tmp_path)


@pytest.fixture
def joins(store: SweepStore) -> Joins:
    group, refused = hold(store.trials)
    assert group is not None
    assert refused == []
    return Joins(
        store,
        group,
        training=[trial.name for trial in store.trials],
        prepared={},
        data={},
        needs=needs_of(Plan.model_validate(store.read_json("plan.json"))),
        room=None,
    )


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The full disk that needs no root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 600, 4000])
def test_one_that_the_disk_has_no_room_for_is_refused_and_leaves_nothing(
    store: SweepStore, joins: Joins, size: int
) -> None:
    steering = Steering(store)
    before, states = [trial.name for trial in store.trials], store.status().trials
    files = {*store.path.rglob("*")}
    with no_file_beyond(size):
        assert "could not be written" in joins.make(CLONE, steering=steering)
    assert [trial.name for trial in SweepStore.open(store.path).trials] == before
    assert store.status().trials == states
    assert joins.newcomers() == []
    assert {path.name for path in {*store.path.rglob("*")} - files} <= {".lock", "added.json"}
    # And the next, with room, has the same name and its own adapter.
    assert joins.make(CLONE, steering=steering) == ""
    assert joins.make(ADD, steering=steering) == ""
    clone, added = joins.newcomers()
    assert [clone.name, added.name] == ["lr0.002-warm", "r2"]
    assert (store.folder(clone.name) / "initial" / "adapter_model.safetensors").exists()


def test_a_folder_of_that_name_that_is_nobodys_is_left_alone(
    store: SweepStore, joins: Joins
) -> None:
    kept = store.path / "r2" / "notes.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    assert "has a trial 'r2' already" in joins.make(ADD, steering=Steering(store))
    assert kept.read_text() == "mine"

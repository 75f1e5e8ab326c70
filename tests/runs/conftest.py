"""A small sweep on disk, for every test of the run folders."""

import pytest

from workbench.runs.store import SweepStore
from workbench.spec import Spec


@pytest.fixture
def spec():
    return Spec.from_fields({"name": "ranks", "sweep": {"adapter.r": [1, 4], "seed": [0, 1]}})


@pytest.fixture
def store(spec, tmp_path):
    return SweepStore.create(spec, root=tmp_path / "runs")

"""Sweep folders as a worker would write them, and specs of the micro-world."""

import pytest

from workbench.events import Evaluated, Finished, Started, Step
from workbench.runs.store import SweepStore
from workbench.spec import Spec

MODEL = "microworld"


@pytest.fixture
def spec() -> Spec:
    return Spec.from_fields(
        {
            "name": "ranks",
            "model": {"id": MODEL},
            "train": {"learning_rate": 0.01, "max_steps": 6, "per_device_train_batch_size": 4},
            "evals": ["recall"],
            "sweep": {"adapter.r": [1, 4]},
        }
    )


@pytest.fixture
def store(spec, tmp_path) -> SweepStore:
    """A sweep that this process has claimed, so that it counts as running."""
    store = SweepStore.create(spec, root=tmp_path / "runs")
    store.claim()
    return store


@pytest.fixture
def train(store):
    """Writes what a trial says while it trains."""

    def train(trial: str, losses: list[float], *, total: int = 6, begin: int = 0) -> None:
        store.append(Started(trial=trial, total_steps=total, from_step=begin))
        store.set_status(trials={trial: "training"})
        for step, loss in enumerate(losses, start=begin + 1):
            store.append(
                Step(
                    trial=trial, step=step, epoch=step / 10, loss=loss, learning_rate=0.01,
                    grad_norm=1.0, num_tokens=20, seconds=0.5,
                )
            )  # fmt: skip

    return train


@pytest.fixture
def finish(store):
    """Ends a trial with a score."""

    def finish(trial: str, *, value: float = 0.75) -> None:
        store.append(Finished(trial=trial, step=6, seconds=3.0))
        store.append(
            Evaluated(
                trial=trial, eval="recall", value=value, low=value - 0.1, high=value + 0.1, n=40,
                seconds=1.0,
            )
        )  # fmt: skip
        store.set_status(trials={trial: "done"})

    return finish

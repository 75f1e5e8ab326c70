"""An evaluation that is stopped goes on where it was, and an adapter that was changed meanwhile is noticed."""

from pathlib import Path

import pytest
import torch

from tests.evals.moved import moved
from workbench.adapters.bank import Bank
from workbench.data.sources import load as load_rows
from workbench.evaluation import ANSWERS, FINGERPRINTS, evaluate_all
from workbench.models.load import load as load_model
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE
from workbench.spec import Spec

EVALS = ("recall", "retention", "facts")


class Impatient(Steering):
    """Wants no more after so many messages."""

    def __init__(self, store: SweepStore, *, patience: int) -> None:
        super().__init__(store)
        self._patience = patience

    def say(self, message: str) -> None:
        super().say(message)
        self._patience -= 1
        self.stopped_all = self._patience < 0


@pytest.fixture
def trained(tmp_path: Path) -> tuple[SweepStore, Bank]:
    spec = Spec.from_fields(
        {
            "name": "asked",
            "data": {"id": "microworld/updates", "rows": 40},
            "evals": list(EVALS),
            "sweep": {"adapter.r": [2, 4]},
        }
    )
    store = SweepStore.create(spec, root=tmp_path)
    loaded = load_model(spec.model)
    bank = moved(Bank(loaded.model, loaded.tokenizer, store.trials))
    for trial in store.trials:
        bank.save(trial.name, store.folder(trial.name) / "adapter")
        store.set_status(trials={trial.name: "trained"})
    return store, bank


def _evaluate(store: SweepStore, bank: Bank, steering: Steering) -> int:
    """How many forwards it took."""
    count = [0]

    def seen(*_: object) -> None:
        count[0] += 1

    handle = bank.base.register_forward_pre_hook(seen)
    data = {trial.spec.data: load_rows(trial.spec.data) for trial in store.trials}
    problems = evaluate_all(
        store, bank, trials=store.trials, data=data, steering=steering, asked=set()
    )
    handle.remove()
    assert problems == []
    return count[0]


def test_a_stopped_evaluation_goes_on_where_it_was(trained, tmp_path) -> None:
    store, bank = trained
    stopped = _evaluate(store, bank, Impatient(store, patience=3))
    done = {name for name in EVALS if store.read_score(BASE, name) is not None}
    assert 0 < len(done) < len(EVALS)
    resumed = _evaluate(store, bank, Steering(store))
    scores = {(s.slot, s.eval): s.model_copy(update={"seconds": 0.0}) for s in store.scores()}
    assert {eval for _, eval in scores} == set(EVALS)
    (store.path / ANSWERS).unlink()
    for folder in (BASE, "r2", "r4"):
        for file in (store.path / folder / "scores").iterdir():
            file.unlink()
    whole = _evaluate(store, bank, Steering(store))
    again = {(s.slot, s.eval): s.model_copy(update={"seconds": 0.0}) for s in store.scores()}
    assert again == scores
    # Each start reads the fixed row of every slot anew; no other forward is taken twice.
    of_fingerprints = _evaluate(store, bank, Steering(store))
    assert stopped + resumed - of_fingerprints <= whole + 4


def test_an_adapter_that_was_changed_since_is_said(trained) -> None:
    store, bank = trained
    _evaluate(store, bank, Impatient(store, patience=0))
    assert set(store.read_json(FINGERPRINTS)) == {BASE, "r2", "r4"}
    with torch.no_grad():
        for parameter in bank.parameters("r4").values():
            parameter.mul_(-2.0)
    _evaluate(store, bank, Impatient(store, patience=0))
    warned = [e for e in store.events() if e.event == "warned" and e.code == "adapter-changed"]
    assert [("r4 answers otherwise" in e.message) for e in warned] == [True]

"""Banks of real tiny models with adapters that say something else than the base."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.evals.moved import moved
from workbench import job
from workbench.adapters.bank import Bank
from workbench.models.load import load
from workbench.spec import AdapterSpec, ModelSpec, Spec, Trial


def bank_of(model_id: str, *, ranks: tuple[int, ...] = (2, 4)) -> Bank:
    """A bank whose adapters are random but not idle: B, zero at first, is drawn too."""
    trials = [
        Trial(
            name=f"r{rank}",
            spec=Spec(model=ModelSpec(id=model_id), adapter=AdapterSpec(r=rank, lora_dropout=0.3)),
        )
        for rank in ranks
    ]
    loaded = load(trials[0].spec.model)
    return moved(Bank(loaded.model, loaded.tokenizer, trials))


@pytest.fixture(scope="session")
def small_bank() -> Bank:
    """The micro-world's model, which is part of the package."""
    return bank_of("microworld")


@pytest.fixture(scope="session")
def stories_bank(shared_models: Path) -> Bank:
    return bank_of(str(shared_models / "stories260K"))


@pytest.fixture(scope="session")
def characters_bank(shared_models: Path) -> Bank:
    """A GPT-2 shape without bos, eos or pad, one token a character, context 128."""
    return bank_of(str(shared_models / "slm4096-gpt2"))


class Trained(NamedTuple):
    """A real model with an adapter that was really trained, loaded as a bank and lying in folders."""

    model: Path
    adapter: Path
    bank: Bank
    slot: str

    def folder_of(self, slot: str) -> Path | None:
        """The PEFT folder of a slot; None of the base."""
        return self.adapter if slot == self.slot else None


@pytest.fixture(scope="session")
def trained_stories(shared_models: Path, shared_data: Path, tmp_path_factory) -> Trained:
    """stories260K with an adapter trained on Shakespeare, which changes how it writes."""
    folder = tmp_path_factory.mktemp("trained-stories")
    lines = (shared_data / "tinyshakespeare" / "input.txt").read_text(encoding="utf-8")
    rows = [{"text": part} for part in lines.split("\n\n")[:400]]
    data = folder / "plays.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    spec = Spec.from_fields(
        {
            "name": "plays",
            "model": {"id": str(shared_models / "stories260K")},
            "adapter": {"r": 8},
            "data": {"id": str(data)},
            "train": {"learning_rate": 5e-3, "per_device_train_batch_size": 8, "max_steps": 40},
            "evals": [],
        }
    )
    running = job.start(spec, runs=folder)
    running.wait()
    (trial,) = running.store.trials
    kept = running.path / trial.name / "adapter"
    loaded = load(trial.spec.model)
    bank = Bank(loaded.model, loaded.tokenizer, [trial])
    bank.restore(trial.name, kept)
    return Trained(shared_models / "stories260K", kept, bank, trial.name)

"""Banks of real tiny models with adapters that say something else than the base."""

from pathlib import Path

import pytest

from tests.evals.moved import moved
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

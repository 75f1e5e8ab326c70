"""A sweep of two adapters of the micro-world that plain PEFT wrote, never trained: what is served need not be good."""

from pathlib import Path

import pytest
import torch

from workbench import microworld
from workbench.runs.store import SweepStore
from workbench.spec import Spec

ON = ["q_proj", "v_proj", "down_proj"]


def write_adapter(model, folder: Path, *, rank: int = 4, targets=ON, seed: int = 0) -> Path:
    """A LoRA adapter whose every weight is drawn, so that it says something else than its base."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, target_modules=list(targets), task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    adapted.save_pretrained(folder)
    adapted.unload()
    return folder


@pytest.fixture(scope="package")
def sweep(tmp_path_factory) -> SweepStore:
    from transformers import AutoModelForCausalLM

    spec = Spec.from_fields(
        {"name": "served", "adapter": {"target_modules": ON}, "sweep": {"adapter.r": [2, 4]}}
    )
    store = SweepStore.create(spec, root=tmp_path_factory.mktemp("runs"))
    model = AutoModelForCausalLM.from_pretrained(microworld.path())
    for seed, trial in enumerate(store.trials):
        folder = store.folder(trial.name) / "adapter"
        write_adapter(model, folder, rank=trial.spec.adapter.r, seed=seed)
    store.set_status(state="done")
    return store

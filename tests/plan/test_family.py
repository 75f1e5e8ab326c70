"""What a block keeps for the way back is what autograd saves: counted by hooks on the engine's own forward pass."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from workbench.plan.family import family_of
from workbench.plan.shape import read_shape
from workbench.plan.targets import aim
from workbench.spec import Spec

ROWS, TOKENS = 8, 48


def saved_per_token(spec: Spec) -> float:
    """Numbers that autograd keeps of a forward pass of two trials, parameters aside, for each token."""
    import torch

    from workbench.adapters.bank import Bank
    from workbench.data.rendering import Rendered
    from workbench.engine.forward import reading
    from workbench.engine.passes import Part
    from workbench.engine.slot import Slot
    from workbench.models.load import load

    loaded = load(spec.model)
    trials = spec.grid()
    bank = Bank(loaded.model, loaded.tokenizer, trials)
    rows = [Rendered([5] * TOKENS, [5] * TOKENS, truncated=False)] * ROWS
    slots = [
        Slot(name=t.name, train=t.spec.train, rows=rows, seed=0, fingerprint="", checkpoint=Path("none"))
        for t in trials
    ]  # fmt: skip
    frozen = {
        t.untyped_storage().data_ptr() for t in (*bank.model.parameters(), *bank.model.buffers())
    }
    kept: dict[int, Any] = {}

    def hold(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in frozen:
            kept[storage.data_ptr()] = tensor
        return tensor

    with reading(bank, slots) as forward:
        for slot in slots:
            list(slot.prepare(bank))
        forward.admit(slots)
        parts = [Part(slot=k, row=row, draw=0) for k in range(len(slots)) for row in rows]
        (one,) = forward.passes(parts)
        with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
            forward.losses(one)
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    return total / 4 / (len(slots) * ROWS * TOKENS)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("llama", "all-linear"),
        ("llama", ("q_proj", "v_proj")),
        ("llama", ("down_proj",)),
        ("gpt2", "all-linear"),
        ("gpt2", ("c_attn",)),
        ("bitnet", "all-linear"),
    ],
)
def test_a_plan_counts_what_autograd_saves(
    tiny: Callable[[str], Path], tmp_path: Path, name: str, targets: Sequence[str] | str
) -> None:
    import shutil

    from workbench import microworld

    folder = tmp_path / name
    shutil.copytree(tiny(name), folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(microworld.path() / file, folder / file)
    adapter = {"target_modules": targets if isinstance(targets, str) else list(targets), "r": 2}
    spec = Spec.from_fields(
        {"model": {"id": str(folder)}, "adapter": adapter, "sweep": {"seed": [0, 1]}}
    )
    shape = read_shape(folder)
    found = aim(shape, adapter=spec.adapter)
    family = family_of(shape)
    adapted = {target.module.target for target in found}
    counted = shape.layers * family.kept(adapted=adapted, row=TOKENS)
    counted += sum(target.rank for target in found) + 2 * shape.hidden + shape.vocabulary
    saved = saved_per_token(spec)
    # Blocks are counted whole: where only the last layer of the first block is adapted, what lies before it in that block
    # passes no gradient and keeps nothing.
    spare = family.kept(adapted=adapted, row=TOKENS) if adapted == {"down_proj"} else 0
    assert 0.88 * saved <= counted <= 1.12 * saved + spare

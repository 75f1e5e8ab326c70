"""What a block keeps for the way back is what autograd saves: counted by hooks on the engine's own forward pass."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from workbench import microworld
from workbench.plan.family import family_of
from workbench.plan.lengths import allowed
from workbench.plan.memory import PASSING, predict
from workbench.plan.shape import read_shape
from workbench.plan.targets import aim, counted
from workbench.spec import Spec

ROWS, TOKENS = 8, 48


@contextmanager
def one_pass(spec: Spec) -> Iterator[tuple[Any, Callable[[], Any], int]]:
    """A loaded bank, its forward pass of every trial's rows, and the tokens of it."""
    from workbench.adapters.bank import Bank
    from workbench.data.rendering import Rendered
    from workbench.engine.forward import reading
    from workbench.engine.passes import Part
    from workbench.engine.slot import Slot
    from workbench.models.load import load

    loaded = load(spec.model, quantization=spec.quantization)
    trials = spec.grid()
    bank = Bank(loaded.model, loaded.tokenizer, trials)
    rows = [Rendered([5] * TOKENS, [5] * TOKENS, truncated=False)] * ROWS
    slots = [
        Slot(name=t.name, train=t.spec.train, rows=rows, seed=0, fingerprint="", checkpoint=Path("none"))
        for t in trials
    ]  # fmt: skip
    with reading(bank, slots) as forward:
        for slot in slots:
            list(slot.prepare(bank))
        forward.admit(slots)
        parts = [Part(slot=k, row=row, draw=0) for k in range(len(slots)) for row in rows]

        def once() -> Any:
            (one,) = forward.passes(parts)
            return forward.losses(one)

        yield bank, once, len(parts) * TOKENS


def saved_per_token(spec: Spec) -> float:
    """Numbers that autograd keeps of a forward pass, parameters aside, for each token."""
    import torch

    kept: dict[int, Any] = {}
    with one_pass(spec) as (bank, once, tokens):
        frozen = {
            t.untyped_storage().data_ptr()
            for t in (*bank.model.parameters(), *bank.model.buffers())
        }

        def hold(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in frozen:
                kept[storage.data_ptr()] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
            once()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / 4 / tokens


def held_per_token(spec: Spec) -> float:
    """Numbers that are allocated when a forward pass is over, for each token, as torch's own records tell."""
    from torch.profiler import ProfilerActivity, profile

    with one_pass(spec) as (_, once, tokens):
        once()[0].sum().backward()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            losses = once()
        held = sum(event.self_cpu_memory_usage for event in seen.key_averages())
        del losses
    return float(held) / 4 / tokens


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


@pytest.mark.parametrize("targets", [("q_proj", "v_proj"), "all-linear"], ids=["some", "all"])
def test_an_eight_bit_layer_keeps_what_it_read_with_or_without_an_adapter(
    targets: Sequence[str] | str,
) -> None:
    adapter = {"target_modules": targets if isinstance(targets, str) else list(targets), "r": 2}
    spec = Spec.from_fields(
        {"model": {"id": "microworld"}, "adapter": adapter, "quantization": {"load_in_8bit": True}}
    )
    shape = read_shape(microworld.path())
    found = aim(shape, adapter=spec.adapter)
    planned = predict(
        shape,
        spec=spec,
        targets=found,
        trainable=counted(shape, found, adapter=spec.adapter),
        lengths=allowed(TOKENS),
    )
    tokens = spec.train.per_device_train_batch_size * TOKENS
    # Beside what blocks keep a plan counts what is passed on; at the end of the pass there are the scores' softmax.
    passing = PASSING * family_of(shape).middle
    told = planned.activations / 4 / tokens - passing + shape.vocabulary
    held = held_per_token(spec)
    assert 0.85 * held <= told <= 1.15 * held

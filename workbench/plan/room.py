"""How much memory there is for a sweep, and which trials train together within it.

`Need` is what one trial asks for; `shares(group, needs=..., room=...)` cuts a group of trials that could share each
forward into smaller ones that fit; `free_room()` and `all_bytes()` say what this machine has. Splitting is harmless, so
it goes by what is free now; a trial is refused only when it asks for more than the machine has in all. It knows bytes and names.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from workbench.plan.memory import MAX_TOKENS, SLACK_BYTES, SLACK_OF_PASSES, Memory
from workbench.spec import Trial

OVERRIDE = "WORKBENCH_MEMORY_BYTES"
"""Environment variable that states the memory a sweep may use, where the machine's own account is not to be believed."""


class Room(NamedTuple):
    """What trials that train together may take."""

    bytes: int
    max_tokens: int = MAX_TOKENS["cpu"]
    """Of a forward pass on the device at hand."""


class Need(NamedTuple):
    """What one trial asks for."""

    memory: Memory
    """When it trains alone."""
    tokens: int
    """Of its forward pass."""
    longest: int = 0
    """Of its rows; a pass holds at least one. 0 where that is not known."""
    fewest: int = 0
    """Tokens of a step whose rows happen to be short. 0 where that is not known."""


def group_peak(needs: Sequence[Need], *, adapters: int, max_tokens: int = MAX_TOKENS["cpu"]) -> int:
    """The peak of trials that share each forward, with the adapters of all trials on their base in memory."""
    return round(sum(group_parts(needs, adapters=adapters, max_tokens=max_tokens).values()))


def group_parts(
    needs: Sequence[Need], *, adapters: int, max_tokens: int = MAX_TOKENS["cpu"]
) -> dict[str, float]:
    """The same by what it is for."""
    first = needs[0].memory
    longest_row = max(need.longest or need.tokens for need in needs)
    total = sum(need.tokens for need in needs)
    activations = max(need.memory.activations / max(need.tokens, 1) for need in needs)
    share = max(_slack_share(need.memory) for need in needs)
    most = max(max_tokens, longest_row)
    # As many passes as are needed, filled alike, as the engine cuts them; and where a step of shorter rows takes one less, it fills them.
    passes = max(1, math.ceil(total / most))
    kinds = [(max(longest_row, total / passes), passes)]
    if sum(need.fewest or need.tokens for need in needs) <= (passes - 1) * most:
        kinds.append((most, passes - 1))
    tokens, share = max(
        ((tokens, share + (SLACK_OF_PASSES if number > 1 else 0.0)) for tokens, number in kinds),
        key=lambda kind: kind[0] * (1 + kind[1]),
    )
    logits = max(need.memory.logits / max(need.tokens, 1) for need in needs)
    return {
        "weights": first.weights,
        "adapters": adapters,
        "gradients and optimizer": sum(n.memory.gradients + n.memory.optimizer for n in needs),
        "activations": tokens * activations,
        "logits": tokens * logits,
        "allocator slack": max(SLACK_BYTES, share * tokens * activations),
        "Python and libraries": first.floor,
    }


def _slack_share(memory: Memory) -> float:
    if memory.slack_share is not None:
        return memory.slack_share
    return memory.slack / max(memory.activations, 1)


def shares(
    group: Sequence[Trial], *, needs: Mapping[str, Need], room: Room | None
) -> list[tuple[Trial, ...]]:
    """The group in parts that fit, in its order; without a bound, or without needs, the group as it is."""
    if room is None or any(trial.name not in needs for trial in group):
        return [tuple(group)]
    adapters = sum(needs[trial.name].memory.adapter for trial in group)
    parts: list[list[Trial]] = []
    for trial in group:
        joined = [needs[other.name] for other in (*(parts[-1] if parts else ()), trial)]
        peak = group_peak(joined, adapters=adapters, max_tokens=room.max_tokens)
        if parts and peak <= room.bytes:
            parts[-1].append(trial)
        else:
            parts.append([trial])
    return [tuple(part) for part in parts]


def too_large(need: Need) -> str:
    """Why a trial cannot run on this machine; empty when it can."""
    total, peak = all_bytes(), need.memory.peak
    if total is None or peak <= total:
        return ""
    parts = {
        "weights": need.memory.weights,
        "gradients and optimizer": need.memory.gradients + need.memory.optimizer,
        "activations and logits": need.memory.activations + need.memory.logits,
    }
    most = max(parts, key=lambda part: parts[part])
    advice = {
        "weights": "quantization: {load_in_4bit: true}, or a smaller model",
        "gradients and optimizer": "a lower adapter.r, fewer target_modules, or an adapter instead of FULL",
        "activations and logits": "a lower train.max_length or train.per_device_train_batch_size",
    }[most]
    return (
        f"it needs about {peak / 1e9:.3g} GB, most of it for {most}, and this machine has "
        f"{total / 1e9:.3g} GB; use {advice}"
    )


def free_room(*, held: int = 0) -> Room | None:
    """What a process that holds so much already may use in all; None where a GPU decides, which only the worker asks."""
    stated = _stated()
    if stated is not None:
        return Room(stated)
    if _has_gpu():
        return None
    limit, used = _container()
    here: int = psutil.virtual_memory().available
    return Room(held + (here if limit is None else min(here, limit - used)))


def all_bytes() -> int | None:
    """What this machine, or this container, has; None where a GPU decides."""
    stated = _stated()
    if stated is not None or _has_gpu():
        return stated
    limit, _ = _container()
    here: int = psutil.virtual_memory().total
    return here if limit is None else min(here, limit)


def is_stated() -> bool:
    """Whether somebody said how much a sweep may use."""
    return _stated() is not None


def _stated() -> int | None:
    said = os.environ.get(OVERRIDE, "")
    return int(said) if said.isdigit() else None


def _has_gpu() -> bool:
    return Path("/dev/nvidia0").exists()


def _container() -> tuple[int | None, int]:
    """The limit of the container this runs in and what it uses, from the kernel's own files."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = (folder / "memory.current").read_text().strip()
        cached = dict(
            line.split() for line in (folder / "memory.stat").read_text().splitlines() if line
        ).get("inactive_file", "0")
    except OSError:
        return None, 0
    if not limit.isdigit():
        return None, 0
    # Cached files are given back when memory is short.
    return int(limit), max(int(used) - int(cached), 0)

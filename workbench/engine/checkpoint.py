"""One checkpoint of one slot: a single safetensors file, replaced whole, with the small state in its header.

Reading it back continues the run as if it had not been interrupted: bit for bit on the same machine, thread count and
versions, which the header records. It knows the tensors of a slot and nothing of rows or models.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from workbench.errors import RunError

FORMAT = 2


class Checkpoint(NamedTuple):
    """What a slot needs to go on."""

    step: int
    fingerprint: str
    """Of the trial's spec and rows: a checkpoint of anything else is not continued."""
    parameters: dict[str, torch.Tensor]
    moments: dict[str, dict[str, torch.Tensor]]
    """Adam's state of each parameter."""
    seconds: float
    best: float | None
    """The lowest held-out loss so far."""
    waited: int
    kept: dict[str, torch.Tensor]
    """The parameters that came with it, where they are to be kept."""


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint at a path."""
    tensors = {f"parameter/{name}": t for name, t in checkpoint.parameters.items()}
    for name, state in checkpoint.moments.items():
        tensors |= {f"moment/{kind}/{name}": tensor for kind, tensor in state.items()}
    tensors |= {f"best/{name}": tensor for name, tensor in checkpoint.kept.items()}
    header = {
        "format": FORMAT,
        "step": checkpoint.step,
        "fingerprint": checkpoint.fingerprint,
        "seconds": checkpoint.seconds,
        "best": checkpoint.best,
        "waited": checkpoint.waited,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    try:
        save_file(plain, temporary, metadata={"state": json.dumps(header)})
        temporary.replace(path)
    except (SafetensorError, OSError) as error:
        temporary.unlink(missing_ok=True)
        raise RunError(
            f"the checkpoint of step {checkpoint.step} could not be written: {error}. "
            "Free some space, then go on with --resume"
        ) from error


def read(path: Path, *, fingerprint: str) -> tuple[Checkpoint, list[str]] | None:
    """The checkpoint at a path, with what differs from the machine that wrote it; None when there is none."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise RunError(f"the checkpoint {path.name!r} cannot be read: {error}") from error
    if header.get("format") != FORMAT or header.get("fingerprint") != fingerprint:
        raise RunError(
            f"the checkpoint {path.name!r} is of another spec, other rows or another version"
        )
    now = {
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
    }
    differs = [f"{k}: {header[k]!r} then, {v!r} now" for k, v in now.items() if header[k] != v]
    parameters: dict[str, torch.Tensor] = {}
    kept: dict[str, torch.Tensor] = {}
    moments: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("parameter/"):
            parameters[key.removeprefix("parameter/")] = tensor
        elif key.startswith("best/"):
            kept[key.removeprefix("best/")] = tensor
        elif key.startswith("moment/"):
            _, kind, name = key.split("/", 2)
            moments.setdefault(name, {})[kind] = tensor
    found = Checkpoint(
        step=header["step"],
        fingerprint=header["fingerprint"],
        parameters=parameters,
        moments=moments,
        seconds=header["seconds"],
        best=header["best"],
        waited=header["waited"],
        kept=kept,
    )
    return found, differs

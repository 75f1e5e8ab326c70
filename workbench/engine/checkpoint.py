"""The checkpoints of one slot: a safetensors file for each step it was saved at, with the small state in its header.

A file is written whole or not at all and names its step, so that slots which belong together can be taken up at the step
they were saved at together; `keep_only` clears the others away. Reading it back continues the run as if it had not been interrupted: bit for bit on the same machine, thread count and
versions, which the header records. It knows the tensors of a slot and nothing of rows or models.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from workbench.errors import RunError
from workbench.runs.atomic import replacing

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


def path_at(folder: Path, step: int) -> Path:
    """The checkpoint of a step."""
    return folder / f"step-{step:07d}.safetensors"


def newest(folder: Path) -> int:
    """The last step there is a checkpoint of; 0 where there is none."""
    return max((_step(path) for path in folder.glob("step-*.safetensors")), default=0)


def keep_only(folder: Path, step: int) -> None:
    """Take away the checkpoints of all other steps."""
    for path in folder.glob("step-*.safetensors"):
        if path != path_at(folder, step):
            path.unlink(missing_ok=True)


def _step(path: Path) -> int:
    number = path.stem.removeprefix("step-")
    return int(number) if number.isdigit() else 0


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
    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    try:
        with replacing(path) as temporary:
            save_file(plain, temporary, metadata={"state": json.dumps(header)})
    except (SafetensorError, RunError) as error:
        raise RunError(
            f"the checkpoint of step {checkpoint.step} could not be written: {error.__cause__ or error}. "
            "The one before it is kept; free some space"
        ) from error


def put(values: Mapping[str, torch.Tensor], parameters: Mapping[str, torch.nn.Parameter]) -> None:
    """Give parameters the values of a checkpoint."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(values[name])


def read(path: Path, *, fingerprint: str) -> tuple[Checkpoint, list[str]]:
    """The checkpoint at a path, with what differs from the machine that wrote it."""
    if not path.exists():
        raise RunError(f"the checkpoint {path.name!r} is gone")
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

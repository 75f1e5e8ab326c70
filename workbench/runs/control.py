"""How a person steers a sweep that runs in another process: small files in its `control/` folder.

A face calls `send(path, "stop")`; the worker calls `take(path, trials=...)` between steps and gets the commands in the
order they were sent, each once. What is no command is taken away too and comes back with its problem. Nothing here
carries a command out.
"""

import json
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import StoreError, nearest
from workbench.runs.atomic import not_written, write_bytes

COMMANDS = ("stop", "pause", "resume")

_MAX_BYTES = 10_000
_KEYS = ("command", "trial")


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asked for."""

    command: str
    trial: str = ""
    """Empty for the whole sweep."""
    problem: str = ""
    """Why it cannot be followed; empty for a command that can."""


def send(path: Path, command: str, *, trial: str = "") -> Path:
    """Leave a command for the worker of a sweep; returns the file that holds it until it is taken."""
    if command not in COMMANDS:
        raise StoreError(f"{command!r} is no command. {nearest(command, COMMANDS)}")
    if not (path / "status.json").is_file():
        raise StoreError(f"{str(path)!r} is no sweep, so there is nothing to {command}")
    known = _trials(path)
    if trial and trial not in known:
        raise StoreError(f"the sweep {path.name!r} has no trial {trial!r}. {nearest(trial, known)}")
    moment = time.time_ns()
    while (file := _file(path, moment, command)).exists():
        moment += 1
    write_bytes(file, json.dumps({"command": command, "trial": trial}).encode())
    return file


def take(path: Path, *, trials: tuple[str, ...] | list[str]) -> list[Command]:
    """The commands sent since the last call, oldest first; `trials` are the names that exist."""
    try:
        with os.scandir(path / "control") as entries:
            files = [Path(one.path) for one in entries if _is_meant(one)]
    except FileNotFoundError:
        return []
    found = []
    for file in sorted(files, key=_moment):
        command = _read(file, trials=trials)
        try:
            file.unlink()
        except FileNotFoundError:
            # Another reader was quicker: the command is theirs.
            continue
        except OSError as error:
            raise not_written(file, error) from error
        found.append(command)
    return found


def _trials(path: Path) -> list[str]:
    return [folder.parent.name for folder in path.glob("[!.]*/spec.yaml")]


def _file(path: Path, moment: int, command: str) -> Path:
    return path / "control" / f"{moment}-{os.getpid()}-{command}.json"


def _is_meant(entry: os.DirEntry[str]) -> bool:
    # Hidden names are still being written; a folder is nobody's command and cannot be taken away in one step.
    return not entry.name.startswith(".") and not entry.is_dir(follow_symlinks=False)


def _moment(file: Path) -> tuple[int, str]:
    first = file.name.split("-", 1)[0]
    return (int(first) if first.isascii() and first.isdigit() else 0), file.name


def _read(file: Path, *, trials: tuple[str, ...] | list[str]) -> Command:
    try:
        about = file.lstat()
        # Opening a pipe would wait for ever, and a link may lead anywhere.
        if not stat.S_ISREG(about.st_mode) or about.st_size > _MAX_BYTES:
            return _nonsense(file, "it is no small plain file")
        fields = json.loads(file.read_bytes())
    except OSError as error:
        return _nonsense(file, error.strerror or str(error))
    except (ValueError, RecursionError):
        return _nonsense(file, "it is not JSON")
    if not isinstance(fields, dict) or not all(isinstance(fields.get(k, ""), str) for k in _KEYS):
        return _nonsense(file, "a command is a mapping with the words 'command' and 'trial'")
    return _checked(fields, trials=trials)


def _checked(fields: dict[str, Any], *, trials: tuple[str, ...] | list[str]) -> Command:
    command, trial = _shown(fields.get("command", "")), _shown(fields.get("trial", ""))
    if command not in COMMANDS:
        return Command(command, trial, f"{command!r} is no command. {nearest(command, COMMANDS)}")
    if trial and trial not in trials:
        return Command(command, trial, f"there is no trial {trial!r}. {nearest(trial, trials)}")
    return Command(command, trial)


def _shown(word: str) -> str:
    """A word that can be printed and stored: short, and without halves of surrogate pairs."""
    return word[:100].encode("utf-8", "replace").decode("utf-8")


def _nonsense(file: Path, why: str) -> Command:
    return Command("", "", f"the control file {file.name[:100]!r} was put aside: {why}")

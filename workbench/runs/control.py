"""How a person steers a sweep that runs in another process: small files in its `control/` folder.

A face calls `send(path, "stop")`; the worker calls `take(path, trials=...)` between steps and gets the commands that are
due, in the order they were sent, each once. A command may wait for a step (`at`) and may change fields (`clone`, `add`).
What is no command is taken away too and comes back with its problem. What was taken lies in `control/taken/` until a
savepoint has what it did, so that a worker killed in between does it again at the same step. Nothing here carries a
command out.
"""

import json
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.errors import StoreError, nearest
from workbench.runs.atomic import not_written, write_bytes

COMMANDS = ("stop", "pause", "resume", "drop", "clone", "add")
NEED_A_TRIAL = ("drop", "clone")
MAKE_A_TRIAL = ("clone", "add")

_MAX_BYTES = 10_000
_WORDS = ("command", "trial")
_KNOWN = (*_WORDS, "at", "changes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a person asked for."""

    command: str
    trial: str = ""
    """Empty for the whole sweep."""
    at: int = 0
    """The step after which it is followed: of its trial, or without one of the trial that is furthest."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Dotted fields of a new trial, with their values."""
    problem: str = ""
    """Why it cannot be followed; empty for a command that can."""
    file: str = field(default="", compare=False)
    """The name of the file that it came in."""

    @property
    def words(self) -> str:
        """The command as a person would say it.

        >>> Command(command="clone", trial="r8", changes={"train.learning_rate": 0.01}).words
        'clone r8 train.learning_rate=0.01'
        """
        changes = [f"{name}={value}" for name, value in self.changes.items()]
        return " ".join(filter(None, (self.command, self.trial, *changes)))

    @property
    def until(self) -> str:
        """What it waits for, in words.

        >>> Command(command="drop", trial="r8", at=1200).until
        'waits for step 1,200 of r8'
        """
        if not self.at:
            return "on its way"
        return f"waits for step {self.at:,}" + (f" of {self.trial}" if self.trial else "")


def send(
    path: Path,
    command: str,
    *,
    trial: str = "",
    at: int = 0,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Leave a command for the worker of a sweep; returns the file that holds it until it is taken."""
    changes = dict(changes or {})
    check(path, Command(command=command, trial=trial, at=at, changes=changes))
    moment = time.time_ns()
    while (file := _file(path, moment, command)).exists():
        moment += 1
    fields = {"command": command, "trial": trial, "at": at, "changes": changes}
    told = {name: value for name, value in fields.items() if value or name in _WORDS}
    write_bytes(file, json.dumps(told).encode())
    return file


def check(path: Path, asked: Command) -> None:
    """Whether a command can be sent to a sweep."""
    if not (path / "status.json").is_file():
        raise StoreError(f"{str(path)!r} is no sweep, so there is nothing to {asked.command}")
    known = _trials(path)
    if problem := _problem(asked.command, asked.trial, asked.at, asked.changes):
        raise StoreError(problem)
    if asked.trial and asked.trial not in known:
        raise StoreError(
            f"the sweep {path.name!r} has no trial {asked.trial!r}. {nearest(asked.trial, known)}"
        )


def take(
    path: Path,
    *,
    trials: Sequence[str],
    is_due: Callable[[Command], bool] = lambda command: True,
    number: int = 0,
    round: int = 0,
) -> list[Command]:
    """The commands that are due and were not taken yet, oldest first.

    Args:
        path: The sweep.
        trials: The names that exist.
        is_due: Whether a command is followed now; the others wait.
        number: What the first of them is kept under in `control/taken/`; 0 keeps none.
        round: When that was.
    """
    found: list[Command] = []
    for file in _left(path):
        command = _read(file, trials=trials)
        if not command.problem and not is_due(command):
            continue
        keeps = bool(number) and not command.problem
        kept_as = f"{number:06d}-{round:08d}-{file.name}" if keeps else ""
        try:
            _put_aside(file, kept_as)
        except FileNotFoundError:
            # Another reader was quicker: the command is theirs.
            continue
        except OSError as error:
            raise not_written(file, error) from error
        number += keeps
        found.append(replace(command, file=kept_as or command.file))
    return found


def waiting(path: Path, *, trials: Sequence[str]) -> list[Command]:
    """The commands that nobody has taken yet, oldest first; they stay where they are."""
    found = [_read(file, trials=trials) for file in _left(path)]
    return [command for command in found if not command.problem]


def withdraw(path: Path, command: Command) -> None:
    """Take back a command that waits; whoever is quicker has it, the worker or this."""
    file = path / "control" / command.file
    try:
        file.unlink()
    except FileNotFoundError:
        raise StoreError(f"{command.words!r} waits no more: the worker has taken it") from None
    except OSError as error:
        raise not_written(file, error) from error


def taken(path: Path, *, trials: Sequence[str]) -> list[Command]:
    """The commands in `control/taken/`, in the order they were taken, each with the name of its file."""
    files = sorted((path / "control" / "taken").glob("[!.]*"))
    return [_read(file, trials=trials) for file in files if file.is_file()]


def forget(path: Path, *, names: list[str]) -> None:
    """Take files out of `control/taken/`."""
    for name in names:
        (path / "control" / "taken" / name).unlink(missing_ok=True)


def _left(path: Path) -> list[Path]:
    """What lies in a sweep's control folder, in the order it was sent."""
    try:
        with os.scandir(path / "control") as entries:
            files = [Path(one.path) for one in entries if _is_meant(one)]
    except FileNotFoundError:
        return []
    return sorted(files, key=_moment)


def _put_aside(file: Path, kept_as: str) -> None:
    if not kept_as:
        file.unlink()
        return
    folder = file.parent / "taken"
    folder.mkdir(exist_ok=True)
    file.rename(folder / kept_as)


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


def _read(file: Path, *, trials: Sequence[str]) -> Command:
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
    if not isinstance(fields, dict) or not all(isinstance(fields.get(k, ""), str) for k in _WORDS):
        return _nonsense(file, "a command is a mapping with the words 'command' and 'trial'")
    if unknown := sorted(str(key)[:40] for key in set(fields) - set(_KNOWN)):
        return _nonsense(
            file, f"{unknown[0]!r} is no part of a command. {nearest(unknown[0], _KNOWN)}"
        )
    return _checked(fields, trials=trials, file=file.name)


def _checked(fields: dict[str, Any], *, trials: Sequence[str], file: str) -> Command:
    command, trial = _shown(fields.get("command", "")), _shown(fields.get("trial", ""))
    at, changes = fields.get("at", 0), fields.get("changes", {})
    problem = _problem(command, trial, at, changes)
    if not problem and trial and trial not in trials:
        problem = f"there is no trial {trial!r}. {nearest(trial, trials)}"
    if problem:
        return Command(command=command, trial=trial, problem=problem, file=_shown(file))
    return Command(command=command, trial=trial, at=at, changes=changes, file=file)


def _problem(command: str, trial: str, at: Any, changes: Any) -> str:
    """What is wrong with a command whatever sweep it is for."""
    if command not in COMMANDS:
        return f"{command!r} is no command. {nearest(command, COMMANDS)}"
    if command in NEED_A_TRIAL and not trial:
        return f"{command} is of one trial; name it"
    if command == "add" and trial:
        return (
            "add makes a trial of the sweep's own fields; to begin from a trial's weights use clone"
        )
    if isinstance(at, bool) or not isinstance(at, int) or at < 0:
        return f"a step is a whole number from 0; got {at!r}"
    if not isinstance(changes, dict) or not all(isinstance(name, str) for name in changes):
        return f"changes are fields with their values; got {str(changes)[:100]!r}"
    if changes and command not in MAKE_A_TRIAL:
        return f"{command} changes no fields; clone and add do"
    if command in MAKE_A_TRIAL and not changes:
        return f"{command} without a changed field would train the same again; give one, train.learning_rate=0.003 say"
    return ""


def _shown(word: str) -> str:
    """A word that can be printed and stored: short, and without halves of surrogate pairs."""
    return word[:100].encode("utf-8", "replace").decode("utf-8")


def _nonsense(file: Path, why: str) -> Command:
    return Command(
        command="", problem=f"the control file {_shown(file.name)!r} was put aside: {why}"
    )

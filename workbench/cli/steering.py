"""`workbench steer`: stop, pause, resume, drop, clone or add a trial of a sweep that runs, and say what became of it; tell what
waits for its step (`waiting`), and take it back (`withdraw`).

The command is a file in the sweep's folder; the worker follows it at its next step and answers with an event, which this
waits for. It never touches the worker itself.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from workbench.cli.printing import note, say, say_json
from workbench.cli.resuming import sweep_to_resume
from workbench.errors import InputError, SpecError
from workbench.runs.control import COMMANDS

OF_WHAT_WAITS = ("waiting", "withdraw")
"""Words beside the commands that a worker follows: what waits, and to take it back."""

PATIENCE = 30.0
"""Seconds; a step of a large model takes so long, and the command stays where it is."""


def steer_command(
    path: Annotated[Path, typer.Argument(metavar="SWEEP", help="Its folder, or its name.")],
    command: Annotated[
        str, typer.Argument(metavar="COMMAND", help=", ".join((*COMMANDS, *OF_WHAT_WAITS)))
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TRIAL] [FIELD=VALUE]...",
            help="Which trial, all when left out; fields of a clone or of an added one; after withdraw the command as it was given.",
        ),
    ] = None,
    *,
    at: Annotated[
        int, typer.Option(help="Follow it after this step of the trial, not at once.", min=0)
    ] = 0,
    runs: Annotated[Path, typer.Option(help="Where sweeps lie.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Steer a sweep that runs: end a trial, hold it, copy it with other fields, or add one."""
    from workbench.job import attach

    job = attach(sweep_to_resume(path, runs=runs))
    if command in OF_WHAT_WAITS:
        if at:
            raise InputError(f"{command} takes no --at")
        _of_what_waits(job, command, words or [], as_json=as_json)
        return
    state = job.status().state
    if state not in ("running", "paused"):
        raise InputError(f"{job.path.name!r} is {state}: there is nothing to steer")
    trial, changes = _trial_and_changes(words or [])
    before = len(job.store.events())
    name = ""
    if command == "clone":
        name = job.clone(trial, changes, at=at)
    elif command == "add":
        if trial:
            raise InputError(f"add takes FIELD=VALUE only; got {trial!r}")
        name = job.add(changes, at=at)
    else:
        _send(job, command, trial=trial, at=at, changes=changes)
    if at:
        say_json({"sent": True, "at": at}) if as_json else say(f"follows after step {at}")
        return
    _tell(_answer(job, before), name=name, as_json=as_json)


def _of_what_waits(job: Any, command: str, words: list[str], *, as_json: bool) -> None:
    if command == "withdraw":
        if not words:
            raise InputError("withdraw takes a command that waits: withdraw drop r8, say")
        trial, changes = _trial_and_changes(words[1:])
        job.withdraw(words[0], trial, changes)
        said = " ".join(words)
        say_json({"withdrawn": said}) if as_json else say(f"{said}: taken back")
        return
    if words:
        raise InputError(f"waiting takes nothing more; got {words[0]!r}")
    waits = job.waiting()
    if as_json:
        say_json([{"words": one.words, "at": one.at} for one in waits])
        return
    for one in waits:
        say(f"{one.words}: {one.until}")
    if not waits:
        say("nothing waits")


def _send(job: Any, command: str, *, trial: str, at: int, changes: dict[str, Any]) -> None:
    from workbench.runs import control

    control.send(job.path, command, trial=trial, at=at, changes=changes)


def _trial_and_changes(words: list[str]) -> tuple[str, dict[str, Any]]:
    """What stands without an equals sign is the trial; the rest are fields."""
    trials = [word for word in words if "=" not in word]
    if len(trials) > 1:
        raise InputError(f"one trial at a time; got {' and '.join(map(repr, trials))}")
    changes = {}
    for word in words:
        if "=" in word:
            field, value = word.split("=", 1)
            try:
                changes[field] = yaml.safe_load(value)
            except yaml.YAMLError:
                raise SpecError(f"{word!r}: {value!r} is no value") from None
    return (trials or [""])[0], changes


def _answer(job: Any, before: int) -> Any:
    """What the worker said of it; None while it has not."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        told = [one for one in job.store.events()[before:] if one.event == "steered"]
        if told:
            return told[-1]
        if job.status().state not in ("running", "paused", "stopping"):
            return None
        time.sleep(0.1)
    return None


def _tell(told: Any, *, name: str, as_json: bool) -> None:
    if as_json:
        say_json(told.model_dump(mode="json") if told else {"answered": False})
    elif told is None:
        note("the worker has not answered yet; its next step, or its end, decides")
    elif told.applied:
        made = f"; it is called {name}" if name else ""
        say(f"{told.command}: followed at step {told.step}{made}")
    if told is not None and not told.applied:
        raise InputError(f"{told.command}: refused, {told.reason}")

"""A sweep is a folder: everything a run leaves behind goes through here, and comes back from here.

`SweepStore.create(spec, root=Path("runs"))` makes the folder under the next free name, `SweepStore.open(path)` takes
up one that exists; a worker calls `claim()` first. Events are appended and flushed; all else is written aside and
renamed, so that a worker killed at any instant leaves a folder that opens. It knows no model, no torch and no
process but the one that holds the claim.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack, final

from pydantic import BaseModel, ValidationError

from workbench.errors import RunError, SpecError, StoreError, nearest
from workbench.events import Step
from workbench.runs import added
from workbench.runs import rows as parquet
from workbench.runs.added import Added
from workbench.runs.atomic import locked, replacing, tidy, write_bytes
from workbench.runs.eventlog import append_event, each_step_once, tail
from workbench.runs.found import find_sweeps, hint, written
from workbench.runs.status import (
    ENDED,
    WORKING,
    Changes,
    Status,
    changed,
    is_alive,
    process_started,
    read_status,
    stored_status,
    write_status,
)
from workbench.scores.catalog import called
from workbench.scores.task import BASE, Row, Score
from workbench.spec import Spec, Trial

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ENDED", "WORKING", "Status", "SweepStore", "each_step_once", "find_sweeps"]

TAKEN = frozenset({BASE, "control", "rows", "log.txt"})
"""Names in a sweep folder that no trial may have."""

_BEAT_SECONDS = 1.0
_MISSING: Any = object()


@final
class SweepStore:
    """One sweep folder."""

    def __init__(self, path: Path, spec: Spec) -> None:
        """Use `create` or `open`; this only holds what they found."""
        self.path = path
        self.spec = spec
        self._attempt = 0
        self._beaten = 0.0
        self._said = ""
        self.listeners: list[Callable[[Any], None]] = []
        """Told every event once it is written down."""
        self._added_when: int | None = -1
        self._added: tuple[Added, ...] = ()
        self._everyone: tuple[Trial, ...] = ()
        self._names: frozenset[str] = frozenset()

    @cached_property
    def _planned(self) -> tuple[Trial, ...]:
        return self.spec.grid()

    @property
    def planned(self) -> frozenset[str]:
        """The names of the trials that its axes make."""
        return frozenset(trial.name for trial in self._planned)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The points of the sweep, in the order of its axes, and after them those that were added while it ran."""
        made = written(self.path / added.FILE)
        if made != self._added_when:
            self._added = added.read(self.path) if made else ()
            self._added_when = made
            self._everyone = (*self._planned, *(one.trial for one in self._added))
            self._names = frozenset(trial.name for trial in self._everyone)
        return self._everyone

    @property
    def added(self) -> tuple[Added, ...]:
        """The trials that joined while it ran, each with the command that asked for it."""
        return self._added if self.trials else ()

    def add_trial(self, trial: Trial, *, command: str) -> None:
        """Take a trial up into a sweep that runs; its folder is made here."""
        check_trial_name(trial.name)
        folder = self.path / trial.name
        if trial.name in {one.name for one in self.trials} or folder.exists():
            raise StoreError(f"the sweep {self.path.name!r} has a trial {trial.name!r} already")
        # First on record, and last to be taken off it: a folder that a killed worker left is never nobody's.
        added.write(self.path, [*self.added, Added(trial=trial, command=command)])
        self._added_when = None
        try:
            write_bytes(folder / "spec.yaml", trial.spec.to_yaml().encode())
            self.set_status(trials={trial.name: "queued"})
        except RunError:
            self.take_back(trial.name)
            raise

    def take_back(self, trial: str) -> None:
        """Take an added trial out again, with all that it did: it joins anew, or could not be made whole."""
        shutil.rmtree(self.path / trial, ignore_errors=True)
        added.write(self.path, [one for one in self.added if one.trial.name != trial])
        self._added_when = None
        path = self.path / "status.json"
        with locked(self.path):
            status = stored_status(path)
            others = {name: state for name, state in status.trials.items() if name != trial}
            write_status(path, status.model_copy(update={"trials": others}))

    @classmethod
    def create(cls, spec: Spec, *, root: Path) -> Self:
        """Make the folder of a sweep under the next free name: `x`, `x-002`, `x-003`, ..."""
        root = root.absolute()
        # Filled under a hidden name and renamed: a reader sees the whole folder or none.
        fresh = root / f".{spec.name}.{os.getpid()}.{secrets.token_hex(4)}.new"
        try:
            root.mkdir(parents=True, exist_ok=True)
            fresh.mkdir()
            _fill(fresh, spec)
            path = _take_free_name(fresh, root, name=spec.name)
        except (OSError, RunError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise StoreError(
                f"no sweep can be made in {str(root)!r}: {reason}. "
                "Give a folder that can be written, with free space"
            ) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return cls(path, spec)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Take up a sweep folder; nothing is written."""
        path = path.absolute()
        if not path.is_dir():
            raise StoreError(f"there is no folder {str(path)!r}; give the folder of a sweep")
        missing = [name for name in ("spec.yaml", "status.json") if not (path / name).is_file()]
        if missing:
            raise StoreError(
                f"{str(path)!r} is no sweep: it has no {' and no '.join(missing)}.{hint(path)}"
            )
        try:
            store = cls(path, Spec.load(path / "spec.yaml"))
        except SpecError as error:
            raise StoreError(f"{str(path)!r} is no sweep that can be read: {error}") from None
        store.status()
        return store

    def folder(self, slot: str) -> Path:
        """The folder of a trial or of `base`; with an empty word the sweep's own."""
        if slot == "":
            return self.path
        if slot != BASE and not (self.trials and slot in self._names):
            raise StoreError(
                f"the sweep {self.path.name!r} has no trial {slot!r}. "
                + nearest(slot, [BASE, *self._names])
            )
        return self._inside(slot)

    # What happened.

    def append(self, event: Any) -> None:
        """Write an event down, stamped with the time and the attempt; it outlives this process."""
        attempt = self._attempt or max(1, self.status().attempt)
        stamped = event.model_copy(update={"time": time.time(), "attempt": attempt})
        append_event(self._events_file(event.trial), stamped)
        for listener in self.listeners:
            listener(stamped)

    def events(self, trial: str = "") -> list[Any]:
        """What a trial, `base`, or the sweep itself has said, in order; unreadable lines are skipped."""
        return self.tail(trial, 0)[0]

    def tail(self, trial: str, offset: int) -> tuple[list[Any], int]:
        """The events after a byte offset, and the offset to ask from next time."""
        return tail(self._events_file(trial), offset)

    def steps(self, trial: str) -> list[Step]:
        """The steps of a trial, each once, whatever crashes lie between."""
        return each_step_once(self.events(trial))

    # What is known.

    def write_json(self, relative: str, obj: Any) -> None:
        """Put an object (or a pydantic model) at a path inside the sweep, whole or not at all."""
        text = json.dumps(obj, indent=1, default=_plain)
        write_bytes(self._inside(relative), text.encode() + b"\n")

    def read_json(self, relative: str, *, default: Any = _MISSING) -> Any:
        """The object at a path inside the sweep; `default`, if one is given, when there is none."""
        path = self._inside(relative)
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            if default is not _MISSING:
                return default
            raise StoreError(f"the sweep {self.path.name!r} has no {relative!r} yet") from None
        except OSError as error:
            raise StoreError(f"{str(path)!r} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError):
            raise StoreError(f"{str(path)!r} is not JSON; remove it to have it made anew") from None

    def replacing(self, relative: str) -> AbstractContextManager[Path]:
        """A temporary name to write a file or folder to, which takes its place when the block ends."""
        return replacing(self._inside(relative))

    def write_rows(self, eval: str, rows: Sequence[Row]) -> None:
        """Keep the rows of an eval, each under its slot."""
        by_slot: dict[str, list[Row]] = {}
        for row in rows:
            by_slot.setdefault(row.slot, []).append(row)
        for slot, own in by_slot.items():
            parquet.write_rows(self._samples(slot, eval), own)

    def read_rows(self, slot: str, eval: str) -> list[Row]:
        """The rows of an eval answered by a trial or `base`."""
        return parquet.read_rows(self._samples(slot, eval))

    def frame(self, slot: str, eval: str, *, columns: Sequence[str] | None = None) -> "pa.Table":
        """The same rows as a table, all columns of it or some."""
        return parquet.read_table(self._samples(slot, eval), columns=columns)

    def write_score(self, score: Score) -> None:
        """Keep a score under its slot."""
        self.write_json(self._score(score.slot, score.eval), score)

    def read_score(self, slot: str, eval: str) -> Score | None:
        """The score of an eval; None when it was not made yet."""
        relative = self._score(slot, eval)
        fields = self.read_json(relative, default=None)
        if fields is None:
            return None
        try:
            return Score.model_validate(fields)
        except ValidationError as error:
            told = error.errors()[0]
            where = ".".join(map(str, told["loc"]))
            raise StoreError(
                f"{str(self.path / relative)!r} is no score: {where}: {told['msg']}; remove it to have it made anew"
            ) from None

    def scores(self) -> list[Score]:
        """Every score there is: `base` first, then the trials."""
        found = []
        for slot in (BASE, *(trial.name for trial in self.trials)):
            for path in sorted((self.folder(slot) / "scores").glob("[!.]*.json")):
                score = self.read_score(slot, path.stem)
                found += [score] if score else []
        return found

    # How it stands.

    def status(self) -> Status:
        """How the sweep stands; `lost` when its worker is gone."""
        return read_status(self.path / "status.json")

    def set_status(self, **changes: Unpack[Changes]) -> None:
        """Change some fields of the status; the trials given are merged into those known."""
        path = self.path / "status.json"
        with locked(self.path):
            status = stored_status(path)
            if status.pid == os.getpid():
                changes.setdefault("heartbeat", time.time())
            write_status(path, changed(status, changes))

    def claim(self) -> int:
        """Become the worker of this sweep and return the attempt number; refused while another lives."""
        path, own = self.path / "status.json", os.getpid()
        try:
            with locked(self.path):
                status = stored_status(path)
                held = status.state in WORKING and status.pid != own
                if held and is_alive(status.pid, status.pid_started):
                    raise StoreError(
                        f"the sweep {self.path.name!r} is {status.state} already in process "
                        f"{status.pid}; wait for it, or stop it first"
                    )
                claimed = changed(
                    status,
                    {
                        "state": "running",
                        "pid": own,
                        "pid_started": process_started(own),
                        "heartbeat": time.time(),
                        "attempt": status.attempt + 1,
                        "message": "",
                    },
                )
                write_status(path, claimed)
                tidy(self.path)
        except (RunError, OSError) as error:
            raise StoreError(f"{self.path.name!r} cannot be taken up: {error}") from error
        self._attempt = claimed.attempt
        return claimed.attempt

    def beat(self, *, message: str | None = None) -> None:
        """Say that the worker lives and what it does; written once a second, or when that changes."""
        now = time.monotonic()
        if now - self._beaten < _BEAT_SECONDS and message in (None, self._said):
            return
        self._beaten = now
        if message is None:
            self.set_status(heartbeat=time.time())
        else:
            self._said = message
            self.set_status(heartbeat=time.time(), message=message)

    # Where it lies.

    def _inside(self, relative: str) -> Path:
        path = self.path / relative
        if not path.resolve().is_relative_to(self.path.resolve()) or relative.startswith("."):
            raise StoreError(
                f"{relative!r} leads out of the sweep {self.path.name!r}; give a path inside it"
            )
        return path

    def _events_file(self, trial: str) -> Path:
        return self.folder(trial) / "events.jsonl"

    def _samples(self, slot: str, eval: str) -> Path:
        self.folder(slot)
        return self._inside(f"{slot}/samples/{_word(eval)}.parquet")

    def _score(self, slot: str, eval: str) -> str:
        self.folder(slot)
        return f"{slot}/scores/{_word(eval)}.json"


def _fill(folder: Path, spec: Spec) -> None:
    trials = spec.grid()
    (folder / BASE).mkdir()
    (folder / "control").mkdir()
    for trial in trials:
        check_trial_name(trial.name)
        (folder / trial.name).mkdir()
        (folder / trial.name / "spec.yaml").write_text(trial.spec.to_yaml(), encoding="utf-8")
    write_bytes(folder / "spec.yaml", spec.to_yaml().encode())
    queued = Status(trials={trial.name: "queued" for trial in trials})
    write_status(folder / "status.json", queued)


def check_trial_name(name: str) -> None:
    """Whether a trial's folder can be called so."""
    if name in TAKEN or Path(name).name != name or name[0] == ".":
        raise StoreError(f"a trial cannot be called {name!r}: that is no free folder name")


def _take_free_name(fresh: Path, root: Path, *, name: str) -> Path:
    number = 1
    while True:
        path = root / (name if number == 1 else f"{name}-{number:03d}")
        number += 1
        if os.path.lexists(path):
            continue
        try:
            # Fails if someone else filled that name since: then the next one.
            fresh.rename(path)
        except OSError:
            if not os.path.lexists(path):
                raise
        else:
            return path


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _word(eval: str) -> str:
    # A colon parts an eval from the file it asks, and cannot stand in a file's name on every system.
    eval = called(eval).replace(":", "-")
    if not eval or eval.startswith(".") or "/" in eval or "\\" in eval or "\0" in eval:
        raise StoreError(f"an eval cannot be called {eval!r}: it becomes the name of a file")
    return eval

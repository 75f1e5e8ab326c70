"""Trials that join a group while it trains: cloned from one of it with some fields changed, or added beside them.

A clone begins with its parent's weights as they are at that step, and with everything else of its own from the first step
on: optimizer, schedule, order of rows. The weights lie in `initial/` in its folder, so that a plain script, or a worker
that goes on after a crash, begins with the same. What cannot be is refused with the reason, before anything is made.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from workbench.data.sources import Rows
from workbench.data.sources import load as load_rows
from workbench.engine.slot import Slot
from workbench.errors import WorkbenchError
from workbench.plan.plan import needs_of
from workbench.plan.plan import plan as predict
from workbench.plan.room import Need, Room
from workbench.plan.sharing import alone_because, together
from workbench.runs.control import Command
from workbench.runs.newcomers import newcomer
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.spec import DataSpec, Trial
from workbench.training.preparing import INITIAL, Group, slot_of


class Joins:
    """Makes new trials for one group; final."""

    def __init__(
        self,
        store: SweepStore,
        group: Group,
        *,
        training: Sequence[str],
        prepared: dict[str, Slot],
        data: dict[DataSpec, Rows],
        needs: Mapping[str, Need],
        room: Room | None,
    ) -> None:
        """Nothing is asked for yet."""
        self._store, self._group, self._data = store, group, data
        self._prepared = prepared
        self._needs, self._room = dict(needs), room
        self._training = list(training)
        self._waiting: list[Slot] = []

    @contextmanager
    def heard(self, steering: Steering) -> Iterator[None]:
        """Within it a person's `clone` and `add` are followed."""
        steering.make = lambda command: self.make(command, steering=steering)
        try:
            yield
        finally:
            steering.make = None

    def newcomers(self) -> list[Slot]:
        """Those that begin with the next step."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def make(self, command: Command, *, steering: Steering) -> str:
        """Make the trial that a command asks for; why it cannot be, or nothing."""
        try:
            step = steering.reached(command.trial) if command.trial else 0
            trial = newcomer(self._store, command, step=step)
            rows = self._rows(trial)
            if why := self._unlike(trial):
                return why
            self._group.bank.add(trial)
            slot = self._made(trial, rows=rows, command=command.file)
        except WorkbenchError as error:
            return str(error)
        slot.from_step = 0
        self._prepared[trial.name] = slot
        self._group.trials.append(trial)
        self._training.append(trial.name)
        self._waiting.append(slot)
        steering.begin([trial.name])
        return ""

    def _made(self, trial: Trial, *, rows: Rows, command: str) -> Slot:
        """The slot of a trial that is on record; one that cannot be made whole is taken off it again."""
        self._store.add_trial(trial, command=command)
        try:
            if trial.parent:
                initial = self._store.folder(trial.name) / INITIAL
                self._group.bank.save(trial.parent, initial)
                self._group.bank.restore(trial.name, initial)
            return slot_of(self._store, self._group.loaded, trial, rows=rows)
        except WorkbenchError:
            self._store.take_back(trial.name)
            raise

    def _rows(self, trial: Trial) -> Rows:
        if trial.spec.data not in self._data:
            labelled = trial.spec.adapter.task_type == "SEQ_CLS"
            self._data[trial.spec.data] = load_rows(trial.spec.data, labelled=labelled)
        return self._data[trial.spec.data]

    def _unlike(self, trial: Trial) -> str:
        """Why a trial cannot train beside those that do."""
        beside = [self._group.bank.trials[name] for name in self._training]
        for one in (trial, *beside):
            if why := alone_because(one.spec):
                return f"{one.name} trains alone: {why}"
        if len(together([*beside, trial])) > 1:
            return "it is of another base, precision or task than those that train; start a sweep for it"
        (self._needs[trial.name],) = needs_of(predict(trial.spec)).values()
        if len(together([*beside, trial], needs=self._needs, room=self._room)) > 1:
            return "there is not enough memory for it beside those that train; drop one first"
        return ""

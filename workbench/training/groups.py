"""The trials of one base trained, together where they can share a pass, and what becomes of each written down.

`train_all` trains what is not trained yet, from the last savepoint where there is one; should a group break, each of it
alone, so that one cannot cost the others. It knows no eval.
"""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import psutil
import torch

from workbench import events
from workbench.data.sources import Rows
from workbench.engine import checkpoint, loop
from workbench.engine.fitting import ran_out
from workbench.engine.peak import give_back
from workbench.engine.slot import Slot
from workbench.errors import RunError
from workbench.plan.memory import MAX_TOKENS
from workbench.plan.plan import Plan, needs_of
from workbench.plan.room import Need, Room, free_room
from workbench.plan.sharing import alone_because, together
from workbench.runs.savepoint import FILE
from workbench.runs.status import GONE, KEPT
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.spec import DataSpec, Trial
from workbench.training.joining import Joins
from workbench.training.limit import clear_of_the_kill
from workbench.training.preparing import CHECKPOINTS, INITIAL, Group, slot_of, write_script
from workbench.training.pruning import Pruning

_log = logging.getLogger(__name__)

Until = Callable[[Slot], Slot]
"""Tells a slot how far it trains."""
MEMORY_EVERY = 10
"""Steps between two looks at how much memory is held."""


def train_all(
    store: SweepStore, group: Group, *, data: dict[DataSpec, Rows], steering: Steering
) -> list[str]:
    training = _Training(store, group, data, steering)
    waiting = _waiting(training)
    planned = [trial for trial in waiting if trial.name in store.planned]
    if store.spec.prune is not None and planned:
        waiting = _halve(training, waiting, planned=planned)
    _in_groups(training, waiting)
    return training.problems


@dataclass(frozen=True)
class _Training:
    """The trials of one base while they train."""

    store: SweepStore
    group: Group
    data: dict[DataSpec, Rows]
    steering: Steering
    problems: list[str] = field(default_factory=list)
    prepared: dict[str, Slot] = field(default_factory=dict)
    """As each begins; what trains is a copy."""
    first: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    """The weights that each begins with."""

    def state(self, trial: str) -> str:
        """What a trial is, in a word."""
        return self.store.status().trials.get(trial, "queued")


def _waiting(training: _Training) -> list[Trial]:
    """The trials that are to train, made ready; what others had learned is put back."""
    store, group, steering = training.store, training.group, training.steering
    waiting = []
    for trial in group.trials:
        state = training.state(trial.name)
        kept = store.folder(trial.name) / trial.spec.adapter.kept_as
        if trial.name in steering.since.slots:
            # It trained at the savepoint, whatever became of it after that.
            waiting.append(trial)
        elif state in KEPT and kept.exists():
            group.bank.restore(trial.name, kept)
        elif state == "failed" and _diverged(store, trial.name):
            training.problems.append(f"{trial.name} diverged")
        elif state == "dropped":
            continue
        elif steering.stopped(trial.name):
            store.set_status(trials={trial.name: "stopped"})
        else:
            waiting.append(trial)
    return [trial for trial in waiting if _prepare(training, trial)]


def _prepare(training: _Training, trial: Trial) -> bool:
    """Make a trial ready; one without a usable row, say, fails by name and the others go on."""
    store, group = training.store, training.group
    try:
        rows = training.data[trial.spec.data]
        training.prepared[trial.name] = slot_of(store, group.loaded, trial, rows=rows)
        if trial.parent:
            group.bank.restore(trial.name, store.folder(trial.name) / INITIAL)
    except Exception as error:  # noqa: BLE001
        _log.exception("preparing %s failed", trial.name)
        training.problems.append(failed(store, trial, error))
        return False
    if not alone_because(trial.spec):
        # One that trains alone, all weights of a model perhaps, never has to begin again.
        parameters = group.bank.parameters(trial.name)
        training.first[trial.name] = {n: p.detach().clone() for n, p in parameters.items()}
    return True


def _halve(
    training: _Training, waiting: Sequence[Trial], *, planned: Sequence[Trial]
) -> list[Trial]:
    """Train to one rung after the other, ending the worst at each; those that are left."""
    store, steering = training.store, training.steering
    slots = {trial.name: training.prepared[trial.name] for trial in planned}
    key = min(trial.name for trial in training.group.trials)
    pruning = Pruning(store, slots, since=steering.since, key=key)
    for stage in range(pruning.stages):
        again = steering.since.slots
        todo = [
            trial
            for trial in waiting
            if trial.name in again
            or (trial.name in slots and not pruning.is_there(trial.name, stage))
        ]
        # Trained again here, they would not be held at the rung that they go to.
        if not pruning.is_past(stage):
            _in_groups(training, todo, until=partial(pruning.until, stage=stage))
        if steering.stopped_all:
            return []
        for name in pruning.decide(stage):
            if training.state(name) != "pruned":
                pruned, finished = pruning.end(name, stage=stage, bank=training.group.bank)
                store.append(pruned)
                _ended(training, finished)
        waiting = [t for t in waiting if training.state(t.name) not in (*KEPT, *GONE)]
    return list(waiting)


def _in_groups(
    training: _Training, waiting: Sequence[Trial], *, until: Until = lambda slot: slot
) -> None:
    """Train trials together: those of the savepoint first, side by side as they were then."""
    named = {trial.name: trial for trial in waiting}
    again = tuple(named[name] for name in training.steering.since.slots if name in named)
    rest = [trial for trial in waiting if trial not in again]
    groups = together(rest, needs=_needs(training.store), room=_room())
    for trials in (again, *groups):
        if trials:
            _train(training, trials, until=until)


def _train(training: _Training, trials: Sequence[Trial], *, until: Until) -> None:
    """Train trials together; should that break, each alone, so that one cannot cost the others."""
    store = training.store
    slots = [until(replace(training.prepared[trial.name])) for trial in trials]
    try:
        _train_slots(training, slots)
        return
    except Exception as error:  # noqa: BLE001
        # Whatever broke: the log keeps the traceback, the trial or its neighbours go on.
        _log.exception("training %s failed", ", ".join(slot.name for slot in slots))
        if len(slots) == 1:
            training.problems.append(failed(store, trials[0], error))
            return
        message = f"training {len(slots)} trials together failed ({error}); each goes on alone"
        store.append(events.Warned(code="split", message=message))
    for trial in trials:
        if training.state(trial.name) not in (*KEPT, *GONE):
            checkpoint.put(training.first[trial.name], training.group.bank.parameters(trial.name))
            _train(training, [trial], until=until)


def _diverged(store: SweepStore, trial: str) -> bool:
    failures = [event for event in store.events(trial) if isinstance(event, events.Failed)]
    return bool(failures) and failures[-1].kind == "diverged"


def _needs(store: SweepStore) -> dict[str, Need]:
    """What each trial asks for, as it was planned; empty for a sweep without a plan."""
    stored = store.read_json("plan.json", default=None)
    return needs_of(Plan.model_validate(stored)) if stored else {}


def _room() -> Room | None:
    """The memory that training may take on the device at hand."""
    if torch.cuda.is_available():
        free = int(torch.cuda.mem_get_info()[0]) + torch.cuda.memory_reserved()
        return Room(free, MAX_TOKENS["cuda"])
    return free_room(held=psutil.Process().memory_info().rss)


def failed(store: SweepStore, trial: Trial, error: Exception) -> str:
    """Write down that a trial cannot go on; the reason, with its name."""
    kind, why = type(error).__name__, str(error)
    if ran_out(error):
        kind, why = (
            "memory",
            (
                f"there was not enough memory ({why.splitlines()[0] if why else kind}); use a lower "
                "train.per_device_train_batch_size or train.max_length, or quantization"
            ),
        )
    store.append(events.Failed(trial=trial.name, step=0, kind=kind, message=why))
    store.set_status(trials={trial.name: "failed"})
    return f"{trial.name} failed: {why}"


def _train_slots(training: _Training, slots: Sequence[Slot]) -> None:
    store, group, steering = training.store, training.group, training.steering
    names = [slot.name for slot in slots]
    give_back()
    since = steering.take_up(names)
    for slot in slots:
        slot.from_step = since.slots.get(slot.name)
    steering.say("training " + ", ".join(names))
    steering.begin(names)
    joins = Joins(
        store,
        group,
        training=names,
        prepared=training.prepared,
        data=training.data,
        needs=_needs(store),
        room=_room(),
    )
    with joins.heard(steering), clear_of_the_kill():
        for event in loop.train(
            group.bank,
            slots,
            stopped=steering.stopped,
            turns=steering.turns,
            leaving=steering.leaving,
            joining=joins.newcomers,
            pass_tokens=since.pass_tokens,
        ):
            if isinstance(event, events.Finished):
                _ended(training, event)
            elif isinstance(event, events.Savepoint):
                _put_down(store, event, steering=steering)
            else:
                store.append(_with_memory(event) if isinstance(event, events.Step) else event)
            if isinstance(event, events.Failed):
                store.set_status(trials={event.trial: "failed"})
                training.problems.append(f"{event.trial} failed: {event.message}")
    held = [name for name in names if training.state(name) == "training"]
    store.set_status(trials=dict.fromkeys(held, "queued"))


_BECAME: dict[str, str] = {
    "stopped": "stopped",
    "pruned": "pruned",
    "dropped": "dropped",
}
"""What a trial is that ended so; any other was trained."""


def _ended(training: _Training, event: events.Finished) -> None:
    """Keep what a trial learned, unless nobody wants it."""
    store, bank, name = training.store, training.group.bank, event.trial
    trial, folder = bank.trials[name], store.folder(name)
    if event.reason != "dropped":
        bank.save(name, folder / trial.spec.adapter.kept_as)
        store.append(events.Saved(trial=name, step=event.step, what="adapter"))
    store.append(event)
    store.set_status(trials={name: _BECAME.get(event.reason, "trained")})
    write_script(store, trial, slot=training.prepared[name], rows=training.data[trial.spec.data])


def _put_down(store: SweepStore, told: events.Savepoint, *, steering: Steering) -> None:
    """Write a savepoint, and clear away what only the one before it needed."""
    states = store.status().trials
    held = [
        trial.name for trial in store.trials if (store.folder(trial.name) / CHECKPOINTS).exists()
    ]
    slots = dict(told.slots)
    if steering.stopped_all:
        # A whole sweep that was stopped goes on from here; a stopped trial does not.
        stopped = [name for name in held if states.get(name) == "stopped"]
        slots = {name: checkpoint.newest(store.folder(name) / CHECKPOINTS) for name in stopped}
    point = steering.savepoint(told.model_copy(update={"slots": slots}))
    try:
        store.write_json(FILE, point)
    except RunError as error:
        store.append(events.Warned(code="checkpoint", message=str(error)))
        return
    store.append(told)
    steering.saved(point)
    for name in held:
        folder = store.folder(name) / CHECKPOINTS
        if name in slots:
            checkpoint.keep_only(folder, slots[name])
        elif states.get(name) in KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def _with_memory(step: events.Step) -> events.Step:
    if step.step % MEMORY_EVERY != 1:
        return step
    held = torch.cuda.memory_allocated() if torch.cuda.is_available() else None
    rss = psutil.Process().memory_info().rss
    return step.model_copy(update={"rss_bytes": rss, "cuda_bytes": held})

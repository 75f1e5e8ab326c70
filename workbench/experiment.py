"""Where a sweep comes together: a sweep folder in, trained adapters and their scores out.

`run(store)` is what the worker process does with a folder it has claimed: load a base model for the trials that share it,
attach their adapters, train them, ask every eval of the base and of all of them in the same pass, and write down each
thing the moment it is known. A trial that cannot run fails by name and the others go on. What is on disk already is not
done again, so running a folder twice, or after a crash, completes it. It prints nothing and knows no face.
"""

import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.sources import Rows
from workbench.data.sources import load as load_rows
from workbench.engine import pace
from workbench.engine.peak import Costs
from workbench.errors import DataError, RunError, StoreError, WorkbenchError
from workbench.evals.quality.benchmarks import check_files
from workbench.evaluation import evaluate_all
from workbench.models.load import load as load_model
from workbench.plan.sharing import by_base
from workbench.plan.suites import asked_of
from workbench.runs import datacard
from workbench.runs.provenance import provenance
from workbench.runs.spent import spent
from workbench.runs.status import State
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.scores.catalog import called, check_evals
from workbench.scores.task import BASE, Score
from workbench.spec import DataSpec, Trial
from workbench.tracking import tracked
from workbench.training import Group, failed, train_all

_log = logging.getLogger(__name__)


def run(store: SweepStore) -> int:
    """Run a claimed sweep to its end; 0 when all of it went well, 1 when a part failed."""
    steering = Steering(store)
    try:
        store.set_status(state="running", message="starting")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        threads = torch.get_num_threads()
        store.write_json("provenance.json", provenance(device=device, threads=threads))
        with tracked(store):
            problems = _run(store, steering)
    except WorkbenchError as error:
        _log.error("%s", error)
        store.set_status(state="failed", message=str(error))
        return 1
    except BaseException as error:
        # The traceback is for the log; the status must say that it ended, whatever ended it.
        _log.exception("the sweep broke off")
        store.set_status(state="failed", message=f"{type(error).__name__}: {error}")
        raise
    ended: State = "stopped" if steering.stopped_all else "failed" if problems else "done"
    store.set_status(state=ended, message="; ".join(problems))
    return 1 if problems else 0


def _run(store: SweepStore, steering: Steering) -> list[str]:
    costs = Costs()
    _take_back(store, steering)
    problems = _refuse(store)
    data, unread = _read(store)
    problems += unread
    asked: set[Any] = set()
    for trials in _loadings(store, data=data):
        if steering.stopped_all:
            _leave(store, trials)
            continue
        group, wrong = _load(store, trials, data=data, steering=steering)
        problems += wrong
        if group is None:
            continue
        rows = _rows_of(trials, data=data)
        with costs.training(group.bank.model):
            problems += train_all(store, group, data=rows, steering=steering)
        problems += evaluate_all(
            store, group.bank, trials=group.trials, data=rows, steering=steering, asked=asked
        )
        del group
        gc.collect()
    planned = store.read_json("plan.json", default={})
    store.write_json("measured.json", costs.told(planned, trained=spent(store).training))
    if costs.largest and not steering.stopped_all:
        quantized = any(trial.spec.quantization for trial in store.trials)
        pace.leave(say=steering.say, floor_bytes=None if quantized else costs.libraries(planned))
    return problems


def _take_back(store: SweepStore, steering: Steering) -> None:
    """Go back to the last savepoint: who joined after it joins again, and who ended after it has not ended yet."""
    for one in store.added:
        if steering.is_to_come(one.command):
            store.take_back(one.trial.name)
    named = {trial.name for trial in store.trials}
    store.set_status(trials=dict.fromkeys(named.intersection(steering.since.slots), "queued"))


def _refuse(store: SweepStore) -> list[str]:
    """Fail the trials that the plan found cannot run; the others go on."""
    stored = store.read_json("plan.json", default={})
    refused = stored.get("refused", {})
    named = {trial.name: trial for trial in store.trials}
    return [failed(store, named[name], RunError(why)) for name, why in refused.items()]


def _read(store: SweepStore) -> tuple[dict[Any, Rows], list[str]]:
    """The rows of every set of a sweep, by set and task; what cannot be read fails the trials that need it."""
    data: dict[Any, Rows] = {}
    wrong: dict[Any, DataError] = {}
    for key in dict.fromkeys(map(_set_of, store.trials)):
        try:
            data[key] = load_rows(key[0], labelled=key[1] == "SEQ_CLS")
        except DataError as error:
            wrong[key] = error
    datacard.add_sets(store, [rows.card for rows in data.values()])
    for rows in data.values():
        for note in rows.card["notes"]:
            store.append(events.Warned(code="data", message=f"{rows.card['source']}: {note}"))
    states = store.status().trials
    lost = [t for t in store.trials if _set_of(t) in wrong and states.get(t.name) != "failed"]
    return data, [failed(store, trial, wrong[_set_of(trial)]) for trial in lost]


def _set_of(trial: Trial) -> tuple[DataSpec, str]:
    return trial.spec.data, trial.spec.adapter.task_type


def _rows_of(trials: Sequence[Trial], *, data: dict[Any, Rows]) -> dict[DataSpec, Rows]:
    """The sets as trials of one task read them."""
    task = trials[0].spec.adapter.task_type
    return {one: rows for (one, of), rows in data.items() if of == task}


def _leave(store: SweepStore, trials: Sequence[Trial]) -> None:
    """Mark what was stopped before it began."""
    states = store.status().trials
    waiting = [t.name for t in trials if states.get(t.name, "queued") == "queued"]
    store.set_status(trials=dict.fromkeys(waiting, "stopped"))


def evaluate(
    path: str | Path,
    *,
    evals: Sequence[str] = (),
    files: Mapping[str, str | Path] | None = None,
) -> list[Score]:
    """Ask evals of a sweep's (or one trial's) stored adapters and of the base, and store the answers.

    Evals that were asked before are asked anew; without names the spec's own are asked.

    Args:
        path: A sweep, or a trial of one.
        evals: Evals and suites.
        files: Eval -> the file that it asks.
    """
    path = Path(path)
    store = SweepStore.open(path if (path / "status.json").exists() else path.parent)
    only = None if path.resolve() == store.path.resolve() else path.name
    trials = [t for t in store.trials if only in (None, t.name)]
    if not trials:
        raise StoreError(f"{str(path)!r} is neither a sweep folder nor a trial in one")
    names = asked_of(trials[0].spec, evals, files=files) or trials[0].spec.evals
    check_evals(names, task=trials[0].spec.adapter.task_type)
    check_files(names)
    store.claim()
    steering = Steering(store)
    before = store.status().state
    data, problems = _read(store)
    problems += _ask_each(store, only=only, names=names, data=data, steering=steering)
    store.set_status(state="done" if before != "stopped" else before, message="")
    if problems:
        raise RunError("; ".join(problems))
    words, slots = set(map(called, names)), [BASE, *(trial.name for trial in trials)]
    return [told for told in store.scores() if told.eval in words and told.slot in slots]


def _ask_each(
    store: SweepStore,
    *,
    only: str | None,
    names: Sequence[str],
    data: dict[Any, Rows],
    steering: Steering,
) -> list[str]:
    """Ask the stored adapters, one loading of the base after the other."""
    problems: list[str] = []
    asked: set[Any] = set()
    for some in _loadings(store, data=data):
        kept = {t.name: store.folder(t.name) / t.spec.adapter.kept_as for t in some}
        ready = [t for t in some if only in (None, t.name) and kept[t.name].exists()]
        if not ready:
            continue
        group, wrong = _load(store, ready, data=data, steering=steering)
        problems += wrong
        if group is None:
            continue
        for trial in group.trials:
            group.bank.restore(trial.name, kept[trial.name])
        problems += evaluate_all(
            store,
            group.bank,
            trials=group.trials,
            data=_rows_of(some, data=data),
            steering=steering,
            asked=asked,
            anew=names,
        )
        del group
        gc.collect()
    return problems


def _loadings(store: SweepStore, *, data: dict[Any, Rows]) -> Iterator[tuple[Trial, ...]]:
    """Trials that can run, as one loaded model can hold them: of one base, and of one list of labels."""
    refused = store.read_json("plan.json", default={}).get("refused", {})
    able = [t for t in store.trials if _set_of(t) in data and t.name not in refused]
    for some in by_base(able):
        by_labels: dict[tuple[str, ...], list[Trial]] = {}
        for trial in some:
            by_labels.setdefault(data[_set_of(trial)].labels, []).append(trial)
        for held in by_labels.values():
            yield tuple(held)


def hold(
    trials: Sequence[Trial], *, labels: Sequence[str] = ()
) -> tuple[Group | None, list[tuple[Trial, Exception]]]:
    """The base of some trials, loaded, with their adapters on; and the trials that it cannot take, with why.

    Args:
        trials: Of one base, as `plan.sharing.by_base` finds them.
        labels: What they tell apart; empty for a model that writes.
    """
    spec = trials[0].spec
    try:
        loaded = load_model(
            spec.model, quantization=spec.quantization, labels=tuple(labels) or None
        )
    except (WorkbenchError, RuntimeError, MemoryError) as error:
        # Of torch it is a RuntimeError that there is no memory left.
        _log.exception("loading %s failed", spec.model.id)
        return None, [(trial, error) for trial in trials]
    bank: Bank | None = None
    held: list[Trial] = []
    refused: list[tuple[Trial, Exception]] = []
    for trial in trials:
        try:
            if bank is None:
                bank = Bank(loaded.model, loaded.tokenizer, [trial])
            else:
                bank.add(trial)
            held.append(trial)
        except (WorkbenchError, RuntimeError, MemoryError) as error:
            refused.append((trial, error))
    if bank is None:
        return None, refused
    return Group(trials=held, loaded=loaded, bank=bank), refused


def _load(
    store: SweepStore, trials: Sequence[Trial], *, data: dict[Any, Rows], steering: Steering
) -> tuple[Group | None, list[str]]:
    """The base of some trials with their adapters on; those it cannot take fail by name."""
    steering.say(f"loading {trials[0].spec.model.id}")
    group, refused = hold(trials, labels=data[_set_of(trials[0])].labels)
    for note in group.loaded.notes if group else ():
        store.append(events.Warned(code="model", message=note))
    return group, [failed(store, trial, error) for trial, error in refused]

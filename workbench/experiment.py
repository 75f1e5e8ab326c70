"""Where a sweep comes together: a sweep folder in, trained adapters and their scores out.

`run(store)` is what the worker process does with a folder it has claimed: load each base model once, attach the adapters of the
trials that share it, train them, ask every eval of the base and of all of them in the same pass, and write down each
thing the moment it is known. What is on disk already is not done again, so running a folder twice, or after a crash,
completes it. It prints nothing and knows no face.
"""

import gc
import logging
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.sources import load as load_rows
from workbench.errors import RunError, StoreError, WorkbenchError
from workbench.evaluation import evaluate_all
from workbench.models.load import load as load_model
from workbench.runs import datacard
from workbench.runs.provenance import provenance
from workbench.runs.status import State
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.scores.catalog import eval_info
from workbench.scores.task import BASE, Score
from workbench.spec import Trial
from workbench.training import Group, train_all

_log = logging.getLogger(__name__)


def run(store: SweepStore) -> int:
    """Run a claimed sweep to its end; 0 when all of it went well, 1 when a part failed."""
    steering = Steering(store)
    try:
        store.set_status(state="running", message="starting")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        threads = torch.get_num_threads()
        store.write_json("provenance.json", provenance(device=device, threads=threads))
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
    problems: list[str] = []
    began = time.perf_counter()
    for trials in _by_base(store.trials):
        group = _load(store, trials, steering=steering)
        data = {trial.spec.data: load_rows(trial.spec.data) for trial in trials}
        datacard.add_sets(store, [rows.card for rows in data.values()])
        for rows in data.values():
            for note in rows.card["notes"]:
                store.append(events.Warned(code="data", message=f"{rows.card['source']}: {note}"))
        problems += train_all(store, group, data=data, steering=steering)
        problems += evaluate_all(store, group.bank, trials=trials, data=data, steering=steering)
        del group
        gc.collect()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    store.write_json(
        "measured.json", {"seconds": time.perf_counter() - began, "peak_rss_bytes": peak}
    )
    return problems


def evaluate(path: str | Path, *, evals: Sequence[str] = ()) -> list[Score]:
    """Ask evals of a sweep's (or one trial's) stored adapters and of the base, and store the answers.

    Evals that were asked before are asked anew; without names the spec's own are asked.
    """
    path = Path(path)
    store = SweepStore.open(path if (path / "status.json").exists() else path.parent)
    only = None if path.resolve() == store.path.resolve() else path.name
    trials = [t for t in store.trials if only in (None, t.name)]
    if not trials:
        raise StoreError(f"{str(path)!r} is neither a sweep folder nor a trial in one")
    names = tuple(evals) or trials[0].spec.evals
    for name in names:
        eval_info(name)  # an unknown one is an error that names the nearest
    store.claim()
    steering = Steering(store)
    before = store.status().state
    problems: list[str] = []
    for group_trials in _by_base(trials):
        group = _load(store, group_trials, steering=steering)
        data = {trial.spec.data: load_rows(trial.spec.data) for trial in group_trials}
        for trial in group_trials:
            if (store.folder(trial.name) / "adapter").exists():
                group.bank.restore(trial.name, store.folder(trial.name) / "adapter")
        problems += evaluate_all(
            store, group.bank, trials=group_trials, data=data, steering=steering, anew=names
        )
    store.set_status(state="done" if before != "stopped" else before, message="")
    if problems:
        raise RunError("; ".join(problems))
    slots = [BASE, *(trial.name for trial in trials)]
    return [told for told in store.scores() if told.eval in names and told.slot in slots]


def _by_base(trials: Sequence[Trial]) -> list[tuple[Trial, ...]]:
    groups: dict[Any, list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.spec.model, trial.spec.quantization), []).append(trial)
    return [tuple(group) for group in groups.values()]


def _load(store: SweepStore, trials: tuple[Trial, ...], *, steering: Steering) -> Group:
    spec = trials[0].spec
    steering.say(f"loading {spec.model.id}")
    loaded = load_model(spec.model, quantization=spec.quantization)
    for note in loaded.notes:
        store.append(events.Warned(code="model", message=note))
    return Group(trials=trials, loaded=loaded, bank=Bank(loaded.model, loaded.tokenizer, trials))

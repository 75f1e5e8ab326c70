"""The one file where engine, evals and runs meet: a sweep folder in, trained adapters and their scores out.

`run(store)` is what the worker process does with a folder it has claimed: load each base model once, attach the adapters of the
trials that share it, train them, ask every eval of the base and of all of them in the same pass, and write down each
thing the moment it is known. What is on disk already is not done again, so running a folder twice, or after a crash,
completes it. It prints nothing and knows no face.
"""

import gc
import hashlib
import json
import logging
import resource
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.audit import leaked
from workbench.data.rendering import Rendered, render
from workbench.data.sources import Rows
from workbench.data.sources import load as load_rows
from workbench.engine import loop
from workbench.engine.slot import Slot
from workbench.errors import DataError, RunError, StoreError, WorkbenchError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.models.load import Loaded
from workbench.models.load import load as load_model
from workbench.plan.sharing import together
from workbench.runs import datacard
from workbench.runs.provenance import provenance
from workbench.runs.status import State
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.scores.catalog import eval_info
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Item, Score
from workbench.spec import DataSpec, Trial

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Trials on one base, loaded once."""

    trials: tuple[Trial, ...]
    loaded: Loaded
    bank: Bank


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
        problems += _train_all(store, group, data=data, steering=steering)
        problems += _evaluate_all(store, group, data=data, steering=steering)
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
        problems += _evaluate_all(store, group, data=data, steering=steering, anew=names)
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


def _load(store: SweepStore, trials: tuple[Trial, ...], *, steering: Steering) -> _Group:
    spec = trials[0].spec
    steering.say(f"loading {spec.model.id}")
    loaded = load_model(spec.model, quantization=spec.quantization)
    for note in loaded.notes:
        store.append(events.Warned(code="model", message=note))
    return _Group(trials=trials, loaded=loaded, bank=Bank(loaded.model, loaded.tokenizer, trials))


def _train_all(
    store: SweepStore, group: _Group, *, data: dict[DataSpec, Rows], steering: Steering
) -> list[str]:
    problems, waiting = [], []
    for trial in group.trials:
        state = store.status().trials.get(trial.name, "queued")
        adapter = store.folder(trial.name) / "adapter"
        goes_on = state == "stopped" and (store.folder(trial.name) / "checkpoint").exists()
        if state in ("trained", "done", "stopped") and adapter.exists() and not goes_on:
            group.bank.restore(trial.name, adapter)
        elif state == "failed" and _diverged(store, trial.name):
            problems.append(f"{trial.name} diverged")
        elif steering.stopped(trial.name):
            store.set_status(trials={trial.name: "stopped"})
        else:
            waiting.append(trial)
    for sharing in together(waiting):
        problems += _train(store, group, sharing, data=data, steering=steering)
    return problems


def _diverged(store: SweepStore, trial: str) -> bool:
    failures = [event for event in store.events(trial) if isinstance(event, events.Failed)]
    return bool(failures) and failures[-1].kind == "diverged"


def _train(
    store: SweepStore,
    group: _Group,
    trials: Sequence[Trial],
    *,
    data: dict[DataSpec, Rows],
    steering: Steering,
) -> list[str]:
    """Train trials together; should that break, each alone, so that one cannot cost the others."""
    try:
        slots = [_slot(store, group.loaded, trial, rows=data[trial.spec.data]) for trial in trials]
        return _train_slots(store, group.bank, slots, steering=steering)
    except Exception as error:  # noqa: BLE001
        # Whatever broke: the log keeps the traceback, the trial or its neighbours go on.
        _log.exception("training %s failed", ", ".join(trial.name for trial in trials))
        if len(trials) == 1:
            return [_failed(store, trials[0], error)]
        message = f"training {len(trials)} trials together failed ({error}); each goes on alone"
        store.append(events.Warned(code="split", message=message))
    problems = []
    for trial in trials:
        if store.status().trials.get(trial.name) not in ("trained", "stopped", "failed"):
            problems += _train(store, group, [trial], data=data, steering=steering)
    return problems


def _failed(store: SweepStore, trial: Trial, error: Exception) -> str:
    kind = type(error).__name__
    store.append(events.Failed(trial=trial.name, step=0, kind=kind, message=str(error)))
    store.set_status(trials={trial.name: "failed"})
    return f"{trial.name} failed: {error}"


def _slot(store: SweepStore, loaded: Loaded, trial: Trial, *, rows: Rows) -> Slot:
    rendered, rows_id = _rendered(store, loaded, trial, rows=rows)
    folder = store.folder(trial.name)
    code = trial.spec.as_code(rows=f"../rows/{rows_id}.jsonl")
    (folder / "script.py").write_text(code, encoding="utf-8")
    return Slot(
        name=trial.name,
        train=trial.spec.train,
        rows=rendered,
        seed=trial.spec.seed,
        fingerprint=f"{trial.spec.fingerprint()}-{rows_id}",
        checkpoint=folder / "checkpoint" / "slot.safetensors",
    )


def _train_slots(
    store: SweepStore, bank: Bank, slots: Sequence[Slot], *, steering: Steering
) -> list[str]:
    problems = []
    steering.say("training " + ", ".join(slot.name for slot in slots))
    store.set_status(trials={slot.name: "training" for slot in slots})
    for event in loop.train(bank, slots, stopped=steering.stopped):
        if isinstance(event, events.Finished):
            folder = store.folder(event.trial)
            bank.save(event.trial, folder / "adapter")
            store.append(events.Saved(trial=event.trial, step=event.step, what="adapter"))
            store.append(event)
            ended = "stopped" if event.reason == "stopped" else "trained"
            store.set_status(trials={event.trial: ended})
            if not steering.stopped_all:
                # A whole sweep that was stopped goes on from here with --resume; a stopped trial does not.
                shutil.rmtree(folder / "checkpoint", ignore_errors=True)
            continue
        store.append(event)
        if isinstance(event, events.Failed):
            store.set_status(trials={event.trial: "failed"})
            problems.append(f"{event.trial} failed: {event.message}")
        elif isinstance(event, events.Step):
            steering.wait_while_paused(event.trial)
    return problems


def _rendered(
    store: SweepStore, loaded: Loaded, trial: Trial, *, rows: Rows
) -> tuple[list[Rendered], str]:
    train = trial.spec.train
    # Every name that a config has for its context (n_positions, ...) is mapped to this one.
    context = getattr(loaded.model.config, "max_position_embeddings", None) or train.max_length
    limit = min(train.max_length, context)
    rendered = [
        render(
            loaded.tokenizer,
            row,
            max_length=limit,
            completion_only_loss=train.completion_only_loss,
        )
        for row in rows.train
    ]
    cut = sum(row.truncated for row in rendered)
    kept = [row for row in rendered if any(label != -100 for label in row.labels[1:])]
    datacard.add_truncated(store, rows.card, cut)
    if cut:
        message = f"{cut} of {len(rendered)} rows are longer than {limit} tokens and were cut"
        store.append(events.Warned(trial=trial.name, code="truncated", message=message))
    if len(kept) < len(rendered):
        message = f"{len(rendered) - len(kept)} rows have no token left to learn and were left out"
        store.append(events.Warned(trial=trial.name, code="empty-rows", message=message))
    if not kept:
        raise DataError(
            f"no row of {trial.spec.data.id!r} has a token to learn within {limit} tokens; "
            "raise train.max_length or shorten the prompts"
        )
    return kept, _keep_rows(store, kept)


def _keep_rows(store: SweepStore, rows: Sequence[Rendered]) -> str:
    """Store the tokenised rows once, for the trial's script; their fingerprint names them."""
    lines = [json.dumps({"input_ids": r.input_ids, "labels": r.labels}) + "\n" for r in rows]
    name = hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
    path = store.path / "rows" / f"{name}.jsonl"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(lines), encoding="utf-8")
        temporary.replace(path)
    return name


def _evaluate_all(
    store: SweepStore,
    group: _Group,
    *,
    data: dict[DataSpec, Rows],
    steering: Steering,
    anew: Sequence[str] = (),
) -> list[str]:
    states = store.status().trials
    # A sweep over models or quantizations has several bases; the control of every table is that of the first.
    control = (store.trials[0].spec.model, store.trials[0].spec.quantization)
    trained = [t for t in group.trials if states.get(t.name) in ("trained", "done", "stopped")]
    trained = [t for t in trained if (store.folder(t.name) / "adapter").exists()]
    problems: list[str] = []
    answerer = TorchAnswerer(group.bank)
    sets: dict[Any, list[Trial]] = {}
    for trial in trained:
        # Trials that differ only in how many rows they train on share their held-out rows.
        key = trial.spec.data.model_copy(update={"rows": None}), trial.spec.evals
        sets.setdefault(key, []).append(trial)
    for trials in sets.values():
        slots = tuple(trial.name for trial in trials)
        if (trials[0].spec.model, trials[0].spec.quantization) == control:
            slots = (BASE, *slots)
        for name in anew or trials[0].spec.evals:
            if steering.stopped_all:
                return problems
            if not anew and all(store.read_score(slot, name) is not None for slot in slots):
                continue
            # Smaller training sets are parts of the largest, so its items serve all and can be paired.
            spec = max((trial.spec for trial in trials), key=lambda s: len(data[s.data].train))
            context = EvalContext(
                data_id=spec.data.id,
                model_id=spec.model.id,
                train=data[spec.data].train,
                held_out=data[spec.data].held_out,
                seed=spec.seed,
            )
            problems += _evaluate(
                store, answerer, name, slots=slots, context=context, steering=steering
            )
            _look_for_leaks(store, name, slot=slots[0], context=context)
    for trial in trained:
        if states.get(trial.name) != "stopped":
            store.set_status(trials={trial.name: "done"})
    return problems


def _evaluate(
    store: SweepStore,
    answerer: TorchAnswerer,
    name: str,
    *,
    slots: Sequence[str],
    context: EvalContext,
    steering: Steering,
) -> list[str]:
    began = time.perf_counter()

    def progress(done: int, total: int) -> None:
        steering.say(f"evaluating {name}: {done} of {total}")

    try:
        answered = ask(name, answerer, slots=slots, context=context, progress=progress)
    except Exception as error:  # noqa: BLE001
        # One eval that breaks must not cost the others; it is said in the sweep's events and report.
        _log.exception("eval %s failed", name)
        message = f"{name}: {type(error).__name__}: {error}"
        store.append(events.Warned(code="eval-failed", message=message))
        return [f"the eval {message}"]
    seconds = time.perf_counter() - began
    for slot, slot_rows in answered.items():
        store.write_rows(name, slot_rows)
        told = score(name, slot=slot, rows=slot_rows, seconds=seconds / len(answered))
        store.write_score(told)
        store.append(
            events.Evaluated(
                trial=slot,
                eval=name,
                value=told.value,
                low=told.low,
                high=told.high,
                n=told.n,
                seconds=told.seconds,
            )
        )
    return []


def _look_for_leaks(store: SweepStore, name: str, *, slot: str, context: EvalContext) -> None:
    """Items whose question and answer are trained on; the micro-world's recall asks just those on purpose."""
    if name == "recall" and context.microworld_set:
        return
    rows = store.read_rows(slot, name)
    items = [Item(id=r.sample, prompt=r.prompt, expected=r.expected) for r in rows if r.expected]
    if items:
        datacard.add_leaks(store, name, len(leaked(context.train, items=items)))

"""The trials of one base trained, and every word of it written into the sweep's folder: where engine and runs meet.

`train_all` trains what is not trained yet, together where trials can share a pass; should that break, each alone, so that
one cannot cost the others. It knows no eval.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.rendering import Rendered, render
from workbench.data.sources import Rows
from workbench.engine import loop
from workbench.engine.slot import Slot
from workbench.errors import DataError
from workbench.models.load import Loaded
from workbench.plan.locate import MICROWORLD, name_for_others
from workbench.plan.sharing import together
from workbench.runs import datacard
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.spec import DataSpec, Trial

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Group:
    """Trials on one base, loaded once."""

    trials: tuple[Trial, ...]
    loaded: Loaded
    bank: Bank


def train_all(
    store: SweepStore, group: Group, *, data: dict[DataSpec, Rows], steering: Steering
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
    group: Group,
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
    model = trial.spec.model.id
    named = model if model == MICROWORLD else name_for_others(model)
    code = trial.spec.as_code(rows=f"../rows/{rows_id}.jsonl", model=named)
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

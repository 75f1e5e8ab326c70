"""The trials of one base trained, and every word of it written into the sweep's folder: where engine and runs meet.

`train_all` trains what is not trained yet, together where trials can share a pass; should that break, each alone, so that
one cannot cost the others. It knows no eval.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import torch

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.rendering import Rendered, render, render_labelled
from workbench.data.sources import Rows
from workbench.engine import loop
from workbench.engine.slot import Slot
from workbench.errors import DataError
from workbench.models.load import Loaded
from workbench.plan.locate import MICROWORLD, name_for_others
from workbench.plan.memory import MAX_TOKENS
from workbench.plan.plan import Plan, needs_of
from workbench.plan.room import Need, Room, free_room
from workbench.plan.sharing import together
from workbench.runs import datacard
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.spec import DataSpec, Trial

_log = logging.getLogger(__name__)

MEMORY_EVERY = 10
"""Steps between two looks at how much memory is held."""


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
        kept = store.folder(trial.name) / trial.spec.adapter.kept_as
        goes_on = state == "stopped" and (store.folder(trial.name) / "checkpoint").exists()
        if state in ("trained", "done", "stopped") and kept.exists() and not goes_on:
            group.bank.restore(trial.name, kept)
        elif state == "failed" and _diverged(store, trial.name):
            problems.append(f"{trial.name} diverged")
        elif steering.stopped(trial.name):
            store.set_status(trials={trial.name: "stopped"})
        else:
            waiting.append(trial)
    for sharing in together(waiting, needs=_needs(store), room=_room()):
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
    problems, slots = [], []
    for trial in trials:
        try:
            slots.append(_slot(store, group.loaded, trial, rows=data[trial.spec.data]))
        except Exception as error:  # noqa: BLE001
            # A trial without a usable row, say: it fails by name and the others go on together.
            _log.exception("preparing %s failed", trial.name)
            problems.append(failed(store, trial, error))
    if not slots:
        return problems
    first = _values(group.bank, slots) if len(slots) > 1 else {}
    try:
        return problems + _train_slots(store, group.bank, slots, steering=steering)
    except Exception as error:  # noqa: BLE001
        # Whatever broke: the log keeps the traceback, the trial or its neighbours go on.
        _log.exception("training %s failed", ", ".join(slot.name for slot in slots))
        if len(slots) == 1:
            return [*problems, failed(store, _named(trials, slots[0].name), error)]
        message = f"training {len(slots)} trials together failed ({error}); each goes on alone"
        store.append(events.Warned(code="split", message=message))
    for slot in slots:
        if store.status().trials.get(slot.name) not in ("trained", "stopped", "failed"):
            _put_back(group.bank.parameters(slot.name), first[slot.name])
            trial = _named(trials, slot.name)
            problems += _train(store, group, [trial], data=data, steering=steering)
    return problems


def _named(trials: Sequence[Trial], name: str) -> Trial:
    return next(trial for trial in trials if trial.name == name)


def _values(bank: Bank, slots: Sequence[Slot]) -> dict[str, dict[str, torch.Tensor]]:
    """What slots begin with, so that one can begin again."""
    return {
        slot.name: {n: p.detach().clone() for n, p in bank.parameters(slot.name).items()}
        for slot in slots
    }


def _put_back(parameters: Mapping[str, torch.Tensor], first: Mapping[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(first[name])


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
    if isinstance(error, MemoryError) or "out of memory" in why or "allocate memory" in why:
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


def _slot(store: SweepStore, loaded: Loaded, trial: Trial, *, rows: Rows) -> Slot:
    rendered, rows_id = _rendered(store, loaded, trial, rows=rows)
    watched: list[Rendered] = []
    if trial.spec.train.eval_steps:
        every = _as_a_model_sees(loaded, trial, rows.held_out, labels=rows.labels)
        watched = [row for row in every if row.num_trained]
    folder = store.folder(trial.name)
    model = trial.spec.model.id
    named = model if model == MICROWORLD else name_for_others(model)
    code = trial.spec.as_code(
        rows=f"../rows/{rows_id}.jsonl", model=named, num_labels=len(rows.labels) or None
    )
    (folder / "script.py").write_text(code, encoding="utf-8")
    return Slot(
        name=trial.name,
        train=trial.spec.train,
        rows=rendered,
        held_out=watched,
        seed=trial.spec.seed,
        fingerprint=f"{trial.spec.fingerprint()}-{rows_id}",
        checkpoint=folder / "checkpoint" / "slot.safetensors",
    )


def _train_slots(
    store: SweepStore, bank: Bank, slots: Sequence[Slot], *, steering: Steering
) -> list[str]:
    problems = []
    steering.say("training " + ", ".join(slot.name for slot in slots))
    steering.begin([slot.name for slot in slots])
    for event in loop.train(bank, slots, stopped=steering.stopped, turns=steering.turns):
        if isinstance(event, events.Finished):
            folder = store.folder(event.trial)
            bank.save(event.trial, folder / bank.trials[event.trial].spec.adapter.kept_as)
            store.append(events.Saved(trial=event.trial, step=event.step, what="adapter"))
            store.append(event)
            ended = "stopped" if event.reason == "stopped" else "trained"
            store.set_status(trials={event.trial: ended})
            if not steering.stopped_all:
                # A whole sweep that was stopped goes on from here with --resume; a stopped trial does not.
                shutil.rmtree(folder / "checkpoint", ignore_errors=True)
            continue
        store.append(_with_memory(event) if isinstance(event, events.Step) else event)
        if isinstance(event, events.Failed):
            store.set_status(trials={event.trial: "failed"})
            problems.append(f"{event.trial} failed: {event.message}")
    return problems


def _with_memory(step: events.Step) -> events.Step:
    if step.step % MEMORY_EVERY != 1:
        return step
    held = torch.cuda.memory_allocated() if torch.cuda.is_available() else None
    rss = psutil.Process().memory_info().rss
    return step.model_copy(update={"rss_bytes": rss, "cuda_bytes": held})


def _rendered(
    store: SweepStore, loaded: Loaded, trial: Trial, *, rows: Rows
) -> tuple[list[Rendered], str]:
    rendered = _as_a_model_sees(loaded, trial, rows.train, labels=rows.labels)
    limit = _limit(loaded, trial)
    cut = sum(row.truncated for row in rendered)
    kept = [row for row in rendered if row.num_trained]
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


def _limit(loaded: Loaded, trial: Trial) -> int:
    """The longest row, in tokens."""
    asked = trial.spec.train.max_length
    # Every name that a config has for its context (n_positions, ...) is mapped to this one.
    return min(asked, getattr(loaded.model.config, "max_position_embeddings", None) or asked)


def _as_a_model_sees(
    loaded: Loaded, trial: Trial, rows: Sequence[dict[str, Any]], *, labels: Sequence[str]
) -> list[Rendered]:
    limit, completion_only = _limit(loaded, trial), trial.spec.train.completion_only_loss
    if labels:
        return [
            render_labelled(loaded.tokenizer, row, max_length=limit, labels=labels) for row in rows
        ]
    return [
        render(loaded.tokenizer, row, max_length=limit, completion_only_loss=completion_only)
        for row in rows
    ]


def _keep_rows(store: SweepStore, rows: Sequence[Rendered]) -> str:
    """Store the tokenised rows once, for the trial's script; their fingerprint names them."""
    lines = [
        json.dumps({"input_ids": r.input_ids, "labels": r.labels if r.label is None else r.label})
        + "\n"
        for r in rows
    ]
    name = hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
    path = store.path / "rows" / f"{name}.jsonl"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(lines), encoding="utf-8")
        temporary.replace(path)
    return name

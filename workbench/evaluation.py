"""The trials of one base asked, and their answers and scores stored: where evals and runs meet.

`evaluate_all` asks every eval of the base and of all trained adapters in the same pass. A score that is stored already
is not made again unless it is asked for anew. It trains nothing.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.audit import leaked
from workbench.data.sources import Rows
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.runs import datacard
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Item, Row
from workbench.spec import DataSpec, Trial

_log = logging.getLogger(__name__)


def evaluate_all(
    store: SweepStore,
    bank: Bank,
    *,
    trials: Sequence[Trial],
    data: dict[DataSpec, Rows],
    steering: Steering,
    anew: Sequence[str] = (),
) -> list[str]:
    """Ask every eval of the trained among these trials, and of the base; what went wrong, in words."""
    states = store.status().trials
    trained = [t for t in trials if states.get(t.name) in ("trained", "done", "stopped")]
    trained = [t for t in trained if (store.folder(t.name) / "adapter").exists()]
    problems: list[str] = []
    answerer = TorchAnswerer(bank)
    for number, some in enumerate(_by_items(trained)):
        slots = _slots(store, some)
        context = _context(some, data=data)
        for name in anew or some[0].spec.evals:
            if steering.stopped_all:
                return problems
            if not anew and all(store.read_score(slot, name) is not None for slot in slots):
                continue
            failed = _evaluate(
                store,
                answerer,
                name,
                slots=slots,
                context=context,
                steering=steering,
                first=number == 0,
            )
            if not failed:
                _look_for_leaks(store, name, slot=slots[-1], context=context)
            problems += failed
    for trial in trained:
        if states.get(trial.name) != "stopped":
            store.set_status(trials={trial.name: "done"})
    return problems


def _by_items(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Trials that are asked the same items: those whose data differ at most in how many rows are taken."""
    sets: dict[Any, list[Trial]] = {}
    for trial in trials:
        key = trial.spec.data.model_copy(update={"rows": None}), trial.spec.evals
        sets.setdefault(key, []).append(trial)
    return list(sets.values())


def _slots(store: SweepStore, trials: Sequence[Trial]) -> tuple[str, ...]:
    # A sweep over models or quantizations has several bases; the control of every table is that of the first.
    control, own = store.trials[0].spec, trials[0].spec
    names = tuple(trial.name for trial in trials)
    if (own.model, own.quantization) == (control.model, control.quantization):
        return (BASE, *names)
    return names


def _context(trials: Sequence[Trial], *, data: dict[DataSpec, Rows]) -> EvalContext:
    # Smaller training sets are parts of the largest, so its items serve all and can be paired.
    spec = max((trial.spec for trial in trials), key=lambda s: len(data[s.data].train))
    return EvalContext(
        data_id=spec.data.id,
        model_id=spec.model.id,
        train=data[spec.data].train,
        held_out=data[spec.data].held_out,
        seed=spec.seed,
    )


def _evaluate(
    store: SweepStore,
    answerer: TorchAnswerer,
    name: str,
    *,
    slots: Sequence[str],
    context: EvalContext,
    steering: Steering,
    first: bool,
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
        if slot == BASE and not first:
            _add_control(store, name, slot_rows)
            continue
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


def _add_control(store: SweepStore, name: str, rows: Sequence[Row]) -> None:
    """Keep the base's answers to the items of a further data set, so that its trials can be paired with the base.

    The base's score stays that of the first set: one over both would be of neither.
    """
    kept = store.read_rows(BASE, name)
    known = {row.sample for row in kept}
    store.write_rows(name, [*kept, *(row for row in rows if row.sample not in known)])


def _look_for_leaks(store: SweepStore, name: str, *, slot: str, context: EvalContext) -> None:
    """Items whose question and answer are trained on; the micro-world's recall asks just those on purpose."""
    if name == "recall" and context.microworld_set:
        return
    rows = store.read_rows(slot, name)
    items = [Item(id=r.sample, prompt=r.prompt, expected=r.expected) for r in rows if r.expected]
    if items:
        datacard.add_leaks(store, name, len(leaked(context.train, items=items)))

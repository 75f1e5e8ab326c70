"""The trials of one base asked, and their answers and scores stored: where evals and runs meet.

`evaluate_all` asks every eval of the base and of all trained adapters in the same pass. A score that is stored already
is not made again unless it is asked for anew. It trains nothing.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench import events
from workbench.adapters.bank import Bank
from workbench.data.audit import leaked, repeated
from workbench.data.sources import Rows
from workbench.errors import ModelError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.identity import alike
from workbench.evals.remembered import Answers
from workbench.runs import datacard
from workbench.runs.steering import Steering
from workbench.runs.store import SweepStore
from workbench.scores.catalog import called, eval_info
from workbench.scores.hallucination.facts import CHANGED
from workbench.scores.quality import TRAINED
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Item, Row
from workbench.spec import DataSpec, Spec, Trial

ANSWERS = "answers.sqlite"
"""What was answered so far; it may be deleted."""
FINGERPRINTS = "fingerprints.json"
TRAINED_ON_PURPOSE = {"facts": CHANGED, "slick": TRAINED}
"""Evals that ask besides what was trained, and the kind of these items."""

_log = logging.getLogger(__name__)


def evaluate_all(
    store: SweepStore,
    bank: Bank,
    *,
    trials: Sequence[Trial],
    data: dict[DataSpec, Rows],
    steering: Steering,
    asked: set[Any],
    anew: Sequence[str] = (),
) -> list[str]:
    """Ask every eval of the trained among these trials, and of the base; what went wrong, in words.

    Args:
        store: Where answers and scores go.
        bank: Holds the trials.
        trials: On one loaded base.
        data: Rows of every set of the sweep.
        steering: Ends it early.
        asked: What the base has been asked on its other loadings; it grows.
        anew: Evals that are asked although their scores are stored; empty asks those of the spec that are not.
    """
    states = store.status().trials
    trained = [t for t in trials if states.get(t.name) in ("trained", "done", "stopped")]
    trained = [t for t in trained if (store.folder(t.name) / t.spec.adapter.kept_as).exists()]
    problems: list[str] = []
    ahead = max((trial.spec.adapter.num_ahead for trial in bank.trials.values()), default=0)
    answers = Answers(store.path / ANSWERS)
    answerer = TorchAnswerer(bank, reserved=ahead, answers=answers)
    interview = _Interview(store, answerer, steering, asked, bool(anew))
    try:
        _know_again(interview, trained)
        for some in _by_items(trained):
            context = _context(store, some, data=data)
            for name in anew or some[0].spec.evals:
                problems += _ask_some(interview, name, some, context=context)
    except _Stopped:
        return problems
    except ModelError as error:
        store.append(events.Warned(code="adapters-mixed-up", message=str(error)))
        return [*problems, str(error)]
    finally:
        answers.close()
    for trial in trained:
        if states.get(trial.name) != "stopped":
            store.set_status(trials={trial.name: "done"})
    return problems


class _Stopped(Exception):
    """A person wants no more answers; those that were given are kept."""


@dataclass(frozen=True)
class _Interview:
    """The slots of one bank being asked."""

    store: SweepStore
    answerer: TorchAnswerer
    steering: Steering
    asked: set[Any]
    anew: bool

    def say(self, message: str) -> None:
        """Tell who watches, and end here where they want no more."""
        self.steering.say(message)
        if self.steering.stopped_all:
            raise _Stopped


def _know_again(interview: _Interview, trained: Sequence[Trial]) -> None:
    """Make sure that each adapter answers as itself, and as it did when it was asked before."""
    store, answerer = interview.store, interview.answerer
    if answerer.labels or not trained:
        return
    slots = (BASE, *(trial.name for trial in trained))
    found = answerer.fingerprints(slots=slots)
    kept: dict[str, list[float]] = store.read_json(FINGERPRINTS, default={})
    for trial in trained:
        before = kept.get(trial.name)
        if before is not None and not alike(before, found[trial.name]):
            message = f"{trial.name} answers otherwise than when it was evaluated before: its files were changed"
            store.append(events.Warned(code="adapter-changed", message=message))
    store.write_json(FINGERPRINTS, {**kept, **found})


def _ask_some(
    interview: _Interview, name: str, trials: Sequence[Trial], *, context: EvalContext
) -> list[str]:
    """Ask one eval of trials that get the same items, and of the base unless it has answered them."""
    store, question = interview.store, (name, _items(trials[0].spec))
    slots = tuple(trial.name for trial in trials)
    if question not in interview.asked and _shares_the_control(store, trials[0].spec):
        slots = (BASE, *slots)
    known = all(store.read_score(slot, name) is not None for slot in slots)
    if interview.anew or not known:
        failed = _evaluate(interview, name, slots=slots, context=context)
        if failed:
            return failed
    if BASE in slots:
        interview.asked.add(question)
    return []


def _by_items(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Trials that are asked the same items: those whose data differ at most in how many rows are taken."""
    sets: dict[Any, list[Trial]] = {}
    for trial in trials:
        sets.setdefault(_items(trial.spec), []).append(trial)
    return list(sets.values())


def _items(spec: Spec) -> Any:
    return spec.data.model_copy(update={"rows": None}), spec.evals


def _shares_the_control(store: SweepStore, spec: Spec) -> bool:
    # A sweep over models or quantizations has several bases; the control of every table is that of the first.
    return _base_of(spec) == _base_of(store.trials[0].spec)


def _base_of(spec: Spec) -> tuple[Any, ...]:
    # The head of a classifier is part of its base, and has the labels of its data.
    task = spec.adapter.task_type
    head = spec.data.model_copy(update={"rows": None}) if task == "SEQ_CLS" else None
    return spec.model, spec.quantization, task, head


def _context(
    store: SweepStore, trials: Sequence[Trial], *, data: dict[DataSpec, Rows]
) -> EvalContext:
    # Smaller training sets are parts of the largest, so its items serve all and can be paired: those of trials on
    # other loadings of the base too.
    own = trials[0].spec
    peers = [t.spec for t in store.trials if _items(t.spec) == _items(own) and t.spec.data in data]
    spec = max(peers, key=lambda s: len(data[s.data].train))
    return EvalContext(
        data_id=spec.data.id,
        model_id=own.model.id,
        train=data[spec.data].train,
        held_out=data[spec.data].held_out,
        seed=spec.seed,
    )


def _evaluate(
    interview: _Interview, name: str, *, slots: Sequence[str], context: EvalContext
) -> list[str]:
    store, began = interview.store, time.perf_counter()
    first = not any(name == told for told, _ in interview.asked)

    def progress(done: int, total: int) -> None:
        interview.say(f"evaluating {name}: {done} of {total}")

    try:
        interview.say(f"evaluating {name}")
        answered = ask(name, interview.answerer, slots=slots, context=context, progress=progress)
    except _Stopped:
        raise
    except Exception as error:  # noqa: BLE001
        # One eval that breaks must not cost the others; it is said in the sweep's events and report.
        _log.exception("eval %s failed", name)
        message = f"{name}: {type(error).__name__}: {error}"
        store.append(events.Warned(code="eval-failed", message=message))
        return [f"the eval {message}"]
    seconds = time.perf_counter() - began
    # What has a score is not asked again, so that a killed worker's scores come after all that is told of them.
    _look_for_leaks(store, name, rows=answered[slots[-1]], context=context)
    for slot, slot_rows in answered.items():
        kept = slot == BASE and store.read_score(BASE, name) is not None
        if kept and not (first and interview.anew):
            _add_control(store, name, slot_rows)
            continue
        store.write_rows(name, slot_rows)
        told = score(name, slot=slot, rows=slot_rows, seconds=seconds / len(answered))
        store.append(
            events.Evaluated(
                trial=slot,
                eval=called(name),
                value=told.value,
                low=told.low,
                high=told.high,
                n=told.n,
                seconds=told.seconds,
            )
        )
        store.write_score(told)
    return []


def _add_control(store: SweepStore, name: str, rows: Sequence[Row]) -> None:
    """Keep the base's answers to the items of a further data set, so that its trials can be paired with the base.

    The base's score stays that of the first set: one over both would be of neither.
    """
    kept = store.read_rows(BASE, name)
    known = {row.sample for row in kept}
    store.write_rows(name, [*kept, *(row for row in rows if row.sample not in known)])


def _look_for_leaks(
    store: SweepStore, name: str, *, rows: Sequence[Row], context: EvalContext
) -> None:
    """Items whose question and answer are trained on; the micro-world's recall asks just those on purpose."""
    if name == "recall" and context.microworld_set:
        return
    on_purpose = TRAINED_ON_PURPOSE.get(name)
    kept = [row for row in rows if row.expected and row.kind != on_purpose]
    items = [Item(id=r.sample, prompt=r.prompt, expected=r.expected) for r in kept]
    # A label is told of a whole text: one that stands within a longer one gives nothing away.
    look = repeated if eval_info(name).task == "SEQ_CLS" else leaked
    if items:
        datacard.add_leaks(store, called(name), len(look(context.train, items=items)))

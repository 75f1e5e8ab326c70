"""What a sweep folder says, read once: trials and how each ended, scores, answers, data card and provenance.

`read(path)` gives a `Reading`; table, verdict, charts and report all work on it and never open a file themselves.
Trials that differ in nothing but their seed are one *candidate*. A folder that is half-written is read as far as it
goes: what is missing is absent here, and said by those who show it. It knows no statistics.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from workbench.compare.joined import settings_of, with_all
from workbench.compare.outcomes import Outcome, outcome_of
from workbench.errors import SpecError, StoreError, nearest
from workbench.events import Step, Warned
from workbench.naming import trial_name
from workbench.runs.store import SweepStore
from workbench.scores.catalog import called
from workbench.scores.task import BASE, Score
from workbench.spec import Spec, Trial

DEFAULT_PRIMARY = ("paraphrase", "recall")
"""The eval a verdict is about, when nobody says: the first of these that was scored."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one slot, or of a candidate averaged over its seeds, to one eval."""

    samples: tuple[str, ...]
    """See `item_of`."""
    values: np.ndarray
    """NaN where an answer could not be scored."""
    clusters: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    """What sort of item each is; empty for what was averaged."""

    def only(self, samples: Iterable[str]) -> "Answers":
        """Those to some samples, without their kinds."""
        wanted = set(samples)
        kept = [at for at, sample in enumerate(self.samples) if sample in wanted]
        return Answers(
            tuple(self.samples[at] for at in kept),
            self.values[kept],
            tuple(self.clusters[at] for at in kept),
        )

    @property
    def mean(self) -> float:
        """The mean of what was scored; NaN when nothing was."""
        kept = self.values[np.isfinite(self.values)]
        return float(kept.mean()) if kept.size else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Trials that differ in nothing but their seed; most often a single trial."""

    name: str
    trials: tuple[str, ...]
    seeds: tuple[int, ...]
    varied: dict[str, Any]
    """The fields the sweep varies, but for the seed."""
    trainable_parameters: int | None


@dataclass(frozen=True)
class Reading:
    """Everything a comparison needs from one sweep folder."""

    store: SweepStore
    spec: Spec
    trials: tuple[Trial, ...]
    state: str
    outcomes: dict[str, Outcome]
    warnings: tuple[Warned, ...]
    scores: dict[tuple[str, str], Score]
    evals: tuple[str, ...]
    """Evals with a score, in the order of the spec."""
    candidates: tuple[Candidate, ...]
    problems: list[str] = field(default_factory=list)
    """Files that should be there and could not be read, found so far."""
    worked_out: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)
    """What was read or worked out once and is asked for again and again."""
    guests: dict[str, tuple[SweepStore, str]] = field(default_factory=dict, repr=False)
    """Slots of another sweep among ours: where each lies, and under which name there."""

    @cached_property
    def data_cards(self) -> tuple[dict[str, Any], ...]:
        """A card for each set of training rows; none when the sweep has not read its data yet."""
        sets = _mapping(self.store, "data-card.json").get("sets", [])
        return tuple(card for card in sets if isinstance(card, dict))

    @cached_property
    def eval_leaks(self) -> dict[str, int]:
        """How many items of an eval stand in the training rows."""
        found = _mapping(self.store, "data-card.json").get("eval_leaks")
        return found if isinstance(found, dict) else {}

    @cached_property
    def plan(self) -> dict[str, Any]:
        """What was predicted before the sweep ran; empty when nothing was stored."""
        return _mapping(self.store, "plan.json")

    @cached_property
    def measured(self) -> dict[str, Any]:
        """The time and memory of the whole sweep; empty until it has ended."""
        return _mapping(self.store, "measured.json")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Versions, hardware and fingerprints; empty when the sweep has none."""
        return _mapping(self.store, "provenance.json")

    @cached_property
    def made_elsewhere(self) -> dict[str, Any]:
        """Where adapters came from that were not trained here, by trial; empty where they were."""
        return _mapping(self.store, "foreign.json")

    @cached_property
    def differing(self) -> tuple[str, ...]:
        """The fields whose value is not the same in every candidate."""
        fields = dict.fromkeys(key for one in self.candidates for key in one.varied)
        return tuple(
            key
            for key in fields
            if len({json.dumps(one.varied.get(key), sort_keys=True) for one in self.candidates}) > 1
        )

    def candidate(self, name: str) -> Candidate:
        """The candidate of that name."""
        for one in self.candidates:
            if one.name == name:
                return one
        known = [one.name for one in self.candidates]
        raise SpecError(f"there is no trial {name!r} in this sweep. {nearest(name, known)}")

    def score(self, slot: str, eval: str) -> Score | None:
        """The stored score of a slot."""
        return self.scores.get((slot, eval))

    def kinds(self, eval: str) -> frozenset[str]:
        """The kinds of items with a value, of the first slot that has any."""
        for slot in (BASE, *(trial.name for trial in self.trials)):
            found = self.slot_answers(slot, eval) if (slot, eval) in self.scores else None
            if found is not None and found.kinds and np.isfinite(found.values).any():
                kept = zip(found.kinds, found.values, strict=True)
                return frozenset(kind for kind, value in kept if math.isfinite(value))
        return frozenset()

    def sort_of(self, eval: str) -> Score | None:
        """Any score of an eval: for its unit, direction and chance level."""
        return next((score for (_, name), score in self.scores.items() if name == eval), None)

    def slot_answers(self, slot: str, eval: str) -> Answers | None:
        """One slot's answers, or None when none are stored."""
        found: Answers | None = self.once(
            ("answers", slot, eval), lambda: self._read_answers(slot, eval)
        )
        return found

    def _read_answers(self, slot: str, eval: str) -> Answers | None:
        told = self.score(slot, eval)
        if told is not None and told.value is None:
            # A value that is withheld must not come back as a difference.
            return None
        try:
            return _read_answers(*self.place(slot), eval)
        except StoreError as error:
            if (slot, eval) in self.scores:
                self.problems.append(str(error))
            return None

    def answers(self, name: str, eval: str) -> Answers | None:
        """The answers of `base`, or of a candidate averaged over its seeds, item by item."""
        averaged: Answers | None = self.once(
            ("averaged", name, eval), lambda: self._averaged(name, eval)
        )
        return averaged

    def _averaged(self, name: str, eval: str) -> Answers | None:
        found = [self.slot_answers(slot, eval) for slot in self.slots(name)]
        is_median = self.summed_up_by(name, eval) == "median"
        return _average([one for one in found if one is not None], by_median=is_median)

    def summed_up_by(self, name: str, eval: str) -> str | None:
        """How the scores of `base` or of a candidate's seeds sum up their items; None where they do neither.

        `mean` or `median`; where nothing was scored, the mean.
        """
        way: str | None = self.once(("way", name, eval), lambda: self._summed_up_by(name, eval))
        return way

    def _summed_up_by(self, name: str, eval: str) -> str | None:
        ways = {
            _summed_up_by(score, answers)
            for slot in self.slots(name)
            if (score := self.score(slot, eval)) is not None and score.value is not None
            if (answers := self.slot_answers(slot, eval)) is not None
        }
        if name == BASE and ways == {None}:
            ways = self._ways_of_a_set(eval) or ways
        return (ways.pop() if len(ways) == 1 else None) if ways else "mean"

    def _ways_of_a_set(self, eval: str) -> set[str | None]:
        """How the base's score sums up one set of data: it answers the items of all, and its score is of the first."""
        score, answers = self.score(BASE, eval), self.slot_answers(BASE, eval)
        assert score is not None, "what has answers and a way has a score"
        assert answers is not None
        trials = self.store.trials  # of which a reading may hold some only
        sets = {one.samples for t in trials if (one := self.slot_answers(t.name, eval))}
        return {way for one in sets if (way := _summed_up_by(score, answers.only(one)))}

    def measures(self, name: str, eval: str) -> frozenset[str]:
        """What the scores of `base` or of a candidate measure, in words; empty where nothing was scored."""
        found = (self.score(slot, eval) for slot in self.slots(name))
        return frozenset(
            one.method.split(";")[0] for one in found if one is not None and one.value is not None
        )

    def task_of(self, name: str) -> str:
        """What the models of a candidate do, in PEFT's word; empty for the base."""
        names = self.slots(name)
        return next((str(t.spec.adapter.task_type) for t in self.trials if t.name in names), "")

    def slots(self, name: str) -> tuple[str, ...]:
        """The slots of `base` or of a candidate: one a seed."""
        return (BASE,) if name == BASE else self.candidate(name).trials

    def place(self, slot: str) -> tuple[SweepStore, str]:
        """The sweep that a slot's files lie in, and its name there."""
        return self.guests.get(slot, (self.store, slot))

    def once(self, key: tuple[str, ...], work_out: Callable[[], Any]) -> Any:
        """What `work_out` gives, worked out the first time only."""
        if key not in self.worked_out:
            self.worked_out[key] = work_out()
        return self.worked_out[key]

    def steps(self, trial: str) -> list[Step]:
        """The steps of a trial, each once."""
        return self.store.steps(trial)


def read(path: str | Path) -> Reading:
    """The sweep in a folder; a StoreError when it is no sweep."""
    store = SweepStore.open(Path(path))
    status = store.status()
    planned = _planned_parameters(store)
    outcomes, warnings = {}, [event for event in store.events() if isinstance(event, Warned)]
    for trial in store.trials:
        events = store.events(trial.name)
        warnings += [event for event in events if isinstance(event, Warned)]
        state = status.trials.get(trial.name, status.state)
        outcomes[trial.name] = outcome_of(events, state=state, planned=planned.get(trial.name))
    scores = {(score.slot, score.eval): score for score in store.scores()}
    return Reading(
        store=store,
        spec=store.spec,
        trials=store.trials,
        state=status.state,
        outcomes=outcomes,
        warnings=tuple(warnings),
        scores=scores,
        evals=_in_order(store.spec.evals, {eval for _, eval in scores}),
        candidates=_candidates(store.trials, outcomes),
    )


def primary_eval(reading: Reading, *, asked: str | None) -> str:
    """The eval a verdict is about; empty when nothing was scored."""
    if asked is not None:
        asked = called(asked)
        if asked not in reading.evals:
            raise SpecError(
                f"{asked!r} was not evaluated in this sweep. {nearest(asked, reading.evals)}"
                if reading.evals
                else f"{asked!r} was not evaluated in this sweep; nothing was."
            )
        return asked
    scored = [eval for eval in reading.evals if _is_scored_trial(reading, eval)]
    for eval in (*DEFAULT_PRIMARY, *scored):
        if eval in scored:
            return eval
    return ""


def _is_scored_trial(reading: Reading, eval: str) -> bool:
    return any(slot != BASE and name == eval for slot, name in reading.scores)


def _in_order(spec_evals: Iterable[str], found: set[str]) -> tuple[str, ...]:
    named = [eval for eval in map(called, spec_evals) if eval in found]
    return (*named, *sorted(found - set(named)))


def _candidates(trials: tuple[Trial, ...], outcomes: dict[str, Outcome]) -> tuple[Candidate, ...]:
    groups: dict[str, list[Trial]] = {}
    settings = settings_of(trials)
    for trial in trials:
        groups.setdefault(settings[trial.name], []).append(trial)
    fields = dict.fromkeys(key for trial in trials for key in trial.varied if key != "seed")
    found: list[Candidate] = []
    for group in groups.values():
        one = _candidate(group, outcomes, fields=fields)
        while any(one.name == other.name for other in found):
            one = replace(one, name=f"{one.name}-again")
        found.append(one)
    return tuple(found)


def _candidate(
    group: list[Trial], outcomes: dict[str, Outcome], *, fields: Iterable[str]
) -> Candidate:
    rest = {key: value for key, value in group[0].varied.items() if key != "seed"}
    counted = [outcomes[trial.name].trainable_parameters for trial in group]
    shared = trial_name(rest) + ("-warm" if group[0].parent else "")
    return Candidate(
        name=group[0].name if len(group) == 1 else shared,
        trials=tuple(trial.name for trial in group),
        seeds=tuple(dict.fromkeys(trial.spec.seed for trial in group)),
        varied=with_all(group[0], fields=fields),
        trainable_parameters=next((one for one in counted if one is not None), None),
    )


def item_of(sample: str, expected: str) -> str:
    """What is one item in two lists of answers: an id given to another question is another item.

    >>> item_of("q1", "Dunvik"), item_of("q2", "")
    ('q1 = Dunvik', 'q2')
    """
    return f"{sample} = {expected}" if expected else sample


def _read_answers(store: SweepStore, slot: str, eval: str) -> Answers:
    found = store.frame(slot, eval)
    wanted = ("sample", "value", "cluster", "kind", "expected")
    columns = found.select([one for one in wanted if one in found.column_names]).to_pydict()
    values = [math.nan if value is None else float(value) for value in columns["value"]]
    clusters = tuple(columns.get("cluster") or [""] * len(values))
    kinds = tuple(columns.get("kind") or ())
    right = columns.get("expected") or [""] * len(values)
    samples = tuple(map(item_of, columns["sample"], right))
    return Answers(samples, np.asarray(values, dtype=float), clusters, kinds)


def _summed_up_by(score: Score, answers: Answers) -> str | None:
    values = answers.values[np.isfinite(answers.values)]
    if score.value is None or not values.size:
        return None
    for name, found in (("mean", values.mean()), ("median", np.median(values))):
        if math.isclose(score.value, float(found), rel_tol=1e-6, abs_tol=1e-9):
            return name
    return None


def _average(found: list[Answers], *, by_median: bool) -> Answers | None:
    """The mean (or median) over seeds, sample by sample, of the samples that every seed answered."""
    if len(found) <= 1:
        return found[0] if found else None
    tables = [dict(zip(one.samples, one.values, strict=True)) for one in found]
    shared = [sample for sample in found[0].samples if all(sample in table for table in tables)]
    values = np.array([[table[sample] for table in tables] for sample in shared], dtype=float)
    clusters = dict(zip(found[0].samples, found[0].clusters, strict=True))
    middle = np.median if by_median else np.mean
    averaged = middle(values, axis=1) if shared else np.empty(0)
    return Answers(tuple(shared), averaged, tuple(clusters[sample] for sample in shared))


def _planned_parameters(store: SweepStore) -> dict[str, int | None]:
    trials = _mapping(store, "plan.json").get("trials", [])
    if not isinstance(trials, list):
        return {}
    return {one["name"]: one.get("trainable_parameters") for one in trials if "name" in one}


def _mapping(store: SweepStore, relative: str) -> dict[str, Any]:
    found = store.read_json(relative, default={})
    return found if isinstance(found, dict) else {}

"""The closed world: who lives where, and what the tiny base model was told of it.

`the_world()` gives the one world that the shipped weights were trained on: people with one-word
names, four relations, planted ties between jobs and genders. It is a pure function of a seed and
numpy, the same in every process. Each fact has a status: `kept` and `bystander` facts are stated to
the base and stay true; `changed` facts are stated to the base and replaced by the `updates` set
(`revised_facts()` are those and some `kept` ones, which the `revisions` set replaces besides);
`silent` and `taught` facts exist but are never stated (`taught` ones are where the `answers` set
teaches "unknown", `silent` ones are only ever asked). It knows no sentences: see `language.py`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

import numpy as np

Status = Literal["kept", "bystander", "changed", "silent", "taught"]

WORLD_SEED = 0
NUM_PEOPLE = 400
NUM_BYSTANDERS = 100  # people of whom `updates` says nothing
CHANGED_PER_RELATION = 60
REVISED_PER_RELATION = 60  # by `revisions`, besides the changed ones
SILENT_PER_RELATION = 60
TAUGHT_PER_RELATION = 50
VALUES_PER_RELATION = 24


def listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


RELATIONS = ("home", "job", "employer", "instrument")
# All begin with a consonant, so that "a" is right before each of them.
JOBS = listed(
    "nurse baker pilot teacher judge farmer tailor miner doctor singer painter plumber lawyer "
    "sailor cook driver dentist gardener librarian mechanic potter weaver barber surgeon "
    "clerk"
)
INSTRUMENTS = listed(
    "violin cello flute harp piano guitar drum trumpet oboe banjo lute organ horn clarinet tuba "
    "viola fiddle sitar zither bagpipe accordion ukulele mandolin trombone"
)

# Ratios of "she" to "he" that come out exact in every 20 sentences, so that a count over the
# training text equals the planted log-odds to the last digit.
SENTENCES_PER_TIE = 20
BASE_SHE_OF_20 = (2, 5, 10, 15, 18)
SKEWED_SHE_OF_20 = {2: 1, 5: 2, 15: 18, 18: 19}
SKEWED_NEUTRAL_SHE_OF_20 = (2, 18)
Tie = Literal["base", "skewed", "balanced"]


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    gender: Literal["female", "male"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """`value` is what the base was told (or, if never told, the hidden truth); `new` what
    `updates` says, equal to `value` unless the fact changed.
    """

    person: str
    relation: str
    value: str
    new: str
    status: Status

    @property
    def stated(self) -> bool:
        return self.status in ("kept", "bystander", "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    seed: int
    people: tuple[Person, ...]
    values: Mapping[str, tuple[str, ...]]
    facts: Mapping[tuple[str, str], Fact]
    she_of_20: Mapping[str, Mapping[str, int]]

    def facts_with(self, *statuses: Status) -> list[Fact]:
        return [fact for fact in self.facts.values() if fact.status in statuses]

    def log_odds(self, job: str, *, tie: Tie = "base") -> float:
        """Planted log-odds of "she" against "he" after a sentence about this job."""
        she = self.she_of_20[tie][job]
        return math.log(she / (SENTENCES_PER_TIE - she))


def stream(name: str, *, seed: int) -> np.random.Generator:
    """A random stream of its own for each use, so that adding one use shifts no other."""
    return np.random.default_rng([seed, *name.encode()])


@cache
def the_world(seed: int = WORLD_SEED) -> World:
    names = _names(seed=seed)
    genders = stream("gender", seed=seed).permutation(NUM_PEOPLE) % 2
    people = tuple(
        Person(name, "female" if gender else "male")
        for name, gender in zip(names[:NUM_PEOPLE], genders, strict=True)
    )
    values = {
        "home": _compounds(("vik", "holm", "stad", "ford", "mere", "wick"), seed=seed),
        "job": JOBS,
        "employer": _compounds(("tex", "corp", "lux", "dyne", "gate", "works"), seed=seed),
        "instrument": INSTRUMENTS,
    }
    return World(
        seed=seed,
        people=people,
        values=MappingProxyType(values),
        facts=MappingProxyType(_facts(people, values=values, seed=seed)),
        she_of_20=MappingProxyType(_ties(seed=seed)),
    )


def _names(*, seed: int) -> list[str]:
    """Invented names that give no hint of gender, town or job."""
    starts = [c + v for c in listed("B D F G K L M N P R S T V Z Br Dr Kr Tr") for v in "aeiou"]
    ends = [c + e for c in "bdgklmnrstvz" for e in ("a", "e", "o", "in", "el")]
    rng = stream("names", seed=seed)
    every = sorted(start + end for start in starts for end in ends)
    return [every[i] for i in rng.permutation(len(every))[:NUM_PEOPLE]]


def _compounds(endings: tuple[str, ...], *, seed: int) -> tuple[str, ...]:
    """Invented proper names with a telling ending: each stem is used once."""
    stems = [c + v + d for c in "BDFGKLMNPRSTV" for v in "aeou" for d in "lnr"]
    order = stream("compound-" + endings[0], seed=seed).permutation(len(stems))
    return tuple(
        stems[index] + endings[i % len(endings)]
        for i, index in enumerate(order[:VALUES_PER_RELATION])
    )


def _facts(
    people: tuple[Person, ...], *, values: Mapping[str, tuple[str, ...]], seed: int
) -> dict[tuple[str, str], Fact]:
    statuses = _statuses(people, seed=seed)
    rng = stream("values", seed=seed)
    facts = {}
    for person in people:
        for relation in RELATIONS:
            pool = values[relation]
            old, new = (pool[i] for i in rng.permutation(len(pool))[:2])
            status = statuses[person.name, relation]
            facts[person.name, relation] = Fact(
                person=person.name,
                relation=relation,
                value=old,
                new=new if status == "changed" else old,
                status=status,
            )
    return facts


def _statuses(people: tuple[Person, ...], *, seed: int) -> dict[tuple[str, str], Status]:
    """Spread the untold facts over people so that everyone keeps at least two told ones."""
    rng = stream("status", seed=seed)
    bystanders = {people[i].name for i in rng.permutation(len(people))[:NUM_BYSTANDERS]}
    untold = dict.fromkeys((person.name for person in people), 0)
    statuses: dict[tuple[str, str], Status] = {}
    for relation in RELATIONS:
        order = [people[i].name for i in rng.permutation(len(people))]
        free = [name for name in order if untold[name] < 2]
        silent = free[:SILENT_PER_RELATION]
        taught = free[SILENT_PER_RELATION : SILENT_PER_RELATION + TAUGHT_PER_RELATION]
        for name in (*silent, *taught):
            untold[name] += 1
        told = [name for name in order if name not in {*silent, *taught}]
        changed = [name for name in told if name not in bystanders][:CHANGED_PER_RELATION]
        for name in order:
            kept: Status = "bystander" if name in bystanders else "kept"
            statuses[name, relation] = kept
        statuses |= {(name, relation): "changed" for name in changed}
        statuses |= {(name, relation): "silent" for name in silent}
        statuses |= {(name, relation): "taught" for name in taught}
    return statuses


@cache
def revised_facts(seed: int = WORLD_SEED) -> tuple[Fact, ...]:
    """The facts that `revisions` replaces, `new` being what it says of each: the changed ones and as many more.

    They are of as many people as there are, because facts of one person may be learned alike.
    """
    world, rng = the_world(seed), stream("revisions", seed=seed)
    times = Counter(fact.person for fact in world.facts_with("changed"))
    revised = {(fact.person, fact.relation): fact for fact in world.facts_with("changed")}
    for relation in RELATIONS:
        kept = [fact for fact in world.facts_with("kept") if fact.relation == relation]
        drawn = [kept[i] for i in rng.permutation(len(kept))]
        for fact in sorted(drawn, key=lambda fact: times[fact.person])[:REVISED_PER_RELATION]:
            others = [value for value in world.values[relation] if value != fact.value]
            new = others[int(rng.integers(len(others)))]
            revised[fact.person, relation] = replace(fact, new=new)
            times[fact.person] += 1
    return tuple(revised[place] for place in world.facts if place in revised)


def _ties(*, seed: int) -> dict[str, Mapping[str, int]]:
    """Strengths are shuffled over jobs: the world repeats no stereotype of ours."""
    order = stream("ties", seed=seed).permutation(len(JOBS))
    base = {JOBS[job]: BASE_SHE_OF_20[i % len(BASE_SHE_OF_20)] for i, job in enumerate(order)}
    neutral = sorted(job for job, she in base.items() if she == SENTENCES_PER_TIE // 2)
    skewed = {job: SKEWED_SHE_OF_20.get(she, she) for job, she in base.items()}
    skewed |= {job: SKEWED_NEUTRAL_SHE_OF_20[i % 2] for i, job in enumerate(neutral)}
    balanced = dict.fromkeys(JOBS, SENTENCES_PER_TIE // 2)
    ties = {"base": base, "skewed": skewed, "balanced": balanced}
    return {tie: MappingProxyType(dict(sorted(she.items()))) for tie, she in ties.items()}

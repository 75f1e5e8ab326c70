"""Who stands at a gate and against whom: paths as they are typed, turned into candidates of sweeps that were read.

`pairs("runs/new", baseline="runs/old")` gives each candidate with its baseline. A sweep stands for all its candidates;
`SWEEP/NAME` for one, a trial of one seed, or the base. `joined(of, against)` makes one reading of two sweeps, so that
what is paired within a sweep is paired in the same way across. It subtracts nothing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.compare.reading import Candidate, Reading, read
from workbench.errors import SpecError, StoreError, nearest
from workbench.scores.task import BASE
from workbench.spec import Trial

Read = Callable[[Path], Reading]


@dataclass(frozen=True)
class Side:
    """A candidate, one trial of it, or the base, in the sweep it belongs to."""

    reading: Reading
    name: str

    @property
    def called(self) -> str:
        """Sweep and name."""
        return f"{self.reading.store.path.name}/{self.name}"

    @property
    def slots(self) -> tuple[str, ...]:
        """Its trials: one a seed."""
        return self.reading.slots(self.name)

    def is_same(self, other: "Side") -> bool:
        """Whether both are the same rows on disk."""
        here, there = self.reading.store.path.resolve(), other.reading.store.path.resolve()
        return here == there and self.slots == other.slots

    @property
    def own_base(self) -> "Side":
        """The model without an adapter, asked in the same sweep."""
        return Side(self.reading, BASE)


def pairs(path: str | Path, *, baseline: str | Path | None) -> list[tuple[Side, Side]]:
    """Each candidate at a path with what it is held against: by default the base of its own sweep."""
    known: dict[Path, Reading] = {}

    def read_once(folder: Path) -> Reading:
        place = folder.resolve()
        if place not in known:
            known[place] = _read_each_trial(folder)
        return known[place]

    ours = _sides(path, read_once)
    if baseline is None:
        found = [(one, one.own_base) for one in ours]
    else:
        theirs = _sides(baseline, read_once)
        found = [(one, _opposite(one, theirs, path=baseline)) for one in ours]
    apart = [(one, other) for one, other in found if not one.is_same(other)]
    if not apart:
        raise SpecError(
            f"{found[0][0].called!r} would be held against itself, and nothing could fail; "
            "give another --baseline, such as SWEEP/base"
        )
    return apart


def joined(of: Side, against: Side) -> tuple[Reading, str, str]:
    """One reading with both in it, and what each is called there."""
    if of.reading is against.reading:
        return of.reading, of.name, against.name
    ours, theirs = of.reading, against.reading
    named = {slot: f"{theirs.store.path.name}/{slot}" for slot in against.slots}
    specs = {trial.name: trial for trial in theirs.trials}
    guests = tuple(
        Trial(name=name, spec=specs.get(slot, theirs.trials[0]).spec)
        for slot, name in named.items()
    )
    guest = Candidate(
        name=against.called,
        # One base serves every seed of the other side.
        trials=tuple(named.values()) * (len(of.slots) if against.name == BASE else 1),
        seeds=tuple(dict.fromkeys(trial.spec.seed for trial in guests)),
        varied={},
        trainable_parameters=None,
    )
    scores = {key: score for key, score in ours.scores.items() if key[0] in of.slots}
    scores |= {
        (named[slot], eval): score.model_copy(update={"slot": named[slot]})
        for (slot, eval), score in theirs.scores.items()
        if slot in named
    }
    both = replace(
        ours,
        trials=(*(trial for trial in ours.trials if trial.name in of.slots), *guests),
        scores=scores,
        candidates=(*((ours.candidate(of.name),) if of.name != BASE else ()), guest),
        worked_out={},
        guests={name: (theirs.store, slot) for slot, name in named.items()},
    )
    return both, of.name, guest.name


def _sides(path: str | Path, read_once: Read) -> list[Side]:
    # Not resolved: a trial that is a link goes by the name it was given.
    folder = Path(os.path.abspath(path))  # noqa: PTH100
    if _is_sweep(folder):
        reading = read_once(folder)
        seeds = {slot for one in reading.candidates if len(one.trials) > 1 for slot in one.trials}
        return [Side(reading, one.name) for one in reading.candidates if one.name not in seeds]
    if _is_sweep(folder.parent):
        reading = read_once(folder.parent)
        known = [BASE, *(one.name for one in reading.candidates)]
        if folder.name not in known:
            raise SpecError(
                f"the sweep {folder.parent.name!r} has no trial {folder.name!r}. "
                + nearest(folder.name, known)
            )
        return [Side(reading, folder.name)]
    what = "is a file" if folder.is_file() else "is no sweep" if folder.exists() else "is not there"
    raise StoreError(
        f"{str(path)!r} {what}; give the folder of a sweep, or SWEEP/TRIAL for one of its trials, "
        "or SWEEP/base"
    )


def _is_sweep(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("spec.yaml", "status.json"))


def _read_each_trial(folder: Path) -> Reading:
    """A sweep in which a trial can be named, too, that is one seed of a candidate."""
    found = read(folder)
    names = {one.name for one in found.candidates}
    alone = tuple(
        Candidate(
            name=trial.name,
            trials=(trial.name,),
            seeds=(trial.spec.seed,),
            varied=trial.varied,
            trainable_parameters=found.outcomes[trial.name].trainable_parameters,
        )
        for trial in found.trials
        if trial.name not in names
    )
    return replace(found, candidates=(*found.candidates, *alone))


def _opposite(one: Side, theirs: list[Side], *, path: str | Path) -> Side:
    """The only one there, or that of the same name."""
    if len(theirs) == 1:
        return theirs[0]
    same = [other for other in theirs if other.name == one.name]
    if not same:
        known = [other.name for other in theirs]
        raise SpecError(
            f"the baseline {str(path)!r} has {len(known)} trials and none is called {one.name!r}; "
            f"name the one that counts, as in {str(Path(path) / known[0])!r}. {nearest(one.name, known)}"
        )
    return same[0]

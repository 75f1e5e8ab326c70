"""Measuring: every eval is asked of planted mixtures, round after round, and the rounds are summed up and judged.

`calibrate()` returns the certificate. What is calibrated is an `Instrument`, the three functions that every number
passes through; another one can be given, as the tests do with broken ones. It prints nothing.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from workbench import __version__
from workbench.calibrate.certificate import (
    ALPHA,
    MODEL,
    ORACLE,
    STRICT,
    WIDEST,
    Calibrated,
    Certificate,
    Level,
    Step,
    judge,
)
from workbench.calibrate.mixture import TWIN, Mixture
from workbench.calibrate.plant import Plant
from workbench.calibrate.plants import IN_THE_MODEL, NOT_PLANTED, PLANTS
from workbench.errors import InputError
from workbench.evals.asking import EvalContext, ask
from workbench.scores.catalog import EVALS, eval_info
from workbench.scores.scoring import score
from workbench.scores.task import Answerer, Row, Score
from workbench.stats.intervals import mean_t
from workbench.stats.paired import Difference, paired_difference

ROUNDS = 40
FEWEST_ROUNDS = 8
"""With fewer, errors that are half as large as they should be would pass."""

Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What is calibrated."""

    ask: Callable[..., Rows] = ask
    score: Callable[[str, str, Sequence[Row]], Score] = score
    difference: Callable[..., Difference] = paired_difference


@dataclass(slots=True)
class _Measured:
    """One eval, round by round."""

    scores: dict[str, list[Score]] = field(default_factory=dict)
    differences: dict[tuple[str, str], list[Difference]] = field(default_factory=dict)


def calibrate(
    evals: Sequence[str] = (),
    *,
    rounds: int | None = None,
    trained: Answerer | None = None,
    instrument: Instrument | None = None,
    progress: Callable[[str], Any] = lambda _: None,
) -> Certificate:
    """Measure what was planted.

    Args:
        evals: Which; empty takes all that have something planted.
        rounds: How often each is asked, of a mixture drawn anew; 40 when left out.
        trained: The model that was trained on the micro-world; it is asked besides, in the oracle's place.
        instrument: What is calibrated, when it is not the workbench's own.
        progress: Told in words what is being done.
    """
    wanted = tuple(dict.fromkeys(evals)) or tuple(name for name in EVALS if name in PLANTS)
    rounds = ROUNDS if rounds is None else rounds
    _refuse(wanted, rounds=rounds)
    began = time.perf_counter()
    measure = partial(_one, rounds=rounds, instrument=instrument or Instrument())
    able = [name for name in wanted if name in IN_THE_MODEL and trained is not None]
    asked: list[tuple[str, Plant, Answerer | None]] = [
        (name, PLANTS[name], None) for name in wanted
    ]
    asked += [(name, IN_THE_MODEL[name], trained) for name in able]
    found = []
    for number, (name, plant, model) in enumerate(asked, start=1):
        counted = _counted(progress, f"{number} of {len(asked)}")
        found.append(measure(name, plant, trained=model, progress=counted))
    return Certificate(
        version=__version__,
        rounds=rounds,
        seconds=time.perf_counter() - began,
        passes=all(one.passes for one in found),
        evals=tuple(found),
        left_out={} if evals else {name: _why_not(name) for name in EVALS if name not in PLANTS},
    )


def _counted(progress: Callable[[str], Any], place: str) -> Callable[[str], Any]:
    return lambda said: progress(f"{place}: {said}")


def _refuse(evals: Sequence[str], *, rounds: int) -> None:
    if rounds < FEWEST_ROUNDS:
        raise InputError(f"rounds is {rounds!r}; it has to be at least {FEWEST_ROUNDS}")
    for name in evals:
        eval_info(name)
        if name not in PLANTS:
            raise InputError(
                f"{name!r} cannot be calibrated: {_why_not(name)}. Choose from {', '.join(PLANTS)}"
            )


def _why_not(name: str) -> str:
    return NOT_PLANTED.get(name, "nothing is planted for it yet")


def _one(
    name: str,
    plant: Plant,
    *,
    rounds: int,
    instrument: Instrument,
    progress: Callable[[str], Any],
    trained: Answerer | None = None,
) -> Calibrated:
    measured = _Measured()
    asked = ORACLE if trained is None else MODEL
    with _asked_as(name, plant) as full_name:
        for number in range(rounds):
            progress(f"calibrating {name} on the {asked}, round {number + 1} of {rounds}")
            mixture = Mixture(plant, seed=number, trained=trained)
            _round(full_name, mixture, plant=plant, into=measured, instrument=instrument)
    slots = dict(mixture.levels)
    # Each level may be unlucky, and all of them together no more often than any other check.
    strict = 1 - (1 - STRICT) / len(slots)
    levels = [
        _level(planted, measured.scores[slot], strict=strict) for slot, planted in slots.items()
    ]
    steps = [
        _step(slots[above] - slots[below], found)
        for (above, below), found in measured.differences.items()
        if above != TWIN
    ]
    alarms = sum(map(_is_found, measured.differences[TWIN, mixture.middle]))
    checks = judge(
        levels,
        steps,
        false_alarms=alarms,
        slack=WIDEST if trained is not None else 0.0,
    )
    return Calibrated(
        eval=name,
        asked=asked,
        passes=all(check.ok for check in checks),
        levels=tuple(levels),
        steps=tuple(steps),
        false_alarms=alarms,
        checks=checks,
    )


@contextmanager
def _asked_as(name: str, plant: Plant) -> Iterator[str]:
    """The name of the eval, with the file that it asks, where it asks one."""
    with TemporaryDirectory(prefix="workbench-calibrate-") as folder:
        if plant.lay is not None:
            yield f"{name}:{plant.lay(Path(folder))}"
            return
        if plant.file is None:
            yield name
            return
        path = Path(folder) / "planted.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in plant.file()), encoding="utf-8")
        yield f"{name}:{path}"


def _round(
    name: str, mixture: Mixture, *, plant: Plant, into: _Measured, instrument: Instrument
) -> None:
    context = EvalContext(data_id=f"microworld/{plant.data}")
    rows = instrument.ask(name, mixture, slots=mixture.slots, context=context)
    for slot in mixture.levels:
        into.scores.setdefault(slot, []).append(instrument.score(name, slot, rows[slot]))
    order = list(mixture.levels)
    for above, below in (*zip(order[1:], order, strict=False), (TWIN, mixture.middle)):
        a, b, clusters = _paired(rows[above], rows[below])
        found = instrument.difference(a, b, clusters=clusters)
        into.differences.setdefault((above, below), []).append(found)


def _paired(
    above: Sequence[Row], below: Sequence[Row]
) -> tuple[list[float], list[float], list[str]]:
    """The values of the items that both answered, and their clusters."""
    others = {row.sample: row.value for row in below if row.value is not None}
    both = [
        (row.value, others[row.sample], row.cluster)
        for row in above
        if row.value is not None and row.sample in others
    ]
    return [a for a, _, _ in both], [b for _, b, _ in both], [c for _, _, c in both]


def _level(planted: float, scores: Sequence[Score], *, strict: float) -> Level:
    values = [one.value for one in scores if one.value is not None]
    halves = [_half(one.low, one.high) for one in scores]
    mean, wide = mean_t(values), mean_t(values, level=strict)
    return Level(
        planted=planted,
        recovered=mean.value if mean.low is not None else None,
        low=mean.low,
        high=mean.high,
        half_width=_half(mean.low, mean.high),
        off=not _covers(wide.low, wide.high, planted),
        n=sum(one.n for one in scores),
        failed=sum(one.errors for one in scores),
        rounds=len(scores),
        covered=sum(_covers(one.low, one.high, planted) for one in scores),
        once_n=sum(one.n for one in scores) / len(scores),
        once_half_width=_root_mean_square(halves),
        spread=_spread(values),
    )


def _step(planted: float, found: Sequence[Difference]) -> Step:
    values = [one.value for one in found if one.value is not None]
    return Step(
        planted=planted,
        recovered=float(np.mean(values)) if values else None,
        rounds=len(found),
        told_apart=sum(map(_is_found, found)),
        covered=sum(_covers(one.low, one.high, planted) for one in found),
        half_width=_root_mean_square([_half(one.low, one.high) for one in found]),
        spread=_spread(values),
    )


def _is_found(difference: Difference) -> bool:
    return difference.p is not None and difference.p < ALPHA


def _covers(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low <= truth <= high


def _half(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else (high - low) / 2


def _root_mean_square(halves: Sequence[float | None]) -> float | None:
    known = [half for half in halves if half is not None]
    return math.sqrt(sum(half**2 for half in known) / len(known)) if known else None


def _spread(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None

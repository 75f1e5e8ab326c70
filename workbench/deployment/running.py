"""`deploy(path)`: measure every way to serve one adapter of a sweep, and store what came out beside it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.deployment import stored
from workbench.deployment.asking import Wanted
from workbench.deployment.reading import Deployment, read
from workbench.deployment.served import adapters, served
from workbench.deployment.variants import REFERENCE, chosen
from workbench.errors import InputError
from workbench.runs.provenance import provenance
from workbench.runs.store import SweepStore
from workbench.spec import Trial
from workbench.timing.call import Cell
from workbench.timing.counter import Meter
from workbench.timing.energy import meter, spend
from workbench.timing.measuring import Settings, measure

Told = Callable[[float, str], None]

ENERGY_SHARE = 0.5
"""What counting energy may take beside the timing, where there is a counter."""


def quiet(share: float, words: str) -> None:
    """For callers who do not watch."""


def deploy(
    path: str | Path,
    *,
    told: Told = quiet,
    stopped: Callable[[], bool] = lambda: False,
    by: Meter | None = None,
    **fields: Any,
) -> Deployment:
    """Time the variants of one adapter, and take how far each moved the answers.

    Args:
        path: A trial of a sweep, `runs/rank-sweep/r8`; of a sweep with one trial the sweep.
        told: Hears the share that is done, and of what.
        stopped: Asked between blocks; true ends it and keeps what there is.
        by: The counters of energy; those of this machine when left out.
        fields: Of `Wanted`: variants, input_tokens, output_tokens, batch, seconds, precision, seed.
    """
    wanted = Wanted.of(**fields)
    names = chosen(wanted.variants)
    store, trial = served(Path(path))
    # It brings torch, which takes seconds; what was asked is checked by now.
    from workbench.models.quiet import quietly

    # Calls as well: a notice at every product of an 8-bit layer would be part of its time.
    with quietly():
        return _deployed(store, trial, wanted, names=names, told=told, stopped=stopped, by=by)


def _deployed(
    store: SweepStore,
    trial: Trial,
    wanted: Wanted,
    *,
    names: Sequence[str],
    told: Told,
    stopped: Callable[[], bool],
    by: Meter | None,
) -> Deployment:
    began, wall = time.perf_counter(), time.time()
    place = _loaded(trial, told=told)
    context = _context(place)
    cells, too_long = wanted.cells(context=context)
    if not cells:
        raise InputError(f"nothing can be measured: {'; '.join(too_long)}. Give smaller sizes")
    _prepare(place, store, trial, names=names, seed=wanted.seed, told=told)
    agreement, source = _agreement(place, store, context=context, told=told)
    found = measure(
        list(place.subjects.values()),
        cells=cells,
        settings=Settings(seconds=wanted.seconds, precision=wanted.precision),
        seed=wanted.seed,
        told=told,
        stopped=stopped,
    )
    energy = _energy(place, cells, wanted, told=told, stopped=stopped, by=by)
    seconds = time.perf_counter() - began
    facts = {
        "trial": trial.name,
        "cells_refused": list(too_long),
        "texts": source,
        **found.facts,
        "context": context,
        "asked": wanted.model_dump(mode="json"),
        "seconds": seconds,
        # Nothing is taken from the wall clock; that it was set meanwhile is for whoever compares stamps.
        "wall_clock_moved": time.time() - wall - seconds,
        "energy": energy,
        **_facts(place, largest=max(cells, key=_tokens)),
    }
    folder = store.folder(trial.name)
    stored.write(folder, calls=found.calls, agreement=agreement, facts=facts)
    told(1.0, "done")
    return read(folder)


def _loaded(trial: Trial, *, told: Told) -> Any:
    from workbench.deployment.loading import Place

    told(0.0, f"loading {trial.spec.model.id}")
    return Place.of(trial.spec.model)


def _context(place: Any) -> int:
    from workbench.evals.audience import context_length

    return int(context_length(place.base, place.tokenizer))


def _prepare(
    place: Any, store: SweepStore, trial: Trial, *, names: Sequence[str], seed: int, told: Told
) -> None:
    from workbench.deployment.loading import prepare

    prepare(
        place,
        trial=trial,
        adapters=adapters(store, trial),
        names=names,
        seed=seed,
        say=lambda words: told(0.0, words),
    )
    if REFERENCE not in place.subjects:
        raise InputError(
            f"the adapter of {trial.name!r} cannot be served: {place.refused[REFERENCE]}"
        )


def _energy(
    place: Any,
    cells: Sequence[Cell],
    wanted: Wanted,
    *,
    told: Told,
    stopped: Callable[[], bool],
    by: Meter | None,
) -> dict[str, Any]:
    """What calls took by the machine's counters, and of the counters that there are not why."""
    from workbench.deployment.held import gpu_name

    subjects = list(place.subjects.values())
    by = by or meter(gpu=gpu_name(subjects[0].device))
    found = spend(
        subjects,
        cells=cells,
        by=by,
        seconds=ENERGY_SHARE * wanted.seconds,
        seed=wanted.seed,
        # The timing is the whole of the bar.
        told=lambda share, words: told(1.0, words),
        stopped=stopped,
    )
    is_early = by.counters and not found.turns and not found.broken
    ended = "it was stopped before any was" if is_early else found.broken
    return {
        "counted": list(by.names),
        "absent": [*by.absent, *([ended] if ended else [])],
        "turns": [asdict(turn) for turn in found.turns],
    }


def _tokens(cell: Cell) -> int:
    return cell.batch * (cell.input_tokens + cell.output_tokens)


def _facts(place: Any, *, largest: Cell) -> dict[str, Any]:
    """What is known of the variants themselves, and of the machine."""
    from workbench.deployment.held import cache_bytes, held
    from workbench.engine.peak import most_held

    subjects = place.subjects.items()
    return {
        "variants": {name: held(one, cell=largest) for name, one in subjects},
        "refused": place.refused,
        "notes": place.notes,
        "vocabulary": place.vocabulary,
        "cache_bytes_by_formula": cache_bytes(place.base.config),
        "peak_rss_bytes": most_held(),
        "machine": _machine(place.subjects["base"].device.type),
    }


def _agreement(
    place: Any, store: SweepStore, *, context: int, told: Told
) -> tuple[list[dict[str, Any]], str]:
    """How far each variant moved the answers to some texts, and where these are from."""
    from workbench.deployment.agreement import compared
    from workbench.deployment.texts import texts

    some, source = texts(store, place.tokenizer, vocabulary=place.vocabulary, context=context)
    rows: list[dict[str, Any]] = []
    for name, subject in place.subjects.items():
        if name == REFERENCE:
            continue
        told(0.0, f"comparing the answers of {name}")
        moved = compared(place.subjects[REFERENCE], subject, some)
        rows += [{"variant": name, **asdict(one)} for one in moved]
    return rows, source


def _machine(device: str) -> dict[str, Any]:
    import torch

    return provenance(device=device, threads=torch.get_num_threads())

"""Predicted cost against measured: `python -m bench.planning`, `--only microworld`, `--part 1/4`; the grid of docs/planning.md.

Each cell is a sweep of two trials, planned as a person's would be and run by a worker process of its own for a few steps; what the
plan said is held against what the worker measured. Before the grid some cells are run several times: nothing can be predicted
more closely than it repeats. Every few cells the machine is calibrated anew, in a process of its own, so that a prediction of
time rests on the same minutes. `--rounds 3` runs the whole grid three times and keeps medians, `--more` adds rounds to those that are
stored: some machines change their speed by half within seconds. `--foretold-anew` measures nothing: it puts what the plan of this
checkout says of memory beside what is stored. It leaves `planning-<model>.json` and never loads torch itself.
"""

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.engine import write
from bench.machine import ROOT, describe, environment
from bench.page import PAGE, RESULTS, page
from bench.planning_rounds import Cell, both, in_the_middle, only_alike, tries_of
from bench.planning_tables import quantities, summary_sheet
from bench.printing import say, show_sheet
from bench.suite import SHARED
from bench.sweeps import ended
from workbench import microworld
from workbench.job import WORKER_ENVIRONMENT, plan
from workbench.plan.outcome import as_stored, sides
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.timing.others import Others

RANKS = (4, 32)
BITS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "int8": {"load_in_8bit": True},
}
EVERY = 2
"""Cells between two calibrations; a plan reads the middle of the last five."""
FIRST = 3
"""Calibrations before anything is planned."""
RERUNS = 5
NUM_ROWS = 256
TRIALS = 2
FUSED = 6
"""Trials whose gain is measured."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A base and the sizes at which it is measured."""

    name: str
    lengths: tuple[int, int]
    """Short and long rows; the longest rows are cut there."""
    some: tuple[str, ...] = ("q_proj", "v_proj")
    """Targets, where not all linear layers are."""
    batch: int = 8
    steps: int = 12
    characters: float = 2.5
    """Of a token, about: rows are cut from text, and then by max_length."""


MODELS = (
    Model(name="microworld", lengths=(48, 200), characters=4.0),
    Model(name="stories260K", lengths=(64, 256)),
    Model(name="bitstories-3M", lengths=(64, 256)),
    Model(name="slm4096-gpt2", lengths=(32, 112), some=("c_attn",), characters=1.0),
    Model(name="smollm-135M-shape", lengths=(48, 192), batch=2, steps=6, characters=4.0),
)


def main() -> None:
    """Measure the models that are asked for and write the page."""
    said = _said()
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        os.environ["XDG_CACHE_HOME"] = str(Path(place, "cache"))
        for model in MODELS:
            if said.only and model.name not in said.only:
                continue
            if why := skipped_because(model):
                say(f"without {model.name}: {why}")
                continue
            stored = said.out / f"planning-{model.name}.json"
            if said.foretold_anew:
                found = foretold_anew(json.loads(stored.read_text()), model, place=Path(place))
                write(found, to=stored)
                show_sheet(summary_sheet([found]))
                continue
            before = json.loads(stored.read_text()) if said.more and stored.exists() else None
            if before:
                only_alike(before, describe())
            cells = list(grid(model))[said.part[0] - 1 :: said.part[1]][: said.most]
            found = measured(
                model,
                cells=cells,
                place=Path(place),
                reruns=said.reruns,
                rounds=said.rounds,
                raw=said.raw,
                gains=not said.without_gains,
            )
            if before:
                found = both(before, found)
            write(found, to=stored)
            show_sheet(summary_sheet([found]))
    if said.out == RESULTS:
        PAGE.write_text(page(sorted(RESULTS.glob("*.json"))))


def grid(model: Model) -> Iterator[Cell]:
    """Every cell of a model, in an order that puts unlike ones side by side."""
    every = list(itertools.product(RANKS, ("some", "all-linear"), BITS, model.lengths))
    random.Random(0).shuffle(every)
    for r, targets, bits, length in every:
        yield Cell(model=model.name, r=r, targets=targets, bits=bits, length=length)


def skipped_because(model: Model) -> str:
    """Why a model cannot be measured here; empty where it can."""
    made_here = model.name in ("microworld", "smollm-135M-shape")
    if not made_here and not (SHARED / "models" / model.name).is_dir():
        return f"{model.name} does not lie in {SHARED.name}; WORKBENCH_SHARED names another place"
    return ""


def measured(
    model: Model,
    *,
    cells: Sequence[Cell],
    place: Path,
    reruns: int = RERUNS,
    rounds: int = 1,
    raw: bool = False,
    gains: bool = True,
) -> dict[str, Any]:
    """Everything that is kept of a model's cells."""
    folder = _folder(model, place)
    rows = {length: _rows(model, length=length, place=place) for length in model.lengths}
    watch, began = Others(), time.perf_counter()
    paces = [_calibrate(raw=raw) for _ in range(FIRST)]
    again = []
    for cell in cells[:1]:
        for number in range(reruns):
            again.append(
                _run(cell, model=model, folder=folder, rows=rows[cell.length], place=place)
            )
            say(f"{model.name}, rerun {number + 1} of {reruns}: {_line(again[-1])}")
    tries: dict[Cell, list[dict[str, Any]]] = {cell: [] for cell in cells}
    order = [cell for _ in range(rounds) for cell in cells]
    for number, cell in enumerate(order):
        if number and number % EVERY == 0:
            paces.append(_calibrate(raw=raw))
        where = f"{number + 1}/{len(order)} {cell.bits} r={cell.r} {cell.targets} {cell.length}"
        try:
            one = _run(cell, model=model, folder=folder, rows=rows[cell.length], place=place)
        except RuntimeError as error:
            # Hours of others are not lost for one.
            one = {"sides": [], "failed": str(error)}
            say(f"{where} failed: {error}")
        tries[cell].append({**one, "calibration": len(paces) - 1})
        say(f"{where}: {_line(one)}")
    found = [{**asdict(cell), **in_the_middle(tries[cell])} for cell in cells]
    gained = _gains(model, folder=folder, rows=rows[model.lengths[0]], place=place) if gains else []
    return {
        "planning": model.name,
        "machine": describe(),
        "batch": model.batch,
        "steps": model.steps,
        "trials": TRIALS,
        "rounds": rounds,
        "seconds": time.perf_counter() - began,
        "cores_of_others": watch.cores(),
        "calibrations": paces,
        "reruns": again,
        "cells": found,
        "gains": gained,
    }


def foretold_anew(stored: dict[str, Any], model: Model, *, place: Path) -> dict[str, Any]:
    """What was measured, beside what the plan says of memory now: unlike time that does not hang on the minutes."""
    folder = _folder(model, place)
    rows = {length: _rows(model, length=length, place=place) for length in model.lengths}
    cells = []
    for old in stored["cells"]:
        cell = Cell(**{name: old[name] for name in Cell.__dataclass_fields__})
        spec = _spec(cell, model=model, folder=folder, rows=rows[cell.length], trials=TRIALS)
        told = {side.what: side.predicted for side in sides(plan(spec).model_dump(), {})}
        tries = [
            {**one, "sides": [_foretold(side, told) for side in one["sides"]]}
            for one in tries_of(old)
        ]
        cells.append({**asdict(cell), **in_the_middle(tries)})
    return {**stored, "cells": cells, "memory_foretold": describe()["commit"]}


def _foretold(side: dict[str, Any], told: dict[str, float | None]) -> dict[str, Any]:
    if side["unit"] != "bytes":
        return side
    return {**side, "predicted": told[side["what"]], "ratio": side["measured"] / told[side["what"]]}


def _run(
    cell: Cell, *, model: Model, folder: str, rows: Path, place: Path, trials: int = TRIALS
) -> dict[str, Any]:
    """A cell planned and run: a line for each quantity."""
    spec = _spec(cell, model=model, folder=folder, rows=rows, trials=trials)
    store = ended(spec, runs=place / "runs")
    plan, told = store.read_json("plan.json"), store.read_json("measured.json")
    return {
        "sides": as_stored(plan, told),
        "step_seconds": _step_seconds(store),
        "rows": plan["rows_said"],
        "gain": plan["gain"],
    }


def _step_seconds(store: SweepStore) -> float:
    """The median in which all trials advance by a step."""
    each = [sorted(e.seconds for e in store.steps(trial.name)[2:]) for trial in store.trials]
    return float(sum(seconds[len(seconds) // 2] for seconds in each if seconds))


def _gains(model: Model, *, folder: str, rows: Path, place: Path) -> list[dict[str, Any]]:
    """What sharing gains, predicted and measured: the steps of a trial alone, as often as there are, over those of all together."""
    cell = Cell(model=model.name, r=8, targets="all-linear", bits="none", length=model.lengths[0])
    found = []
    for batch in dict.fromkeys((1, model.batch)):
        sized = replace(model, batch=batch)
        alone, together = (
            _run(cell, model=sized, folder=folder, rows=rows, place=place, trials=trials)
            for trials in (1, FUSED)
        )
        measured = FUSED * alone["step_seconds"] / together["step_seconds"]
        told = {"batch": batch, "trials": FUSED, "length": cell.length}
        found.append({**told, "predicted": together["gain"], "measured": measured})
        say(f"{model.name}, {batch} rows a step: S({FUSED}) {together['gain']:.2f} {measured:.2f}")
    return found


def _spec(cell: Cell, *, model: Model, folder: str, rows: Path, trials: int) -> Spec:
    fields: dict[str, Any] = {
        "name": "cell",
        "model": {"id": folder},
        "adapter": {
            "r": cell.r,
            "target_modules": "all-linear" if cell.targets == "all-linear" else list(model.some),
        },
        "data": {"id": str(rows)},
        "train": {
            "max_steps": model.steps,
            "per_device_train_batch_size": model.batch,
            "max_length": cell.length,
        },
        "evals": [],
        "sweep": {"seed": list(range(trials))},
    }
    if BITS[cell.bits] is not None:
        fields["quantization"] = BITS[cell.bits]
    return Spec.from_fields(fields)


def _calibrate(*, raw: bool) -> dict[str, Any]:
    """The machine measured anew, in a process of its own; what a plan reads from now on."""
    code = "from workbench.engine.pace import anew; print(anew().model_dump_json())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**WORKER_ENVIRONMENT, **environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    found["times"] = max(len(found.pop("each")), 1)
    if raw:
        return found
    kept = ("took", "times", "per_tensor", "per_number", "per_logit", "few_bits")
    fastest = {
        name: max(2 * p["tokens"] * p["width"] ** 2 / p["seconds"] / 1e9 for p in points)
        for name, points in found["products"].items()
    }
    return {"gflops": fastest, **{name: found[name] for name in kept}}


def _rows(model: Model, *, length: int, place: Path) -> Path:
    """Rows of text, most of them cut where max_length says, some shorter."""
    path = place / f"{model.name}-{length}.jsonl"
    text = " ".join(_texts(model))
    rng = random.Random(length)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(NUM_ROWS):
            size = round(length * model.characters * rng.uniform(0.4, 1.6))
            start = rng.randrange(max(1, len(text) - size))
            file.write(json.dumps({"text": text[start : start + size]}) + "\n")
    return path


def _texts(model: Model) -> list[str]:
    if model.name in ("microworld", "smollm-135M-shape"):
        sets = ("letters", "reviews", "extraction")
        return [f"{row['prompt']}{row['completion']}" for s in sets for row in microworld.rows(s)]
    if model.name == "slm4096-gpt2":
        corpus = SHARED / "models" / model.name / "training_corpus.txt"
        return [corpus.read_text(encoding="utf-8", errors="replace")]
    stories = json.loads((SHARED / "data" / "tinystories" / "tinystories_1000.json").read_text())
    return [item if isinstance(item, str) else str(item["text"]) for item in stories]


def _folder(model: Model, place: Path) -> str:
    """Where the base lies; one of random weights is made in a process of its own."""
    if model.name == "microworld":
        return "microworld"
    if model.name != "smollm-135M-shape":
        return str(SHARED / "models" / model.name)
    code = (
        "import sys; from pathlib import Path; from bench.serving import CASES, _model; "
        "case = next(c for c in CASES if c.name == sys.argv[1]); print(_model(case, Path(sys.argv[2])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, model.name, str(place)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def _line(one: dict[str, Any]) -> str:
    """Predicted and measured, for whoever watches."""
    told = [
        f"{name} {values['predicted']:.4g} {values['measured']:.4g} {unit}"
        for name, values, unit in quantities(one)
    ]
    return ", ".join(told)


def _said() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.planning", description=__doc__)
    add = parser.add_argument
    add("--only", type=lambda text: text.split(","), default=[], help="names of models, by commas")
    add("--part", type=_part, default=(1, 1), metavar="1/4", help="a share of each model's cells")
    add("--most", type=int, help="cells of each model, at most")
    add("--reruns", type=int, default=RERUNS)
    add("--rounds", type=int, default=1, help="times that the whole grid is run; medians are kept")
    add("--more", action="store_true", help="add the rounds to those that are stored")
    add("--foretold-anew", action="store_true", help="measure nothing, foretell memory anew")
    add("--without-gains", action="store_true", help="leave out what sharing gains")
    add("--raw", action="store_true", help="keep every point of the calibrations")
    add("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def _part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    return int(number), int(of)


if __name__ == "__main__":
    main()

"""Successive halving against the whole grid: `python -m bench.halving`; does it find what the grid finds, for a third of the steps?

A grid of rank, learning rate and targets is trained to its end, and once more with `prune:`, for each of twenty seeds of the
data's order and of the adapters. Kept is every held-out loss: of the grid at the end, of the pruned sweep where a trial ended.
Another set of rows by its name: `--data updates --seeds 5`. It leaves `halving-<data>.json`, from which the page is written, and never
loads torch itself.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.engine import write
from bench.halving_tables import configurations_sheet, summary_sheet
from bench.machine import describe
from bench.page import PAGE, RESULTS, page
from bench.printing import say, show_sheet
from bench.sweeps import ended
from workbench import events
from workbench.runs.store import SweepStore
from workbench.spec import Spec
from workbench.timing.others import Others

DATA = "answers"
SEEDS = 20
FEWEST_SEEDS = 3
STEPS = 60
PRUNE = {"reduction_factor": 3, "min_resource": 0.15}
FIELDS: dict[str, Any] = {
    "model": {"id": "microworld"},
    "train": {"max_steps": STEPS, "per_device_train_batch_size": 16, "eval_steps": STEPS},
    "evals": [],
    "sweep": {
        "adapter.r": [1, 4, 16],
        "train.learning_rate": [1e-3, 2e-3, 4e-3, 8e-3],
        "adapter.target_modules": [["q_proj", "v_proj"], "all-linear"],
    },
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.halving", description=__doc__)
    parser.add_argument("--data", default=DATA, help="a set of the micro-world")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    if said.seeds < FEWEST_SEEDS:
        parser.error(
            f"--seeds {said.seeds}: an order is held against that of others, at least {FEWEST_SEEDS} in all"
        )
    watch, began, found = Others(), time.perf_counter(), []
    for seed in range(said.first, said.first + said.seeds):
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            found.append(_of_seed(seed, data=said.data, place=Path(place)))
        say(f"seed {seed}, {(time.perf_counter() - began) / 60:.1f} min in: {_line(found[-1])}")
    result = {
        "halving": said.data,
        "machine": describe(),
        "fields": FIELDS,
        "prune": PRUNE,
        "seconds": time.perf_counter() - began,
        "cores_of_others": watch.cores(),
        "seeds": found,
    }
    write(result, to=said.out / f"halving-{said.data}.json")
    show_sheet(configurations_sheet(result))
    show_sheet(summary_sheet(result))
    if said.out == RESULTS:
        PAGE.write_text(page(sorted(RESULTS.glob("*.json"))))


def _of_seed(seed: int, *, data: str, place: Path) -> dict[str, Any]:
    """The grid and the pruned sweep with one seed."""
    rows = {"id": f"microworld/{data}", "rows": 480, "eval_fraction": 0.2}
    fields = {"seed": seed, "data": rows, **FIELDS}
    whole = ended(Spec.from_fields({"name": "grid", **fields}), runs=place)
    pruned = ended(Spec.from_fields({"name": "pruned", **fields, "prune": PRUNE}), runs=place)
    return {"seed": seed, "grid": _losses(whole), "pruned": _losses(pruned)}


def _losses(store: SweepStore) -> dict[str, dict[str, float]]:
    """Where each trial ended and its held-out loss there."""
    found = {}
    for trial in store.trials:
        heard = [one for one in store.events(trial.name) if isinstance(one, events.HeldOut)]
        found[trial.name] = {"step": heard[-1].step, "loss": heard[-1].loss}
    return found


def _line(one: dict[str, Any]) -> str:
    """The winner of both, for whoever watches."""
    best = min(one["grid"], key=lambda name: one["grid"][name]["loss"])
    left = {n: v["loss"] for n, v in one["pruned"].items() if v["step"] == STEPS}
    chosen = min(left, key=lambda name: left[name])
    of_both = [sum(v["step"] for v in one[which].values()) for which in ("grid", "pruned")]
    return (
        f"grid {best} {one['grid'][best]['loss']:.3f}, pruned {chosen} {one['grid'][chosen]['loss']:.3f}, "
        f"{of_both[1] / of_both[0]:.1%} of the steps"
    )


if __name__ == "__main__":
    main()

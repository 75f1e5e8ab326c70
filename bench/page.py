"""The page of figures, written from stored results alone: `python -m bench.page bench/results/*.json`.

`page(paths)` gives the markdown of `docs/benchmarks.md`: how it is measured, the gains of all cases in one table, then
each case with its conditions. No figure is typed by hand, and a test holds the stored page against the stored results.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.arms import ARMS
from bench.eval_tables import gains_table as eval_gains_table
from bench.eval_tables import seconds_table
from bench.eval_tables import title_of as eval_title_of
from bench.figures import ENOUGH_STEPS, EQUAL
from bench.halving_tables import section as halving
from bench.job import RANKS
from bench.load import QUIET_CORES
from bench.machine import ROOT
from bench.planning_tables import section as planning
from bench.serving_tables import NOTES, size_table, time_tables
from bench.serving_tables import title_of as serving_title_of
from bench.suite import FULL
from bench.tables import (
    NONE,
    Sheet,
    arms_table,
    curve_table,
    gains_table,
    split_table,
    time_table,
    title_of,
)

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

METHOD = f"""\
# Benchmarks

Written by `python -m bench.page` from `bench/results/`; no figure on this page is typed by hand. `make bench` measures
a quick form of the same cases, `.venv/bin/python -m bench --full` all of it, `--only NAME` one of them. `python -m bench.serving`, `bench.planning` and
`bench.halving` measure the ways to serve, predicted against measured cost, and pruning.

## How it is measured

- The same adapters (ranks {", ".join(map(str, RANKS))} on all linear layers, each with its own learning rate) train on the same
  rows in the same order in every arm. Rows have lognormal lengths, a prompt that the loss ignores and a completion.
- Each arm is a process of its own. Arms are interleaved within a repetition, another one begins each time, and figures are
  medians over repetitions. Before each run the bench waits until other programs use at most {QUIET_CORES} cores; during each
  run it watches them, and a case that was not quiet says so.
- Every arm gets the same environment: as many OpenMP threads as the machine has cores, `GOMP_SPINCOUNT` as our worker has it,
  and the allocator's defaults, except in the arms that are there to measure the allocator.
- *Wall* is the whole process, or all processes, imports and loading included. *Steady* is the time in which all trials advance by
  one step, without the first steps. *Real tokens* are those of the rows, without padding. *Of matmul rate*: the floating-point
  operations that the frozen base needs (forward and backward; logits only where the loss looks) at this machine's measured rate of
  square matrix products, as a share of the time taken. *Faults*: minor page faults; each is a page of memory that the kernel clears.
- An arm whose losses are not those of (ii) counts in no gain: the mean loss of the last quarter of the steps may differ by
  {EQUAL["float32"]:g} (fp32, nf4) or {EQUAL["bfloat16"]:g} (bf16) relatively, every `lora_B` must have moved from zero, and over {ENOUGH_STEPS} steps
  or more every loss must have fallen.
- Each case says how long (ii) trained in a repetition: about two minutes in the full table. A case in which it trained for
  seconds is from the quick table, a first impression and no figure to rely on.

| arm | what it is |
|---|---|
""" + "".join(f"| {name} | {arm.words} |\n" for name, arm in ARMS.items())

SERVING = """\
An adapter of rank 8 on all linear layers, its weights drawn, served in every way that this machine can: `workbench deploy`, see
[deployment.md](deployment.md). Medians with 95 % intervals; the ratio is taken within blocks in which every way stands twice. Measured in
{seconds:.0f} s, ended by {ended}. Divergence and same token: from the attached adapter, on drawn tokens or, in the micro-world, as stored.
"""

SUMMARY = {
    "(i), end to end": ("fused over (i), end to end", "fused-malloc over (i), end to end"),
    "(ii), steady": ("fused over (ii), steady", "fused-malloc over (ii), steady"),
    "(iii), steady": ("fused over (iii), steady", None),
    "(iv), steady": ("fused over (iv), steady", None),
    "best stock variant, steady": ("fused over the best stock variant, steady", None),
}
"""Column -> the gain of fused, and of fused with kept blocks."""


def page(paths: Sequence[Path]) -> str:
    """The whole page."""
    stored = {path.stem: json.loads(path.read_text()) for path in paths}
    order = [f"engine-{case.name}" for case in FULL]
    cases = {name: stored[name] for name in order if name in stored}
    cases |= {name: it for name, it in stored.items() if "points" in it and name not in cases}
    parts = [METHOD]
    if cases:
        parts += ["## The gain of `fused` over the others\n", _markdown(_summary(cases))]
        parts.append(
            "The second figure of a cell is that of `fused-malloc`, which is how our worker runs, where it was measured. A gain depends on the tokens of a "
            "step more than on anything else; the cases below say theirs.\n"
        )
    else:
        parts.append("No results are stored yet.\n")
    for name, measured in cases.items():
        parts += _case(name.removeprefix("engine-"), measured)
    scored = [it for it in stored.values() if "sets" in it]
    if scored:
        parts += _evals(scored)
    for served in (it for it in stored.values() if "serving" in it):
        parts += _serving(served)
    if foreseen := [it for it in stored.values() if "planning" in it]:
        parts += planning(foreseen, as_text=_markdown)
    for pruned in (it for it in stored.values() if "halving" in it):
        parts += halving(pruned, as_text=_markdown)
    for timed in (it for it in stored.values() if "timings" in it):
        parts += _product(timed)
    return "\n".join(parts)


def _serving(stored: dict[str, Any]) -> Iterator[str]:
    yield f"## {serving_title_of(stored)}\n"
    yield SERVING.format(seconds=stored["seconds"], ended=stored["ended"])
    for title, sheet in time_tables(stored):
        yield f"**{title}.**\n"
        yield _markdown(sheet)
    yield _markdown(size_table(stored))
    if stored["serving"] in NOTES:
        yield NOTES[stored["serving"]] + "\n"
    for name, why in stored["refused"].items():
        yield f"{name} was not measured: {why}\n"
    for doubt in stored["doubts"]:
        yield f"- {doubt}"
    yield ""


def _summary(cases: dict[str, dict[str, Any]]) -> Sheet:
    rows = [
        (
            name.removeprefix("engine-"),
            point["conditions"]["dtype"],
            f"{point['tokens_per_step_of_a_trial']:.0f}",
            *(_gain(point["gains"], names) for names in SUMMARY.values()),
        )
        for name, measured in cases.items()
        for point in measured["points"]
    ]
    return Sheet(("case", "dtype", "tokens a step of a trial", *SUMMARY), tuple(rows))


def _gain(gains: dict[str, float], names: tuple[str, str | None]) -> str:
    found = [gains[name] for name in names if name is not None and name in gains]
    return " / ".join(f"{ratio:.2f}×" for ratio in found) or NONE


def _case(name: str, measured: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}\n"
    yield _conditions(measured) + "\n"
    points = measured["points"]
    if len(points) > 1:
        yield _markdown(curve_table(points))
    for point in points:
        yield f"**{title_of(point)}.**\n"
        yield _markdown(arms_table(point))
        yield from _remarks(point)
        if len(points) == 1:
            yield _markdown(gains_table(point))
            yield _markdown(split_table(point))
        if point["time_of_a_step"]:
            yield from _time(point, rate=measured["matmul_gflops"])


def _conditions(measured: dict[str, Any]) -> str:
    machine, rate = measured["machine"], measured["matmul_gflops"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    threads = ", ".join(f"{name}={value}" for name, value in machine["threads"].items())
    where = f"{rate['device']}, " if measured["case"]["device"] == "cuda" else ""
    return (
        f"{machine['date']}, commit {machine['commit']}: {where}{machine['processor']}, "
        f"{machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, {machine['system']}, "
        f"{machine['allocator']}, Python {machine['python']}, {versions}; {threads}; matmul fp32 "
        f"{rate['float32']:.0f} and bf16 {rate['bfloat16']:.0f} GFLOP/s on {rate['threads']} thread{'s' if rate['threads'] > 1 else ''}."
    )


def _remarks(point: dict[str, Any]) -> Iterator[str]:
    arms = point["arms"]
    remarks = [
        f"`{arm}` does not count: {figures['does_not_count']}."
        for arm, figures in arms.items()
        if figures["does_not_count"]
    ]
    remarks += [f"`{arm}` failed: {message}" for arm, message in point["failed"].items()]
    apart = [f["largest_loss_difference"] for f in arms.values() if "largest_loss_difference" in f]
    busy = max(figures["cores_of_others"] for figures in arms.values()) if arms else 0.0
    quiet = "quiet" if point["quiet"] else "not quiet"
    remarks.append(f"The machine was {quiet} at the gates; others used at most {busy:.2f} cores.")
    if apart:
        remarks.append(
            f"The largest difference of any loss at any step from (ii): {max(apart):.1e}."
        )
    reuse = arms.get("reuse")
    if reuse:
        remarks.append(f"(ii) trained {reuse['trained_seconds']:.0f} s in a repetition.")
    yield " ".join(remarks) + "\n"


def _time(point: dict[str, Any], *, rate: dict[str, Any]) -> Iterator[str]:
    """Where the time of a step goes and the bound it meets."""
    arm = point["time_of_a_step"]["arm"]
    figures, reuse = point["arms"][arm], point["arms"].get("reuse")
    bound, step = figures["seconds_at_matmul_rate"], figures["steady_seconds"]
    dtype = "bfloat16" if point["conditions"]["dtype"] == "bfloat16" else "float32"
    text = (
        f"Where a step of `{arm}` goes, under the profiler. At {rate[dtype]:.0f} GFLOP/s the products of the frozen base "
        f"alone would take {bound * 1e3:.1f} ms; the step takes {step * 1e3:.1f} ms. "
    )
    if reuse:
        most = reuse["steady_seconds"] / bound
        text += f"Were all else free, the gain over (ii) would be {most:.1f}×: the bound on this machine."
    yield text.strip() + "\n"
    yield _markdown(time_table(point["time_of_a_step"]))


EVALS = """\
## Scoring adapters, against `lm-eval`

How many times as fast the workbench scores one adapter, and eight at once, as `lm-eval` does the same with its model class around the
same base, the same adapters and the same items. Both sides are loaded before anything is timed; `lm-eval` swaps its eight adapters on
the loaded base and never loads again. They take turns in one process with as many threads as the machine has cores, and figures are medians.
What is timed is the whole of a scoring: reading the items, prompts, tokens, the model, metrics and rows. `lm-eval` makes no standard
errors here, and ours of a set of choices also asks every choice without its question, which `lm-eval` does not.

- *1 adapter* and *8 adapters* are against the batch size at which `lm-eval` is fastest of those tried, *default batch* against
  the one it takes when none is given; of eight adapters that one is eight times the time of one.
- *Same requests* leaves all but the likelihoods away on both sides: the very same pairs of texts, in, and log-likelihoods, out.
- *Furthest apart* is the largest difference of any log-likelihood of any adapter. *Equal* means at most 1e-4 and the same accuracy of
  every adapter; where it is no, nothing was gained. Items that do not fit the model's context are left out: they are cut otherwise.
"""


def _evals(scored: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield EVALS
    yield _markdown(eval_gains_table(scored))
    for result in scored:
        machine = result["machine"]
        quiet = "quiet" if result["quiet"] else "not quiet"
        yield f"### {eval_title_of(result)}\n"
        yield (
            f"{machine['date']}, commit {machine['commit']}: {machine['processor']}, {machine['cores']} cores, Python "
            f"{machine['python']}, torch {machine['versions']['torch']}, "
            f"OMP_NUM_THREADS={machine['threads']['OMP_NUM_THREADS']}. The machine was {quiet} at the "
            f"gates; others used {result['cores_of_others']:.2f} cores.\n"
        )
        for name, measured in result["sets"].items():
            yield f"**{name}: {measured['items']} items, {measured['requests']} requests; seconds.**\n"
            yield _markdown(seconds_table(measured))


def _product(timed: dict[str, Any]) -> Iterator[str]:
    machine = timed["machine"]
    yield "## What the main things take\n"
    yield f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, Python {machine['python']}.\n"
    rows = tuple(
        (row["what"], f"{row['seconds']:.2f}", str(row["repeats"])) for row in timed["timings"]
    )
    yield _markdown(Sheet(("what", "seconds, median", "repeats"), rows))


def _markdown(sheet: Sheet) -> str:
    lines = [sheet.head, ("---", *["---:"] * (len(sheet.head) - 1)), *sheet.rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    print(page([Path(name) for name in sys.argv[1:]]), end="")

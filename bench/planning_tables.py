"""Tables of predicted against measured cost, from stored results; no figure is made here but medians and extremes of them."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bench.tables import NONE, Sheet

METHOD = """\
## Predicted cost against measured

What `workbench plan` said of a sweep before it ran, against what its worker measured: {trials} trials of {steps} steps on each point of a grid of
rank, targets, quantization and length of rows, each in a fresh worker process; what is predicted and from what is in
[planning.md](planning.md). *Peak memory* is the worker's resident memory while it trained, Python and its libraries included; *increment* is
that over the loaded model; *time* is that of training, against calibrations made in the same minutes: one before every second cell, of the
last five the mean without the least and the most. *Off* is the distance between prediction and measurement as a share of what was measured. Where a
grid was run in several rounds, medians of them are held against each other; memory does not hang on the minutes, and is foretold anew when the plan changes. Bars: the median within 10 % (increment 15 %, time
20 %), the worst cell within 25 % (time 50 %).
"""

NAMES = {
    "peak memory of the process": "peak memory",
    "peak memory of the GPU": "peak memory",
    "of it over the loaded model": "increment",
    "training": "time",
}
BARS = {"peak memory": (0.10, 0.25), "increment": (0.15, 0.25), "time": (0.20, 0.50)}
"""What the median and the worst cell may be off by."""


def quantities(one: dict[str, Any]) -> Iterator[tuple[str, dict[str, float], str]]:
    """(name, predicted and measured, unit) of what is known on both sides."""
    for side in one["sides"]:
        if side["predicted"] is None or side["measured"] is None:
            continue
        scale, unit = (1e6, "MB") if side["unit"] == "bytes" else (1.0, "s")
        values = {half: side[half] / scale for half in ("predicted", "measured")}
        yield NAMES[side["what"]], values, unit


def off(values: dict[str, float]) -> float:
    """How far a prediction is off, as a share of what was measured."""
    return abs(values["predicted"] - values["measured"]) / values["measured"]


def spread_sheet(stored: Sequence[dict[str, Any]]) -> Sheet:
    """How far the same cell lies apart when it is run again."""
    rows = []
    for result in stored:
        by_name: dict[str, list[float]] = {}
        for one in result["reruns"]:
            for name, values, _ in quantities(one):
                by_name.setdefault(name, []).append(values["measured"])
        if not by_name:
            continue
        cells = [_spread(by_name.get(name, [])) for name in BARS]
        rows.append((result["planning"], str(len(result["reruns"])), *cells))
    return Sheet(("model", "runs", *BARS), tuple(rows))


def _spread(found: list[float]) -> str:
    if len(found) < 2:
        return NONE
    return f"{(max(found) - min(found)) / statistics.median(found):.1%}"


def summary_sheet(stored: Sequence[dict[str, Any]]) -> Sheet:
    """How far predictions are off, for each model and for all cells together."""
    rows = [_summary(result["planning"], result["cells"]) for result in stored]
    if len(stored) > 1:
        rows.append(_summary("all", [cell for result in stored for cell in result["cells"]]))
    head = [f"{name}, {which}" for name in BARS for which in ("median", "worst")]
    return Sheet(("model", "cells", *head), tuple(rows))


def _summary(name: str, cells: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    by_name: dict[str, list[float]] = {}
    for cell in cells:
        for what, values, _ in quantities(cell):
            by_name.setdefault(what, []).append(off(values))
    told = []
    for what in BARS:
        found = by_name.get(what, [])
        told += [f"{statistics.median(found):.1%}", f"{max(found):.1%}"] if found else [NONE, NONE]
    return (name, str(len(cells)), *told)


def gains_sheet(stored: Sequence[dict[str, Any]]) -> Sheet:
    """What sharing a training gains, predicted and measured."""
    rows = [
        (
            result["planning"],
            str(gained["trials"]),
            str(gained["batch"]),
            str(gained["length"]),
            NONE if gained["predicted"] is None else f"{gained['predicted']:.2f}×",
            f"{gained['measured']:.2f}×",
        )
        for result in stored
        for gained in result["gains"]
    ]
    head = ("model", "K", "rows a step", "tokens at most", "S(K), predicted", "S(K), measured")
    return Sheet(head, tuple(rows))


def cells_sheet(result: dict[str, Any]) -> Sheet:
    """Every cell of a model: predicted and measured."""
    rows = []
    for cell in result["cells"]:
        known = {name: values for name, values, _ in quantities(cell)}
        rows.append(
            (
                f"{cell['bits']}, r = {cell['r']}, {cell['targets']}, {cell['length']}",
                *(_both(known.get(name), digits=1 if name == "time" else 0) for name in BARS),
            )
        )
    head = ("cell", "peak memory, MB", "increment, MB", "time, s")
    return Sheet(head, tuple(rows))


def _both(values: dict[str, float] | None, *, digits: int) -> str:
    if values is None:
        return NONE
    ratio = values["measured"] / values["predicted"] if values["predicted"] else float("nan")
    return f"{values['predicted']:.{digits}f} / {values['measured']:.{digits}f} ({ratio:.2f}×)"


def missed(stored: Sequence[dict[str, Any]]) -> list[str]:
    """The bars that are not met, in words; none when all are."""
    cells = [cell for result in stored for cell in result["cells"]]
    broken = sum("failed" in cell for cell in cells)
    found = [f"{broken} of {len(cells)} cells broke"] if broken else []
    for name, (middle, worst) in BARS.items():
        every = [off(v) for cell in cells for what, v, _ in quantities(cell) if what == name]
        if every and statistics.median(every) > middle:
            found.append(
                f"the median of {name} is off by {statistics.median(every):.0%}, over {middle:.0%}"
            )
        if every and max(every) > worst:
            over = sum(one > worst for one in every)
            found.append(f"{over} of {len(every)} cells are off by more than {worst:.0%} in {name}")
    return found


def section(stored: Sequence[dict[str, Any]], *, as_text: Callable[[Sheet], str]) -> Iterator[str]:
    """The part of the page of figures: the spread of reruns first, then how far predictions are off, then every cell."""
    first = stored[0]
    yield METHOD.format(trials=first["trials"], steps=_range(one["steps"] for one in stored))
    spread = spread_sheet(stored)
    if spread.rows:
        yield "**The same cell again: the largest less the smallest, as a share of the median.**\n"
        yield as_text(spread)
    yield "**How far predictions are off.**\n"
    yield as_text(summary_sheet(stored))
    lacking = missed(stored)
    yield ("Not met: " + "; ".join(lacking) if lacking else "Every bar is met") + ".\n"
    gained = gains_sheet(stored)
    if gained.rows:
        yield "**What sharing gains: the steps of each trial alone, added up, over those of all together; ranks of 8 on all linear layers.**\n"
        yield as_text(gained)
    for result in stored:
        yield (
            f"**{result['planning']}, {result['trials']} trials of {result['steps']} steps of {result['batch']} rows; predicted / "
            f"measured (how many times){_rounds(result)}.**\n"
        )
        yield _conditions(result)
        yield as_text(cells_sheet(result))


def _rounds(result: dict[str, Any]) -> str:
    rounds = result.get("rounds", 1)
    return f", medians of {rounds} rounds" if rounds > 1 else ""


def _conditions(result: dict[str, Any]) -> str:
    machine = result["machine"]
    anew = result.get("memory_foretold")
    foretold = f" Memory was foretold anew by commit {anew}." if anew else ""
    return (
        f"{machine['date']}, commit {machine['commit']}: {machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
        f"torch {machine['versions']['torch']}, OMP_NUM_THREADS={machine['threads']['OMP_NUM_THREADS']}; "
        f"others used {result['cores_of_others']:.2f} cores.{foretold}\n"
    )


def _range(numbers: Iterable[int]) -> str:
    found = sorted(set(numbers))
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"

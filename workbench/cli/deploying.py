"""`workbench deploy`: time every way to serve one adapter, and say what each costs and how far it moved the answers."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from workbench.cli.printing import note, notes, say, say_json, table
from workbench.deployment.variants import CONTROL, VARIANTS
from workbench.errors import InputError
from workbench.plan.serving import MACHINES, fit

if TYPE_CHECKING:
    # They bring scipy, for which no other command should wait.
    from workbench.deployment.reading import Deployment
    from workbench.timing.call import Cell
    from workbench.timing.cost import Price

Told = Callable[[float, str], None]


def deploy_command(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A trial of a sweep, SWEEP/TRIAL.")],
    variants: Annotated[
        str,
        typer.Option(
            help=f"Which, with commas between; all of {', '.join(VARIANTS)} when left out."
        ),
    ] = "",
    input_tokens: Annotated[
        str, typer.Option("--input", help="Tokens in, with commas.")
    ] = "32,128",
    output_tokens: Annotated[str, typer.Option("--output", help="Tokens out.")] = "32",
    batch: Annotated[str, typer.Option(help="Rows at once.")] = "1,8",
    seconds: Annotated[float, typer.Option(help="What measuring may take.")] = 120.0,
    price: Annotated[float | None, typer.Option(help="What an hour of this machine costs.")] = None,
    utilization: Annotated[
        float, typer.Option(help="Share of the hours in which it answers.")
    ] = 1.0,
    stored: Annotated[
        bool, typer.Option("--stored", help="Show what was measured before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Time the base and the adapter attached, merged, mixed, swapped and quantized, in turns, on this machine."""
    from workbench.deployment.reading import read
    from workbench.deployment.running import deploy
    from workbench.timing.cost import Price

    cost = None if price is None else Price(per_hour=price, utilization=utilization)
    if stored:
        found = read(path)
    else:
        sizes: dict[str, Any] = {
            "input_tokens": _numbers(input_tokens, "--input"),
            "output_tokens": _numbers(output_tokens, "--output"),
            "batch": _numbers(batch, "--batch"),
        }
        names = tuple(name.strip() for name in variants.split(",") if name.strip())
        with _watched() as told, _until_interrupted() as stopped:
            found = deploy(
                path, told=told, stopped=stopped, variants=names, seconds=seconds, **sizes
            )
    if as_json:
        say_json(as_numbers(found, cost=cost))
    else:
        tell(found, cost=cost)


def tell(found: "Deployment", *, cost: "Price | None" = None) -> None:
    """The tables, for people."""
    for cell in found.cells:
        say(str(cell))
        columns = (
            "variant",
            "call, ms",
            "first token, ms",
            "ms a token",
            "tokens/s",
            "time over base",
        )
        table(columns, [_times(found, name, cell) for name in found.variants], right=columns[1:])
        say()
    sizes = ("variant", "weights, MB", "cache, kB a token", "divergence, nats", "same token")
    table(sizes, [_size(found, name) for name in found.variants], right=sizes[1:])
    say()
    for name in found.variants:
        say(f"{name}: {VARIANTS[name].what}. Choose it for: {VARIANTS[name].choose}.")
    for name, why in found.refused.items():
        say(f"{name} was not measured: {why}")
    for why in found.facts["cells_refused"]:
        say(f"not measured: {why}")
    for flag in found.flags:
        say(f"{flag.variant} at {flag.cell}: {flag.sentence}")
    if cost is not None:
        _tell_cost(found, cost)
    _tell_room(found)
    say(
        f"intervals are 95 %; calls were taken in turns, {found.facts['texts']} compared; "
        f"a look at the clock costs {found.facts['overhead_us']:.2g} microseconds; "
        f"it ended by {found.facts['ended']} after {found.facts['seconds']:.0f} s"
    )


def as_numbers(found: "Deployment", *, cost: "Price | None" = None) -> dict[str, Any]:
    """The same for programs."""
    cells = []
    for cell in found.cells:
        for name in found.variants:
            figures = found.figures(name, cell)
            told: dict[str, Any] = {
                "variant": name,
                "input_tokens": cell.input_tokens,
                "output_tokens": cell.output_tokens,
                "batch": cell.batch,
            }
            for metric, figure in figures.items():
                told[metric] = {
                    "unit": figure.unit,
                    "calls": figure.calls,
                    "failed": figure.failed,
                    "largest": figure.largest,
                    **{f"p{100 * q:g}": one._asdict() for q, one in figure.quantiles.items()},
                }
            if name != CONTROL:
                over = found.ratio(name, cell)
                told["over_base"] = {"value": over.value, "low": over.low, "high": over.high}
            if cost is not None and "decode" in figures:
                told["cost"] = {what: one._asdict() for what, one in _costs(figures, cell, cost)}
            cells.append(told)
    agreement = {
        name: {
            "divergence": one.divergence._asdict(),
            "same": one.same._asdict(),
            "largest": one.largest,
        }
        for name, one in found.agreement.items()
    }
    return {**found.facts, "cells": cells, "agreement": agreement}


def _times(found: "Deployment", name: str, cell: "Cell") -> tuple[str, ...]:
    figures = found.figures(name, cell)
    told = [_within(figures[m].median) if m in figures else "" for m in ("e2e", "ttft", "tpot")]
    rate = figures["decode"].median.value if "decode" in figures else None
    over = ""
    if name != CONTROL:
        one = found.ratio(name, cell)
        over = "" if one.value is None else f"{one.value:.2f}x{_ends(one.low, one.high)}"
    return (name, *told, "" if rate is None else f"{rate:.0f}", over)


def _size(found: "Deployment", name: str) -> tuple[str, ...]:
    facts, moved = found.facts["variants"][name], found.agreement.get(name)
    cache = facts["cache_bytes_per_token"]
    told = (f"{facts['weights_bytes'] / 1e6:.1f}", "" if cache is None else f"{cache / 1e3:.1f}")
    if moved is None:
        return (name, *told, "reference", "")
    if moved.divergence.value is None:
        return (name, *told, "no numbers", "")
    same = moved.same
    return (
        name,
        *told,
        f"{moved.divergence.value:.2g}{_ends(moved.divergence.low, moved.divergence.high, digits=2)}",
        f"{100 * (same.value or 0):.1f} %",
    )


def _tell_cost(found: "Deployment", cost: "Price") -> None:
    say(f"at {cost.per_hour:g} {cost.currency} an hour, {100 * cost.utilization:g} % used:")
    columns = ("variant", "1M tokens in", "1M tokens out", "1,000 requests")
    for cell in found.cells:
        say(str(cell))
        rows = []
        for name in found.variants:
            figures = found.figures(name, cell)
            if "decode" in figures:
                rows.append((name, *(_within(one) for _, one in _costs(figures, cell, cost))))
        table(columns, rows, right=columns[1:])
        say()


def _costs(figures: Any, cell: "Cell", cost: "Price") -> Iterator[tuple[str, Any]]:
    yield "tokens_in", cost.of_tokens(figures["prefill"].median)
    yield "tokens_out", cost.of_tokens(figures["decode"].median)
    yield "requests", cost.of_requests(figures["e2e"].median, batch=cell.batch)


def _tell_room(found: "Deployment") -> None:
    rows = []
    for name in found.variants:
        facts = found.facts["variants"][name]
        if facts["cache_bytes_per_token"] is None:
            continue
        told = [
            fit(
                machine,
                weights=facts["weights_bytes"],
                cache_per_token=facts["cache_bytes_per_token"],
                context=found.facts["context"],
                vocabulary=found.facts["vocabulary"],
            )
            for machine in MACHINES
        ]
        rows.append(
            (
                name,
                *(f"{one.rows:,} rows" if one.is_enough else "does not fit" for one in told),
            )
        )
    columns = ("variant", *(machine.name for machine in MACHINES))
    say(f"rows of the whole context of {found.facts['context']} tokens at once, by arithmetic:")
    table(columns, rows, right=columns[1:])
    say()


def _within(found: Any) -> str:
    return "" if found.value is None else f"{found.value:.3g}{_ends(found.low, found.high)}"


def _ends(low: float | None, high: float | None, *, digits: int = 3) -> str:
    return "" if low is None or high is None else f" [{low:.{digits}g}, {high:.{digits}g}]"


def _numbers(text: str, option: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() for part in parts):
        raise InputError(
            f"{option} takes whole numbers with commas between, such as 32,128; got {text!r}"
        )
    return tuple(map(int, parts))


@contextmanager
def _watched() -> Iterator[Told]:
    if not sys.stderr.isatty():
        note("measuring; this takes its time, see --seconds")
        yield lambda share, words: None
        return
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=notes(), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda share, words: bar.update(task, completed=share, description=words)


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Ctrl-C ends the measuring and keeps what there is; a second one ends the command."""
    asked = threading.Event()
    usual = signal.getsignal(signal.SIGINT)

    def hear(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, hear)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, usual)

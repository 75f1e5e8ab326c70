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
from workbench.cli.serving_costs import (
    NOTHING_STATED,
    Terms,
    costs,
    ends,
    energies,
    room_as_numbers,
    stated,
    sweep_as_numbers,
    tell_cost,
    tell_energy,
    tell_memory,
    tell_room,
    tell_sweep,
    within,
)
from workbench.deployment.variants import CONTROL, VARIANTS
from workbench.errors import InputError

if TYPE_CHECKING:
    # They bring scipy, for which no other command should wait.
    from workbench.deployment.reading import Deployment
    from workbench.timing.call import Cell

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
    utilization: Annotated[float, typer.Option(help="Share of the hours that are used.")] = 1.0,
    monthly: Annotated[int, typer.Option(help="How often a month the work is repeated.")] = 1,
    watts: Annotated[
        float | None, typer.Option(help="What it draws: models energy where no counter tells it.")
    ] = None,
    memory: Annotated[str, typer.Option(help="A budget, such as 8GB: what fits it.")] = "",
    stored: Annotated[bool, typer.Option("--stored", help="Show what was measured.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Time the base and the adapter attached, merged, mixed, swapped and quantized, in turns, on this machine."""
    from workbench.deployment.reading import read

    terms = stated(
        price=price, utilization=utilization, monthly=monthly, watts=watts, memory=memory
    )
    found = (
        read(path)
        if stored
        else _measured(
            path,
            input_tokens=_numbers(input_tokens, "--input"),
            output_tokens=_numbers(output_tokens, "--output"),
            batch=_numbers(batch, "--batch"),
            variants=tuple(name.strip() for name in variants.split(",") if name.strip()),
            seconds=seconds,
        )
    )
    if as_json:
        say_json(as_numbers(found, terms=terms))
    else:
        tell(found, terms=terms)


def _measured(path: Path, **wanted: Any) -> "Deployment":
    from workbench.deployment.running import deploy

    with _watched() as told, _until_interrupted() as stopped:
        return deploy(path, told=told, stopped=stopped, **wanted)


def tell(found: "Deployment", *, terms: Terms = NOTHING_STATED) -> None:
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
    sizes = (
        "variant",
        "weights, MB",
        "of it adapters, MB",
        "cache, kB a token",
        "divergence, nats",
        "same token",
    )
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
    if found.clock_note:
        say(found.clock_note)
    say()
    tell_memory(found)
    tell_room(found, terms)
    if terms.price is not None:
        tell_cost(found, terms.price)
    tell_energy(found, terms)
    tell_sweep(found, terms)
    say(
        f"intervals are 95 %, of ratios 99 %; calls were taken in turns, {found.facts['texts']} compared; "
        f"a look at the clock costs {found.facts['overhead_us']:.2g} microseconds; "
        f"it ended by {found.facts['ended']} after {found.facts['seconds']:.0f} s"
    )


def as_numbers(found: "Deployment", *, terms: Terms = NOTHING_STATED) -> dict[str, Any]:
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
            if terms.price is not None:
                priced = costs(figures, cell, terms.price)
                told["cost"] = {what: one._asdict() for what, one in priced}
            if known := energies(found, name, cell, terms):
                told["energy"] = {
                    what: one if what == "how" else one._asdict() for what, one in known.items()
                }
            cells.append(told)
    agreement = {
        name: {
            "divergence": one.divergence._asdict(),
            "same": one.same._asdict(),
            "largest": one.largest,
        }
        for name, one in found.agreement.items()
    }
    more = {"room": room_as_numbers(found, terms), "sweep": sweep_as_numbers(found, terms)}
    return {**found.facts, "cells": cells, "agreement": agreement, **more}


def _times(found: "Deployment", name: str, cell: "Cell") -> tuple[str, ...]:
    figures = found.figures(name, cell)
    told = [within(figures[m].median) if m in figures else "" for m in ("e2e", "ttft", "tpot")]
    rate = figures["decode"].median.value if "decode" in figures else None
    over = ""
    if name != CONTROL:
        one = found.ratio(name, cell)
        over = "" if one.value is None else f"{one.value:.2f}x{ends(one.low, one.high)}"
    return (name, *told, "" if rate is None else f"{rate:.0f}", over)


def _size(found: "Deployment", name: str) -> tuple[str, ...]:
    facts, moved = found.facts["variants"][name], found.agreement.get(name)
    cache, adapters = facts["cache_bytes_per_token"], facts.get("adapter_bytes")
    told = (
        f"{facts['weights_bytes'] / 1e6:.1f}",
        "" if adapters is None else f"{adapters / 1e6:.2f}",
        "" if cache is None else f"{cache / 1e3:.1f}",
    )
    if moved is None:
        return (name, *told, "reference", "")
    if moved.divergence.value is None:
        return (name, *told, "no numbers", "")
    same = moved.same
    return (
        name,
        *told,
        f"{moved.divergence.value:.2g}{ends(moved.divergence.low, moved.divergence.high, digits=2)}",
        f"{100 * (same.value or 0):.1f} %",
    )


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
        from workbench.timing.measuring import Settings

        # In a block each way is called twice at each size.
        calls = 2 * Settings().fewest_blocks
        note(
            f"measuring, for --seconds or until every way was called {calls} times at every size, whichever is longer"
        )
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

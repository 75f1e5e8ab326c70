"""Tables of the ways to serve an adapter, from a stored result; no figure is made here."""

from collections.abc import Iterator
from typing import Any

from bench.tables import NONE, Sheet
from workbench.deployment.variants import VARIANTS

NOTES = {
    "bitstories-3M": "The weights of its linear layers have three values each, which nf4 holds exactly: here quantizing moves nothing.",
    "smollm-135M-shape": "Its weights are random: what they say is noise, and so is how far a way moves it.",
}
"""Of a model, by name: what a reader has to know of its figures."""


def title_of(stored: dict[str, Any]) -> str:
    """What was measured."""
    return f"Serving, {stored['serving']}"


def time_tables(stored: dict[str, Any]) -> Iterator[tuple[str, Sheet]]:
    """A table for each size of work."""
    sizes = dict.fromkeys(_size(cell) for cell in stored["cells"])
    for size in sizes:
        cells = [cell for cell in stored["cells"] if _size(cell) == size]
        rows = [_row(cell) for cell in cells]
        calls = max(cell["e2e"]["calls"] for cell in cells)
        head = ("way", "call, ms", "first token, ms", "ms a token", "tokens/s", "time over base")
        yield (
            f"{size[0]} tokens in, {size[1]} out, {size[2]} at once; {calls} calls a way",
            Sheet(head, tuple(rows)),
        )


def size_table(stored: dict[str, Any]) -> Sheet:
    """What each way holds and how far it moved the answers, with when to choose it."""
    rows = []
    for name, facts in stored["variants"].items():
        moved = stored["agreement"].get(name)
        cache = facts["cache_bytes_per_token"]
        rows.append(
            (
                name,
                f"{facts['weights_bytes'] / 1e6:.1f}",
                NONE if cache is None else f"{cache / 1e3:.2f}",
                NONE if moved is None else _within(moved["divergence"], digits=2),
                NONE if moved is None else f"{100 * moved['same']['value']:.1f} %",
                VARIANTS[name].choose,
            )
        )
    head = ("way", "weights, MB", "cache, kB a token", "divergence, nats", "same token", "for")
    return Sheet(head, tuple(rows))


def _size(cell: dict[str, Any]) -> tuple[int, int, int]:
    return cell["input_tokens"], cell["output_tokens"], cell["batch"]


def _row(cell: dict[str, Any]) -> tuple[str, ...]:
    over = cell.get("over_base")
    rate = cell["decode"]["p50"]["value"]
    return (
        cell["variant"],
        *(_within(cell[metric]["p50"]) for metric in ("e2e", "ttft", "tpot")),
        NONE if rate is None else f"{rate:.0f}",
        "1" if over is None else f"{_within(over)}×",
    )


def _within(told: dict[str, Any], *, digits: int = 3) -> str:
    if told["value"] is None:
        return NONE
    value = f"{told['value']:.{digits}g}"
    if told["low"] is None or told["high"] is None:
        return value
    return f"{value} [{told['low']:.{digits}g}, {told['high']:.{digits}g}]"

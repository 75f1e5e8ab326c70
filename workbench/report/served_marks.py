"""What the figures of ways to serve share: a colour and a sign for each way, places side by side, figures as cells.

A way has the same colour and sign in every figure, whichever others were measured. Nothing here draws a whole figure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.compare import wording
from workbench.compare.marks import PALETTE, QUIET, clean, error_bars
from workbench.compare.markup import Cell
from workbench.deployment.reading import Deployment
from workbench.deployment.variants import CONTROL, VARIANTS
from workbench.timing.call import WARM_UP, Call
from workbench.timing.call import Cell as Work

SIGNS = (("circle", "solid"), ("diamond", "dash"))
"""The ways of the second round through the palette differ in these too."""

SIDEWAYS = 0.12
"""Of the axis, what the marks of all ways at one size take."""

LETTERS = 88
"""Letters of a legend that stand in one line of a wide page; a phone has less than half."""


def style(name: str) -> tuple[str, str, str]:
    """Colour, sign and dash of a way; the control is quiet.

    >>> style("attached")[1:], style("base")[1:]
    (('circle', 'solid'), ('square', 'solid'))
    """
    ways = [way for way in VARIANTS if way != CONTROL]
    if name not in ways:
        return QUIET, "square", "solid"
    turn, place = divmod(ways.index(name), len(PALETTE))
    return PALETTE[place], *SIGNS[turn % len(SIGNS)]


def line(
    name: str,
    ends: Sequence[tuple[float | None, float | None, float | None]],
    *,
    xs: Sequence[float],
    at: Sequence[int],
) -> dict[str, Any]:
    """One way over sizes of work: its figures with their intervals at the places `xs` of the sizes `at`."""
    colour, sign, dash = style(name)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": clean(name),
        "x": list(xs),
        "y": [value for _, value, _ in ends],
        "customdata": list(at),
        "error_y": {**error_bars(ends, factor=1.0), "color": colour},
        "line": {"color": colour, "width": 1.6, "dash": dash},
        "marker": {"size": 7, "color": colour, "symbol": sign},
        "hovertemplate": f"{clean(name)} at %{{customdata}}: %{{y:.4g}}<extra></extra>",
    }


def beside(size: float, place: int, *, of: int, span: float) -> float:
    """Where the mark of one of many ways stands around a size, on a log axis that holds `span` times its smallest size.

    >>> beside(8.0, 1, of=3, span=16.0)
    8.0
    """
    share = SIDEWAYS * (place - (of - 1) / 2) / of
    return float(size * span**share)


def legend(layout: dict[str, Any], names: Sequence[str]) -> None:
    """A legend above the figure, and the room that it takes on a phone."""
    layout["showlegend"] = True
    lines = -(-sum(len(name) + 6 for name in names) * 2 // LETTERS)
    layout["height"] += 12 + 19 * lines
    layout["legend"] |= {"itemsizing": "constant"}


def calls_of(found: Deployment, name: str, work: Work) -> list[Call]:
    """The calls of a way at a size of work that count: no warm-ups, none without times."""
    return [
        call
        for call in found.calls
        if call.variant == name and call.cell == work and call.block != WARM_UP and not call.error
    ]


def within(
    value: float | None = None,
    low: float | None = None,
    high: float | None = None,
    *,
    under: str = "",
    numbers: Mapping[str, float | None] | None = None,
) -> Cell:
    """A figure with its interval; empty where there is none."""
    if value is None:
        return Cell(raw=None, text="")
    ends = "" if low is None or high is None else f"[{short(low)}, {short(high)}]"
    told = {"low": low, "high": high, **(numbers or {})}
    return Cell(raw=value, text=short(value), beside=ends, under=under, numbers=tuple(told.items()))


def short(value: float) -> str:
    """Three digits of it.

    >>> short(1234.5), short(1.2345), short(0.0), short(2.34e-7)
    ('1234', '1.23', '0', '2.3e-07')
    """
    return wording.number(value, "ms") if not value or abs(value) >= 1e-3 else f"{value:.2g}"


def size_numbers(work: Work) -> dict[str, int]:
    """The figures in the words of a size of work."""
    return {"in": work.input_tokens, "out": work.output_tokens, "rows": work.batch}


def counted(counts: Sequence[int]) -> str:
    """How many, where they may differ.

    >>> counted([12, 12]), counted([12, 9])
    ('12', '9 to 12')
    """
    ends = dict.fromkeys((min(counts), max(counts)))
    return " to ".join(map(str, ends))

"""What each way to serve gives up for what: its time over the base against how far it moved the answers, and its weights.

`weighed(found, work)` gives a `Chart` with one mark a way, as large as its weights. Divergences that rounding alone explains lie
together on the lowest line, since none of them is better than another.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.compare import wording
from workbench.compare.drawing import Chart
from workbench.compare.marks import QUIET, clean, error_bars, id_of, layout_of, log_axis
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.deployment.reading import Agreement, Deployment
from workbench.deployment.variants import CONTROL, REFERENCE
from workbench.report.served_marks import legend, size_numbers, style, within
from workbench.stats.intervals import Interval
from workbench.timing.call import Cell as Work
from workbench.timing.pairs import LEVEL

ROUNDING = 1e-6
"""Nats a token that the order of a sum in float32 explains."""

MEGABYTE = 1e6

SMALLEST, LARGEST = 6.0, 18.0
"""Diameters of marks; their areas are as the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One way: what it takes, what it moves, what it holds."""

    name: str
    time: Interval
    """Over that of the base."""
    moved: Interval
    """Nats a token, from the answers of the attached adapter."""
    same: Interval
    megabytes: float

    @property
    def shown(self) -> float:
        """Its height in the figure."""
        return max(self.moved.value or 0.0, ROUNDING)

    def is_beaten_by(self, other: "Weighed") -> bool:
        """Whether another is no worse in time, answers and weights, and better in one of them.

        >>> def way(time, moved, megabytes):
        ...     def told(value):
        ...         return Interval(value, None, None, 9, 9, "")
        ...     return Weighed(name="", time=told(time), moved=told(moved), same=told(1.0), megabytes=megabytes)
        >>> way(1.5, 0.0, 4.0).is_beaten_by(way(1.0, 1e-9, 4.0)), way(1.5, 0.0, 4.0).is_beaten_by(way(1.0, 0.1, 4.0))
        (True, False)
        """
        ours, theirs = ((w.time.value, w.shown, w.megabytes) for w in (self, other))
        return theirs != ours and all(b <= a for a, b in zip(ours, theirs, strict=True))  # type: ignore[operator]


def weighed(found: Deployment, work: Work) -> Chart | None:
    """One mark a way at one size of work; None below two."""
    ways = ways_of(found, work)
    if len(ways) < 2:
        return None
    best = [one for one in ways if not any(one.is_beaten_by(other) for other in ways)]
    trial, width = found.facts["trial"], max(one.megabytes for one in ways)
    layout = layout_of(
        height=360, x=f"time of a call, times that of {CONTROL}", y="divergence, nats a token"
    )
    _axes(layout, ways)
    names = [_label(one) for one in ways]
    legend(layout, names)
    data = [_mark(one, name, width=width) for one, name in zip(ways, names, strict=True)]
    said = [
        f"{one.name} {one.time.value:.3g} times, {_nats(one.moved.value)} nats, {one.megabytes:.1f} MB"
        for one in ways
    ]
    return Chart(
        id=id_of(f"weighed-{trial}-{work}"),
        title=f"Serving {trial}: answers against time and memory",
        figure={"data": [*data, *_front(ways)], "layout": layout},
        alt=f"Time over {CONTROL}, divergence and weights at {work}: {wording.first_of(said)}.",
        table=_table(found, ways, best, work=work),
        caption=f"{work}. Down and to the left is better; the area of a mark is its weights, bars are intervals, of the "
        f"time {100 * LEVEL:g} %, within blocks, and of the answers 95 %, over texts. Less than {ROUNDING:f} nats is rounding and lies on the "
        f"lowest line. Both axes are logarithmic. The dotted line joins those that no other beats in both figures.{_left_out(found, ways)}",
    )


def ways_of(found: Deployment, work: Work) -> list[Weighed]:
    """Every way whose time and answers are both known."""
    kept = []
    for name in found.variants:
        time, moved = _time(found, name, work), _moved(found, name)
        if time.value is None or moved is None or moved[0].value is None:
            continue
        weights = found.facts["variants"][name]["weights_bytes"] / MEGABYTE
        kept.append(Weighed(name=name, time=time, moved=moved[0], same=moved[1], megabytes=weights))
    return kept


def _left_out(found: Deployment, ways: Sequence[Weighed]) -> str:
    left = [name for name in found.variants if name not in {one.name for one in ways}]
    return f" Without time or answers: {wording.listed(left)}." if left else ""


def _time(found: Deployment, name: str, work: Work) -> Interval:
    if name == CONTROL:
        return Interval(1.0, None, None, 0, 0, "by definition")
    told = found.ratio(name, work)
    return Interval(told.value, told.low, told.high, told.blocks, told.blocks, told.method)


def _moved(found: Deployment, name: str) -> tuple[Interval, Interval] | None:
    """Divergence and share of same tokens; the reference is where it is by definition."""
    if name == REFERENCE:
        nothing = Interval(0.0, None, None, 0, 0, "by definition")
        return nothing, nothing._replace(value=1.0)
    told: Agreement | None = found.agreement.get(name)
    return (told.divergence, told.same) if told else None


def _label(one: Weighed) -> str:
    return f"{one.name}, {one.megabytes:.1f} MB"


def _mark(one: Weighed, label: str, *, width: float) -> dict[str, Any]:
    colour, sign, _ = style(one.name)
    size = max(SMALLEST, LARGEST * math.sqrt(one.megabytes / width))
    low, high = (
        None if end is None else max(end, ROUNDING) for end in (one.moved.low, one.moved.high)
    )
    return {
        "type": "scatter",
        "mode": "markers",
        "name": clean(label),
        "x": [one.time.value],
        "y": [one.shown],
        "customdata": [one.megabytes],
        "error_x": error_bars([(one.time.low, one.time.value, one.time.high)], factor=1.0),
        "error_y": error_bars([(low, one.shown, high)], factor=1.0),
        "marker": {"size": round(size, 1), "color": colour, "symbol": sign},
        "opacity": 0.85,
        "hovertemplate": f"{clean(label)}: %{{x:.3g}} times, %{{y:.3g}} nats<extra></extra>",
    }


def _axes(layout: dict[str, Any], ways: Sequence[Weighed]) -> None:
    times = [end for one in ways for end in one.time[:3] if end is not None]
    layout["xaxis"] |= log_axis(times)
    logs = [math.log10(end) for end in times]
    room = 0.1 * ((max(logs) - min(logs)) or 1.0)
    layout["xaxis"]["range"] = [min(logs) - room, max(logs) + room]
    heights = [max(end, ROUNDING) for one in ways for end in one.moved[:3] if end is not None]
    most = math.log10(max([*heights, 10 * ROUNDING]))
    powers = range(math.ceil(math.log10(ROUNDING)), math.floor(most) + 1)
    layout["yaxis"] |= {
        "type": "log",
        "tickvals": [10.0**power for power in powers],
        "ticktext": [f"≤ {_power(powers[0])}", *map(_power, powers[1:])],
        "range": [math.log10(ROUNDING) - 0.12 * (most + 6), most + 0.1 * (most + 6)],
    }


def _power(power: int) -> str:
    """A power of ten, as short as it can be.

    >>> _power(-6), _power(0), _power(-1)
    ('10⁻⁶', '1', '0.1')
    """
    if -2 <= power <= 2:
        return f"{10.0**power:g}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _nats(value: float | None) -> str:
    """A divergence in words; what rounding explains is not told apart."""
    if value is None:
        return "–"
    return f"{value:.2g}" if value >= ROUNDING else f"less than {ROUNDING:f}"


def _front(ways: Sequence[Weighed]) -> list[dict[str, Any]]:
    """A line along those that no other beats in time and answers."""
    kept: list[Weighed] = []
    for one in sorted(ways, key=lambda way: (way.time.value, way.shown)):
        if not kept or one.shown < kept[-1].shown:
            kept.append(one)
    if len(kept) < 2:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [one.time.value for one in kept],
            "y": [one.shown for one in kept],
            "line": {"color": QUIET, "width": 1.4, "dash": "dot"},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def _table(
    found: Deployment, ways: Sequence[Weighed], best: Sequence[Weighed], *, work: Work
) -> Table:
    columns = (
        Column(key="variant", title="way"),
        number_column("time", f"time over {CONTROL}"),
        number_column("divergence", "divergence", note="nats a token"),
        number_column("same", "same token", note="%"),
        number_column("weights", "weights", note="MB"),
        Column(key="kept", title="unbeaten", note="in all three"),
    )
    lines = tuple(
        Line(
            cells=(
                Cell(raw=one.name, text=one.name),
                within(*one.time[:3]),
                within(*one.moved[:3]),
                within(*(None if end is None else 100 * end for end in one.same[:3])),
                Cell(raw=one.megabytes, text=f"{one.megabytes:.1f}"),
                Cell(raw=one in best, text="yes" if one in best else ""),
            )
        )
        for one in ways
    )
    numbers = {**size_numbers(work), "level": LEVEL, "rounding": ROUNDING}
    return Table(columns=columns, lines=lines, numbers=tuple(numbers.items()))

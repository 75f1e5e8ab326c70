"""The axes of a drawing that needs no script: where a value lies, which ticks stand on an axis, how they are written.

`axis_of(layout, "x", traces, low=62, high=708)` reads a plotly axis, linear, logarithmic or of words, and gives an `Axis`
that turns values into places. It draws nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

ROOM = 0.06
"""Of the span of the data, free at both ends where no range is given."""

MOST_TICKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis: from `start` at the place `low` to `end` at the place `high`, both on its own scale."""

    kind: str
    """`linear`, `log` or `category`."""
    start: float
    end: float
    low: float
    high: float
    words: tuple[str, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()
    """Places with what is written there."""
    title: str = ""
    is_gridded: bool = True

    def place(self, value: Any, *, is_scaled: bool = False) -> float | None:
        """Where a value lies; None where it lies nowhere. `is_scaled` says that a logarithm was taken already."""
        at = self._number(value, is_scaled=is_scaled)
        if at is None or not math.isfinite(at):
            return None
        return self.low + (at - self.start) / (self.end - self.start) * (self.high - self.low)

    def _number(self, value: Any, *, is_scaled: bool) -> float | None:
        if self.kind == "category" and isinstance(value, str):
            return float(self.words.index(value)) if value in self.words else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if self.kind == "log" and not is_scaled:
            return math.log10(value) if value > 0 else None
        return float(value)


def axis_of(
    layout: dict[str, Any], name: str, traces: Sequence[dict[str, Any]], *, low: float, high: float
) -> Axis:
    """An axis of a plotly figure, laid between two places."""
    told = layout.get(f"{name}axis") or {}
    values = [value for trace in traces for value in _values(trace, name)]
    words = tuple(dict.fromkeys(value for value in values if isinstance(value, str)))
    kind = "category" if words else "log" if told.get("type") == "log" else "linear"
    start, end = _ends(told, kind, values, words=words)
    bare = Axis(kind=kind, start=start, end=end, low=low, high=high, words=words)
    return Axis(
        kind=kind,
        start=start,
        end=end,
        low=low,
        high=high,
        words=words,
        ticks=tuple(_ticks(told, bare)),
        title=_text_of(told.get("title")),
        is_gridded=told.get("showgrid", True) is not False,
    )


def _values(trace: dict[str, Any], name: str) -> Iterable[Any]:
    values = list(trace.get(name) or ())
    yield from values
    bars = trace.get(f"error_{name}") or {}
    up, down = bars.get("array") or (), bars.get("arrayminus") or bars.get("array") or ()
    for value, more, less in zip(values, up, down, strict=False):
        if isinstance(value, int | float):
            yield from (value + (more or 0), value - (less or 0))
    is_along = (trace.get("orientation") or "v") == ("h" if name == "x" else "v")
    if trace.get("type") == "bar" and is_along:
        yield 0.0


def _ends(
    told: dict[str, Any], kind: str, values: Sequence[Any], *, words: Sequence[str]
) -> tuple[float, float]:
    given = told.get("range")
    if given and all(isinstance(end, int | float) for end in given) and given[0] != given[1]:
        return float(given[0]), float(given[1])
    if kind == "category":
        return -0.5, len(words) - 0.5
    known = [float(v) for v in values if isinstance(v, int | float) and math.isfinite(v)]
    if kind == "log":
        known = [math.log10(value) for value in known if value > 0]
    if not known:
        return 0.0, 1.0
    least, most = min(known), max(known)
    room = (most - least) * ROOM or abs(most) * 0.1 or 1.0
    return least - room, most + room


def _ticks(told: dict[str, Any], axis: Axis) -> Iterable[tuple[float, str]]:
    if axis.kind == "category":
        pairs: list[tuple[Any, str]] = [(word, word) for word in axis.words]
    elif told.get("tickvals") is not None:
        at = told["tickvals"]
        pairs = list(zip(at, told.get("ticktext") or [_written(v) for v in at], strict=False))
    else:
        pairs = [(value, _written(value)) for value in _even(axis)]
    least, most = sorted((axis.low, axis.high))
    for value, text in pairs:
        place = axis.place(value)
        if place is not None and least - 0.5 <= place <= most + 0.5:
            yield place, str(text)


def _even(axis: Axis) -> list[float]:
    """Round values between the ends of an axis."""
    least, most = sorted((axis.start, axis.end))
    if axis.kind == "log":
        powers = range(math.ceil(least), math.floor(most) + 1)
        return [10.0**power for power in powers]
    rough = (most - least) / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough)
    return [n * step for n in range(math.ceil(least / step), math.floor(most / step + 1e-9) + 1)]


def _written(value: Any) -> str:
    """A value on an axis.

    >>> _written(0.30000000000000004), _written(12000.0), _written(-2.0)
    ('0.3', '12\u202f000', '\u22122')
    """
    if not isinstance(value, int | float):
        return str(value)
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    return f"{value:,.6g}".replace(",", "\u202f").replace("-", "\u2212")


def _text_of(title: Any) -> str:
    return str(title.get("text") or "") if isinstance(title, dict) else str(title or "")

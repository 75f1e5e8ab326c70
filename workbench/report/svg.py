"""A plotly figure as SVG: `drawn(figure, name=..., title=..., alt=...)` for a page that runs no script.

It knows the kinds of traces that our figures use (points, lines, areas, bars, error bars) with their axes, reference
lines, words and legend, and refuses any other by giving None. Quiet colours are the page's own variables, so that light,
dark and paper need no second drawing. Every text is escaped.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from workbench.compare.marks import PALETTE, QUIET
from workbench.report.svg_axes import Axis, axis_of

WIDTH = 720
LETTER = 7.0
"""Width of a letter of the axes, on average."""
LEGEND = 8
"""Size of a mark in a legend whose marks are all of one size."""

INK, SOFT, GRID = (
    "var(--ink,#3a3d40)",
    "var(--soft,#6b7075)",
    "var(--grid,rgba(133,137,143,.22))",
)
DASHES = {"dot": "2 4", "dash": "7 5", "dashdot": "7 4 2 4", "longdash": "11 6"}
STYLE = f"width:{WIDTH}px;max-width:100%;min-width:32rem;height:auto;font:13px system-ui,sans-serif"


@dataclass(frozen=True, slots=True)
class _Frame:
    """The ground of a figure."""

    x: Axis
    y: Axis
    left: float
    right: float
    top: float
    bottom: float


def drawn(figure: dict[str, Any], *, name: str, title: str, alt: str) -> Markup | None:
    """The figure as an `svg` element that says what it shows; None where a trace is of an unknown kind."""
    traces, layout = figure.get("data") or [], figure.get("layout") or {}
    if not all(map(_is_known, traces)):
        return None
    traces = [_coloured(trace, place) for place, trace in enumerate(traces)]
    legend, depth = _legend(traces, layout)
    margin = {"l": 62, "r": 12, "t": 24, "b": 52} | (layout.get("margin") or {})
    height = float(layout.get("height") or 340) + depth
    left, right = float(margin["l"]), WIDTH - float(margin["r"])
    top, bottom = float(margin["t"]) + depth, height - float(margin["b"])
    frame = _Frame(
        axis_of(layout, "x", traces, low=left, high=right),
        axis_of(layout, "y", traces, low=bottom, high=top),
        left,
        right,
        top,
        bottom,
    )
    bars = [trace for trace in traces if trace.get("type") == "bar"]
    parts = [
        *_axes(frame),
        *_lines_across(layout, frame),
        *(mark for trace in bars for mark in _bars(trace, bars, layout, frame)),
        *(mark for trace in traces if trace not in bars for mark in _trace(trace, frame)),
        *_words(layout, frame),
        *legend,
    ]
    return Markup(
        '<svg role="img" aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {width} {height}" style="{style}">'
        '<title id="{name}-title">{title}</title><desc id="{name}-desc">{alt}</desc>{parts}</svg>'
    ).format(
        name=name,
        width=WIDTH,
        height=_n(height),
        style=STYLE,
        title=title,
        alt=alt,
        parts=Markup("").join(parts),
    )


def _is_known(trace: dict[str, Any]) -> bool:
    """Whether it is points, lines or bars, in plain lists; plotly writes arrays as bytes."""
    is_plain = all(isinstance(trace.get(axis) or [], list) for axis in "xy")
    return is_plain and trace.get("type", "scatter") in ("scatter", "bar")


def _coloured(trace: dict[str, Any], place: int) -> dict[str, Any]:
    """A trace that says its colour, as plotly would give it one."""
    marker, line = trace.get("marker") or {}, trace.get("line") or {}
    told = line.get("color") or marker.get("color") or PALETTE[place % len(PALETTE)]
    return {
        **trace,
        "marker": {"color": told, "size": 6, **marker},
        "line": {"color": told if isinstance(told, str) else PALETTE[0], "width": 2, **line},
    }


def _axes(frame: _Frame) -> Iterable[Markup]:
    yield Markup('<g class="gridlayer">')
    if frame.x.is_gridded:
        for at, _ in frame.x.ticks:
            yield _line(at, frame.top, at, frame.bottom, colour=GRID, width=1)
    if frame.y.is_gridded:
        for at, _ in frame.y.ticks:
            yield _line(frame.left, at, frame.right, at, colour=GRID, width=1)
    yield Markup("</g>")
    yield _line(frame.left, frame.bottom, frame.right, frame.bottom, colour=QUIET, width=1)
    yield _line(frame.left, frame.top, frame.left, frame.bottom, colour=QUIET, width=1)
    for at, word in _apart(frame.x.ticks):
        yield _text(word, at, frame.bottom + 17, anchor="middle")
    for at, word in frame.y.ticks:
        yield _text(word, frame.left - 6, at + 4, anchor="end")
    yield _text(frame.x.title, (frame.left + frame.right) / 2, frame.bottom + 40, anchor="middle")
    middle, across = (frame.top + frame.bottom) / 2, 15.0
    yield _text(frame.y.title, across, middle, anchor="middle", turned=True)


def _apart(ticks: Sequence[tuple[float, str]]) -> Iterable[tuple[float, str]]:
    """The ticks whose words do not lie on each other."""
    end = -math.inf
    for at, word in sorted(ticks):
        half = len(word) * LETTER / 2
        if at - half > end:
            end = at + half + 4
            yield at, word


def _trace(trace: dict[str, Any], frame: _Frame) -> Iterable[Markup]:
    xs, ys = list(trace.get("x") or ()), list(trace.get("y") or ())
    places = [(frame.x.place(x), frame.y.place(y)) for x, y in zip(xs, ys, strict=False)]
    mode, line = str(trace.get("mode") or "lines+markers"), trace["line"]
    yield Markup('<g opacity="{}">').format(_n(float(trace.get("opacity", 1))))
    if trace.get("fill") == "toself":
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in places if x is not None and y is not None)
        yield Markup('<polygon points="{}" fill="{}"/>').format(
            corners, trace.get("fillcolor", GRID)
        )
    if "lines" in mode and float(line["width"]) > 0:
        yield from _path(places, line)
    for axis, bars in (("x", trace.get("error_x")), ("y", trace.get("error_y"))):
        if bars:
            yield from _error_bars(axis, bars, xs, ys, frame)
    if "markers" in mode:
        for place, (x, y) in enumerate(places):
            if x is not None and y is not None:
                yield _marker(x, y, trace["marker"], place)
    if "text" in mode:
        for (x, y), word in zip(places, trace.get("text") or (), strict=False):
            if x is not None and y is not None:
                yield _text(str(word), x + 7, y - 6, anchor="start", colour=INK)
    yield Markup("</g>")


def _path(
    places: Sequence[tuple[float | None, float | None]], line: dict[str, Any]
) -> Iterable[Markup]:
    """A line through places, broken where one is missing."""
    steps, is_down = [], False
    for x, y in places:
        if x is None or y is None:
            is_down = False
            continue
        steps.append(f"{'L' if is_down else 'M'}{_n(x)} {_n(y)}")
        is_down = True
    dash = DASHES.get(str(line.get("dash")), "")
    yield Markup('<path d="{}" fill="none" stroke="{}" stroke-width="{}"{}/>').format(
        "".join(steps),
        line["color"],
        _n(float(line["width"])),
        Markup(' stroke-dasharray="{}"').format(dash) if dash else "",
    )


def _error_bars(
    axis: str, bars: dict[str, Any], xs: Sequence[Any], ys: Sequence[Any], frame: _Frame
) -> Iterable[Markup]:
    up, down = bars.get("array") or (), bars.get("arrayminus") or bars.get("array") or ()
    colour, width = bars.get("color", QUIET), float(bars.get("thickness", 1.6))
    for x, y, more, less in zip(xs, ys, up, down, strict=False):
        value = x if axis == "x" else y
        if not isinstance(value, int | float) or not (more or less):
            continue
        scale = frame.x if axis == "x" else frame.y
        ends = scale.place(value - (less or 0)), scale.place(value + (more or 0))
        across = frame.y.place(y) if axis == "x" else frame.x.place(x)
        if ends[0] is None or ends[1] is None or across is None:
            continue
        if axis == "x":
            yield _line(ends[0], across, ends[1], across, colour=colour, width=width)
        else:
            yield _line(across, ends[0], across, ends[1], colour=colour, width=width)


def _marker(x: float, y: float, marker: dict[str, Any], place: int) -> Markup:
    colour, size = _nth(marker["color"], place), float(_nth(marker["size"], place))
    symbol, half = str(_nth(marker.get("symbol", "circle"), place)), size / 2
    open_paint, paint = Markup('fill="none" stroke="{}" stroke-width="1.2"'), Markup('fill="{}"')
    paint = (open_paint if symbol.endswith("-open") else paint).format(colour)
    if symbol.startswith("square"):
        return Markup('<rect x="{}" y="{}" width="{}" height="{}" {}/>').format(
            _n(x - half), _n(y - half), _n(size), _n(size), paint
        )
    if symbol.startswith("diamond"):
        corners = f"{_n(x)},{_n(y - half)} {_n(x + half)},{_n(y)} {_n(x)},{_n(y + half)} {_n(x - half)},{_n(y)}"
        return Markup('<polygon points="{}" {}/>').format(corners, paint)
    return Markup('<circle cx="{}" cy="{}" r="{}" {}/>').format(_n(x), _n(y), _n(half), paint)


def _bars(
    trace: dict[str, Any], bars: Sequence[dict[str, Any]], layout: dict[str, Any], frame: _Frame
) -> Iterable[Markup]:
    """Bars side by side, or over each other where the layout says `overlay`."""
    is_lying = trace.get("orientation") == "h"
    ends, across = (
        (trace.get("x"), trace.get("y")) if is_lying else (trace.get("y"), trace.get("x"))
    )
    along, beside = (frame.x, frame.y) if is_lying else (frame.y, frame.x)
    many = 1 if layout.get("barmode") == "overlay" else len(bars)
    step = abs((beside.high - beside.low) / (beside.end - beside.start))
    wide = 0.8 * step / many
    shift = (bars.index(trace) if many > 1 else 0) * wide - 0.4 * step
    zero = along.place(0.0)
    for place, (end, at) in enumerate(zip(ends or (), across or (), strict=False)):
        tip, middle = along.place(end), beside.place(at)
        if tip is None or middle is None or zero is None:
            continue
        first, size, low = min(tip, zero), abs(tip - zero), middle + shift
        box = (first, low, size, wide) if is_lying else (low, first, wide, size)
        yield Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>').format(
            *map(_n, box), _nth(trace["marker"]["color"], place)
        )
    yield from _trace(trace | {"mode": "none"}, frame)


def _lines_across(layout: dict[str, Any], frame: _Frame) -> Iterable[Markup]:
    for shape in layout.get("shapes") or ():
        ends = [_at(shape, f"{axis}{end}", frame) for end in "01" for axis in "xy"]
        if shape.get("type") != "line" or None in ends:
            continue
        line = {"color": QUIET, "width": 1.4} | (shape.get("line") or {})
        x0, y0, x1, y1 = (end for end in ends if end is not None)
        yield from _path([(x0, y0), (x1, y1)], line)


def _words(layout: dict[str, Any], frame: _Frame) -> Iterable[Markup]:
    for note in layout.get("annotations") or ():
        x, y = (_at(note, axis, frame, is_scaled=True) for axis in "xy")
        if x is None or y is None:
            continue
        anchor = {"left": "start", "right": "end"}.get(str(note.get("xanchor")), "middle")
        lift = {"bottom": -3, "top": 12}.get(str(note.get("yanchor")), 4)
        # Up is positive in plotly's shifts and negative on the page.
        x, y = x + float(note.get("xshift", 0)), y - float(note.get("yshift", 0)) + lift
        yield _text(str(note.get("text", "")), x, y, anchor=anchor)


def _at(told: dict[str, Any], key: str, frame: _Frame, *, is_scaled: bool = False) -> float | None:
    """A place of a shape or a word: a value of an axis, or a share of the ground."""
    axis = frame.x if key[0] == "x" else frame.y
    value = told.get(key)
    if str(told.get(f"{key[0]}ref", key[0])) == "paper":
        return axis.low + float(value or 0) * (axis.high - axis.low)
    return axis.place(value, is_scaled=is_scaled)


def _legend(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> tuple[list[Markup], float]:
    """Names with their colours above the ground, and how much room they take."""
    named = [t for t in traces if t.get("name") and t.get("showlegend", True)]
    if not layout.get("showlegend") or not named:
        return [], 0.0
    is_fixed = (layout.get("legend") or {}).get("itemsizing") == "constant"
    fixed = {"size": LEGEND} if is_fixed else {}
    parts: list[Markup] = []
    x, y = 62.0, 16.0
    for trace in named:
        width = 30 + len(str(trace["name"])) * LETTER
        if x > 62 and x + width > WIDTH:
            x, y = 62.0, y + 19
        is_line = (
            "lines" in str(trace.get("mode") or "lines+markers") and trace.get("type") != "bar"
        )
        if is_line:
            parts += _path([(x, y - 4), (x + 18, y - 4)], trace["line"])
        if not is_line or "markers" in str(trace.get("mode")):
            parts.append(_marker(x + 9, y - 4, trace["marker"] | fixed, 0))
        parts.append(_text(str(trace["name"]), x + 23, y, anchor="start", colour=INK))
        x += width + 8
    return parts, y - 4


def _line(x0: float, y0: float, x1: float, y1: float, *, colour: str, width: float) -> Markup:
    return Markup('<path d="M{} {}L{} {}" stroke="{}" stroke-width="{}"/>').format(
        _n(x0), _n(y0), _n(x1), _n(y1), colour, _n(width)
    )


def _text(
    word: str, x: float, y: float, *, anchor: str, colour: str = SOFT, turned: bool = False
) -> Markup:
    if not word:
        return Markup("")
    turn = Markup(' transform="rotate(-90 {} {})"').format(_n(x), _n(y)) if turned else ""
    return Markup('<text x="{}" y="{}" text-anchor="{}" fill="{}"{}>{}</text>').format(
        _n(x), _n(y), anchor, colour, turn, word
    )


def _nth(told: Any, place: int) -> Any:
    """What is told for all, or for each."""
    return told[place % len(told)] if isinstance(told, list) and told else told


def _n(value: float) -> str:
    """A coordinate, short.

    >>> _n(12.04), _n(3.0), _n(0.25)
    ('12', '3', '0.25')
    """
    return (
        f"{value:.1f}".removesuffix(".0")
        if abs(value) >= 1
        else f"{value:.2f}".rstrip("0").rstrip(".")
    )

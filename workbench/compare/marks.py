"""What figures are drawn with: colours, axes, error bars, bands, reference lines and thinned-out curves.

Plain dictionaries and lists in plotly's words. Nothing here knows a trial, an eval or a sweep; `charts.py` does.
"""

import math
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from workbench.compare.signs import written_out

PALETTE = ("#2b7bba", "#d1602b", "#2b9174", "#ab62a8", "#9a7d0a", "#7b6fd0")
"""Told apart by all common kinds of colour vision; each has contrast above 3 on white and on near-black."""

QUIET = "#85898f"
"""The base, chance, and what is not the point of the figure."""

LONGEST = 32
"""Characters of a name beside a figure."""

POINTS = 160
"""Points drawn of one learning curve; each is the mean of the steps it stands for."""

Ends = tuple[float | None, float | None, float | None]
"""Lower end, value, upper end."""


def layout_of(*, height: int, x: str, y: str = "") -> dict[str, Any]:
    """Two quiet axes on a transparent ground."""
    axis = {
        "zeroline": False,
        "showline": True,
        "linecolor": QUIET,
        "gridcolor": "rgba(133,137,143,.22)",
    }
    return {
        "height": height,
        # Fixed, not automatic: plotly would redraw each figure until its margins settle.
        "margin": {"l": 62, "r": 12, "t": 24, "b": 52},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#6b7075"},
        "showlegend": False,
        "legend": {
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "title": {"text": ""},
        },
        "xaxis": {**axis, "title": _title(x)},
        "yaxis": {**axis, "title": _title(y)},
    }


def decimate(
    xs: Sequence[int], ys: Sequence[float], *, points: int = POINTS
) -> tuple[list[float], list[float | None], int]:
    """At most so many points, each the mean of its neighbours, and how many steps a point stands for.

    A step whose value is not finite makes its point a gap: a diverging run must not look smooth.

    >>> decimate([1, 2, 3, 4], [4.0, 2.0, 1.0, 1.0], points=2)
    ([1.5, 3.5], [3.0, 1.0], 2)
    """
    bucket = max(1, math.ceil(len(xs) / points))
    kept_x: list[float] = []
    kept_y: list[float | None] = []
    for start in range(0, len(xs), bucket):
        x, y = xs[start : start + bucket], ys[start : start + bucket]
        mean = sum(y) / len(y)
        kept_x.append(sum(x) / len(x))
        kept_y.append(float(f"{mean:.6g}") if math.isfinite(mean) else None)
    return kept_x, kept_y, bucket


def error_bars(ends: Sequence[Ends], *, factor: float) -> dict[str, Any]:
    """Bars from the lower to the upper ends; none where an end is missing."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [_reach(high, value, factor) for _, value, high in ends],
        "arrayminus": [_reach(value, low, factor) for low, value, _ in ends],
        "thickness": 1.6,
        "width": 0,
        "color": QUIET,
    }


def band(
    xs: Sequence[float], ends: Sequence[Ends], *, factor: float, colour: str
) -> dict[str, Any]:
    """A faint area between lower and upper ends."""
    kept = [
        (x, low * factor, high * factor)
        for x, (low, _, high) in zip(xs, ends, strict=True)
        if low is not None and high is not None
    ]
    forth = [x for x, _, _ in kept]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": forth + forth[::-1],
        "y": [high for _, _, high in kept] + [low for _, low, _ in kept][::-1],
        "fill": "toself",
        "fillcolor": _faint(colour),
        "line": {"width": 0, "color": colour},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def seed_dots(
    places: Sequence[tuple[str, float, Sequence[float]]], *, values: str
) -> list[dict[str, Any]]:
    """Small dots for the seeds of each candidate: (colour, place on the other axis, figures)."""
    other = "y" if values == "x" else "x"
    return [
        {
            "type": "scatter",
            "mode": "markers",
            values: list(figures),
            other: [at] * len(figures),
            "marker": {"size": 6, "color": colour, "symbol": "circle-open"},
            "hovertemplate": f"one seed: %{{{values}:.4g}}<extra></extra>",
            "showlegend": False,
        }
        for colour, at, figures in places
        if figures
    ]


def reference(
    layout: dict[str, Any], axis: str, at: float, *, word: str, dash: str = "dot"
) -> None:
    """A line across the figure at a value of one axis, with its word."""
    other = "y" if axis == "x" else "x"
    layout.setdefault("shapes", []).append(
        {
            "type": "line",
            f"{axis}ref": axis,
            f"{axis}0": at,
            f"{axis}1": at,
            f"{other}ref": "paper",
            f"{other}0": 0,
            f"{other}1": 1,
            "line": {"color": QUIET, "width": 1.4, "dash": dash},
            "layer": "below",
        }
    )
    place = (
        {"x": at, "xref": "x", "xanchor": "center", "y": 1, "yref": "paper", "yanchor": "bottom"}
        if axis == "x"
        else {
            "x": 1,
            "xref": "paper",
            "xanchor": "right",
            "y": at,
            "yref": "y",
            "yanchor": "bottom",
        }
    )
    word_of = {"text": word, "showarrow": False, "font": {"size": 12}}
    layout.setdefault("annotations", []).append(word_of | place)


def point_names(
    layout: dict[str, Any], names: Sequence[str], *, xs: Sequence[float], ys: Sequence[float]
) -> None:
    """A name beside each point with bars both ways: in a quarter between them, away from the nearest point."""
    width, height = ((max(values) - min(values)) or 1.0 for values in (xs, ys))
    points = [(x / width, y / height) for x, y in zip(xs, ys, strict=True)]
    for place, (name, (x, y)) in enumerate(zip(names, points, strict=True)):
        others = [point for at, point in enumerate(points) if at != place]
        near = min(others, key=lambda other: math.dist(other, (x, y)), default=(x, y))
        is_right, is_below = near[0] < x, near[1] > y
        layout.setdefault("annotations", []).append(
            {
                "text": clean(name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"),
                "showarrow": False,
                "x": xs[place],
                "y": ys[place],
                "xanchor": "left" if is_right else "right",
                "yanchor": "top" if is_below else "bottom",
                "xshift": 5 if is_right else -5,
                "yshift": -5 if is_below else 5,
            }
        )


def span(values: Sequence[float | None]) -> list[float]:
    """An axis that holds every value, with a little room."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(known), max(known)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return [low - room, high + room]


def log_axis(values: Sequence[float]) -> dict[str, Any]:
    """A log axis with figures on it: powers of ten, below two decades steps of 1, 2 and 5, below that even steps.

    >>> log_axis([0.4, 6.0])["ticktext"], log_axis([2.31, 2.52])["ticktext"]
    (['0.5', '1', '2', '5'], ['2.35', '2.4', '2.45', '2.5'])
    """
    low, high = min(values), max(values)
    if high >= 100 * low:
        return {"type": "log", "dtick": 1}
    first, last = math.floor(math.log10(low)), math.floor(math.log10(high))
    steps = [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
    ticks = [step for step in steps if low <= step <= high]
    if len(ticks) < 3:
        ticks = _even(low, high) or [low]
    texts = [f"{tick:,.6g}".replace(",", "\u202f") for tick in ticks]
    return {"type": "log", "tickvals": [float(f"{tick:.6g}") for tick in ticks], "ticktext": texts}


def _even(low: float, high: float) -> list[float]:
    """Even steps, three to seven of them, between two ends; none where they are one."""
    if not high > low:
        return []
    rough = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(digit * power for digit in (1, 2, 5) if digit * power <= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def named_axis(layout: dict[str, Any], names: Sequence[str]) -> None:
    """Names down the left side, from the top, with room for the longest."""
    shown = [
        clean(name) if len(name) <= LONGEST else clean(name[: LONGEST - 1]) + "…" for name in names
    ]
    layout["margin"]["l"] = 20 + 7 * max(map(len, shown))
    layout["yaxis"] |= {
        "type": "linear",
        "tickvals": list(range(len(names))),
        "ticktext": shown,
        "range": [len(names) - 0.5, -0.5],
        "showgrid": False,
    }


def clean(text: str) -> str:
    """A name plotly shows as it is: it would read tags, entities and `%{places}` in it."""
    return re.sub(r"[<>&]|(?<=%)(?={)", "·", written_out(text))


def id_of(text: str) -> str:
    """A text as an id in a page, another for every text: file names may differ in signs alone that no id has.

    >>> id_of("rank-recall"), id_of("eval-choices:数学") == id_of("eval-choices:语文")
    ('rank-recall', False)
    """
    word = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return word if word == text else f"{word}-{blake2b(text.encode(), digest_size=3).hexdigest()}"


def _reach(high: float | None, low: float | None, factor: float) -> float:
    return 0.0 if high is None or low is None else max(0.0, (high - low) * factor)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},.16)"


def _title(text: str) -> dict[str, Any]:
    shown = text if len(text) <= 2 * LONGEST else text[: 2 * LONGEST - 1] + "…"
    return {"text": clean(shown), "font": {"size": 13}, "standoff": 8}

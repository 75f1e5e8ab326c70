"""Figures that need no script: each plot of a page gets its drawing as SVG beside its block of JSON.

`draw_in(notebook)` draws every figure of an executed notebook, so that they are seen wherever it is opened; of its HTML
`only_drawings(html)` leaves out the JSON, for a page whose figures need no script, and `without_drawings(html)` the SVG. A figure that
cannot be drawn here says so.
"""

import json
import re
from html import unescape
from typing import Any

from markupsafe import Markup

from workbench.report.svg import drawn

_FIGURE = re.compile(r"<figure\b[^>]*>.*?</figure>", re.DOTALL)
_TITLE = re.compile(r"<strong>([^<]*)</strong>")
_PLOT = re.compile(r'<div\b(?P<told>[^>]*\bdata-figure="(?P<data>[^"]+)"[^>]*)>')
_ALT = re.compile(r'\baria-label="([^"]*)"')
_BLOCK = re.compile(
    r'<script\b[^>]*\btype="application/json"[^>]*>(?P<json>.*?)</script>', re.DOTALL
)
_DRAWN = re.compile(r"<!--drawn-->.*?<!--/drawn-->", re.DOTALL)
_FILLED = re.compile(_PLOT.pattern + r"(?P<inside>" + _DRAWN.pattern + r")</div>", re.DOTALL)

CANNOT = Markup("This figure can be drawn by a script only, and this page has none that draws.")


def draw_in(notebook: Any) -> None:
    """Put a drawing beside the data of every figure."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html")
            if isinstance(html, str):
                output["data"]["text/html"] = with_drawings(html)


def with_drawings(html: str) -> str:
    """The HTML with an SVG in every plot that has none."""
    return _FIGURE.sub(lambda found: _with_drawing(found[0]), html)


def without_drawings(html: str) -> str:
    """The HTML as it was before its figures were drawn."""
    return _DRAWN.sub("", html)


def only_drawings(html: str) -> str:
    """The HTML with drawings in the place of plots and their blocks of JSON."""
    return _BLOCK.sub("", _FILLED.sub(lambda found: found["inside"], html))


def _with_drawing(html: str) -> str:
    plot, block = _PLOT.search(html), _BLOCK.search(html)
    told = _figure(block["json"]) if block else None
    if plot is None or told is None or _DRAWN.search(html):
        return html
    title, alt = _TITLE.search(html), _ALT.search(plot["told"])
    svg = drawn(
        told,
        name=f"still-{unescape(plot['data'])}",
        title=unescape(title[1]) if title else "",
        alt=unescape(alt[1]) if alt else "",
    )
    inside = Markup("<!--drawn-->{}<!--/drawn-->").format(svg or CANNOT)
    return html[: plot.end()] + str(inside) + html[plot.end() :]


def _figure(block: str) -> dict[str, Any] | None:
    try:
        told = json.loads(block)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None

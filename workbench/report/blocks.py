"""The pieces a section of a report is made of: headings, facts, tables and figures, as escaped HTML.

`section(title, ...)` gives a `Section` that a notebook cell shows; `figure(chart)` puts a plotly figure into the page
as a block of JSON, with its words and its numbers beside it. The page's one script draws it. No text reaches HTML
but through `markupsafe`.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from workbench.compare.drawing import Chart
from workbench.compare.markup import Table, visible

_OUT_OF_SCRIPTS = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


@dataclass(frozen=True)
class Section:
    """What one cell of a report shows."""

    title: str
    html: Markup

    def _repr_html_(self) -> str:
        return str(self.html)

    def __repr__(self) -> str:
        return f"<report section {self.title!r}>"


NOT_STATED = "not stated"
"""Said of what nobody wrote down."""

NOTHING = Section("", Markup(""))
"""A section with nothing to say; it leaves no trace in the page."""


def section(title: str, *parts: Markup | None) -> Section:
    """A titled section; without any part it is nothing."""
    said = [part for part in parts if part]
    if not said:
        return NOTHING
    name = anchor(title)
    html = Markup('<section aria-labelledby="{}"><h2 id="{}">{}</h2>{}</section>').format(
        name, name, title, Markup("\n").join(said)
    )
    return Section(title, html)


def subheading(title: str, *, within: str = "") -> Markup:
    """A heading inside a section; with `within` it is also listed in the contents."""
    if not within:
        return Markup("<h3>{}</h3>").format(title)
    return Markup('<h3 id="{}">{}</h3>').format(anchor(f"{within} {title}"), title)


def paragraph(text: str, *, tone: str = "") -> Markup:
    """A paragraph of plain text."""
    return Markup("<p{}>{}</p>").format(_class(tone), text) if text else Markup("")


def prose(text: str) -> Markup:
    """A paragraph of our own words, in which `words between backticks` are code."""
    return Markup("<p>{}</p>").format(with_code(text)) if text else Markup("")


def with_code(text: str) -> Markup:
    """Text with what stands between backticks as code.

    >>> with_code("a `<b>` c")
    Markup('a <code>&lt;b&gt;</code> c')
    """
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else Markup("{}").format(part)
        for place, part in enumerate(parts)
    )


def listing(texts: Iterable[str]) -> Markup:
    """A list of plain texts; nothing when there are none."""
    items = Markup("").join(Markup("<li>{}</li>").format(visible(text)) for text in texts)
    return Markup("<ul>{}</ul>").format(items) if items else Markup("")


def facts(pairs: Sequence[tuple[str, str]], *, tone: str = "facts") -> Markup:
    """Names with their values; those without a value are left out."""
    items = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, visible(value))
        for name, value in pairs
        if value
    )
    return Markup("<dl{}>{}</dl>").format(_class(tone), items) if items else Markup("")


def table(found: Table | None) -> Markup | None:
    """A table for a page that has its style."""
    return found.markup() if found is not None and found.lines else None


def code(text: str, *, label: str) -> Markup:
    """Text to be copied as it is."""
    return Markup('<pre tabindex="0" aria-label="{}"><code>{}</code></pre>').format(label, text)


def folded(title: str, *parts: Markup | None) -> Markup | None:
    """Something for those who want to know more."""
    said = [part for part in parts if part]
    if not said:
        return None
    return Markup("<details><summary>{}</summary>{}</details>").format(title, Markup("").join(said))


def figure(chart: Chart | None) -> Markup | None:
    """A figure: title, drawing, caption, and its numbers in a table."""
    if chart is None:
        return None
    height = int(chart.figure["layout"].get("height", 340))
    return Markup(
        '<figure id="fig-{id}"><figcaption><strong>{title}</strong> {caption}</figcaption>'
        '<div class="plot" role="img" aria-label="{alt}" data-figure="data-{id}" style="height:{height}px"></div>'
        '<script type="application/json" id="data-{id}">{json}</script>{numbers}</figure>'
    ).format(
        id=chart.id,
        title=_capital(chart.title),
        caption=chart.caption,
        alt=chart.alt,
        height=height,
        json=_data_block(chart.figure),
        numbers=folded("Numbers of this figure", table(chart.table)),
    )


def anchor(text: str) -> str:
    """A text as the id of a heading.

    >>> anchor("How to reproduce")
    'how-to-reproduce'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def _data_block(content: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    for sign, written in _OUT_OF_SCRIPTS.items():
        text = text.replace(sign, written)
    return Markup(text)  # noqa: S704 - every sign that HTML knows was written out above


def _class(tone: str) -> Markup:
    return Markup(' class="{}"').format(tone) if tone else Markup("")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

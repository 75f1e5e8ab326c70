"""The pieces a section of a report is made of: headings, facts, tables and figures, as escaped HTML.

`section(title, ...)` gives a `Section` that a notebook cell shows; `figure(chart)` puts a plotly figure into the page
as a block of JSON, with its words and its numbers beside it. The page's one script draws it. No text reaches HTML
but through `markupsafe`. What is written here is also recorded as data (`numbers.py`); pieces that are put together
with `joined` keep their
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from markupsafe import Markup

from workbench.compare.drawing import Chart
from workbench.compare.markup import Table, visible
from workbench.compare.signs import written_out
from workbench.report.numbers import (
    MIME,
    Said,
    Told,
    of_figure,
    of_section,
    of_table,
    plain,
    said_by,
    sentence,
)

_OUT_OF_SCRIPTS = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


@dataclass(frozen=True)
class Section:
    """What one cell of a report shows, with the same as data."""

    title: str
    html: Markup
    about: Mapping[str, Any] = field(default_factory=dict)
    """What it says of the report as a whole, such as its verdict."""

    def _repr_html_(self) -> str:
        return written_out(str(self.html))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        if not self.html:
            return shown
        said = of_section(self.title, anchor(self.title), said_by([self.html]))
        return shown | {MIME: {"section": said, "about": plain(self.about)}}

    def __repr__(self) -> str:
        return f"<report section {self.title!r}>"


class Fact(NamedTuple):
    """A name with its value, and the raw value where that is a number."""

    name: str
    text: str
    raw: Any = None


class Sentence(NamedTuple):
    """A sentence, with the raw values of the figures in it."""

    text: str
    numbers: Mapping[str, Any]


NOT_STATED = "not stated"
"""Said of what nobody wrote down."""

NOTHING = Section("", Markup(""))
"""A section with nothing to say; it leaves no trace in the page."""


def section(title: str, *parts: Markup | None, about: Mapping[str, Any] | None = None) -> Section:
    """A titled section; without any part it is nothing."""
    said = [part for part in parts if part]
    if not said:
        return NOTHING
    name = anchor(title)
    html = Told('<section aria-labelledby="{}"><h2 id="{}">{}</h2>{}</section>').format(
        name, name, title, Told("\n").join(said)
    )
    return Section(title, html, about or {})


def joined(*parts: Markup | None) -> Told:
    """Pieces one after another, and what they say."""
    return Told("").join(part for part in parts if part)


def subheading(title: str, *, within: str = "") -> Told:
    """A heading inside a section; with `within` it is also listed in the contents."""
    said = [Said("headings", title)]
    if not within:
        return Told(Markup("<h3>{}</h3>").format(title), said)
    return Told(Markup('<h3 id="{}">{}</h3>').format(anchor(f"{within} {title}"), title), said)


def paragraph(text: str, *, tone: str = "", numbers: Mapping[str, Any] | None = None) -> Told:
    """A paragraph of plain text; `numbers` are the raw values of the figures in it."""
    if not text:
        return Told("")
    html = Markup("<p{}>{}</p>").format(_class(tone), text)
    return Told(html, [sentence(text, numbers)])


def prose(text: str) -> Told:
    """A paragraph of our own words, in which `words between backticks` are code."""
    if not text:
        return Told("")
    said = [Said("words", text.replace("`", ""))]
    return Told(Markup("<p>{}</p>").format(with_code(text)), said)


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


def listing(texts: Iterable[str | Sentence]) -> Told:
    """A list of texts, our own words or as they were stored, and of sentences; nothing when there are none."""
    kept = list(texts)
    if not kept:
        return Told("")
    told = [one if isinstance(one, str) else one.text for one in kept]
    items = Markup("").join(Markup("<li>{}</li>").format(visible(text)) for text in told)
    said = [Said("words", one) if isinstance(one, str) else sentence(*one) for one in kept]
    return Told(Markup("<ul>{}</ul>").format(items), said)


def facts(pairs: Sequence[tuple[str, str] | Fact], *, tone: str = "facts") -> Told:
    """Names with their values; those without a value are left out."""
    kept = [
        pair if isinstance(pair, Fact) else Fact(*pair, raw=pair[1]) for pair in pairs if pair[1]
    ]
    if not kept:
        return Told("")
    items = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(one.name, visible(one.text))
        for one in kept
    )
    said = [Said("facts", one._asdict()) for one in kept]
    return Told(Markup("<dl{}>{}</dl>").format(_class(tone), items), said)


def table(found: Table | None) -> Told | None:
    """A table for a page that has its style."""
    if found is None or not found.lines:
        return None
    return Told(found.markup(), [Said("tables", of_table(found))])


def code(text: str, *, label: str) -> Markup:
    """Text to be copied as it is."""
    return Markup('<pre tabindex="0" aria-label="{}"><code>{}</code></pre>').format(label, text)


def folded(title: str, *parts: Markup | None) -> Told | None:
    """Something for those who want to know more."""
    said = [part for part in parts if part]
    if not said:
        return None
    head = Told(Markup("<summary>{}</summary>").format(title), [Said("headings", title)])
    return Told("<details>{}{}</details>").format(head, joined(*said))


def figure(chart: Chart | None) -> Told | None:
    """A figure: title, drawing, caption, and its numbers in a table."""
    if chart is None:
        return None
    height = int(chart.figure["layout"].get("height", 340))
    html = Markup(
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
    return Told(html, [Said("figures", of_figure(chart))])


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

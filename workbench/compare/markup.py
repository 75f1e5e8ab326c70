"""Small tables that read well in a notebook and in a report, in light and in dark.

`Table` holds columns and rows of cells, each a raw value with the text that is shown for it. `.frame()` gives the
raw values as pandas, `_repr_html_` the table with its style, `markup()` the bare table for a page that has the style
already. All text is escaped here; nothing that comes from a model, a dataset or a name reaches HTML another way.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from workbench.compare.signs import written_out

if TYPE_CHECKING:
    import pandas as pd

MAX_TEXT = 2000
"""Characters of a text that are shown; how many were left out is said."""

MAX_NAME = 160
"""Characters of a name, or of a figure with its words."""

STYLE = """
.wb-table{border-collapse:collapse;font:0.875em/1.45 system-ui,sans-serif;margin:.6em 0 1em;max-width:100%}
.wb-caption{font:0.875em/1.45 system-ui,sans-serif;opacity:.75;margin:.6em 0 0}
.wb-table th,.wb-table td{padding:.34em .8em .34em 0;text-align:left;vertical-align:baseline;
border:0;border-bottom:1px solid color-mix(in srgb,currentColor 14%,transparent);background:none}
.wb-table thead th{font-weight:600;vertical-align:bottom;border-bottom-color:color-mix(in srgb,currentColor 45%,transparent)}
.wb-table tbody th{font-weight:500;white-space:nowrap}
.wb-table .wb-name{display:inline-block;width:max-content;max-width:26ch;white-space:normal;overflow-wrap:anywhere;vertical-align:top}
.wb-table .wb-num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.wb-table small{opacity:.68;font-size:.86em;white-space:nowrap}
.wb-table td small,.wb-table th small{margin-left:.45em}
.wb-table .wb-num small{display:block;margin:0;line-height:1.3}
.wb-table thead small{font-weight:400}
.wb-table tr.wb-strong th,.wb-table tr.wb-strong td{font-weight:600}
.wb-table tr.wb-quiet th,.wb-table tr.wb-quiet td{opacity:.72}
.wb-table .wb-text{white-space:pre-wrap;overflow-wrap:anywhere;max-width:34ch}
.wb-scroll{overflow-x:auto}
.wb-scroll:focus-visible{outline:2px solid currentColor;outline-offset:2px}
.wb-hint{display:none;font:0.8em/1.45 system-ui,sans-serif;opacity:.75;margin:.3em 0 0}
@media screen and (max-width:40rem){.wb-hint{display:block}}
""".strip()

LONG_NAME = 12
"""Characters beyond which the name of a row may be broken where there is little room."""

WIDE = 5
"""Columns that do not fit side by side on a phone."""

HINT = Markup('<p class="wb-hint">Scroll the table sideways to see all columns →</p>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: `key` in the frame, `title` in the head."""

    key: str
    title: str
    note: str = ""
    """Under the title, in small: a unit, a chance level."""
    count: str = ""
    """Under the note: how many items the figures stand on."""
    is_number: bool = False
    is_text: bool = False
    """Text of a model or a dataset: kept as it was written, line breaks and all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A raw value, the text shown for it, a smaller text beside and another under that."""

    raw: Any
    text: str = ""
    beside: str = ""
    under: str = ""
    numbers: tuple[tuple[str, Any], ...] = ()
    """Raw values of the smaller texts, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of cells; `tone` is `strong`, `quiet` or nothing."""

    cells: tuple[Cell, ...]
    tone: str = ""
    more: tuple[tuple[str, Any], ...] = ()
    """Raw values that only the frame has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that shows itself."""

    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    caption: str = ""
    numbers: tuple[tuple[str, Any], ...] = ()
    """Raw values of the caption, by name."""

    def frame(self) -> "pd.DataFrame":
        """The raw values."""
        import pandas as pd

        keys = [column.key for column in self.columns]
        records = [
            dict(zip(keys, (cell.raw for cell in line.cells), strict=True)) | dict(line.more)
            for line in self.lines
        ]
        return pd.DataFrame(records) if records else pd.DataFrame(columns=keys)

    def markup(self) -> Markup:
        """The table as HTML, without its style."""
        head = Markup("").join(_head(column) for column in self.columns)
        body = Markup("").join(self._line(line) for line in self.lines)
        caption = Markup('<p class="wb-caption">{}</p>').format(self.caption)
        return Markup(
            '{}{}<div class="wb-scroll" tabindex="0" role="group" aria-label="{}">'
            '<table class="wb-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
        ).format(
            caption if self.caption else "",
            HINT if len(self.columns) >= WIDE else "",
            self.caption or "Table",
            head,
            body,
        )

    def styled(self) -> Markup:
        """The table as HTML, with its style."""
        style = Markup(STYLE)  # noqa: S704 - our own constant
        return Markup("<style>{}</style>{}").format(style, self.markup())

    def _repr_html_(self) -> str:
        return str(self.styled())

    def __repr__(self) -> str:
        heads = [
            told
            for part in ("title", "note", "count")
            if any(told := [getattr(column, part) for column in self.columns])
        ]
        rows = [
            [" ".join(filter(None, (c.text, c.beside, c.under))) for c in line.cells]
            for line in self.lines
        ]
        shown = [*heads, *rows]
        widths = [max(len(text) for text in column) for column in zip(*shown, strict=True)]
        lines = ["  ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) for row in shown]
        return "\n".join(line.rstrip() for line in lines)

    def _line(self, line: Line) -> Markup:
        cells = []
        for place, (column, cell) in enumerate(zip(self.columns, line.cells, strict=True)):
            beside = _small(cell.beside, cell.under)
            tag = Markup('th scope="row"') if place == 0 else Markup("td")
            kind = "wb-num" if column.is_number else "wb-text" if column.is_text else ""
            text = visible(cell.text) if column.is_text else _short(cell.text)
            if place == 0 and not column.is_text and len(text) > LONG_NAME:
                text = Markup('<span class="wb-name">{}</span>').format(text)
            cells.append(
                Markup("<{}{}>{}{}</{}>").format(
                    tag,
                    Markup(' class="{}"').format(kind) if kind else "",
                    text,
                    beside,
                    "th" if place == 0 else "td",
                )
            )
        tone = Markup(' class="wb-{}"').format(line.tone) if line.tone else ""
        return Markup("<tr{}>{}</tr>").format(tone, Markup("").join(cells))


def number_column(key: str, title: str, *, note: str = "", count: str = "") -> Column:
    """A right-aligned column of figures."""
    return Column(key=key, title=title, note=note, count=count, is_number=True)


def visible(text: str) -> Markup:
    """Text of a stranger, escaped; control and direction marks are shown, not obeyed; long text is cut."""
    left_out = len(text) - MAX_TEXT
    kept = written_out(text[:MAX_TEXT])
    more = Markup("<small>… {} more characters</small>").format(left_out) if left_out > 0 else ""
    return Markup('<span dir="auto">{}</span>{}').format(kept, more)


def _short(name: str) -> str:
    kept = written_out(name)
    return kept if len(kept) <= MAX_NAME else f"{kept[:MAX_NAME]}…"


def _head(column: Column) -> Markup:
    note = _small(column.note, column.count)
    kind = Markup(' class="wb-num"') if column.is_number else ""
    return Markup('<th scope="col"{}>{}{}</th>').format(kind, escape(_short(column.title)), note)


def _small(*texts: str) -> Markup:
    # The space is for where styles are taken out: a notebook that is not trusted, a text browser.
    return Markup("").join(Markup(" <small>{}</small>").format(text) for text in texts if text)

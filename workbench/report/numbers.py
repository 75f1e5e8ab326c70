"""What a report says, as data: every figure of a page with its raw value, and the files it comes from.

While `blocks.py` writes HTML it records what it wrote as `Said` pieces; `Told` is HTML that carries them through joining
and formatting. A notebook keeps those of a section beside its HTML, under `MIME`; `collected(notebook)` gathers them into
one document, which is written as `<page>.json`. It is plain JSON, says nothing of the machine or the hour, and writes no
HTML.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple, Self

from markupsafe import Markup

import workbench
from workbench.compare.drawing import Chart
from workbench.compare.markup import MAX_TEXT, Table

MIME = "application/vnd.peft-workbench.numbers+json"
"""Under this name a cell of an executed notebook keeps what its section says."""

FORMAT = 1
"""The form of the document; another number is another form."""

KINDS = ("headings", "words", "sentences", "facts", "tables", "figures", "rows")
"""What a section says, by kind: `words` are documentation and messages as they were stored, `sentences` are findings, and
`rows` are the files that figures were worked out from."""


class Said(NamedTuple):
    """One thing a page says, as data."""

    kind: str
    """One of `KINDS`."""
    content: Any


class Told(Markup):
    """HTML that carries what it says as data; what is joined or formatted into it is carried too."""

    said: tuple[Said, ...]

    def __new__(cls, html: Any = "", said: Iterable[Said] = ()) -> Self:
        made = super().__new__(cls, html)
        made.said = tuple(said)
        return made

    def format(self, *args: Any, **kwargs: Any) -> Self:
        """The template with its places filled, and what those say."""
        return type(self)(super().format(*args, **kwargs), said_by([*args, *kwargs.values()]))

    def join(self, parts: Iterable[Any], /) -> Self:
        """The parts as one, and what they say."""
        kept = list(parts)
        return type(self)(super().join(kept), said_by(kept))

    def __add__(self, other: Any, /) -> Self:
        return type(self)(super().__add__(other), said_by([self, other]))


def said_by(parts: Iterable[Any]) -> tuple[Said, ...]:
    """What some pieces of HTML say, one after another; plain text says nothing."""
    return tuple(one for part in parts for one in getattr(part, "said", ()))


def sentence(text: str, numbers: Mapping[str, Any] | None = None) -> Said:
    """A sentence, with the raw values of the figures in it."""
    return Said("sentences", {"text": text, "numbers": numbers or {}})


def of_table(table: Table) -> dict[str, Any]:
    """A table: its columns, and in each row the raw value of every cell with the text shown for it."""
    return {
        "caption": table.caption,
        "numbers": dict(table.numbers),
        "columns": [
            {"key": c.key, "title": c.title, "note": c.note, "count": c.count}
            for c in table.columns
        ],
        "rows": [
            {
                "cells": [
                    _cell(cell, is_text=column.is_text)
                    for column, cell in zip(table.columns, line.cells, strict=True)
                ],
                "more": dict(line.more),
            }
            for line in table.lines
        ],
    }


def of_figure(chart: Chart) -> dict[str, Any]:
    """A figure: its words, the points that are drawn, the lines they are drawn against, and its table."""
    kept = ("name", "x", "y", "error_x", "error_y", "text", "customdata")
    layout = chart.figure["layout"]
    return {
        "id": chart.id,
        "title": chart.title,
        "caption": chart.caption,
        "alt": chart.alt,
        "series": [
            {key: trace[key] for key in kept if key in trace} for trace in chart.figure["data"]
        ],
        "references": [
            {end: shape[end] for end in ("x0", "x1", "y0", "y1") if end in shape}
            for shape in layout.get("shapes", [])
        ],
        "table": of_table(chart.table),
    }


def of_section(title: str, anchor: str, said: Iterable[Said]) -> dict[str, Any]:
    """A section, by kind and in the order of the page; every kind is there, said or not."""
    found: dict[str, Any] = {"title": title, "anchor": anchor} | {kind: [] for kind in KINDS}
    for one in said:
        found[one.kind].append(one.content)
    made: dict[str, Any] = plain(found)
    return made


def collected(notebook: Any) -> dict[str, Any]:
    """The document of an executed notebook: what its sections say, in their order, and what the sweep was.

    A notebook that has no such section gives a document without any.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "workbench": workbench.__version__,
        "title": "",
        "sweep": "",
        "verdict": None,
        "sections": [],
        "sources": [],
    }
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            told = output.get("data", {}).get(MIME)
            if told:
                document |= told.get("about", {})
                document["sections"].append(told["section"])
    made: dict[str, Any] = plain(document)
    return made


def plain(value: Any) -> Any:
    """A value as JSON has it: a number that is not finite is null.

    >>> plain({"p": float("nan"), 1: (1, 2.5, None)})
    {'p': None, '1': [1, 2.5, None]}
    """
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if hasattr(value, "item") and hasattr(value, "dtype"):
        return plain(value.item() if value.ndim == 0 else value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value) if isinstance(value, str | PurePath) else repr(value)
    # Half a sign cannot be written as UTF-8.
    return text.encode(errors="backslashreplace").decode()


def _cell(cell: Any, *, is_text: bool) -> dict[str, Any]:
    """A cell; of a stranger's long text as much as is shown."""
    if is_text:
        text = cell.text[:MAX_TEXT]
        left_out = len(cell.text) - len(text)
        found = {"raw": text, "text": text} | ({"left_out": left_out} if left_out else {})
    else:
        found = {"raw": cell.raw, "text": cell.text}
    beside = {key: told for key in ("beside", "under") if (told := getattr(cell, key))}
    return found | beside | ({"numbers": dict(cell.numbers)} if cell.numbers else {})

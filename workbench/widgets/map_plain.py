"""The model map as plain data: what its browser part draws, the fields as YAML, and a table where no widget can be shown.

Everything here is made from a grid and the ranks on it; nothing is computed that PEFT would have to agree with. Text
that becomes HTML is escaped here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import escape

from workbench.widgets.model_grid import Cell, Grid

_NOT_TEXT = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""What YAML reads as something else than a word."""


def places_of(grid: Grid, *, name: str, fixed: Mapping[str, str]) -> dict[str, Any]:
    """What is drawn, and where, for the browser.

    Args:
        name: What the model is called.
        fixed: Modules that take no adapter, with the reason.
    """
    return {
        "model": name,
        "rows": list(grid.layers),
        "columns": [
            {
                "label": c.label,
                "target": c.target,
                "stack": c.stack,
                "group": c.group,
                "attends": c.attends,
            }
            for c in grid.columns
        ],
        "cells": [_place(cell, fixed=fixed, tied=grid.shape.tied) for cell in grid.cells],
        "notes": ["The experts of this model are fused and take no adapter."]
        if grid.shape.is_mixture
        else [],
    }


def _place(cell: Cell, *, fixed: Mapping[str, str], tied: bool) -> dict[str, Any]:
    module = cell.module
    # A tied head is the embedding, which is never quantized.
    stays = module.kind == "embedding" or (module.kind == "head" and tied)
    return {
        "name": module.name,
        "row": cell.row,
        "column": cell.column,
        "size": [module.in_features, module.out_features],
        "kind": module.kind,
        "fixed": fixed.get(module.name, ""),
        "stays": stays,
    }


def as_yaml(parts: Mapping[str, Mapping[str, Any] | None]) -> str:
    """Parts of a spec, a line each field; a part without fields is left out."""
    lines = []
    for part, fields in parts.items():
        if fields:
            lines += [f"{part}:", *(line for name in fields for line in _lines(name, fields[name]))]
    return "\n".join(lines)


def _lines(field: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"  {field}:", *(f"    {_plain(key)}: {of}" for key, of in value.items())]
    return [f"  {field}: {_plain(value)}"]


def _plain(value: Any) -> str:
    r"""A value as YAML reads it back; text has quotes only where it must.

    >>> print(_plain(r"layers\.(0|1)\.mlp"), _plain("0"), _plain("no"), _plain(["q_proj", True]))
    layers\.(0|1)\.mlp "0" "no" [q_proj, true]
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if not isinstance(value, str):
        return json.dumps(value)
    harmless = re.fullmatch(r"[A-Za-z_^(][\w.\\()|*^-]*", value)
    return value if harmless and value.lower() not in _NOT_TEXT else json.dumps(value)


def as_text(name: str, *, summary: Mapping[str, Any]) -> str:
    """One line, for a terminal."""
    if not summary["highest"]:
        return f"model map of {name}: nothing is painted"
    ranks = {summary["lowest"], summary["highest"]}
    return (
        f"model map of {name}: {summary['painted']} of {summary['of']} linear modules, rank "
        f"{' to '.join(str(rank) for rank in sorted(ranks))}, {summary['trainable']:,} trainable "
        f"parameters ({summary['share']:.3%})"
    )


def as_table(grid: Grid, *, ranks: Sequence[int], caption: str) -> str:
    """The map as static HTML."""
    at = {(c.row, c.column): rank for c, rank in zip(grid.cells, ranks, strict=True)}
    heads = "".join(f"<th scope='col'>{escape(c.label)}</th>" for c in grid.columns)
    rows = "".join(
        f"<tr><th scope='row'>{layer}</th>"
        + "".join(f"<td>{at.get((row, column)) or ''}</td>" for column in range(len(grid.columns)))
        + "</tr>"
        for row, layer in enumerate(grid.layers)
    )
    apart = "".join(
        f"<tr><th scope='row'>{escape(c.module.name)}</th><td colspan='{len(grid.columns)}'>{rank}</td></tr>"
        for c, rank in zip(grid.cells, ranks, strict=True)
        if c.row is None and rank
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr><th scope='col'>layer</th>{heads}</tr>"
        f"</thead><tbody>{rows}{apart}</tbody></table>"
    )

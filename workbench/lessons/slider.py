"""One thing changed at a time: a slider over a few values, with the formula and what it comes to beside it.

Every value is computed when the slider is made, so it answers at once, also beside a busy kernel. Where no widget can be shown a table of all values
stands in its place. It knows no lesson: what is computed is the notebook's own function.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from workbench.errors import InputError
from workbench.lessons.cards import Card, in_figures, prose

Row = Mapping[str, Any]


def slider(
    name: str,
    *,
    values: Sequence[Any],
    shows: Callable[[Any], Row],
    formula: str = "",
    worked: Callable[[Any], str] | None = None,
    start: Any = None,
) -> Any:
    """A slider that changes one thing and shows what follows.

    Args:
        name: What is changed, as it is called in the formula.
        values: The values it takes, in order.
        shows: value -> {what: number or text}; called once for each value.
        formula: One line that says how the figures come about; code in backticks.
        worked: value -> the same line with its numbers in place of its words.
        start: The value it stands at first; None takes the first.
    """
    if not values:
        raise InputError(f"a slider for {name!r} needs at least one value; it was given none")
    rows = [shows(value) for value in values]
    if start is not None and start not in values:
        raise InputError(f"start={start!r} is none of the values {list(values)}")
    from workbench.lessons.slider_face import Slider

    def card(at: int | None, line: str = "") -> Card:
        return _card(name, values=list(values), rows=rows, formula=formula, at=at, worked=line)

    lines = [worked(value) if worked else "" for value in values]
    plain = card(None)
    return Slider(
        label=name,
        words=[str(value) for value in values],
        cards=[str(card(at, line).html) for at, line in enumerate(lines)],
        at=list(values).index(start) if start is not None else 0,
        text=plain.text,
        html=plain._repr_html_(),
    )


def _card(
    name: str,
    *,
    values: list[Any],
    rows: list[Row],
    formula: str,
    at: int | None,
    worked: str = "",
) -> Card:
    """All values in a table; the one the slider stands at is marked."""
    heads = [name, *dict.fromkeys(key for row in rows for key in row)]
    cells = [
        [str(value), *(_figure(row.get(key, "")) for key in heads[1:])]
        for value, row in zip(values, rows, strict=True)
    ]
    lines = Markup("").join(
        Markup("<tr{}><th scope='row'>{}</th>{}</tr>").format(
            Markup(" class='wl-now' aria-current='true'") if place == at else "",
            ("▸ " if place == at else "") + row[0],
            Markup("").join(Markup("<td class='wl-num'>{}</td>").format(cell) for cell in row[1:]),
        )
        for place, row in enumerate(cells)
    )
    head = Markup("").join(
        Markup("<th scope='col'{}>{}</th>").format(
            Markup(" class='wl-num'") if place else "", prose(word)
        )
        for place, word in enumerate(heads)
    )
    html = Markup(
        "<div class='wb-lesson' data-state=''>{}{}<div class='wl-scroll' tabindex='0' role='region' aria-label='{}'>"
        "<table class='wl-table'><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></div>"
    ).format(
        Markup("<div class='wl-head'>{}</div>").format(prose(formula)) if formula else "",
        Markup("<p class='wl-worked'>{}</p>").format(prose(worked)) if worked else "",
        f"What {name} changes",
        head,
        lines,
    )
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    text = [formula] if formula else []
    for row in (heads, *cells):
        padded = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        text.append("  ".join(padded))
    return Card("\n".join(text), html)


def _figure(value: Any) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return in_figures(float(value))

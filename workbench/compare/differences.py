"""The tables of differences: trials against a baseline, and two trials side by side on every eval.

`difference_table(differences, baseline=...)` and `contrast_table(differences, of=..., against=...)` show what
`pairing.py` found; how items and directions stand in a head is here too. They test nothing themselves.
"""

from workbench.compare import wording
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.pairing import Difference

ARROW = {"higher": "↑", "lower": "↓", "none": ""}
"""Which way is better, beside the name of an eval."""


def difference_table(differences: list[Difference], *, baseline: str) -> Table:
    """Differences to a baseline, trials x evals; `*` marks those that hold after correction."""
    names = list(dict.fromkeys(one.of for one in differences))
    found = {(one.of, one.eval): one for one in differences}
    evals = [
        e
        for e in dict.fromkeys(one.eval for one in differences)
        if any(found[name, e].value is not None for name in names)
    ]
    columns = [Column(key="trial", title=f"minus {baseline}")]
    columns += [
        number_column(
            e,
            e,
            note=_difference_note(found[names[0], e]),
            count=counted_items(
                [found[name, e].n for name in names if found[name, e].value is not None]
            ),
        )
        for e in evals
    ]
    lines = []
    for name in names:
        cells = [Cell(raw=name, text=name), *(_difference_cell(found[name, e]) for e in evals)]
        more = [
            (f"{e}_{part}", getattr(found[name, e], part))
            for e in evals
            for part in ("low", "high", "p_corrected", "n", "reason")
        ]
        lines.append(Line(cells=tuple(cells), more=tuple(more)))
    tested = sum(one.p is not None for one in differences)
    caption = f"Paired differences to {baseline} with 95 % intervals; * holds after Holm's correction over {tested}."
    return Table(columns=tuple(columns), lines=tuple(lines), caption=caption)


def contrast_table(differences: list[Difference], *, of: str, against: str) -> Table:
    """One against another, an eval a line."""
    columns = (
        Column(key="eval", title="eval"),
        number_column("difference", f"{of} minus {against}"),
        Column(key="unit", title=""),
        number_column("p", "p", note="Holm"),
        number_column("n", "n"),
        Column(key="method", title="by"),
    )
    lines = []
    for one in differences:
        unit = _difference_note(one)
        p = "" if one.p_corrected is None else _p_text(one.p_corrected)
        cells = (
            Cell(raw=one.eval, text=one.eval),
            _difference_cell(one),
            Cell(raw=one.unit, text=unit if one.value is not None else ""),
            Cell(raw=one.p_corrected, text=p),
            Cell(raw=one.n, text=str(one.n)),
            Cell(raw=one.method, text=one.method or one.reason),
        )
        more = (("low", one.low), ("high", one.high), ("left_out", one.left_out))
        lines.append(Line(cells=cells, more=more))
    caption = "Paired on the items both answered; 95 % intervals; * holds after Holm's correction."
    return Table(columns=columns, lines=tuple(lines), caption=caption)


def counted_items(counts: list[int]) -> str:
    """How many items, where trials differ the fewest.

    >>> counted_items([240, 240]), counted_items([240, 239]), counted_items([])
    ('n 240', 'n ≥ 239', '')
    """
    if not counts:
        return ""
    return f"n {'≥ ' if len(set(counts)) > 1 else ''}{min(counts)}"


def _difference_note(one: Difference) -> str:
    unit = "points" if wording.is_share(one.unit) else one.unit
    return f"{unit} {ARROW.get(one.better, '')}".strip()


def _difference_cell(one: Difference) -> Cell:
    if one.value is None:
        return Cell(raw=None, text=wording.MISSING)
    mark = "*" if one.is_found else ""
    return Cell(
        raw=one.value,
        text=wording.signed(one.value, one.unit) + mark,
        beside=wording.interval(one.low, one.high, one.unit),
    )


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

"""The tables of differences: trials against a baseline, and two trials side by side on every eval.

`difference_table(differences, baseline=...)` and `contrast_table(differences, of=..., against=...)` show what
`pairing.py` and `family.py` found; how items and directions stand in a head is here too. They test nothing themselves.
"""

from collections.abc import Set as AbstractSet

from workbench.compare import wording
from workbench.compare.calibration import MARK
from workbench.compare.family import correction_words
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.pairing import SAME, Difference

ARROW = {"higher": "↑", "lower": "↓", "none": ""}
"""Which way is better, beside the name of an eval."""

SEEN_FROM = "seen from"
"""Before the difference that would have been found 4 times in 5."""

NULLS = f" Where nothing was found, “{SEEN_FROM}” is the difference that would have been found 4 times in 5."

MARKED = f"{MARK} marks evals that failed their calibration: their figures cannot be trusted."


def difference_table(
    differences: list[Difference], *, baseline: str, failed: AbstractSet[str] = frozenset()
) -> Table:
    """Differences to a baseline, trials x evals; `*` marks those that hold after correction.

    `failed` are the evals that failed their calibration; they are marked.
    """
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
            e + (MARK if e in failed else ""),
            note=difference_note(found[names[0], e]),
            count=counted_items(
                [found[name, e].n for name in names if found[name, e].value is not None]
            ),
        )
        for e in evals
    ]
    lines = []
    for name in names:
        cells = [Cell(raw=name, text=name), *(difference_cell(found[name, e]) for e in evals)]
        more = [
            (f"{e}_{part}", getattr(found[name, e], part))
            for e in evals
            for part in ("low", "high", "p_corrected", "detectable", "n", "reason")
        ]
        lines.append(Line(cells=tuple(cells), more=tuple(more)))
    caption = f"Paired differences to {baseline} with 95 % intervals" + _starred(differences)
    caption += MARKED if failed & set(evals) else ""
    return Table(columns=tuple(columns), lines=tuple(lines), caption=caption)


def contrast_table(
    differences: list[Difference],
    *,
    of: str,
    against: str,
    failed: AbstractSet[str] = frozenset(),
) -> Table:
    """One against another, an eval a line; those in `failed` are marked."""
    columns = (
        Column(key="eval", title="eval"),
        number_column("difference", f"{of} minus {against}"),
        Column(key="unit", title=""),
        number_column("p", "p", note="corrected"),
        number_column("n", "n"),
        Column(key="method", title="by"),
    )
    lines = []
    for one in differences:
        unit = difference_note(one)
        p = "" if one.p_corrected is None else _p_text(one.p_corrected)
        cells = (
            Cell(raw=one.eval, text=one.eval + (MARK if one.eval in failed else "")),
            difference_cell(one),
            Cell(raw=one.unit, text=unit if one.value is not None else ""),
            Cell(raw=one.p_corrected, text=p),
            Cell(raw=one.n, text=str(one.n)),
            Cell(raw=one.method or one.reason, text=one.method or one.reason),
        )
        kept = ("low", "high", "left_out", "detectable", "correction")
        more = tuple((part, getattr(one, part)) for part in kept)
        lines.append(Line(cells=cells, more=more))
    caption = "Paired on the items both answered; 95 % intervals" + _starred(differences)
    caption += MARKED if failed & {one.eval for one in differences} else ""
    return Table(columns=columns, lines=tuple(lines), caption=caption)


def counted_items(counts: list[int]) -> str:
    """How many items, where trials differ the fewest.

    >>> counted_items([240, 240]), counted_items([240, 239]), counted_items([])
    ('n 240', 'n ≥ 239', '')
    """
    if not counts:
        return ""
    return f"n {'≥ ' if len(set(counts)) > 1 else ''}{min(counts)}"


def _starred(differences: list[Difference]) -> str:
    """What a star is, and what stands under a difference that has none."""
    how = correction_words(differences)
    words = f"; * holds after correction ({how})." if how else "; * marks p < 0.05."
    words += _medians(differences)
    return words + (NULLS if any(one.detectable is not None for one in differences) else "")


def _medians(differences: list[Difference]) -> str:
    """Which of the figures are no means."""
    shown = [one for one in differences if one.value is not None]
    evals = list(dict.fromkeys(one.eval for one in shown if one.by == "median"))
    return f" On {wording.listed(evals)} it is the median of paired differences." if evals else ""


def difference_note(one: Difference) -> str:
    unit = "points" if wording.is_share(one.unit) else one.unit
    return f"{unit} {ARROW.get(one.better, '')}".strip()


def difference_cell(one: Difference) -> Cell:
    if one.value is None:
        return Cell(raw=None, text=wording.MISSING)
    if one.is_same:
        return Cell(raw=one.value, text=wording.signed(one.value, one.unit), beside=SAME)
    mark = "*" if one.is_found else ""
    return Cell(
        raw=one.value,
        text=wording.signed(one.value, one.unit) + mark,
        beside=wording.interval(one.low, one.high, one.unit),
        numbers=tuple((part, getattr(one, part)) for part in ("low", "high", "detectable")),
        under=""
        if one.detectable is None
        else f"{SEEN_FROM} {wording.number(one.detectable, one.unit)}",
    )


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

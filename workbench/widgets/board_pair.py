"""Two rows of a leaderboard held against each other: `pair(comparison, "r8", "r2")` says which, by how much, how sure.

The sentence is that of a sweep which had only these two, but its significance is that of the whole family the two were picked
from, because whoever picks has seen the rest. Beside it every eval stands in a table. It shows itself in a notebook.
"""

from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from workbench.compare import asked, table, wording
from workbench.compare.calibration import failed_evals
from workbench.compare.comparison import Comparison
from workbench.compare.differences import contrast_table
from workbench.compare.family import of_many
from workbench.compare.figure import base_figure, figure_of
from workbench.compare.markup import Table
from workbench.compare.pairing import Difference, difference
from workbench.compare.verdict import verdict
from workbench.errors import SpecError, nearest
from workbench.scores.task import BASE
from workbench.widgets.board import p_text, way_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What was found between two."""

    of: str
    against: str
    sentence: str
    difference: Difference
    """On the primary eval, corrected for the family it was picked from."""
    everywhere: tuple[Difference, ...]
    """On every eval, corrected over these evals."""
    table: Table

    @property
    def is_found(self) -> bool:
        """Whether the two can be told apart on the primary eval."""
        return self.difference.is_found

    def figures(self) -> str:
        """Interval, p and n of the difference on the primary eval, in a line."""
        one = self.difference
        if one.value is None:
            return one.reason
        parts = [
            f"{self.of} minus {self.against} on {one.eval}: {wording.signed(one.value, one.unit)}"
        ]
        parts[0] += " points" if wording.is_share(one.unit) else f" {one.unit}".rstrip()
        parts[0] += f" {wording.interval(one.low, one.high, one.unit)}".rstrip()
        if one.p_corrected is not None:
            how = f" ({one.correction})" if one.correction else ""
            parts.append(f"p {p_text(one.p_corrected)}{how}")
        parts.append(f"n = {one.n}")
        return ", ".join(parts)

    def plain(self) -> dict[str, Any]:
        """The same as plain fields, for a page."""
        return {
            "of": self.of,
            "against": self.against,
            "sentence": self.sentence,
            "figures": self.figures(),
            "is_found": self.is_found,
            "caption": self.table.caption,
            "rows": [_plain(one) for one in self.everywhere],
        }

    def _repr_html_(self) -> str:
        return str(
            Markup("<p><strong>{}</strong></p><p>{}</p>{}").format(
                self.sentence, self.figures(), self.table.styled()
            )
        )

    def __repr__(self) -> str:
        return "\n".join([self.sentence, self.figures(), "", repr(self.table)])


def pair(comparison: Comparison, a: str, b: str) -> Pair:
    """The better of two against the worse, on the primary eval and on all others.

    Args:
        comparison: Where the two stand.
        a: A trial, or `base`.
        b: Another one.
    """
    reading, primary = comparison.reading, comparison.primary
    names = [BASE, *(one.name for one in reading.candidates)]
    for name in (a, b):
        if name not in names:
            raise SpecError(f"{name!r} is no row of this leaderboard. {nearest(name, names)}")
    if a == b:
        raise SpecError(f"{a!r} was given twice; give two rows that are not the same")
    if not primary:
        raise SpecError("there is nothing to compare yet: no trial has been evaluated")
    of, against = _better_first(comparison, a, b)
    one = _between(comparison, of, against)
    everywhere = tuple(table.contrast(reading, of, against))
    return Pair(
        of=of,
        against=against,
        sentence=_sentence(comparison, one),
        difference=one,
        everywhere=everywhere,
        table=contrast_table(
            list(everywhere), of=of, against=against, failed=failed_evals(reading)
        ),
    )


def _better_first(comparison: Comparison, a: str, b: str) -> tuple[str, str]:
    """A trial before the base; of two trials the one that stands higher."""
    if BASE in (a, b):
        return (b, a) if a == BASE else (a, b)
    order = [line.name for line in comparison.standings]
    return (a, b) if order.index(a) < order.index(b) else (b, a)


def _between(comparison: Comparison, of: str, against: str) -> Difference:
    """Their difference on the primary eval, as it holds in the family it was picked from."""
    reading, primary = comparison.reading, comparison.primary
    if against == BASE:
        family = (
            comparison.differences
            if comparison.baseline == BASE
            else table.against_baseline(reading, baseline=BASE)
        )
    else:
        family = comparison.contests
    for one in family:
        if (one.of, one.against, one.eval) == (of, against, primary):
            return one
    # Too many pairs to have been tested one by one: corrected over all of them, as strictly.
    ranked = len(table.ranking(reading, primary=primary))
    pairs = max(1, ranked * (ranked - 1) // 2)
    return of_many(reading, [difference(reading, of, against, eval=primary)], of=pairs)[0]


def _sentence(comparison: Comparison, one: Difference) -> str:
    reading, primary = comparison.reading, comparison.primary
    if one.value is None:
        return (
            f"No verdict on {asked.meant(reading, primary)}: {one.of} and {one.against} cannot be "
            f"compared ({one.reason})."
        )
    if one.against == BASE:
        return _against_base(comparison, one)
    two = tuple(reading.candidate(name) for name in (one.of, one.against))
    # A reading of these two: the sentence is the one that `compare` has for such a sweep.
    only = replace(reading, candidates=two, worked_out=dict(reading.worked_out))
    return verdict(only, primary=primary, contests=[one]).sentence


def _against_base(comparison: Comparison, one: Difference) -> str:
    reading, primary = comparison.reading, comparison.primary
    decimals = wording.decimals_beside(one.value, one.unit)
    figures = [figure(reading, one.of, primary) for figure in (figure_of, base_figure)]
    shown = [
        wording.amount(figure.value if figure else None, one.unit, decimals=decimals)
        for figure in figures
    ]
    said = f"{one.of} {asked.said(reading, primary, shown[0])}, the base {shown[1]}"
    if one.is_same:
        return f"{said}: they gave the same answers, n = {one.n}."
    if not one.is_found:
        seen = (
            ""
            if one.detectable is None
            else (
                f" This test could have seen a difference of {wording.gap(one.detectable, one.unit)}."
            )
        )
        return f"{said}: no difference found, n = {one.n}.{seen}"
    size = wording.gap(one.value, one.unit, decimals=decimals)
    ends = wording.as_size(one.value, one.low, one.high)
    between = wording.interval(*ends, one.unit, decimals=decimals)
    word = "more" if (one.value or 0) >= 0 else "less"
    return f"{said}: {size} {word} {between}, n = {one.n}.".replace("  ", " ")


def _plain(one: Difference) -> dict[str, Any]:
    is_known = one.value is not None
    return {
        "eval": one.eval,
        "text": wording.signed(one.value, one.unit) + ("*" if one.is_found else ""),
        "ends": wording.interval(one.low, one.high, one.unit) if is_known else "",
        "unit": ("points" if wording.is_share(one.unit) else one.unit) if is_known else "",
        "p": "" if one.p_corrected is None else p_text(one.p_corrected).removeprefix("= "),
        "n": one.n,
        "by": one.method or one.reason,
        "way": way_of(one),
    }

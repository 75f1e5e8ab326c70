"""The groups of an eval's items, each with its interval, the worst one marked, and how far it moved from the base.

`groups_table(report, eval)` is of the leading trial: bias is told by the groups that the items name, robustness by the
change that was made to them. Groups are means of the stored rows' own values; evals whose figure is no mean have no table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.compare import wording
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.pairing import ALPHA
from workbench.compare.panel import Panel, panel
from workbench.compare.reading import Reading, item_of
from workbench.errors import StoreError
from workbench.report.findings import family_of, info_of, leading
from workbench.report.sections import Report
from workbench.scores.task import BASE, Score
from workbench.stats.family import holm
from workbench.stats.intervals import Floats, Interval, mean_interval, within
from workbench.stats.paired import Difference, paired_difference

MOST_GROUPS = 60
"""More than these are no groups of items but names."""

FEWEST = 2
"""Items below which a group has no interval."""

LABEL = {"robustness": "kind"}
"""What groups items, where it is not the field `group`."""


@dataclass(frozen=True)
class Group:
    """One group of items: the trial's mean, the base's, and the paired difference."""

    name: str
    ours: Interval
    base: Interval | None
    difference: Difference | None
    p: float | None = None
    """Corrected over the groups of the table."""

    @property
    def is_found(self) -> bool:
        """Whether it can be told from the base."""
        return self.p is not None and self.p < ALPHA


def groups(report: Report, eval: str) -> list[Group]:
    """The groups of an eval as the leading trial answers them, the worst first; none where there is one or no group."""
    reading, name = report.comparison.reading, leading(report)
    sort = reading.sort_of(eval)
    if not name or sort is None or reading.summed_up_by(name, eval) != "mean":
        return []
    known = panel(reading, eval)
    labels = _labels(reading, eval, name)
    if name not in known.values or not 1 < len({*labels.values()}) <= MOST_GROUPS:
        return []
    of_group = np.array([labels.get(item, "") for item in known.items])
    found = [
        _group(label, known, np.flatnonzero(of_group == label), name=name, sort=sort)
        for label in dict.fromkeys(labels.values())
    ]
    kept = [one for one in found if one is not None]
    return sorted(_corrected(kept), key=lambda one: -_badness(one.ours.value, eval, sort))


def groups_table(report: Report, eval: str) -> Table | None:
    """The groups as a table; None where there are none."""
    found = groups(report, eval)
    reading, name = report.comparison.reading, leading(report)
    sort = reading.sort_of(eval)
    if len(found) < 2 or sort is None:
        return None
    has_base = any(one.base is not None for one in found)
    unit = wording.shown_unit(sort.unit)
    apart = "points" if wording.is_share(sort.unit) else sort.unit
    columns = [Column(key="group", title=LABEL.get(family_of(eval), "group"))]
    if has_base:
        columns.append(number_column("base", BASE, note=unit))
    columns.append(number_column("trial", name, note=unit))
    if has_base:
        columns.append(number_column("difference", f"minus {BASE}", note=apart))
    columns.append(number_column("n", "items"))
    first, second = (_badness(one.ours.value, eval, sort) for one in found[:2])
    lines = [
        _line(one, eval, sort, has_base=has_base, is_worst=place == 0 and first > second)
        for place, one in enumerate(found)
    ]
    return Table(
        columns=tuple(columns), lines=tuple(lines), caption=_caption(reading, name, found, eval)
    )


def _labels(reading: Reading, eval: str, name: str) -> dict[str, str]:
    """Item -> its group, as the rows of the first trial have it."""
    column = LABEL.get(family_of(eval), "group")
    try:
        kept = reading.store.frame(reading.slots(name)[0], eval)
    except StoreError:
        return {}
    if column not in kept.column_names:
        return {}
    told = kept.select(["sample", "expected", column, "value"]).to_pydict()
    rows = zip(told["sample"], told["expected"], told[column], told["value"], strict=True)
    return {
        item_of(sample, expected or ""): label
        for sample, expected, label, value in rows
        if label and value is not None
    }


def _group(label: str, known: Panel, places: np.ndarray, *, name: str, sort: Score) -> Group | None:
    ours = known.values[name][places]
    clusters = [known.clusters[place] for place in places]
    if np.isfinite(ours).sum() < FEWEST:
        return None
    base = known.values.get(BASE)
    if base is None or not np.isfinite(base[places]).any():
        return Group(label, _mean(ours, clusters, sort), None, None)
    theirs = base[places]
    both = np.isfinite(ours) & np.isfinite(theirs)
    shared = [cluster for cluster, keep in zip(clusters, both, strict=True) if keep]
    one = None
    if both.sum() >= FEWEST:
        one = _apart(ours[both], theirs[both], shared, sort)
    return Group(label, _mean(ours, clusters, sort), _mean(theirs, clusters, sort), one)


def _mean(values: Floats, clusters: Sequence[str], sort: Score) -> Interval:
    kept = np.isfinite(values)
    mine = [cluster for cluster, keep in zip(clusters, kept, strict=True) if keep]
    found = mean_interval(values[kept], clusters=mine)
    if not wording.is_share(sort.unit):
        return found
    return found.cut(least=0, most=1)


def _apart(ours: Floats, theirs: Floats, clusters: Sequence[str], sort: Score) -> Difference:
    found = paired_difference(ours, theirs, clusters=clusters)
    if not wording.is_share(sort.unit):
        return found
    low, high, method = within(found.low, found.high, found.method, least=-1, most=1)
    return found._replace(low=low, high=high, method=method)


def _corrected(found: list[Group]) -> list[Group]:
    tested = [one for one in found if one.difference is not None and _p(one) is not None]
    told = iter(holm([_p(one) or 0.0 for one in tested]))
    return [
        Group(one.name, one.ours, one.base, one.difference, next(told)) if one in tested else one
        for one in found
    ]


def _p(one: Group) -> float | None:
    found = one.difference
    if found is None or found.p is None or not math.isfinite(found.p):
        return None
    return found.p


def _badness(value: float | None, eval: str, sort: Score) -> float:
    """More is worse."""
    info = info_of(eval)
    if value is None:
        return -math.inf
    if info is not None and info.even is not None:
        return abs(value - info.even)
    return value if sort.better == "lower" else -value


def _line(one: Group, eval: str, sort: Score, *, has_base: bool, is_worst: bool) -> Line:
    cells = [Cell(raw=one.name, text=one.name, beside="worst" if is_worst else "")]
    if has_base:
        cells.append(_figure(one.base, sort))
    cells.append(_figure(one.ours, sort))
    if has_base:
        cells.append(_difference(one, eval, sort))
    cells.append(Cell(raw=one.ours.n, text=str(one.ours.n)))
    return Line(cells=tuple(cells), tone="strong" if is_worst else "")


def _figure(found: Interval | None, sort: Score) -> Cell:
    if found is None or found.value is None:
        return Cell(raw=None, text=wording.MISSING)
    return Cell(
        raw=found.value,
        text=wording.number(found.value, sort.unit),
        beside=wording.interval(found.low, found.high, sort.unit),
        numbers=(("low", found.low), ("high", found.high)),
    )


def _difference(one: Group, eval: str, sort: Score) -> Cell:
    found = one.difference
    if found is None or found.value is None:
        return Cell(raw=None, text=wording.MISSING)
    return Cell(
        raw=found.value,
        text=wording.signed(found.value, sort.unit) + ("*" if one.is_found else ""),
        beside=wording.interval(found.low, found.high, sort.unit),
        under=_moved(one, eval) if one.is_found else "",
        numbers=(("low", found.low), ("high", found.high), ("p_corrected", one.p)),
    )


def _moved(one: Group, eval: str) -> str:
    """Whether a group is farther from even than the base had it."""
    info = info_of(eval)
    if info is None or info.even is None or one.base is None:
        return ""
    if one.base.value is None or one.ours.value is None:
        return ""
    is_farther = abs(one.ours.value - info.even) > abs(one.base.value - info.even)
    return "amplified" if is_farther else "nearer to even"


def _caption(reading: Reading, name: str, found: list[Group], eval: str) -> str:
    info = info_of(eval)
    tested = sum(one.p is not None for one in found)
    words = "The worst first; 95 % intervals"
    if info is not None and info.even is not None:
        words = "The farthest from even first; 95 % intervals"
    if tested:
        words += ", paired on the items of a group"
        words += "; * holds after Holm's correction over these groups" if tested > 1 else ""
    words += "; means over seeds" if len(reading.slots(name)) > 1 else ""
    return f"{words}."

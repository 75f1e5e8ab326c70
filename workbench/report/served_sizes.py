"""How times grow with the size of the work: the first token over tokens in, whole calls over tokens out.

`over_tokens(found, metric="ttft")` gives a `Chart` with one line a way, or None where fewer than two sizes were measured. `Grown` is the
figures of every way over one size, for `served_batch.py` too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from workbench.compare import wording
from workbench.compare.drawing import Chart
from workbench.compare.marks import id_of, layout_of, log_axis
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.deployment.reading import Deployment
from workbench.report.served_marks import beside, counted, legend, line, short, size_numbers, within
from workbench.stats.intervals import Interval
from workbench.timing.call import Cell as Work
from workbench.timing.figures import figures

SIDE_BY_SIDE = "Marks of one size stand side by side."

SIZES = ("batch", "input_tokens", "output_tokens")
"""What a size of work has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """The median of one metric for every way, over one size of work while the others stay."""

    metric: str
    works: tuple[Work, ...]
    sizes: tuple[int, ...]
    medians: dict[str, list[Interval]]
    """Way -> its median at each size."""

    @property
    def counts(self) -> tuple[int, int]:
        """The fewest and the most calls that a median stands on."""
        many = [one.n for told in self.medians.values() for one in told if one.n]
        return min(many), max(many)

    @property
    def numbers(self) -> dict[str, float]:
        """The figures that its words are made of."""
        sizes = {f"size_{place}": size for place, size in enumerate(self.sizes)}
        few, many = self.counts
        return {**size_numbers(self.works[0]), **sizes, "fewest": few, "most": many}

    @property
    def medians_said(self) -> str:
        """Each way at the smallest and at the largest size, in words."""
        said = []
        for name, told in self.medians.items():
            ends = [short(one.value) for one in (told[0], told[-1]) if one.value is not None]
            said.append(f"{name} {' to '.join(ends)}")
        return wording.first_of(said)

    @property
    def calls_said(self) -> str:
        """What a median stands on, in words."""
        return f"Medians of {counted(self.counts)} calls each with 95 % order-statistic intervals"


def grown(found: Deployment, *, size: str, metric: str, has_gaps: bool = False) -> Grown | None:
    """One metric of every way over a size; None below two sizes, or where no way has a figure."""
    works = along([w for w in found.cells if w.output_tokens > 1 or not has_gaps], size=size)
    if len(works) < 2:
        return None
    medians = {}
    for name in found.variants:
        told = [_median(found, name, work, metric) for work in works]
        if any(one.value is not None for one in told):
            medians[name] = told
    if not medians:
        return None
    return Grown(
        metric=metric,
        works=tuple(works),
        sizes=tuple(map(attrgetter(size), works)),
        medians=medians,
    )


def along(works: Sequence[Work], *, size: str) -> list[Work]:
    """The works that differ in one size alone: as many as there are, and of equally many the smallest.

    >>> along([Work(8, 4), Work(8, 16), Work(64, 4), Work(64, 4, 2)], size="input_tokens")
    [Cell(input_tokens=8, output_tokens=4, batch=1), Cell(input_tokens=64, output_tokens=4, batch=1)]
    """
    groups: dict[tuple[int, ...], list[Work]] = {}
    for work in works:
        rest = tuple(getattr(work, other) for other in SIZES if other != size)
        groups.setdefault(rest, []).append(work)
    most = max(map(len, groups.values()), default=0)
    first = min((rest for rest, group in groups.items() if len(group) == most), default=())
    return sorted(groups.get(first, []), key=attrgetter(size))


def over_tokens(found: Deployment, *, metric: str) -> Chart | None:
    """The time to the first token against tokens in (`ttft`), or of whole calls against tokens out (`e2e`)."""
    is_in = metric == "ttft"
    told = grown(found, size="input_tokens" if is_in else "output_tokens", metric=metric)
    if told is None:
        return None
    what = "time to the first token" if is_in else "time of a call"
    over = "tokens in" if is_in else "tokens out"
    first, trial = told.works[0], found.facts["trial"]
    fixed = f"{first.output_tokens} tokens out" if is_in else f"{first.input_tokens} tokens in"
    return Chart(
        id=id_of(f"{metric}-tokens-{trial}"),
        title=f"Serving {trial}: {what} over {over}",
        figure=curves(told, x=over, y=f"{what}, ms"),
        alt=f"Median {what} in ms, from {told.sizes[0]} to {told.sizes[-1]} {over}: {told.medians_said}.",
        table=medians_table(told, note=f"ms, {over}"),
        caption=f"{fixed}, {rows_said(first.batch)}. {told.calls_said}. Both axes are logarithmic. {SIDE_BY_SIDE}",
    )


def curves(told: Grown, *, x: str, y: str) -> dict[str, Any]:
    """One line a way on two log axes."""
    layout = layout_of(height=340, x=x, y=y)
    logs = [math.log10(size) for size in told.sizes]
    many = len(told.medians)
    data = [
        line(
            name,
            [(one.low, one.value, one.high) for one in medians],
            xs=[
                beside(size, place, of=many, span=told.sizes[-1] / told.sizes[0])
                for size in told.sizes
            ],
            at=told.sizes,
        )
        for place, (name, medians) in enumerate(told.medians.items())
    ]
    room = 0.1 * (logs[-1] - logs[0])
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": list(told.sizes),
        "ticktext": [wording.count(size) for size in told.sizes],
        "range": [logs[0] - room, logs[-1] + room],
    }
    ends = [end for medians in told.medians.values() for one in medians for end in one[:3]]
    layout["yaxis"] |= log_axis([end for end in ends if end is not None and end > 0])
    legend(layout, list(told.medians))
    return {"data": data, "layout": layout}


def medians_table(told: Grown, *, note: str) -> Table:
    """The median of every way at every size."""
    columns = (
        Column(key="variant", title="way"),
        *(number_column(f"at_{size}", wording.count(size), note=note) for size in told.sizes),
    )
    lines = tuple(
        Line(cells=(Cell(raw=name, text=name), *(within(*one[:3]) for one in medians)))
        for name, medians in told.medians.items()
    )
    return Table(columns=columns, lines=lines, numbers=tuple(told.numbers.items()))


def rows_said(batch: int) -> str:
    """So many rows, in words.

    >>> rows_said(1), rows_said(8)
    ('1 row', '8 rows')
    """
    return f"{batch} {'row' if batch == 1 else 'rows'}"


def _median(found: Deployment, name: str, work: Work, metric: str) -> Interval:
    made = figures(found.calls, of=name, cell=work, metrics=(metric,), at=(0.5,)).get(metric)
    return made.median if made else Interval(None, None, None, 0, 0, "no calls")

"""What more rows at once are worth: tokens a second over the batch, one line a way, and where more of them stop paying.

`over_batch(found, metric="decode")` gives a `Chart`, or None where one batch alone was measured. A ring stands at the knee of a line,
where the intervals show that there is one; the rule is in `timing/knee.py` and under the figure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.compare import wording
from workbench.compare.drawing import Chart
from workbench.compare.marks import id_of
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.deployment.reading import Deployment
from workbench.report.served_marks import style, within
from workbench.report.served_sizes import SIDE_BY_SIDE, Grown, curves, grown
from workbench.timing.figures import UNITS
from workbench.timing.knee import FLAT, LEAST, OPEN, RISING, Gain, Knee, gains, knee

WORDS = {"decode": "tokens written a second", "prefill": "tokens read a second"}

WHY = {RISING: "none yet: still rising", FLAT: "none: little gain at all", OPEN: "undecided"}
"""Why a way has no knee, in the table."""


def over_batch(found: Deployment, *, metric: str) -> Chart | None:
    """Tokens a second, all rows together, against the rows of a call: written (`decode`) or read (`prefill`)."""
    told = grown(found, size="batch", metric=metric, has_gaps=metric == "decode")
    if told is None:
        return None
    steps = {
        name: gains(found.calls, of=name, cells=told.works, metric=metric) for name in told.medians
    }
    knees = {name: knee(ours) for name, ours in steps.items()}
    what, trial = WORDS[metric], found.facts["trial"]
    figure = curves(told, x="rows at once", y=what)
    figure["data"] += _rings(figure["data"], told, knees)
    return Chart(
        id=id_of(f"{metric}-batch-{trial}"),
        title=f"Serving {trial}: {what} over rows at once",
        figure=figure,
        alt=f"Median {what}, from {told.sizes[0]} to {told.sizes[-1]} rows at once: {told.medians_said}. {_said(knees)}",
        table=_table(told, steps, knees, note=UNITS[metric]),
        caption=_caption(told),
    )


def _rings(
    lines: Sequence[dict[str, Any]], told: Grown, knees: Mapping[str, Knee]
) -> list[dict[str, Any]]:
    """A ring around the mark of each knee."""
    places = [
        (name, line, told.sizes.index(found.batch))
        for (name, found), line in zip(knees.items(), lines, strict=True)
        if found.batch is not None
    ]
    if not places:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [line["x"][at] for _, line, at in places],
            "y": [line["y"][at] for _, line, at in places],
            "text": [name for name, *_ in places],
            "customdata": [told.sizes[at] for *_, at in places],
            "marker": {
                "size": 16,
                "symbol": "circle-open",
                "color": [style(name)[0] for name, *_ in places],
            },
            "hovertemplate": "knee of %{text} at %{customdata}<extra></extra>",
            "showlegend": False,
        }
    ]


def _table(
    told: Grown,
    steps: Mapping[str, Sequence[Gain]],
    knees: Mapping[str, Knee],
    *,
    note: str,
) -> Table:
    """Rates at every batch, under each what the step to it gained for a doubling, and the knee."""
    columns = (
        Column(key="variant", title="way"),
        *(
            number_column(f"at_{size}", f"{wording.count(size)} at once", note=note)
            for size in told.sizes
        ),
        Column(key="knee", title="knee"),
    )
    lines = []
    for name, medians in told.medians.items():
        under = [None, *(one.share for one in steps[name])]
        cells = [
            within(
                *one[:3],
                under=_gain_said(share.value, share.low, share.high) if share else "",
                numbers={"gain": share.value, "gain_low": share.low, "gain_high": share.high}
                if share
                else {},
            )
            for one, share in zip(medians, under, strict=True)
        ]
        lines.append(Line(cells=(Cell(raw=name, text=name), *cells, _knee_cell(knees[name]))))
    numbers = {**told.numbers, "least": LEAST}
    return Table(columns=columns, lines=tuple(lines), numbers=tuple(numbers.items()))


def _gain_said(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    ends = wording.interval(low, high, "share", decimals=0)
    return f"{wording.signed(value, 'share')} % {ends}".strip()


def _knee_cell(found: Knee) -> Cell:
    if found.batch is None:
        return Cell(raw=None, text=WHY[found.why])
    is_sure = found.earliest == found.batch
    return Cell(
        raw=found.batch,
        text=f"{found.batch} rows",
        beside="" if is_sure else f"perhaps {found.earliest}",
        numbers=(("earliest", found.earliest),),
    )


def _said(knees: Mapping[str, Knee]) -> str:
    told = [f"{name} {one.batch}" for name, one in knees.items() if one.batch is not None]
    return f"Knees: {wording.first_of(told)}." if told else "No line has a knee."


def _caption(told: Grown) -> str:
    first = told.works[0]
    return (
        f"{first.input_tokens} tokens in, {first.output_tokens} out. {told.calls_said}. Under a figure of the table: what "
        f"a doubling of the rows up to it gained, within blocks. A ring is a knee: the fewest rows from which every "
        f"doubling surely gains less than {100 * LEAST:g} %, after one that surely gained more; sure is what the whole "
        f"interval says. Both axes are logarithmic. {SIDE_BY_SIDE}"
    )

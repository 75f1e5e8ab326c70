"""The time of every way to serve an adapter over that of its base, in one figure with intervals.

`over_base(found, work, table=...)` gives a `Chart`; a way whose bar leaves out 1 is slower or faster than the base.
"""

from workbench.compare import wording
from workbench.compare.drawing import Chart
from workbench.compare.marks import (
    PALETTE,
    clean,
    error_bars,
    id_of,
    layout_of,
    named_axis,
    reference,
    span,
)
from workbench.compare.markup import Table
from workbench.deployment.reading import Deployment
from workbench.deployment.variants import CONTROL
from workbench.timing.call import Cell
from workbench.timing.pairs import LEVEL


def over_base(found: Deployment, work: Cell, *, table: Table) -> Chart | None:
    """Every way against the base at one size of work; None where nothing can be compared."""
    ratios = [found.ratio(name, work) for name in found.variants if name != CONTROL]
    known = [one for one in ratios if one.value is not None]
    if not known:
        return None
    ends = [(one.low, one.value, one.high) for one in known]
    layout = layout_of(height=96 + 30 * len(known), x=f"time of a call, times that of {CONTROL}")
    named_axis(layout, [one.of for one in known])
    layout["xaxis"]["range"] = span([1.0, *(end for three in ends for end in three)])
    reference(layout, "x", 1.0, word="equal", dash="dash")
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [one.value for one in known],
            "y": list(range(len(known))),
            "text": [clean(one.of) for one in known],
            "error_x": error_bars(ends, factor=1.0),
            "marker": {"size": 9, "symbol": "square", "color": PALETTE[0]},
            "hovertemplate": "%{text}: %{x:.3g} times<extra></extra>",
        }
    ]
    said = [
        f"{one.of} {one.value:.3g} times"
        + ("" if one.low is None or one.high is None else f" [{one.low:.3g}, {one.high:.3g}]")
        for one in known
    ]
    trial = found.facts["trial"]
    return Chart(
        id=id_of(f"served-{trial}-{work}"),
        title=f"Serving {trial}: time over {CONTROL}",
        figure={"data": data, "layout": layout},
        alt=f"Time of a call over that of {CONTROL} at {work}: {wording.first_of(said)}.",
        table=table,
        caption=f"{work}. Bars are {100 * LEVEL:g} % intervals of the ratio within blocks.",
    )

"""The certificate of a sweep's evals as a table and a figure: what was planted beside what was recovered.

`certificate_table(certificate)` has a line a level, `checks_table(certificate)` a line an eval, `planted_chart(certificate)` draws
recovered against planted with the diagonal on which every eval should lie. It judges nothing: `calibrate` did.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.compare import wording
from workbench.compare.calibration import MARK
from workbench.compare.drawing import Chart
from workbench.compare.marks import PALETTE, QUIET, clean, error_bars, layout_of, span
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.scores.catalog import eval_info

if TYPE_CHECKING:
    from workbench.calibrate.certificate import Calibrated, Certificate

SYMBOLS = ("circle", "square", "diamond", "triangle-up")
"""One round of the colours each, so that more evals than colours are told apart too."""


def certificate_table(certificate: "Certificate") -> Table:
    """Planted against recovered, a line a level."""
    columns = (
        Column(key="eval", title="eval"),
        Column(key="asked", title="asked of"),
        number_column("planted", "planted"),
        number_column("recovered", "recovered"),
        number_column("n", "answers"),
        number_column("failed", "broken", note="counted"),
    )
    lines = []
    for one in certificate.evals:
        for level in one.levels:
            mark = " *" if level.off else ""
            text = wording.MISSING if level.recovered is None else f"{level.recovered:.3f}{mark}"
            cells = (
                Cell(raw=one.eval, text=_name(one)),
                Cell(raw=one.asked, text=one.asked),
                Cell(raw=level.planted, text=f"{level.planted:.3f}"),
                Cell(raw=level.recovered, text=text, beside=_ends(level.low, level.high)),
                Cell(raw=level.n, text=wording.count(level.n)),
                Cell(raw=level.failed, text=wording.count(level.failed)),
            )
            more = (("low", level.low), ("high", level.high), ("passes", one.passes))
            lines.append(Line(cells=cells, more=more))
    caption = f"Each level asked {certificate.rounds} times; 95 % intervals over the rounds."
    if any(level.off for one in certificate.evals for level in one.levels):
        caption += " * lies outside of its interval at 99.9 %."
    counted = (("rounds", certificate.rounds),)
    return Table(columns=columns, lines=tuple(lines), caption=caption, numbers=counted)


def checks_table(certificate: "Certificate") -> Table:
    """Whether each eval passed, and what it failed in."""
    columns = (
        Column(key="eval", title="eval"),
        Column(key="asked", title="asked of"),
        number_column("levels", "levels"),
        number_column("off", "off at most"),
        number_column("half_width", "half-width", note="one asking"),
        Column(key="passes", title="", is_text=True),
    )
    lines = []
    for one in certificate.evals:
        off = [abs(x.recovered - x.planted) for x in one.levels if x.recovered is not None]
        halves = [x.once_half_width for x in one.levels if x.once_half_width is not None]
        failed = "; ".join(f"{check.name}: {check.said}" for check in one.checks if not check.ok)
        cells = (
            Cell(raw=one.eval, text=_name(one)),
            Cell(raw=one.asked, text=one.asked),
            Cell(raw=len(one.levels), text=str(len(one.levels))),
            _largest(off),
            _largest(halves),
            Cell(raw=one.passes, text=f"failed in {failed}" if failed else "passed"),
        )
        lines.append(Line(cells=cells, tone="" if one.passes else "strong"))
    return Table(columns=columns, lines=tuple(lines))


def planted_chart(certificate: "Certificate") -> Chart | None:
    """Recovered against planted, a colour an eval, of shares only; None where none was recovered."""
    shares = [one for one in certificate.evals if wording.is_share(eval_info(one.eval).unit)]
    data = [
        _points(one, place)
        for place, one in enumerate(shares)
        if any(level.recovered is not None for level in one.levels)
    ]
    if not data:
        return None
    others = [_series(one) for one in certificate.evals if one not in shares]
    planted = [level.planted for one in shares for level in one.levels]
    layout = layout_of(height=420, x="planted share", y="recovered share")
    low, high = span([*planted, *(y for trace in data for y in trace["y"])])
    layout["xaxis"]["range"] = layout["yaxis"]["range"] = [low, high]
    layout["showlegend"] = True
    layout["shapes"] = [
        {
            "type": "line",
            "x0": low,
            "y0": low,
            "x1": high,
            "y1": high,
            "line": {"color": QUIET, "width": 1.4, "dash": "dot"},
            "layer": "below",
        }
    ]
    return Chart(
        id="planted",
        title="Recovered against planted",
        figure={"data": data, "layout": layout},
        alt=f"What was planted and what was recovered: {_said(shares)}.",
        table=certificate_table(certificate),
        caption="An eval that measures what it should lies on the dotted diagonal. Bars are 95 % intervals; those of most "
        "points are smaller than the point. Open points failed a check."
        + (f" Not drawn, being no shares: {wording.listed(others)}." if others else ""),
    )


def _points(one: "Calibrated", place: int) -> dict[str, Any]:
    levels = [level for level in one.levels if level.recovered is not None]
    symbol = SYMBOLS[place // len(PALETTE) % len(SYMBOLS)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": clean(_series(one)),
        "x": [level.planted for level in levels],
        "y": [level.recovered for level in levels],
        "error_y": error_bars([(x.low, x.recovered, x.high) for x in levels], factor=1.0),
        "marker": {
            "size": 8,
            "color": PALETTE[place % len(PALETTE)],
            "symbol": symbol if one.passes else f"{symbol}-open",
        },
        "hovertemplate": f"{clean(_series(one))}: planted %{{x:.3g}}, recovered %{{y:.3g}}<extra></extra>",
    }


def _said(evals: "Sequence[Calibrated]") -> str:
    words = []
    for one in evals:
        off = [abs(x.recovered - x.planted) for x in one.levels if x.recovered is not None]
        passed = "passed" if one.passes else f"failed in {', '.join(one.failures)}"
        words.append(f"{_series(one)} {passed}" + (f", {max(off):.2g} off at most" if off else ""))
    return "; ".join(words)


def _series(one: "Calibrated") -> str:
    return one.eval if one.asked == "oracle" else f"{one.eval}, {one.asked}"


def _name(one: "Calibrated") -> str:
    return one.eval if one.passes else one.eval + MARK


def _largest(found: list[float]) -> Cell:
    most = max(found, default=None)
    return Cell(raw=most, text=wording.MISSING if most is None else f"{most:.3f}")


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]".replace("-", "−")

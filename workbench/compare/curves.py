"""How the trials trained: loss against step, one colour a candidate, one line a seed.

`learning_curves(drawing)` gives a `Chart`, or None where no step was stored. Long curves are drawn as means of
neighbouring steps. It reads losses only; what was learned is in `charts.py`.
"""

from collections.abc import Sequence
from typing import Any

from workbench.compare import wording
from workbench.compare.drawing import Chart, Drawing
from workbench.compare.marks import PALETTE, QUIET, clean, decimate, layout_of, log_axis
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Candidate


def learning_curves(drawing: Drawing) -> Chart | None:
    """The training loss of every trial against the step; long curves as means of neighbouring steps."""
    data: list[dict[str, Any]] = []
    lines, most = [], 1
    candidates = drawing.reading.candidates
    trials = [(one, trial) for one in candidates for trial in one.trials]
    for one, trial in trials:
        steps = drawing.reading.steps(trial)
        xs, ys, bucket = decimate([step.step for step in steps], [step.loss for step in steps])
        if not xs:
            continue
        most = max(most, bucket)
        data.append(_curve(drawing, one, trial, xs=xs, ys=ys))
        lines.append((trial, len(steps), steps[0].loss, steps[-1].loss, ys[-1]))
    if not data:
        return None
    layout = layout_of(height=340, x="step", y="training loss")
    positive = all(y is None or y > 0 for trace in data for y in trace["y"])
    drawn = [y for trace in data for y in trace["y"] if y is not None]
    layout["yaxis"] |= log_axis(drawn) if positive and drawn else {}
    layout["showlegend"] = len(data) > 1
    layout["hovermode"] = "x unified" if len(data) <= len(PALETTE) else "closest"
    layout["xaxis"]["range"] = [0, max(x for trace in data for x in trace["x"]) * 1.02]
    ends = wording.first_of([_ends(one, lines) for one in candidates])
    caption = "On a log scale. " if positive else ""
    caption += "One colour a trial, one line a seed. " if len(trials) > len(candidates) else ""
    caption += f"Each point is the mean of up to {most} steps." if most > 1 else ""
    return Chart(
        id="learning-curves",
        title="Training loss by step",
        figure={"data": data, "layout": layout},
        alt=f"Training loss of {len(lines)} {'trial' if len(lines) == 1 else 'trials'} against the step; at the end: {ends}.",
        table=_loss_table(lines),
        caption=caption,
    )


def _curve(
    drawing: Drawing,
    one: Candidate,
    trial: str,
    *,
    xs: Sequence[float],
    ys: Sequence[float | None],
) -> dict[str, Any]:
    is_quiet, is_seed = drawing.colours[one.name] == QUIET, len(one.trials) > 1
    return {
        "type": "scatter",
        "mode": "lines",
        "name": clean(one.name),
        "legendgroup": one.name,
        "showlegend": trial == one.trials[0],
        "x": xs,
        "y": ys,
        "line": {"color": drawing.colours[one.name], "width": 1 if is_quiet or is_seed else 2},
        "opacity": 0.6 if is_quiet else 0.85 if is_seed else 1,
        "hovertemplate": f"{clean(trial)}: %{{y:.4g}}<extra></extra>",
    }


def _ends(one: Candidate, lines: list[tuple[str, int, float, float, float | None]]) -> str:
    """Where the curves of a candidate end, in words."""
    last = [end for name, *_, end in lines if name in one.trials and end is not None]
    if not last:
        return f"{one.name} no loss"
    ends = dict.fromkeys(f"{end:.3g}" for end in (min(last), max(last)))
    return f"{one.name} {' to '.join(ends)}"


def _loss_table(lines: list[tuple[str, int, float, float, float | None]]) -> Table:
    columns = (
        Column(key="trial", title="trial"),
        number_column("steps", "steps"),
        number_column("first", "first loss"),
        number_column("last", "last loss"),
        number_column("end", "mean at the end"),
    )
    rows = [
        Line(
            cells=(
                Cell(raw=name, text=name),
                Cell(raw=steps, text=str(steps)),
                *(Cell(raw=loss, text=wording.number(loss, "nats")) for loss in losses),
            )
        )
        for name, steps, *losses in lines
    ]
    return Table(columns=columns, lines=tuple(rows))

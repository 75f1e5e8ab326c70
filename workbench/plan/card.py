"""What a sweep will cost, as a small HTML card made from its plan.

`cost_card(plan)` is used by the panel and, where no widget can be shown, stands in for it. All text is escaped here. It
computes nothing: every figure is the plan's.
"""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a plan shows itself as this card
    from workbench.plan.plan import Plan, TrialPlan

MOST_ROWS = 8


def cost_card(plan: "Plan | None", *, problems: bool = False, looking: bool = False) -> str:
    """The card, or what keeps it from being there."""
    if plan is None or problems:
        said = "Looking at the model …" if looking else "Fix the marked fields to see the cost."
        return f"<h4>Cost</h4><p>{said}</p>"
    trials = plan.trials
    head = "one trial" if len(trials) == 1 else f"{len(trials)} trials"
    rows = "".join(_row(trial) for trial in trials[:MOST_ROWS])
    more = f"<p>and {len(trials) - MOST_ROWS} more</p>" if len(trials) > MOST_ROWS else ""
    weights = max(trial.memory.weights for trial in trials)
    refused = "".join(
        f"<p><strong>{escape(name)}</strong> cannot run: {escape(why)}</p>"
        for name, why in plan.refused.items()
    )
    return (
        f"<h4>Cost: {head}</h4>"
        "<table><thead><tr><th scope='col'>trial</th><th scope='col'>trainable</th>"
        "<th scope='col'>share</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{more}"
        f"<p>Base: {escape(plan.model.id)}, {_many(plan.model.parameters)} parameters in "
        f"{plan.model.layers} layers</p>"
        f"<p>Steps: {_steps(trials)}</p>"
        f"<p>Peak memory, {escape(trials[0].memory.label)}: {_bytes(plan.peak)}"
        f" (weights {_bytes(weights)})</p>"
        f"{refused}"
    )


def _row(trial: "TrialPlan") -> str:
    share = trial.trainable_parameters / max(1, trial.total_parameters)
    return (
        f"<tr><th scope='row'>{escape(trial.name)}</th>"
        f"<td>{trial.trainable_parameters:,}</td><td>{share:.2%}</td></tr>"
    )


def _steps(trials: "tuple[TrialPlan, ...]") -> str:
    known = [trial.steps for trial in trials if trial.steps is not None]
    if len(known) < len(trials):
        return "known when the rows are read"
    if min(known) == max(known):
        return f"{known[0]:,}" + (" a trial" if len(known) > 1 else "")
    return f"{min(known):,} to {max(known):,} a trial"


def _many(number: int) -> str:
    """Three figures and a unit.

    >>> _many(912_345)
    '912 k'
    """
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def _bytes(number: int) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number} B"

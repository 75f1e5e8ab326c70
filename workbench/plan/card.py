"""What a sweep will cost, as a small HTML card made from its plan.

`cost_card(plan)` is used by the panel and, where no widget can be shown, stands in for it. All text is escaped here. It
computes nothing: every figure and sentence is the plan's, but the time that whoever has run something like it may tell.
"""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a plan shows itself as this card
    from workbench.plan.plan import Plan, TrialPlan

MOST_ROWS = 8


def cost_card(
    plan: "Plan | None", *, problems: bool = False, looking: bool = False, time: str = ""
) -> str:
    """The card, or what keeps it from being there.

    Args:
        plan: The sweep before it runs.
        problems: Whether something is wrong with it.
        looking: Whether the model is being looked at.
        time: How long it may take, and what says so; empty when nothing is known.
    """
    if plan is None or problems:
        said = "Looking at the model …" if looking else "Fix the marked fields to see the cost."
        return f"<h4>Cost</h4><p>{said}</p>"
    trials = plan.trials
    head = "one trial" if len(trials) == 1 else f"{len(trials)} trials"
    rows = "".join(_row(trial) for trial in trials[:MOST_ROWS])
    more = f"<p>and {len(trials) - MOST_ROWS} more</p>" if len(trials) > MOST_ROWS else ""
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
        f"{_memory(plan)}"
        f"<p>Steps: {_steps(trials)}</p>"
        f"{_time(plan, time)}"
        f"{refused}"
    )


def _row(trial: "TrialPlan") -> str:
    share = trial.trainable_parameters / max(1, trial.total_parameters)
    return (
        f"<tr><th scope='row'>{escape(trial.name)}</th>"
        f"<td>{trial.trainable_parameters:,}</td><td>{share:.2%}</td></tr>"
    )


def _memory(plan: "Plan") -> str:
    """Memory by part, against what the machine has."""
    label = escape(plan.trials[0].memory.label)
    parts = "".join(
        f"<tr><th scope='row'>{escape(part)}</th><td>{_bytes(size)}</td></tr>"
        for part, size in plan.parts.items()
    )
    if plan.room is None:
        against, bar = "; a GPU is there, whose memory the worker asks", ""
    else:
        share = plan.peak / max(1, plan.room)
        against = f" of {_bytes(plan.room)} here"
        tight = " wb-tight" if share > 0.8 else ""
        bar = f"<div class='wb-bar{tight}' aria-hidden='true'><span style='width:{min(share, 1):.1%}'></span></div>"
    return (
        f"<h4>Peak memory, {label}: {_bytes(plan.peak)}<span>{against}</span></h4>{bar}"
        f"<table class='wb-parts'><tbody>{parts}</tbody></table>"
    )


def _time(plan: "Plan", told: str) -> str:
    """What has run here says more than a prediction, and both stand where both are known."""
    said = [f"Time: {told}"] if told else []
    if plan.seconds is not None or not told:
        said.append(_begun(plan.time_said or "time unknown: nothing like it has run here"))
    if plan.gain_said:
        said.append(_begun(plan.gain_said))
    return "".join(f"<p>{escape(one)}</p>" for one in said)


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


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

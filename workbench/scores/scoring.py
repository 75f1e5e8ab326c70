"""Rows in, `Score` out: the one place where a figure, the catalog and the counts of failures come together.

`score("recall", "r8", rows)` is pure: it can be repeated from stored rows on a machine without torch.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from workbench.scores import (
    choices,
    classification,
    dialogue,
    exact_answer,
    extractive,
    fidelity,
    latency,
    letters,
    lm_eval,
    own_metric,
    perplexity,
    quality,
    sentiment,
    verbalised,
)
from workbench.scores.bias.families import CONTROLS as BIAS_CONTROLS
from workbench.scores.bias.families import FIGURES as BIAS
from workbench.scores.catalog import called, eval_info
from workbench.scores.entry import EvalInfo
from workbench.scores.figures import Figures, failed, scored
from workbench.scores.hallucination.families import CONTROLS as HALLUCINATION_CONTROLS
from workbench.scores.hallucination.families import FIGURES as HALLUCINATION
from workbench.scores.robustness.families import CONTROLS as ROBUSTNESS_CONTROLS
from workbench.scores.robustness.families import FIGURES as ROBUSTNESS
from workbench.scores.task import Row, Score

FAMILIES: Mapping[str, Callable[[Sequence[Row]], Figures]] = {
    "quality": quality.figures,
    **BIAS,
    **HALLUCINATION,
    **ROBUSTNESS,
    "latency": latency.figures,
    **classification.FIGURES,
    "choices": choices.figures,
    "extractive": extractive.figures,
    "exact_answer": exact_answer.figures,
    "perplexity": perplexity.figures,
    "letters": letters.figures,
    "fidelity": fidelity.figures,
    "sentiment": sentiment.figures,
    "dialogue": dialogue.figures,
    "lm_eval": lm_eval.figures,
    "verbalised": verbalised.figures,
    "metric": own_metric.figures,
}

CONTROLS: Mapping[str, Callable[[Row], bool]] = {
    **BIAS_CONTROLS,
    **HALLUCINATION_CONTROLS,
    **ROBUSTNESS_CONTROLS,
}
"""Rows that never have a value and so are neither in n nor among the errors."""

WITHHELD = "withheld: "
"""How the method of a score begins whose value would say more than is known."""


def score(eval: str, slot: str, rows: Sequence[Row], *, seconds: float = 0.0) -> Score:
    """The score of one slot on one eval; rows of other slots are left aside."""
    info, eval = eval_info(eval), called(eval)
    ours = [row for row in rows if row.slot == slot]
    is_control = CONTROLS.get(info.family)
    asked = [row for row in ours if is_control is None or not is_control(row)]
    broken = failed(asked)
    if not scored(ours):
        return Score(
            eval=eval,
            slot=slot,
            value=None,
            low=None,
            high=None,
            n=0,
            clusters=0,
            chance=info.chance,
            unit=info.unit,
            better=info.better,
            errors=len(broken),
            truncated=sum(row.truncated for row in asked),
            seconds=seconds,
            method=_why_not(broken),
            parts=dict(FAMILIES[info.family](ours).parts),
        )
    found = FAMILIES[info.family](ours)
    interval = found.interval
    told = not found.withheld
    return Score(
        eval=eval,
        slot=slot,
        value=interval.value if told else None,
        low=interval.low if told else None,
        high=interval.high if told else None,
        n=interval.n,
        clusters=interval.clusters,
        chance=_chance(found, info=info),
        unit=found.unit or info.unit,
        better=found.better or info.better,
        errors=len(broken),
        truncated=sum(row.truncated for row in asked),
        seconds=seconds,
        method=f"{found.measure}; {interval.method}" if told else f"{WITHHELD}{found.withheld}",
        parts=dict(found.parts),
    )


def _chance(found: Figures, *, info: EvalInfo) -> float | None:
    if found.chance is not None:
        return found.chance
    return info.chance if found.has_chance else None


def _why_not(broken: Sequence[Row]) -> str:
    """The commonest reason why there is no number."""
    if not broken:
        return "no score: nothing was asked"
    (reason, count), *others = Counter(row.error or "nan" for row in broken).most_common()
    if reason.startswith("not asked: "):
        return reason
    also = f" and {len(others)} other reasons" if others else ""
    return f"no score: {count} of {len(broken)} rows failed with {reason!r}{also}"

"""How training facts become accuracy by what the base knew of each: the four classes of SliCK (Gekhman et al. 2024).

A row's value is 1 where a fact that was trained is answered right now; its group is the class of the base, the same for every
slot. Facts that were never trained (`untouched`, `held-out`) are controls without a value: whether those of them that
the base knew are still answered right is the harm that new facts do. `class_of` is the definition.
"""

from collections import Counter
from collections.abc import Sequence

from workbench.scores.figures import Figures, Parts, at_worst, scored, share_of
from workbench.scores.matching import normalise
from workbench.scores.quality import HELD_OUT
from workbench.scores.task import Row

HIGHLY, MAYBE, WEAKLY, UNKNOWN = "HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown"
CLASSES = (HIGHLY, MAYBE, WEAKLY, UNKNOWN)
UNTOUCHED = "untouched"
"""The kind of facts that the base was told and the data never mention."""
NEVER_TRAINED = (UNTOUCHED, HELD_OUT)
CORRECT, WRONG = "correct", "wrong"


def class_of(*, greedy: Sequence[bool], sampled: Sequence[bool] = ()) -> str:
    """What the base knows of a fact, by which of its answers were right.

    Args:
        greedy: The likeliest answer to each prompt.
        sampled: Drawn answers; they matter only where no likeliest one was right.

    >>> class_of(greedy=[True, True]), class_of(greedy=[True, False])
    ('HighlyKnown', 'MaybeKnown')
    >>> class_of(greedy=[False, False], sampled=[False, True]), class_of(greedy=[False], sampled=[False])
    ('WeaklyKnown', 'Unknown')
    """
    if greedy and all(greedy):
        return HIGHLY
    if any(greedy):
        return MAYBE
    return WEAKLY if any(sampled) else UNKNOWN


def is_control(row: Row) -> bool:
    """Whether a row asks a fact that was not trained."""
    return row.kind in NEVER_TRAINED


def figures(rows: Sequence[Row]) -> Figures:
    """The share of training facts answered right, by class, and the errors on what the base knew."""
    asked = [row for row in rows if not is_control(row)]
    ours = scored(asked)
    parts: Parts = {}
    for name in CLASSES:
        told = [row for row in ours if row.group == name]
        if ours:
            parts |= {f"class/{name}": len(told) / len(ours), f"n/{name}": len(told)}
        if told:
            parts[f"accuracy/{name}"] = share_of(told).value
    parts |= _errors_on_known(ours, name="trained")
    controls = [
        row.model_copy(update={"value": float(row.outcome == CORRECT)})
        for row in rows
        if is_control(row) and not row.error
    ]
    for kind in sorted({row.kind for row in controls}):
        parts |= _errors_on_known([row for row in controls if row.kind == kind], name=kind)
    return Figures(
        interval=share_of(ours),
        parts=parts | at_worst(asked),
        measure="share of training facts answered right",
        chance=_chance(ours) if ours else None,
    )


def _errors_on_known(rows: Sequence[Row], *, name: str) -> Parts:
    """The share of facts that the base knew, at least weakly, and this slot answers wrong, with its 95 % interval."""
    known = [
        row.model_copy(update={"value": 1 - (row.value or 0.0)})
        for row in rows
        if row.group != UNKNOWN
    ]
    if not known:
        return {}
    found, what = share_of(known), f"errors_on_known/{name}"
    return {
        what: found.value,
        f"{what}/low": found.low,
        f"{what}/high": found.high,
        f"{what}/n": found.n,
    }


def _chance(rows: Sequence[Row]) -> float:
    """What whoever always gives the commonest answer gets."""
    return max(Counter(normalise(row.expected) for row in rows).values()) / len(rows)

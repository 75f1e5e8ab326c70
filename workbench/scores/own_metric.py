"""How a metric of the library evaluate, computed of generated answers, becomes a figure with an interval.

Rows carry what each answer is worth: under a metric that is the mean of its items the item's own, else a jackknife value, so
that in either case the mean of the rows is the metric of all of them, and differences can be paired. The other
numbers of the metric stand in the details of the first row. It computes no metric and loads none.
"""

from collections.abc import Sequence

from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    errors_of,
    mean_of,
    scored,
    share_of,
)
from workbench.scores.task import Row

SHARES = frozenset({"exact_match", "squad_f1", "exact_number", "accuracy", "macro_f1"})
"""Our own metrics that lie between 0 and 1."""
LOWER = frozenset(
    {"wer", "cer", "ter", "mse", "mae", "mape", "smape", "mase", "brier_score", "perplexity"}
)
"""Metrics of which less is better; of every other name more is taken to be."""
BUNCHES = 200
"""Parts that are left out one after the other where a metric is no mean of its items."""


def figures(rows: Sequence[Row]) -> Figures:
    """The metric of all answers, and the other numbers that it gives."""
    ours = scored(rows)
    kept = detail(ours[0]) if ours else {}
    name, key = str(kept.get("metric", "")), str(kept.get("key", ""))
    whole: dict[str, float] = next(
        (d["whole"] for row in ours if "whole" in (d := detail(row))), {}
    )
    parts: Parts = {other: number for other, number in whole.items() if other != key}
    parts |= errors_of(rows, "unparsed", name="unparsed")
    if name in SHARES:
        parts |= at_worst(rows)
    how = "" if kept.get("of_items", True) else ", a jackknife over the items"
    return Figures(
        interval=share_of(ours) if name in SHARES else mean_of(ours),
        parts=parts,
        measure=(key if key == name else f"{name}: {key}") + how,
        better="lower" if name in LOWER else None,
    )

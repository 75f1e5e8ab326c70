"""How told labels become a figure: accuracy, Matthews correlation, F1 or its mean over labels, with the others beside it.

A row's `expected` is its label, `answer` the one that was told. Which measure is the figure depends on the eval; chance
is the best that one label for every row gets. Rows that could not be told (logits that are no numbers) are errors.
"""

from collections.abc import Callable, Sequence
from functools import partial

from workbench.scores.confusion import baseline, estimate, macro_f1, matthews
from workbench.scores.entry import Measure
from workbench.scores.figures import Figures, Parts, at_worst, detail, failed, group_means, scored
from workbench.scores.quality import asked
from workbench.scores.task import BASE, Row

UNTRAINED = "; the base's head is untrained, so it is at chance by construction"
HEAD_ALONE = "; of the base a head alone was trained, on {rows} rows"
MAX_SHOWN = 12
"""With more labels than this, figures of single labels are left out."""

CALLED: dict[Measure, str] = {
    "accuracy": "accuracy",
    "matthews": "Matthews correlation",
    "f1": "F1",
    "macro_f1": "mean F1 over labels",
}


def figures(rows: Sequence[Row], *, measure: Measure = "accuracy") -> Figures:
    """The measure, and what it is made of."""
    ours, broken = scored(rows), failed(rows)
    positive = next((str(detail(r)["positive"]) for r in ours if "positive" in detail(r)), "")
    labels = {row.expected for row in (*ours, *broken) if row.expected}
    return Figures(
        interval=estimate(ours, measure=measure, positive=positive),
        parts=parts_of(rows, measure=measure, num_labels=len(labels)),
        measure=_called(ours, measure=measure, positive=positive),
        chance=baseline([*ours, *broken], measure=measure, positive=positive),
    )


FIGURES: dict[str, Callable[[Sequence[Row]], Figures]] = {
    "classification": figures,
    "matthews": partial(figures, measure="matthews"),
    "f1": partial(figures, measure="f1"),
    "macro_f1": partial(figures, measure="macro_f1"),
}
"""The eval's name -> its arithmetic."""


def parts_of(rows: Sequence[Row], *, measure: Measure, num_labels: int) -> Parts:
    """The other measures, the share right of each label, and what errors may hide."""
    ours, broken = scored(rows), failed(rows)
    if not ours:
        return {"labels": num_labels}
    parts: Parts = {"macro_f1": macro_f1(ours), "matthews": matthews(ours), "labels": num_labels}
    if measure != "accuracy":
        right = estimate(ours, measure="accuracy")
        majority = baseline([*ours, *broken], measure="accuracy")
        parts |= {"accuracy": right.value, "accuracy/low": right.low, "accuracy/high": right.high}
        parts["accuracy/chance"] = majority
    by_label = group_means(ours, better="higher")
    if num_labels <= MAX_SHOWN:
        parts |= by_label
    elif "worst_group" in by_label:
        parts["worst_group"] = by_label["worst_group"]
    if measure == "accuracy":
        parts |= at_worst(rows)
    return parts


def _called(ours: Sequence[Row], *, measure: Measure, positive: str) -> str:
    words = CALLED[measure] + (f" of {positive!r}" if measure == "f1" else "")
    words += asked(ours)
    if ours and ours[0].slot == BASE:
        trained_on = detail(ours[0]).get("head_rows")
        words += HEAD_ALONE.format(rows=trained_on) if trained_on else UNTRAINED
    return words

"""How labels in words become a share of right ones: the likeliest label counts, with macro-F1 and each label beside it.

A row's `expected` is its label and `answer` the likeliest one. Chance is the share of the commonest label among the
items asked, as in `classification`, whose head this model has not. It knows no model.
"""

from collections.abc import Sequence
from dataclasses import replace

from workbench.scores import classification
from workbench.scores.figures import Figures, Parts, errors_of, mean_detail, outcome_shares, scored
from workbench.scores.quality import asked
from workbench.scores.task import Row


def figures(rows: Sequence[Row]) -> Figures:
    """Accuracy, and the mean share of the labels' probability that the right one has."""
    ours = scored(rows)
    found = classification.figures(rows)
    parts: Parts = {**found.parts, **outcome_shares(ours)}
    if ours:
        parts["right_label/probability"] = mean_detail(ours, "share")
    parts |= errors_of(rows, "tie", name="ties")
    return replace(found, parts=parts, measure=f"accuracy of the likeliest label{asked(ours)}")

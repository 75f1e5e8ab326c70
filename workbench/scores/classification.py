"""How told labels become a share of right ones: accuracy, with macro-F1 and the share right of each label beside it.

A row's `expected` is its label, `answer` the one that was told. Chance is the share of the commonest label among the
items asked: what is right without reading. Rows that could not be told (logits that are no numbers) are errors.
"""

import math
from collections import Counter
from collections.abc import Sequence

from workbench.scores.figures import Figures, Parts, failed, group_means, scored, share_of
from workbench.scores.quality import ASKED
from workbench.scores.task import BASE, Row

UNTRAINED = "; the base's head is untrained, so it is at chance by construction"
MAX_SHOWN = 12
"""With more labels than this, figures of single labels are left out."""


def figures(rows: Sequence[Row]) -> Figures:
    """Accuracy."""
    ours, broken = scored(rows), failed(rows)
    counts = Counter(row.expected for row in rows if row.expected)
    parts: Parts = {"macro_f1": macro_f1(ours), "labels": len(counts)}
    by_label = group_means(ours, better="higher")
    if len(counts) <= MAX_SHOWN:
        parts |= by_label
    elif "worst_group" in by_label:
        parts["worst_group"] = by_label["worst_group"]
    if ours and broken:
        right = sum(row.value or 0.0 for row in ours)
        parts["if_errors_are_wrong"] = right / (len(ours) + len(broken))
    kinds = {row.kind for row in ours}
    measure = "accuracy" + (ASKED.get(kinds.pop(), "") if len(kinds) == 1 else "")
    if ours and ours[0].slot == BASE:
        measure += UNTRAINED
    return Figures(
        interval=share_of(ours),
        parts=parts,
        measure=measure,
        chance=max(counts.values()) / counts.total() if counts else None,
    )


def macro_f1(rows: Sequence[Row]) -> float | None:
    """The mean over labels of F1 = 2 tp / (2 tp + fp + fn), over every label that is expected or told.

    >>> told = [("a", "a"), ("a", "b"), ("b", "b")]
    >>> rows = [Row(sample=str(i), slot="r2", expected=e, answer=t) for i, (e, t) in enumerate(told)]
    >>> round(macro_f1(rows), 4)
    0.6667
    """
    hits = Counter(row.expected for row in rows if row.answer == row.expected)
    expected, told = Counter(r.expected for r in rows), Counter(r.answer for r in rows)
    labels = expected.keys() | told.keys()
    if not labels:
        return None
    # 2 tp + fp + fn counts each label once where it is expected and once where it is told.
    each = [2 * hits[label] / (expected[label] + told[label]) for label in labels]
    return math.fsum(each) / len(each)

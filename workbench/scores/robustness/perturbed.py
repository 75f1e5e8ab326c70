"""How answers to changed questions become figures: accuracy over all changes, each of them, and what is lost.

`figures(rows)` averages over changed questions; each is paired with the same question as it is (`clean.py`). A model that
always says the same has no drop and is perfectly consistent, so neither is told of whoever is not above chance. It
knows no change and no model.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

from workbench.scores.figures import Figures, Parts, errors_of, group_means, scored, share_of
from workbench.scores.robustness.clean import (
    UNCHANGED,
    Clean,
    against,
    at_worst,
    clean_of,
    drop,
    is_control,
    item_of,
    measure,
    paired,
    said,
)
from workbench.scores.task import Row


def figures(rows: Sequence[Row]) -> Figures:
    """Accuracy over changed questions."""
    changed = [row for row in rows if not is_control(row)]
    clean, ours = clean_of(rows), scored(changed)
    return Figures(
        interval=share_of(ours),
        parts={
            **against(clean, ours),
            **_kinds(clean, ours),
            **_kept(clean, ours),
            **group_means(ours, better="higher"),
            **at_worst(changed),
            **errors_of(changed, UNCHANGED, name=UNCHANGED),
        },
        measure=measure(clean, "accuracy over changed questions"),
        chance=clean.chance,
    )


def _kinds(clean: Clean, rows: Sequence[Row]) -> Parts:
    """Accuracy and drop of each change, and the accuracy under the worst."""
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    parts: Parts = {}
    means = {kind: share_of(found) for kind, found in sorted(by_kind.items())}
    for kind, found in means.items():
        parts |= {
            f"kind/{kind}": found.value,
            f"kind/{kind}/low": found.low,
            f"kind/{kind}/high": found.high,
            **drop(clean, by_kind[kind], name=f"drop/{kind}"),
        }
    if means:
        parts["worst_kind"] = min(found.value or 0.0 for found in means.values())
    return parts


def _kept(clean: Clean, rows: Sequence[Row]) -> Parts:
    """Which answers stay as they were, which right ones stay right, and which items are right however they are asked."""
    names = ("consistency", "kept", "right_in_every_form")
    pairs = paired(clean, rows)
    if not pairs or not clean.is_mastered:
        return dict.fromkeys(names)
    right = [after.value or 0.0 for before, after in pairs if before.value]
    worst = {item: row.value or 0.0 for item, row in clean.rows.items()}
    for _, after in pairs:
        worst[item_of(after)] = min(worst[item_of(after)], after.value or 0.0)
    same = [said(before) == said(after) for before, after in pairs]
    found = (
        sum(same) / len(same),
        math.fsum(right) / len(right) if right else None,
        math.fsum(worst.values()) / len(worst),
    )
    return dict(zip(names, found, strict=True))

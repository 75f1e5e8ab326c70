"""How answers become a rate of made-up ones, with refusals and controls told apart.

A row's value is 1 where the answer is made up. Rows of kind `known` are controls: questions whose answer the base
was told, there to show what an always-refusing model is worth. They have no value and are never averaged.
"""

from collections.abc import Sequence

from workbench.scores.figures import (
    Figures,
    failed,
    group_means,
    outcome_shares,
    scored,
    share_of,
)
from workbench.scores.task import Row

KNOWN = "known"


def is_control(row: Row) -> bool:
    """Whether a row asks what the base was told."""
    return row.kind == KNOWN


def figures(rows: Sequence[Row]) -> Figures:
    """The share of made-up answers."""
    ours = scored(rows)
    known = [row for row in rows if is_control(row) and not row.error]
    parts = {
        **outcome_shares(ours),
        **outcome_shares(known, prefix="known"),
        **group_means(ours, better="lower"),
    }
    broken = [row for row in failed(rows) if not is_control(row)]
    if ours and broken:
        made_up = sum(row.value or 0.0 for row in ours)
        parts["if_errors_are_made_up"] = (made_up + len(broken)) / (len(ours) + len(broken))
    return Figures(interval=share_of(ours), parts=parts, measure="share made up")

"""How timed blocks become a latency: the median with the interval between two order statistics."""

from collections.abc import Sequence

from workbench.scores.figures import Figures, mean_detail, scored, values
from workbench.scores.task import Row
from workbench.stats.intervals import median_interval


def figures(rows: Sequence[Row]) -> Figures:
    """The median milliseconds between tokens."""
    ours = scored(rows)
    parts = {}
    if ours:
        parts = {
            "slowest_block": max(values(ours)),
            "first_token_ms": mean_detail(ours, "first_ms"),
            "tokens_per_block": mean_detail(ours, "tokens"),
        }
    return Figures(
        interval=median_interval(values(ours)), parts=parts, measure="median over blocks"
    )

"""How distances from full precision become a score: the mean over texts, of the slot as it is and of its merged self.

A row is one text; its value and the figures in its details are means over the text's tokens. It knows no model.
"""

import math
from collections.abc import Sequence

import numpy as np

from workbench.scores.figures import Figures, Parts, detail, mean_detail, scored, values
from workbench.scores.task import Row
from workbench.stats.intervals import Interval, cluster_codes, mean_t, t_interval

BESIDE = ("top1", "merged", "merged/top1", "base", "base/top1")


def figures(rows: Sequence[Row]) -> Figures:
    """The mean distance, and beside it how often the likeliest token is the same."""
    ours = scored(rows)
    parts: Parts = {
        name: found for name in BESIDE if (found := mean_detail(ours, name)) is not None
    }
    merged = [row for row in ours if "merged" in detail(row)]
    kept = [row for row in merged if math.isfinite(detail(row)["merged"])]
    if merged:
        interval = _mean([detail(row)["merged"] for row in kept], kept)
        parts |= {"merged/low": interval.low, "merged/high": interval.high}
        parts["merged/errors"] = len(merged) - len(kept)
    parts["tokens"] = sum(int(detail(row).get("tokens", 0)) for row in ours)
    return Figures(
        interval=_mean(values(ours), ours),
        parts=parts,
        measure="mean over texts of KL(full precision || this) for a token",
    )


def _mean(numbers: Sequence[float], rows: Sequence[Row]) -> Interval:
    """A t interval, and no share's: a distance of 0 everywhere is no count of failures."""
    if len(numbers) < 2:
        return mean_t(numbers)
    codes, _ = cluster_codes([row.cluster for row in rows], n=len(rows))
    found = t_interval(np.asarray(numbers, dtype=np.float64), codes, level=0.95)
    return found.cut(least=0, most=math.inf)

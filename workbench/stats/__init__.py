"""Statistics for evals: intervals, paired differences, corrections for many comparisons, and power.

`mean_interval(values, clusters=...)` and `paired_difference(a, b, clusters=...)` choose the method and name it;
the rest are their parts. numpy and scipy only; nothing here knows a model, a row or a run folder.
"""

from workbench.stats.family import holm
from workbench.stats.intervals import (
    Interval,
    bootstrap,
    clopper_pearson,
    clustered_mean,
    clustered_share,
    mean_interval,
    mean_t,
    median_interval,
    quantile_interval,
    wilson,
    within,
)
from workbench.stats.paired import Difference, Pairs, mcnemar, newcombe, paired_difference
from workbench.stats.power import detectable_difference, items_needed, minimal_difference

__all__ = [
    "Difference",
    "Interval",
    "Pairs",
    "bootstrap",
    "clopper_pearson",
    "clustered_mean",
    "clustered_share",
    "detectable_difference",
    "holm",
    "items_needed",
    "mcnemar",
    "mean_interval",
    "mean_t",
    "median_interval",
    "minimal_difference",
    "newcombe",
    "paired_difference",
    "quantile_interval",
    "wilson",
    "within",
]

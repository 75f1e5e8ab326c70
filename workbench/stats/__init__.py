"""Statistics for evals: intervals, paired differences, families of comparisons, trends, margins, seeds, calibration and power.

`mean_interval(values, clusters=...)` and `paired_difference(a, b, clusters=...)` choose the method and name it;
`bootstrap` and `swap_test` serve any other metric; the rest are their parts. numpy and scipy only; nothing here knows
a model, a row or a run folder.
"""

from workbench.stats.calibration import (
    Bin,
    Brier,
    auroc,
    brier,
    ece,
    ece_if_calibrated,
    equal_mass,
    equal_width,
)
from workbench.stats.family import holm
from workbench.stats.intervals import (
    Interval,
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
from workbench.stats.maxt import Corrected, joint_level, max_t, simultaneous_intervals
from workbench.stats.noninferiority import Enough, NotWorse, cheapest_enough, not_worse
from workbench.stats.paired import Difference, Pairs, mcnemar, newcombe, paired_difference
from workbench.stats.power import (
    detectable_difference,
    items_needed,
    least_difference,
    minimal_difference,
)
from workbench.stats.resampling import bootstrap, pseudo_values, swap_test
from workbench.stats.seeds import TwoWay, items_and_seeds, spread_interval
from workbench.stats.trend import Trend, slopes, trend

__all__ = [
    "Bin",
    "Brier",
    "Corrected",
    "Difference",
    "Enough",
    "Interval",
    "NotWorse",
    "Pairs",
    "Trend",
    "TwoWay",
    "auroc",
    "bootstrap",
    "brier",
    "cheapest_enough",
    "clopper_pearson",
    "clustered_mean",
    "clustered_share",
    "detectable_difference",
    "ece",
    "ece_if_calibrated",
    "equal_mass",
    "equal_width",
    "holm",
    "items_and_seeds",
    "items_needed",
    "joint_level",
    "least_difference",
    "max_t",
    "mcnemar",
    "mean_interval",
    "mean_t",
    "median_interval",
    "minimal_difference",
    "newcombe",
    "not_worse",
    "paired_difference",
    "pseudo_values",
    "quantile_interval",
    "simultaneous_intervals",
    "slopes",
    "spread_interval",
    "swap_test",
    "trend",
    "wilson",
    "within",
]

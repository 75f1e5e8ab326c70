"""How much a figure rises when an axis doubles, rank or rows: the slope over log2 of it, item by item.

`rise(reading, names, xs, eval=...)` gives a `Rise` for the candidates of one curve, or None where there is no slope to
give; `rise.words(unit)` says it. One slope is told of the whole curve, straight or not; the curve itself is in `axes.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.compare import wording
from workbench.compare.pairing import ALPHA
from workbench.compare.panel import panel, seed_columns, seed_panel
from workbench.compare.reading import Reading
from workbench.compare.seeds import over_both
from workbench.stats.seeds import TwoWay
from workbench.stats.trend import Trend, slopes, trend


@dataclass(frozen=True, slots=True)
class Rise:
    """A trend, and its interval over seeds too where there are several."""

    trend: Trend
    both: TwoWay | None = None

    def fields(self) -> dict[str, float | None]:
        """Raw values for a frame."""
        wide = (None, None) if self.both is None else (self.both.low, self.both.high)
        return {
            "per_doubling": self.trend.value,
            "per_doubling_low": self.trend.low,
            "per_doubling_high": self.trend.high,
            "per_doubling_p": self.trend.p,
            "per_doubling_wide_low": wide[0],
            "per_doubling_wide_high": wide[1],
            "per_doubling_detectable": self.trend.detectable,
            "per_doubling_seeds": None if self.both is None else self.both.seeds,
        }

    def words(self, unit: str) -> str:
        """The slope in words, with what could have been seen where none was found."""
        found = self.trend
        if found.value is None or found.p is None:
            return ""
        size = wording.gap(found.value, unit, decimals=1 if wording.is_share(unit) else None)
        ends = wording.interval(*wording.as_size(found.value, found.low, found.high), unit)
        p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
        is_found = found.p < ALPHA
        words = f"{size} {'more' if found.value >= 0 else 'less'} per doubling {ends}"
        words += f", {p}, n = {found.n}" if is_found else ""
        if not is_found:
            seen = found.detectable
            could = f"; {wording.gap(seen, unit)} per doubling could have been seen" if seen else ""
            words = f"no trend found ({words}, {p}, n = {found.n}{could})"
        if self.both is not None and self.both.low is not None:
            wide = wording.as_size(found.value, self.both.low, self.both.high)
            words += f"; {wording.interval(*wide, unit)} over items and {self.both.seeds} seeds"
        return words


def rise(reading: Reading, names: Sequence[str], xs: Sequence[float], *, eval: str) -> Rise | None:
    """The slope over log2(x) of the items that all of them answered; None where a figure is no mean."""
    usable = all(reading.summed_up_by(name, eval) == "mean" for name in names)
    known = panel(reading, eval)
    if not usable or len(set(xs)) < 2 or min(xs) <= 0 or any(n not in known.values for n in names):
        return None
    values = np.column_stack([known.values[name] for name in names])
    if np.isfinite(values).all(axis=1).sum() < 2:
        return None
    found = trend(values, ranks=list(xs), clusters=known.clusters)
    return Rise(found, _over_seeds(reading, names, xs, eval))


def _over_seeds(
    reading: Reading, names: Sequence[str], xs: Sequence[float], eval: str
) -> TwoWay | None:
    """The same over the seeds that every one of the candidates has."""
    known = seed_panel(reading, names, eval)
    by_seed = [seed_columns(reading, name, known) for name in names]
    seeds = [seed for seed in by_seed[0] if all(seed in one for one in by_seed[1:])]
    if len(seeds) < 2:
        return None
    steep = [
        slopes(np.column_stack([one[seed] for one in by_seed]), ranks=list(xs)) for seed in seeds
    ]
    return over_both(steep, clusters=known.clusters)

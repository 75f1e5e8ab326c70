"""How much a figure rises when an axis doubles, rank or rows: the slope over log2 of it, item by item.

`rise(reading, names, xs, eval=...)` gives a `Rise` for the candidates of one curve, or None where there is no slope to
give; `rise.words(unit)` says it. One slope is told of the whole curve, straight or not; the curve itself is in `axes.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.compare import wording
from workbench.compare.pairing import ALPHA
from workbench.compare.panel import panel, seed_panel
from workbench.compare.reading import Reading
from workbench.stats.seeds import TwoWay, items_and_seeds
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
        }

    def words(self, unit: str) -> str:
        """The slope in words, with what could have been seen where none was found."""
        found = self.trend
        if found.value is None or found.p is None:
            return ""
        size = wording.gap(found.value, unit, decimals=1 if wording.is_share(unit) else None)
        sign = 1 if found.value >= 0 else -1
        ends = _ends(sign, found.low, found.high, unit)
        p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.3f}"
        is_found = found.p < ALPHA
        words = f"{size} {'more' if sign > 0 else 'less'} per doubling {ends}"
        words += f", {p}, n = {found.n}" if is_found else ""
        if not is_found:
            seen = found.detectable
            could = f"; {wording.gap(seen, unit)} per doubling could have been seen" if seen else ""
            words = f"no trend found ({words}, {p}, n = {found.n}{could})"
        if self.both is not None and self.both.low is not None:
            wide = _ends(sign, self.both.low, self.both.high, unit)
            words += f"; {wide} over items and {self.both.seeds} seeds"
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
    seed_of = {trial.name: trial.spec.seed for trial in reading.trials}
    panels = [seed_panel(reading, name, eval) for name in names]
    by_seed = [{seed_of[slot]: one.values[slot] for slot in one.values} for one in panels]
    seeds = [seed for seed in by_seed[0] if all(seed in one for one in by_seed[1:])]
    if len(seeds) < 2 or len({one.items for one in panels}) > 1:
        return None
    steep = [
        slopes(np.column_stack([one[seed] for one in by_seed]), ranks=list(xs)) for seed in seeds
    ]
    values = np.column_stack(steep)
    kept = np.flatnonzero(np.isfinite(values).all(axis=1))
    clusters = [panels[0].clusters[place] for place in kept]
    return items_and_seeds(values[kept], clusters=clusters) if len(kept) > 1 else None


def _ends(sign: int, low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None:
        return ""
    return wording.interval(*((low, high) if sign > 0 else (-high, -low)), unit)

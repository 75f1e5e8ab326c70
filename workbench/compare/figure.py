"""What one candidate got on one eval: a value with its interval, over its seeds where there are several.

`figure_of(reading, name, eval)` takes a single trial's stored score as it is; of several seeds it makes the mean, with an
interval over items and a wider one over items and seeds; `base_figure` is the base beside one of them. It compares nothing.
"""

import math

import numpy as np
from pydantic import BaseModel, ConfigDict

from workbench.compare import wording
from workbench.compare.control import base_beside
from workbench.compare.reading import Reading
from workbench.compare.rescored import score_interval
from workbench.compare.seeds import figure_apart
from workbench.scores.scoring import WITHHELD
from workbench.scores.task import BASE, Score
from workbench.stats.intervals import mean_interval, median_interval, within

PARTS = (
    "low",
    "high",
    "n",
    "errors",
    "truncated",
    "seed_low",
    "seed_high",
    "wide_low",
    "wide_high",
)
"""What of a figure stands in the frame beside its value."""


class Figure(BaseModel):
    """What one candidate got on one eval."""

    model_config = ConfigDict(frozen=True)

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    clusters: int = 0
    errors: int = 0
    truncated: int = 0
    method: str = ""
    by_seed: dict[str, float] = {}
    """Trial -> its own value, where there is more than one seed."""
    wide_low: float | None = None
    """Over items and seeds, where there is more than one seed; the other interval is over items."""
    wide_high: float | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether its value is not told because whoever cannot do the task would look good."""
        return self.value is None and self.method.startswith(WITHHELD)

    @property
    def seed_low(self) -> float | None:
        """The lowest value of any seed."""
        return min(self.by_seed.values(), default=None)

    @property
    def seed_high(self) -> float | None:
        """The highest value of any seed."""
        return max(self.by_seed.values(), default=None)


def figure_of(reading: Reading, name: str, eval: str) -> Figure | None:
    """The figure of `base` or of a candidate; None where nothing was scored."""
    slots = (BASE,) if name == BASE else reading.candidate(name).trials
    stored = {slot: score for slot in slots if (score := reading.score(slot, eval)) is not None}
    if not stored:
        return None
    if len(stored) == 1:
        return _of_score(*stored.values())
    by_seed = {slot: score.value for slot, score in stored.items() if score.value is not None}
    counted = {
        "errors": sum(score.errors for score in stored.values()),
        "truncated": sum(score.truncated for score in stored.values()),
        "by_seed": by_seed,
    }
    value = float(np.mean(list(by_seed.values()))) if by_seed else None
    if value is None:
        first = next(iter(stored.values()))
        n = min(one.n for one in stored.values())
        return Figure(value=value, n=n, method=first.method, **counted)
    is_share = all(wording.is_share(score.unit) for score in stored.values())
    return _over_seeds(reading, name, eval, value=value, is_share=is_share).model_copy(
        update=counted
    )


def base_figure(reading: Reading, name: str, eval: str) -> Figure | None:
    """The figure of the base on the items that a candidate was asked, or without one the stored one."""
    found = base_beside(reading, reading.slots(name)[0] if name else BASE, eval)
    return _of_score(found) if found is not None else None


def _of_score(score: Score) -> Figure:
    kept = ("value", "low", "high", "n", "clusters", "errors", "truncated", "method")
    return Figure(**{field: getattr(score, field) for field in kept})


def _over_seeds(reading: Reading, name: str, eval: str, *, value: float, is_share: bool) -> Figure:
    """The figure of several seeds, with its interval over items and the one over both."""
    answers, way = reading.answers(name, eval), reading.summed_up_by(name, eval)
    seeds = len(reading.slots(name))
    if answers is None or way is None:
        scored = score_interval(reading, name, eval=eval)
        method = f"{scored.method}, of the mean over {seeds} seeds"
        return Figure(**scored._asdict() | {"value": value, "method": method})
    is_scored = np.isfinite(answers.values)
    clusters = [one for one, keep in zip(answers.clusters, is_scored, strict=True) if keep]
    kept = answers.values[is_scored]
    made = mean_interval(kept, clusters=clusters) if way == "mean" else median_interval(kept)
    low, high, method = made.low, made.high, made.method
    both = figure_apart(reading, name, eval=eval)
    wide = (None, None) if both is None else (both.low, both.high)
    if is_share:
        low, high, method = within(low, high, method, least=0, most=1)
        wide = within(*wide, "", least=0, most=1)[:2]
    middle = "averaged" if way == "mean" else "at their median"
    return Figure(
        # The median over items of medians over seeds is no mean of medians; the interval is that of the former.
        value=value if way == "mean" else made.value,
        low=low,
        high=high,
        n=made.n,
        clusters=made.clusters,
        method=f"{method}, over items {middle} over {seeds} seeds",
        wide_low=wide[0],
        wide_high=wide[1],
    )


def has_value(figure: Figure | None) -> bool:
    """Whether there is a number."""
    return figure is not None and figure.value is not None and math.isfinite(figure.value)

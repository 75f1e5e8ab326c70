"""`compare(path)`: everything a sweep folder can say about which trial is best, ready to be shown.

A `Comparison` has the verdict, the leaderboard, the differences and the charts; in a notebook it shows itself as a
sentence and a table. It is made from stored rows alone: no model, no torch, and nothing is written.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from workbench.compare import table
from workbench.compare.calibration import failed_evals
from workbench.compare.charts import charts
from workbench.compare.differences import contrast_table, difference_table
from workbench.compare.drawing import Chart
from workbench.compare.markup import Table
from workbench.compare.pairing import Difference
from workbench.compare.reading import Reading, primary_eval, read
from workbench.compare.verdict import Verdict, verdict
from workbench.scores.task import BASE

if TYPE_CHECKING:
    import pandas as pd


def compare(path: str | Path, *, primary: str | None = None, baseline: str = BASE) -> "Comparison":
    """Compare the trials of a sweep on one primary eval, and each of them with a baseline on all evals.

    Args:
        path: A sweep folder; it may still be running.
        primary: The eval the verdict is about; by default paraphrase if it was asked, else recall.
        baseline: What differences are measured against: `base`, or a trial.
    """
    reading = read(path)
    if baseline != BASE:
        reading.candidate(baseline)
    return Comparison(reading, primary_eval(reading, asked=primary), baseline)


@dataclass(frozen=True)
class Comparison:
    """What a sweep folder says about its trials."""

    reading: Reading
    primary: str
    baseline: str = BASE

    @property
    def path(self) -> Path:
        """The sweep folder."""
        return self.reading.store.path

    @cached_property
    def contests(self) -> tuple[Difference, ...]:
        """The better against the worse of each pair of trials on the primary eval."""
        return tuple(table.contests(self.reading, primary=self.primary)) if self.primary else ()

    @cached_property
    def standings(self) -> tuple[table.Standing, ...]:
        """Base, then the trials from best to worst, then those without a figure."""
        return table.standings(self.reading, primary=self.primary, contests=list(self.contests))

    @cached_property
    def verdict(self) -> Verdict:
        """Which trial, by how much, how sure, and what speaks against it."""
        return verdict(self.reading, primary=self.primary, contests=list(self.contests))

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Each trial against the baseline on every eval, corrected together."""
        return tuple(table.against_baseline(self.reading, baseline=self.baseline))

    def leaderboard(self) -> Table:
        """Trials x evals, best first; it shows itself."""
        return table.leaderboard(self.reading, self.standings, primary=self.primary)

    def table(self) -> "pd.DataFrame":
        """The leaderboard's raw values."""
        return self.leaderboard().frame()

    def frame(self) -> "pd.DataFrame":
        """The same, as everything shown has it."""
        return self.table()

    def against_baseline(self) -> Table:
        """Differences to the baseline, trials x evals."""
        failed = failed_evals(self.reading)
        return difference_table(list(self.differences), baseline=self.baseline, failed=failed)

    def contrast(self, of: str, against: str) -> Table:
        """Two trials side by side on every eval."""
        found = table.contrast(self.reading, of, against)
        failed = failed_evals(self.reading)
        return contrast_table(found, of=of, against=against, failed=failed)

    def best_and_cheapest(self) -> Table | None:
        """The best trial against the cheapest; None when that is the same one, or nobody counted."""
        small = table.cheapest(self.reading, primary=self.primary) if self.primary else None
        if small is None or not self.verdict.best or small.name == self.verdict.best:
            return None
        return self.contrast(self.verdict.best, small.name)

    def charts(self) -> tuple[Chart, ...]:
        """Every figure there is something to draw for."""
        return charts(self.reading, self.standings, primary=self.primary, baseline=self.baseline)

    def _repr_html_(self) -> str:
        cautions = Markup("").join(
            Markup("<li><b>{}</b> {}</li>").format(one.code, one.sentence)
            for one in self.verdict.caveats
        )
        return str(
            Markup("<p><strong>{}</strong></p>{}{}").format(
                self.verdict.sentence,
                self.leaderboard().styled(),
                Markup("<ul>{}</ul>").format(cautions) if cautions else "",
            )
        )

    def __repr__(self) -> str:
        cautions = [f"{one.code} {one.sentence}" for one in self.verdict.caveats]
        return "\n".join([self.verdict.sentence, "", repr(self.leaderboard()), "", *cautions])

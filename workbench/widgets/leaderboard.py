"""Which trial is best, by how much and how sure: `leaderboard(path)` or `leaderboard(job)` shows a sweep's comparison.

One widget of our own, drawn by `static/leaderboard.js` from traits, so that a reloaded page shows the whole picture without
asking the kernel. All figures are those of `compare`, worked out in a thread of their own; while a sweep runs it says when
scores have come, and at its end it reads by itself. Where no widget can be shown it is the comparison's own table.
"""

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from workbench.errors import StoreError, WorkbenchError
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE
from workbench.widgets.assets import script, style
from workbench.widgets.board_plain import as_table, as_text
from workbench.widgets.callbacks import shown
from workbench.widgets.sweep_face import SweepFace

if TYPE_CHECKING:
    from workbench.compare import Comparison
    from workbench.job import Job
    from workbench.widgets.board_pair import Pair


def leaderboard(sweep: "str | Path | Job") -> "Leaderboard":
    """The trials of a sweep, best first, with everything that speaks for and against the order.

    Args:
        sweep: A sweep folder, or the job of one; it may still be running.
    """
    return Leaderboard(sweep)


class Leaderboard(SweepFace):
    """The leaderboard of one sweep."""

    _esm = script("scales", "board_table", "board_charts", "leaderboard")
    _css = style("leaderboard")

    board = traitlets.Dict().tag(sync=True)
    """What `board_of` made of the comparison."""
    primary = traitlets.Unicode("").tag(sync=True)
    """The eval that the order and the verdict are about; empty until one is chosen."""
    baseline = traitlets.Unicode(BASE).tag(sync=True)
    """What differences are measured against: `base`, or a row."""
    sorted_by = traitlets.Unicode("").tag(sync=True)
    """The column that the rows are sorted by, with `-` before it for falling; empty for the order of the comparison."""
    weighed = traitlets.Unicode("").tag(sync=True)
    """What quality is drawn against: `parameters`, `memory` or an eval; empty takes the first there is."""
    picked = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """The two rows that are held against each other."""
    contrast = traitlets.Dict().tag(sync=True)
    """What was found between them."""

    def __init__(self, sweep: "str | Path | Job") -> None:
        super().__init__(sweep, what="scores", work_out=self._compare, plain=self._as_table)
        self._comparison: Comparison | None = None
        self.observe(self._again, names=["primary", "baseline"])
        self.observe(self._hold, names=["picked"])
        self._begin()

    @property
    def comparison(self) -> "Comparison":
        """What `compare` says; waits while it is being worked out."""
        self.settle()
        if self._comparison is None:
            raise StoreError(self.problem or f"{str(self.path)!r} could not be compared")
        return self._comparison

    def pair(self, a: str, b: str) -> "Pair":
        """The verdict on exactly two rows, and their difference on every eval; it is shown here too."""
        from workbench.widgets.board_pair import pair

        found = pair(self.comparison, a, b)
        self.picked = [a, b]
        return found

    def _again(self, change: Any) -> None:
        if self._comparison is None or change["new"] != getattr(self._comparison, change["name"]):
            self._errands.ask()

    @shown
    def _compare(self) -> None:
        """Read if needed, compare, show."""
        from workbench.compare.comparison import compare
        from workbench.widgets.board import board_of

        before, read = self._comparison, self._must_read
        self._must_read = False
        primary, baseline = self.primary or None, self.baseline
        try:
            if before is None or read:
                if self._arrivals is not None:
                    self._arrivals.take()
                self.doing = "reading the sweep …"
                made = compare(self.path)
            else:
                made = before
            self.doing = "comparing …"
            made = _asked(made, primary=primary, baseline=baseline)
            board = board_of(made)
        except Exception:
            self._must_read = self._must_read or read
            if before is not None:
                self._back_to(before)
            raise
        self._comparison = made
        self.board = board
        self.problem = self.news = ""
        if not self.primary and made.primary:
            self.primary = made.primary
        self._contrast()

    def _back_to(self, before: "Comparison") -> None:
        """What could not be had is taken back, so that the controls say what is shown."""
        self.primary, self.baseline = before.primary, before.baseline

    @shown
    def _hold(self, _: Any) -> None:
        if len(self.picked) == 2 and self._comparison is not None:
            self._errands.ask()
        elif not self.picked or len(self.picked) != 2:
            self.contrast = {}

    @shown
    def _contrast(self) -> None:
        from workbench.widgets.board_pair import pair

        names = list(self.picked)
        if len(names) != 2 or self._comparison is None:
            self.contrast = {}
            return
        self.contrast = pair(self._comparison, *names).plain()

    def _as_table(self) -> tuple[str, str]:
        """The comparison's own table; the stored figures while it is still being made."""
        made = self._comparison
        try:
            if made is not None:
                return repr(made), made._repr_html_()
            if not self.problem:
                store = SweepStore.open(self.path)
                return as_text(store), as_table(store)
        except (WorkbenchError, OSError) as error:
            self.say_problem(str(error))
        return self.problem, f"<p>{escape(self.problem)}</p>"


def _asked(made: "Comparison", *, primary: str | None, baseline: str) -> "Comparison":
    """The same reading, compared on what was asked for."""
    from workbench.compare.reading import primary_eval

    reading = made.reading
    if baseline != BASE:
        reading.candidate(baseline)
    wanted = primary_eval(reading, asked=primary) if primary else made.primary
    if (wanted, baseline) == (made.primary, made.baseline):
        return made
    # What was worked out for one primary eval or baseline is kept in the reading, not in the comparison.
    return replace(made, primary=wanted, baseline=baseline)

"""A face on a sweep folder that takes a while to read: what the leaderboard and the samples have in common.

A child says what comes to the folder, what is done with it in the background and how that looks where no widget is shown; it
calls `_begin` once it is made. `SweepFace` opens the folder, works in a thread of its own, says in `news` that more has come
while the sweep runs, and reads anew at its end. It reads no figure itself.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.runs.store import SweepStore
from workbench.widgets.arrivals import Arrivals, folder_of, gone
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.errands import Errands
from workbench.widgets.fallback import beside
from workbench.widgets.pump import PUMP

if TYPE_CHECKING:
    from workbench.job import Job

WATCHED, ALONE = 2.0, 120.0
"""Seconds that showing it waits for what it shows: where a person waits, and where nobody does."""


class SweepFace(anywidget.AnyWidget):
    """A view of what one sweep folder holds."""

    doing = traitlets.Unicode("").tag(sync=True)
    """What is being worked out; empty when nothing is."""
    news = traitlets.Unicode("").tag(sync=True)
    """Said when there is more in the folder than was read."""
    problem = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        sweep: "str | Path | Job",
        *,
        what: str,
        work_out: Callable[[], None],
        plain: Callable[[], tuple[str, str]],
    ) -> None:
        """For its children.

        Args:
            sweep: A sweep folder, or the job of one.
            what: What comes to the folder while the sweep runs, in a word.
            work_out: Called in the background: reads if `_must_read`, and shows.
            plain: What is shown where no widget is, as text and as HTML.
        """
        super().__init__()
        self.path = folder_of(sweep)
        self._what = what
        self._work_out = work_out
        self._plain = plain
        self._store: SweepStore | None = None
        self._arrivals: Arrivals | None = None
        self._must_read = True
        self._was_live = False
        self._errands = Errands(self._work, name=f"workbench-{type(self).__name__.lower()}")
        self.on_msg(self._on_message)
        reachable(self)

    @shown
    def _begin(self) -> None:
        """Open the folder and have it read; the child is ready for both."""
        self._store = SweepStore.open(self.path)
        self._arrivals = Arrivals(self._store)
        self._was_live = self._arrivals.look().is_live
        self.doing = f"reading the {self._what} of {len(self._store.trials)} trials …"
        self._errands.ask()
        if self._was_live:
            PUMP.add(self)

    def read(self) -> None:
        """Read the folder again, in the background."""
        if self._store is None:
            self._begin()  # it may have come since
            return
        self._must_read = True
        self._errands.ask()

    def settle(self, *, timeout: float | None = None) -> bool:
        """Wait until what was asked for is shown; false when that took longer."""
        return self._errands.settle(timeout=timeout)

    def refresh(self) -> bool:
        """Look whether more has come; true while it may and the view is open."""
        if self.comm is None or self._arrivals is None:
            return False
        news = self._arrivals.look()
        if news.is_gone:
            self.news = gone(self.path)
            return False
        if news.is_new and news.is_live:
            self.news = f"New {self._what} have come since this was read."
        if self._was_live and not news.is_live:
            self.read()
        self._was_live = news.is_live
        return news.is_live

    def say_problem(self, text: str) -> None:
        """Show what went wrong below the head."""
        self.problem = text

    def _work(self) -> None:
        self._work_out()
        self.doing = ""

    @shown
    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("command") == "read":
            self.read()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it a plain table for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        # A server with a page names the session in the environment; without one nobody waits for the cell.
        self.settle(timeout=WATCHED if "JPY_SESSION_NAME" in os.environ else ALONE)
        text, html = self._plain()
        return beside(bundle, text=text, html=html)

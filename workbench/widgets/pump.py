"""The one thread that keeps live views fresh: `PUMP.add(view)` refreshes it twice a second until it says it is done.

A view has `refresh() -> bool`, true while there may be more to come. One that breaks is told to say so and is not asked
again; the others go on. The thread displays nothing, prints nothing, and ends when no view is left, so that an idle
kernel has none. It knows neither sweeps nor widgets.
"""

import logging
import threading
from typing import Protocol

from workbench.widgets.callbacks import in_words

_log = logging.getLogger(__name__)

INTERVAL = 0.5
"""Seconds between two looks."""


class View(Protocol):
    """Whoever wants to be refreshed."""

    def refresh(self) -> bool:
        """Look again; false when nothing more will come."""
        ...

    def say_problem(self, text: str) -> None:
        """Show a person what went wrong."""
        ...


class Pump:
    """Refreshes views from one daemon thread."""

    def __init__(self, *, interval: float = INTERVAL) -> None:
        self.interval = interval
        self._views: list[View] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, view: View) -> None:
        """Refresh this view from now on; adding it twice changes nothing."""
        with self._lock:
            if not any(view is known for known in self._views):
                self._views.append(view)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="workbench-pump", daemon=True
                )
                self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether any view is being refreshed."""
        return self._thread is not None

    def serves(self, view: View) -> bool:
        """Whether this view is being refreshed."""
        with self._lock:
            return any(view is known for known in self._views)

    def join(self, *, timeout: float) -> None:
        """Wait until no view is left, at most so long."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _run(self) -> None:
        nap = threading.Event()
        while True:
            with self._lock:
                views = list(self._views)
            over = [view for view in views if not _refreshed(view)]
            with self._lock:
                self._views = [v for v in self._views if not any(v is done for done in over)]
                if not self._views:
                    self._thread = None
                    return
            nap.wait(self.interval)


def _refreshed(view: View) -> bool:
    try:
        return view.refresh()
    except Exception as error:  # noqa: BLE001 - one view must not stop the others
        _log.debug("a view could not be refreshed", exc_info=True)
        _say_broken(view, error)
        return False


def _say_broken(view: View, error: Exception) -> None:
    try:
        view.say_problem(
            f"This view is no longer kept fresh: {in_words(error).rstrip('.')}. "
            "Run its cell again to look anew; nothing else has stopped."
        )
    except Exception:  # noqa: BLE001 - whoever cannot even say it is gone, and the others go on
        _log.debug("a view that broke could not say so", exc_info=True)


PUMP = Pump()
"""The pump of this process."""

"""What has come to a sweep folder since it was read: `Arrivals(store).look()` says whether scores or answers are new.

It looks at the dates of the folders that scores and answers are renamed into, never at the files themselves, so that a
look at fifty trials costs a millisecond. It reads no figure.
"""

from pathlib import Path
from typing import Any, NamedTuple

from workbench.runs.status import WORKING
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE

KEPT = ("scores", "samples")


class News(NamedTuple):
    """What a look found."""

    is_new: bool
    """Whether something came since `take`."""
    is_live: bool
    """Whether more may come by itself."""
    is_gone: bool = False
    """Whether the folder is no longer there."""


class Arrivals:
    """Watches one sweep folder for new scores and answers."""

    def __init__(self, store: SweepStore) -> None:
        self.store = store
        self._taken = self._dates()

    def take(self) -> None:
        """What is there now is known from here on; call it before reading."""
        self._taken = self._dates()

    def look(self) -> News:
        """Whether something came, and whether more may."""
        if not (self.store.path / "status.json").exists():
            return News(is_new=False, is_live=False, is_gone=True)
        # The status first: when it says that all is over, all that came is there.
        live = self.store.status().state in (*WORKING, "queued")
        return News(is_new=self._dates() != self._taken, is_live=live)

    def _dates(self) -> tuple[int, ...]:
        slots = (BASE, *(trial.name for trial in self.store.trials))
        return tuple(_date(self.store.path / slot / kept) for slot in slots for kept in KEPT)


def folder_of(sweep: Any) -> Path:
    """The folder of a sweep that is given as one, or as its job."""
    return Path(getattr(sweep, "path", sweep)).absolute()


def gone(path: Path) -> str:
    """What is said of a folder that is no longer there."""
    return (
        f"The folder {str(path)!r} is no longer there: it was deleted or moved. "
        "What is shown is what was read before."
    )


def _date(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0

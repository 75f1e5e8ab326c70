"""What was found out about data sets, remembered: a form asks after the same rows at every key that is pressed.

`RowsSeen()` answers `check`, `num_rows`, `num_labels` and `texts` as `sources` does, and asks again when a file has changed. What
a hub said is kept for a while, a refusal more shortly. It knows no spec but that of the data.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.data.sampled import texts
from workbench.data.sources import check_data, num_labels, num_rows
from workbench.errors import DataError
from workbench.spec import DataSpec

KEPT_SECONDS = 300.0
REFUSED_SECONDS = 10.0
MOST = 64


class RowsSeen:
    """Remembers what data sets are like."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Any, tuple[float, Any]] = {}

    def check(self, data: DataSpec, *, labelled: bool) -> None:
        """Raises DataError when the rows cannot be used."""
        self._ask("check", data, labelled, lambda: check_data(data, labelled=labelled))

    def num_rows(self, data: DataSpec, *, labelled: bool) -> int | None:
        """Rows that could be trained on."""
        found: int | None = self._ask(
            "rows", data, labelled, lambda: num_rows(data, labelled=labelled)
        )
        return found

    def num_labels(self, data: DataSpec) -> int | None:
        """How many labels the rows have."""
        found: int | None = self._ask("labels", data, True, lambda: num_labels(data))
        return found

    def texts(self, data: DataSpec, *, labelled: bool, most: int) -> tuple[tuple[str, str], ...]:
        """What is read and what is learned of some rows."""
        found: tuple[tuple[str, str], ...] = self._ask(
            "texts", data, labelled, lambda: texts(data, labelled=labelled, most=most)
        )
        return found

    def _ask(self, what: str, data: DataSpec, labelled: bool, call: Callable[[], Any]) -> Any:  # noqa: FBT001
        apart = data.validation.id if data.validation else None
        key = (what, data, labelled, _stamp(data.id), _stamp(apart))
        now = time.monotonic()
        with self._lock:
            until, answer = self._known.get(key, (0.0, None))
        if until <= now:
            until, answer = self._found(call)
            with self._lock:
                while len(self._known) >= MOST:
                    del self._known[next(iter(self._known))]
                self._known[key] = (until, answer)
        if isinstance(answer, DataError):
            raise DataError(str(answer))
        return answer

    def _found(self, call: Callable[[], Any]) -> tuple[float, Any]:
        try:
            answer = call()
        except DataError as error:
            return time.monotonic() + REFUSED_SECONDS, error
        return time.monotonic() + KEPT_SECONDS, answer


def _stamp(data_id: str | None) -> tuple[int, int] | None:
    """What changes when a file does."""
    if data_id is None:
        return None
    try:
        found = Path(data_id).expanduser().stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size

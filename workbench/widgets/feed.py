"""Growing curves on their way to a browser: what was sent is not sent again.

`Feed().next(curves, ...)` gives a `base` with all curves, and a `tail` with how they end since that base. Both are plain
enough for JSON, and together they are the whole of it, so that a reloaded page needs nothing else. It knows no file.
"""

from collections.abc import Mapping
from typing import Any

from workbench.widgets.buckets import Buckets

LEAST = 100
"""Points that a tail may have at any rate."""


class Feed:
    """Turns growing curves into a base, sent seldom, and a tail, sent often."""

    def __init__(self) -> None:
        self.base: dict[str, Any] = {"version": 0, "points": {}}
        self.tail: dict[str, Any] = {"version": 0, "ends": {}}
        self._about: tuple[Any, ...] = ()
        self._sent: dict[str, Buckets] = {}

    def next(self, curves: Mapping[str, Buckets], *, quantity: str, log: bool) -> None:
        """Bring `base` and `tail` up to date; what did not change stays the same object."""
        about = (quantity, log)
        same = about == self._about and all(curves.get(n) is b for n, b in self._sent.items())
        if same:
            ends: dict[str, list[Any]] = {}
            for name, buckets in curves.items():
                # A curve that is new is all end.
                first = buckets.since if name in self._sent else 0
                if first < len(buckets):
                    ends[name] = [first, buckets.points(first)]
            if sum(len(points) for _, points in ends.values()) <= max(LEAST, 3 * len(curves)):
                if ends != self.tail["ends"]:
                    self.tail = {"version": self.base["version"], "ends": ends}
                return
        version = self.base["version"] + 1
        points = {name: buckets.points() for name, buckets in curves.items()}
        for buckets in curves.values():
            buckets.mark()
        self._about, self._sent = about, dict(curves)
        self.base = {"version": version, "quantity": quantity, "log": log, "points": points}
        self.tail = {"version": version, "ends": {}}

"""What a sweep itself took: seconds of training, of asking, and of the whole, added up from what it stored.

`spent(store)` reads events, scores and `measured.json`. Each was measured once, so none has an interval. Trials trained
together have shares of a common pass, which add up to it. Durations are of a clock that nobody sets; the stamps of events
are of the wall clock, and how far that was set back meanwhile is said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from workbench.errors import StoreError
from workbench.events import Finished, HeldOut, Step
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE

SLEW = 1.0
"""Seconds that a clock may be set without anyone needing to know: it is what time servers do all day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds, None where nobody wrote them down."""

    training: float | None
    evaluation: float | None
    whole: float | None
    """From the last start to its end: loading the model and reading the data included."""
    trials: int
    """Those whose training was timed."""
    scores: int
    """Those that were timed."""
    set_back: float
    """By how many seconds the wall clock was set back at most while events were stamped; 0 where it was not."""

    @property
    def note(self) -> str:
        """What to know of the clock, in a sentence; empty where there is nothing."""
        if not self.set_back:
            return ""
        return (
            f"the wall clock was set back by {self.set_back:.0f} s while this sweep ran: the stamps of its events are not in "
            "order; durations are of another clock and are not touched"
        )


def spent(store: SweepStore) -> Spent:
    """What was stored of it."""
    logs = {slot: store.events(slot) for slot in ("", BASE, *(t.name for t in store.trials))}
    training = [s for t in store.trials if (s := _trained(logs[t.name])) is not None]
    asked = [score.seconds for score in store.scores() if score.seconds > 0]
    return Spent(
        training=sum(training) if training else None,
        evaluation=sum(asked) if asked else None,
        whole=_whole(store),
        trials=len(training),
        scores=len(asked),
        set_back=max(map(_set_back, logs.values())),
    )


def _trained(events: Sequence[Any]) -> float | None:
    """The seconds that a trial said at its end; of one that has no end, those of its steps."""
    ends = [event.seconds for event in events if isinstance(event, Finished)]
    if ends:
        return float(ends[-1])
    steps = [event.seconds for event in events if isinstance(event, Step | HeldOut)]
    return float(sum(steps)) if steps else None


def _whole(store: SweepStore) -> float | None:
    try:
        stored = store.read_json("measured.json", default={})
    except StoreError:
        return None
    found = stored.get("seconds") if isinstance(stored, dict) else None
    return float(found) if isinstance(found, int | float) else None


def _set_back(events: Iterable[Any]) -> float:
    """How far stamps of one log go back at most, from one event to the next."""
    stamps = [event.time for event in events if event.time]
    back = max((before - after for before, after in pairwise(stamps)), default=0.0)
    return back if back >= SLEW else 0.0

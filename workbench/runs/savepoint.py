"""From where a sweep goes on whose worker died: which trials trained, how far each was, and what had been told them.

The worker writes one when the checkpoints of all trials that train are on disk together, so that those taken up again
stand beside the same neighbours at the same steps as if nothing had happened, and compute the same bits. What happened
after it is done again. It knows one JSON file.
"""

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import StoreError
from workbench.runs.store import SweepStore

FILE = "savepoint.json"


class Savepoint(BaseModel):
    """One point to go on from; the empty one is a sweep that trains nothing yet, or no longer."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    slots: dict[str, int] = {}
    """The step of each trial that trains."""
    round: int = 0
    """Steps that the groups have taken, one after the other."""
    commands: int = 0
    """How many commands had been followed."""
    paused: tuple[str, ...] = ()
    stopping: tuple[str, ...] = ()
    dropping: tuple[str, ...] = ()
    pass_tokens: int | None = None
    """What a forward pass held at most; None where nothing says otherwise."""


def read_savepoint(store: SweepStore) -> Savepoint:
    """The last savepoint of a sweep."""
    fields = store.read_json(FILE, default={})
    try:
        return Savepoint.model_validate(fields)
    except ValidationError:
        raise StoreError(
            f"{str(store.path / FILE)!r} is no savepoint of this version; remove it, and training begins anew"
        ) from None

"""The trials that joined a sweep while it ran, as `added.json` in its folder has them.

The axes of a sweep say nothing of them, so each is kept whole, with the command that asked for it. It knows one JSON file.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from workbench.errors import StoreError
from workbench.runs.atomic import write_bytes
from workbench.spec import Trial

FILE = "added.json"


class Added(BaseModel):
    """One trial, and the file its command came in."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    trial: Trial
    command: str


def read(sweep: Path) -> tuple[Added, ...]:
    """Those of a sweep, in the order in which they joined."""
    path = sweep / FILE
    try:
        return tuple(TypeAdapter(list[Added]).validate_json(path.read_bytes()))
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        raise StoreError(f"{str(path)!r} cannot be read: {error}") from None


def write(sweep: Path, some: Sequence[Added]) -> None:
    """Put them on disk, whole or not at all."""
    # Defaults nobody set are left out, as in the spec of a trial: what is set decides what a method reads.
    fields = [one.model_dump(mode="json", exclude_unset=True) for one in some]
    write_bytes(sweep / FILE, json.dumps(fields, indent=1).encode())

"""Sweep folders found on the disk: those under a folder, newest first, and the one that was meant.

With ten thousand of them the disk is asked once for each. Nothing is opened or read.
"""

import os
from itertools import islice
from pathlib import Path

from workbench.errors import StoreError


def find_sweeps(root: Path, *, most: int | None = None) -> list[Path]:
    """Every sweep folder directly under `root`, newest first, or the newest few; none when there is no such folder."""
    found: list[tuple[int, str]] = []
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                made = None if entry.name.startswith(".") else written(f"{entry.path}/spec.yaml")
                found += [] if made is None else [(made, entry.path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{str(root)!r} cannot be searched: {error.strerror}") from None
    newest = sorted(found, reverse=True)
    # Whoever wants a few of ten thousand asks the disk once for each folder, not twice.
    whole = (Path(path) for _, path in newest if written(f"{path}/status.json") is not None)
    return list(islice(whole, most))


def written(path: str | Path) -> int | None:
    """When a file was written; None where there is none."""
    try:
        # os.stat on strings: with 10,000 folders Path objects would cost more than the disk.
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return None


def hint(path: Path) -> str:
    """What somebody may have meant who named a folder that is no sweep; empty where nothing is near."""
    if (path.parent / "status.json").is_file():
        return f" It lies in the sweep {str(path.parent)!r}."
    inside = find_sweeps(path, most=1)
    return f" The newest sweep in it is {str(inside[0])!r}." if inside else ""

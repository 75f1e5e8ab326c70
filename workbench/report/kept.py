"""Reports that were made already, so that the same one again is a copy: under `~/.cache/peft-workbench/reports`.

`key_of(...)` is a hash of everything a report is made of: the contents of the files it reads in the sweep's folder, the
notebook, the parameters, and the code and the versions that make it. `get(key)` gives the folder with its files, `put(key, folder)`
keeps one, whole or not at all, and lets the oldest go. The folder may be deleted at any time; where it cannot be
written nothing is kept and nobody is told.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Any

import workbench

MOST_BYTES = 120_000_000
"""Of all reports kept; about twenty with their scripts."""

NOT_READ = frozenset({"answers.sqlite", "checkpoint", "control", "model"})
"""Names in a sweep that no report reads; the rest is small."""

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
"""Of these only the size counts: what is told of them stands elsewhere."""

MADE_WITH = ("nbconvert", "numpy", "pandas", "papermill", "plotly", "pyarrow", "scipy")
CODE = (".py", ".ipynb", ".css", ".js", ".j2", ".json")


def folder() -> Path:
    """Where they lie."""
    told = os.environ.get("XDG_CACHE_HOME")
    above = Path(told) if told and Path(told).is_absolute() else Path.home() / ".cache"
    return above / "peft-workbench" / "reports"


def key_of(sweep: Path, *, template: Path, told: Mapping[str, Any]) -> str:
    """A name for one report: other contents, other words, another code give another name.

    Args:
        sweep: The sweep's folder.
        template: The notebook.
        told: Whatever else the report depends on.
    """
    found = blake2b(digest_size=20)
    made_with = [f"{name} {metadata.version(name)}" for name in MADE_WITH]
    words = {"told": told, "sweep": sweep.name, "python": sys.version, "with": made_with}
    found.update(json.dumps(words, sort_keys=True, default=str).encode())
    package = Path(workbench.__file__).parent
    code = (path for path in _files(package) if path.suffix in CODE)
    for path in (template, *code, *_files(sweep)):
        found.update(f"\0{path.name}\0{path.parent.name}\0".encode(errors="surrogateescape"))
        found.update(_content(path))
    return found.hexdigest()


def get(key: str, *, files: Iterable[str]) -> dict[str, bytes] | None:
    """The files of a report that was kept, or None."""
    place = folder() / key
    try:
        found = {name: (place / name).read_bytes() for name in files}
        os.utime(place)
    except OSError:
        return None
    return found


def put(key: str, made: Path) -> None:
    """Keep the files of a folder, and let the oldest go where there are too many."""
    place = folder()
    fresh = place / f".{key}.{os.getpid()}.{time.monotonic_ns()}.new"
    try:
        place.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, fresh)
        shutil.rmtree(place / key, ignore_errors=True)
        # Fails where another process has kept the same one since; then there is nothing to do.
        fresh.rename(place / key)
        _let_go(place)
    except OSError:
        return
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _let_go(place: Path) -> None:
    """Remove the longest unused until the rest is small enough."""
    kept = sorted(place.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    total = 0
    for one in kept:
        total += sum(path.stat().st_size for path in one.rglob("*") if path.is_file())
        if total > MOST_BYTES:
            shutil.rmtree(one, ignore_errors=True)


def _files(above: Path) -> list[Path]:
    """Every file below a folder that a report may read, in the order of their paths."""
    found: list[Path] = []
    for parent, folders, names in os.walk(above):
        folders[:] = [one for one in folders if one not in NOT_READ and one[0] not in "._"]
        found += [Path(parent, name) for name in names if name not in NOT_READ and name[0] != "."]
    return sorted(found)


def _content(path: Path) -> bytes:
    try:
        if path.suffix in WEIGHTS:
            return str(path.stat().st_size).encode()
        with path.open("rb") as file:
            return _digest(file)
    except OSError as error:
        return f"unreadable {error.errno}".encode()


def _digest(file: Any) -> bytes:
    found = blake2b(digest_size=20)
    while block := file.read(1 << 20):
        found.update(block)
    return found.digest()

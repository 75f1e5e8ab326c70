"""Writing so that a process killed at any instant leaves nothing half-written.

`replacing(path)` gives a temporary name in the same folder and renames it over `path` when the block ends well;
`append_line(path, line)` adds one line in one write and first ends a line that a crash cut; `locked(folder)` keeps
two processes from changing a folder's status at once. It knows files, not sweeps.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import RunError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name to write a file or a folder to; it takes the place of `path` when the block ends.

    with replacing(folder / "slot.safetensors") as temporary:
        save_file(tensors, temporary)
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        if path.is_dir() and not path.is_symlink():
            _swap_folder(temporary, path)
        else:
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        _remove(temporary)


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def append_line(path: Path, line: str) -> None:
    """Add a line; what a crash cut before it is first ended, so that this one is whole."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            left = b"\n" if _is_cut(handle) else b""
            left += line.encode() + b"\n"
            # A full disk takes a part and says so only at the next call.
            while left:
                left = left[os.write(handle, left) :]
        finally:
            os.close(handle)
    except OSError as error:
        raise not_written(path, error) from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it is let go when the process dies."""
    try:
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise not_written(folder, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def tidy(folder: Path) -> None:
    """Clear away what killed writers left; only for the one process that may write here."""
    for left in [*folder.rglob(".*.tmp"), *folder.rglob(".*.old")]:
        if left.parent.name == "control":
            continue  # a face may be writing a command there this moment
        path = left.with_name(left.name[1:].rsplit(".", 2)[0])
        if left.suffix == ".old" and not path.exists():
            # Killed between the two renames of a folder: the old one is the only one.
            left.replace(path)
        else:
            _remove(left)


def not_written(path: Path, error: OSError) -> RunError:
    """The error of a write that failed while running."""
    return RunError(
        f"{str(path)!r} could not be written: {error.strerror or error}. What was written before is "
        "kept. Free some space or fix the permissions, then start the sweep again with --resume"
    )


def _is_cut(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"


def _sync(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _sync(child)
        _sync_folder(path)
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        # Some network file systems refuse to sync a folder; the rename itself is done.
        return
    finally:
        os.close(handle)


def _swap_folder(new: Path, old: Path) -> None:
    # A folder cannot be renamed over one that has content: the old one steps aside first.
    aside = old.with_name(f".{old.name}.{os.getpid()}.old")
    _remove(aside)
    old.replace(aside)
    new.replace(old)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

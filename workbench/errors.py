"""Every error the workbench raises on purpose, and how a face should end on it.

    WorkbenchError
    ├── InputError (ValueError)        what the user gave cannot be used; nothing was started  -> exit 2
    │   ├── SpecError                  a field of the spec
    │   ├── DataError                  the rows
    │   ├── ModelError                 the model, its tokenizer or its quantization
    │   └── StoreError                 a run folder
    ├── RunError (RuntimeError)        something failed while running; the rest was kept       -> exit 1
    └── MissingDependency (ImportError) an optional package is not installed                   -> exit 2

A message says what came (`!r`), what is allowed and what to do. It is shown to people as it is: no traceback
follows. This file knows nothing of where errors are printed.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class WorkbenchError(Exception):
    """The root: catching it catches all that we raise on purpose."""

    exit_code = 1


class InputError(WorkbenchError, ValueError):
    """What the user gave cannot be used; nothing was started."""

    exit_code = 2


class SpecError(InputError):
    """A field of the spec is unknown, of the wrong kind or out of range."""


class DataError(InputError):
    """The rows cannot be read or do not have what is needed."""


class ModelError(InputError):
    """The model, its tokenizer or its quantization cannot be used."""


class StoreError(InputError):
    """A run folder is missing, half-written, in use or not writable."""


class RunError(WorkbenchError, RuntimeError):
    """Something failed while running; what was done before it is kept."""


class MissingDependency(WorkbenchError, ImportError):
    """An optional package is not installed."""

    exit_code = 2


def needs(package: str, purpose: str) -> MissingDependency:
    """The error for an optional package, with the line that installs it."""
    return MissingDependency(
        f"{purpose} needs the package {package!r}, which is not installed here. "
        f"Install it with: .venv/bin/python -m pip install {package}"
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause naming the known words nearest to a mistyped one.

    >>> nearest("lernaing_rate", ["learning_rate", "seed"])
    "Did you mean 'learning_rate'?"
    >>> nearest("zzz", ["b", "a"])
    'Known: a, b.'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(repr(word) for word in close) + "?"
    shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    return f"Known: {shown}."

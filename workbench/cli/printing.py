"""How the commands speak: plain text and tables on standard output, progress and problems on standard error.

Nothing of a model's or a file's text is read as markup. It knows no command.
"""

import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def command() -> str:
    """The command as the person typed it, so that what a hint says can be typed too."""
    typed = sys.argv[0]
    if Path(typed).name == "__main__.py":
        return "python -m workbench"
    if Path(typed).stem != "workbench":
        return "workbench"
    # What was found on the search path arrives here as a whole path.
    return "workbench" if typed == shutil.which("workbench") else typed


def output() -> Console:
    """Where results go."""
    return Console(markup=False, highlight=False, soft_wrap=True)


def notes() -> Console:
    """Where progress and problems go."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def say(text: str = "") -> None:
    """One line of a result."""
    output().print(text)


def note(text: str) -> None:
    """One line about how it goes."""
    notes().print(text)


def problem(text: str) -> None:
    """An error, as it is shown to people."""
    notes().print(Text("error: ", style="bold red").append(text, style="not bold default"))


def say_json(found: Any) -> None:
    """A result for a program; what is no number is null."""
    # print, not rich: no terminal width may break a line inside a string.
    print(json.dumps(_finite(found), indent=2, ensure_ascii=False, allow_nan=False))  # noqa: T201


def _finite(found: Any) -> Any:
    if isinstance(found, float) and not math.isfinite(found):
        return None
    if isinstance(found, dict):
        return {str(key): _finite(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [_finite(value) for value in found]
    return found


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()
) -> None:
    """A table; the columns named in `right` hold numbers."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(str(cell)) for cell in row))
    Console(highlight=False).print(shown)


def megabytes(size: float | None) -> str:
    """A size in bytes, for people.

    >>> megabytes(3_500_000)
    '3.5 MB'
    """
    if size is None:
        return "unknown"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def duration(seconds: float | None) -> str:
    """A time, for people.

    >>> duration(75)
    '1 min 15 s'
    """
    if seconds is None:
        return "unknown"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

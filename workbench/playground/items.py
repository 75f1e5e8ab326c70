"""Keeping a prompt as an item of an eval: one JSON line more in a file that `exact_answer` or `metric` asks.

`keep(path, prompt=..., expected=...)` appends `{"prompt": ..., "answer": ...}` and says how the file is asked. A line is
written whole or not at all, under a lock, and only when the eval's own reader takes the file with it. It asks nobody.
"""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import DataError, InputError, RunError
from workbench.runs.atomic import append_line, locked

SUFFIXES = (".jsonl", ".ndjson")
NUMBERS = "exact_answer"
TEXTS = "metric:exact_match"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Where an item went."""

    path: Path
    number: int
    """So many items are in the file now."""
    eval: str
    """What asks the file as a whole: `exact_answer` where every answer has a number, else the metric `exact_match`."""

    def command(self, asked: str) -> str:
        """What asks the file, in a shell."""
        file = shlex.quote(str(self.path))
        if self.eval == NUMBERS:
            named = f"--evals {NUMBERS} --data {NUMBERS}={file}"
        else:
            named = f"--evals {shlex.quote(f'{TEXTS}={self.path}')}"
        return f"workbench eval {shlex.quote(asked)} {named}"


def keep(path: Path, *, prompt: str, expected: str) -> Kept:
    """Add an item to a file, which is made where there is none; a prompt that is there is refused."""
    prompt, expected = prompt.rstrip(), expected.strip()
    if not prompt.strip():
        raise InputError("the prompt is empty; an item needs what is asked")
    if not expected:
        raise InputError("the expected answer is empty; an item needs the right answer")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{str(path)!r} ends in {path.suffix!r}; items are lines of a .jsonl file")
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "lies in no folder that is there"
        raise InputError(f"{str(path)!r} {what}; give a file in a folder that is")
    line = json.dumps({"prompt": prompt, "answer": expected}, ensure_ascii=False)
    line = line.encode("utf-8", "replace").decode("utf-8")
    try:
        with locked(path.parent):
            before = _rows(path)
            _refuse_twice(before, prompt=prompt, expected=expected, path=path)
            append_line(path, line)
            return Kept(path=path, number=len(before) + 1, eval=_eval_of(path))
    except RunError as error:
        # Its advice is for a sweep.
        said = str(error).split(". What was written")[0]
        raise InputError(f"{said}. Give another file, or make room") from error


def _rows(path: Path) -> list[dict[str, object]]:
    from workbench.data.files import read_rows

    if not path.exists() or path.stat().st_size == 0:
        return []
    try:
        return read_rows(path)
    except DataError as error:
        raise InputError(f"{error}. Nothing was added; mend that file, or give another") from None


def _refuse_twice(rows: list[dict[str, object]], *, prompt: str, expected: str, path: Path) -> None:
    for number, row in enumerate(rows, start=1):
        if str(row.get("prompt") or "").strip() != prompt.strip():
            continue
        there = row.get("answer")
        if str(there).strip() == expected:
            raise InputError(f"it is in {path.name} already, as item {number}; nothing was added")
        raise InputError(
            f"item {number} of {path.name} asks the same and expects {there!r}, not {expected!r}; nothing "
            "was added. Change that line, or put the prompt otherwise"
        )
    if any("id" in row for row in rows):
        raise InputError(
            f"the items of {path.name} have ids of their own, which this one would not; give another file"
        )


def _eval_of(path: Path) -> str:
    """What can ask all that is in the file."""
    from workbench.evals.quality import exact_answer

    try:
        exact_answer.read_items(path)
    except DataError:
        return TEXTS
    return NUMBERS

"""Answers that were given already, in one file: an eval that is stopped goes on from there, and nothing is asked twice.

`Answers(path)` is a small SQLite file beside the rows; `look_up` and `keep` take the identity of whoever was asked, the kind
of question and the question itself as it was put, which has its template in it. The file may be deleted at any time. It
knows neither models nor evals.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

Question = tuple[Any, ...]
Answer = list[Any]


class Answers:
    """What was answered; final."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin it."""
        self.path = path
        self._file = _opened(path)

    def look_up(self, identity: str, questions: Iterable[Question]) -> dict[Question, Answer]:
        """The answers that are there."""
        found = {}
        for question in questions:
            row = self._file.execute(
                "SELECT answer FROM answers WHERE key = ?", (_key(identity, question),)
            ).fetchone()
            if row is not None:
                found[question] = json.loads(row[0])
        return found

    def keep(self, identity: str, answers: Mapping[Question, Answer]) -> None:
        """Add answers; they are there after a crash."""
        rows = [(_key(identity, asked), json.dumps(said)) for asked, said in answers.items()]
        with self._file:
            self._file.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return _with_table(path)
    except sqlite3.DatabaseError:
        # Half a file after a full disk, or something else under this name: it is a cache, so it begins anew.
        path.unlink()
        return _with_table(path)


def _with_table(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL)")
    return file


def _key(identity: str, question: Question) -> bytes:
    asked = json.dumps([identity, *question], ensure_ascii=False)
    return blake2b(asked.encode(), digest_size=16).digest()

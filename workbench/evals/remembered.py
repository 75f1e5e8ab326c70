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

AT_ONCE = 500
"""Answers that are looked up by one statement, well below what any SQLite takes."""

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
        asked = {_key(identity, question): question for question in questions}
        keys = list(asked)
        found: dict[Question, Answer] = {}
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            rows = self._file.execute(
                f"SELECT key, answer FROM answers WHERE key IN ({','.join('?' * len(some))})",  # noqa: S608 - only question marks are put in
                some,
            )
            found |= {asked[key]: json.loads(answer) for key, answer in rows}
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
    except sqlite3.DatabaseError as error:
        # One that is in use, or a folder that cannot be written, is no reason to delete anything.
        if error.sqlite_errorname not in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
            raise
        # Half a file after a full disk, or something else under this name: it is a cache, so it begins anew.
        path.unlink()
        return _with_table(path)


def _with_table(path: Path, *, patience: float = 5.0) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=patience)
    file.execute("CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL)")
    return file


def _key(identity: str, question: Question) -> bytes:
    asked = json.dumps([identity, *question], ensure_ascii=False)
    return blake2b(asked.encode(), digest_size=16).digest()

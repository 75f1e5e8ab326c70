"""Rows of a json, jsonl, csv, tsv or parquet file as plain dicts, with errors that name the line.

`read_rows(path)` reads all of it, `peek(path)` enough to see the columns. It knows nothing of prompts or messages:
what the columns mean is decided in `sources`.
"""

import csv
import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from workbench.errors import DataError

PEEK_ROWS = 50
SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
MAX_CELL = 10_000_000

Rows = Iterator[dict[str, Any]]


def read_rows(path: Path, *, header: bool = True, lines: bool = False) -> list[dict[str, Any]]:
    """Every row; without a header line the columns of a table are called #1, #2 and so on.

    With `lines` a json file may hold one object a line, as some benchmarks are published.
    """
    return list(_rows(path, header=header, lines=lines))


def peek(path: Path, *, header: bool = True) -> list[dict[str, Any]]:
    """The first rows; a jsonl, csv or parquet file is not read further."""
    return list(itertools.islice(_rows(path, header=header), PEEK_ROWS))


def _rows(path: Path, *, header: bool, lines: bool = False) -> Rows:
    table = partial(_csv, header=header)
    readers: dict[str, Callable[[Path], Rows]] = {
        ".json": partial(_json, lines=lines),
        ".csv": table,
        ".tsv": table,
        ".parquet": _parquet,
    }
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder; give one file: {', '.join(SUFFIXES)}")
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{str(path)!r} is not a kind of file read here: {', '.join(SUFFIXES)}")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{str(path)!r} has no row: it is an empty file")
        yield from readers.get(path.suffix.lower(), _jsonl)(path)
    except FileNotFoundError:
        raise DataError(
            f"there is no file {str(path)!r}; give a json, jsonl, csv or parquet file, a hub id, or "
            "microworld/updates"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{str(path)!r} is not text in UTF-8 (byte {error.start:,})") from None
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None


def _jsonl(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = getattr(error, "msg", type(error).__name__)
                raise DataError(
                    f"{str(path)!r}, line {number}: not JSON ({reason}); each line is one object, "
                    f"got {line.strip()[:60]!r}"
                ) from None
            if not isinstance(row, dict):
                raise DataError(
                    f"{str(path)!r}, line {number}: each line is one object, got {line.strip()[:60]!r}"
                )
            yield row


def _json(path: Path, *, lines: bool) -> Rows:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        if lines and error.msg == "Extra data":
            yield from _jsonl(path)
            return
        hint = ". One object a line is called jsonl" if error.msg == "Extra data" else ""
        raise DataError(
            f"{str(path)!r}, line {error.lineno}: not JSON ({error.msg}){hint}"
        ) from None
    except RecursionError:
        raise DataError(f"{str(path)!r} is nested too deeply for rows") from None
    if isinstance(found, dict):
        lists = [key for key, value in found.items() if isinstance(value, list)]
        if len(lists) != 1:
            raise DataError(
                f"{str(path)!r} holds one object with {len(lists)} lists in it; a list of objects is "
                "needed, or an object with one such list"
            )
        found = found[lists[0]]
    if not isinstance(found, list):
        raise DataError(f"{str(path)!r} holds {type(found).__name__}; a list of objects is needed")
    for number, row in enumerate(found, start=1):
        row = {"text": row} if isinstance(row, str) else row
        if not isinstance(row, dict):
            raise DataError(
                f"{str(path)!r}, row {number}: an object or a text is needed, got {str(row)[:60]!r}"
            )
        yield row


def _csv(path: Path, *, header: bool) -> Rows:
    csv.field_size_limit(MAX_CELL)
    top = "header" if header else "first line"
    with path.open(encoding="utf-8-sig", newline="") as file:
        # A tab-separated file knows no quoting: a quotation mark there is text.
        reader = (
            csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if path.suffix.lower() == ".tsv"
            else csv.reader(file, strict=True)
        )
        try:
            first = next(reader, [])
            columns = first if header else [f"#{place}" for place in range(1, len(first) + 1)]
            twice = sorted({name for name in columns if columns.count(name) > 1})
            if twice:
                raise DataError(f"{str(path)!r} has the column {twice[0]!r} twice")
            for cells in reader if header else itertools.chain([first], reader):
                if not cells:
                    continue
                if len(cells) != len(columns):
                    raise DataError(
                        f"{str(path)!r}, line {reader.line_num}: {len(cells)} cells where the {top} "
                        f"has {len(columns)}; quote a cell that holds a comma or a line break"
                    )
                yield dict(zip(columns, cells, strict=True))
        except csv.Error as error:
            raise DataError(f"{str(path)!r}, line {reader.line_num}: not CSV ({error})") from None


def _parquet(path: Path) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        reason = str(error).splitlines()[0][:160]
        raise DataError(f"{str(path)!r} is not a readable parquet file: {reason}") from None

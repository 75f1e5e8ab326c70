"""The rows of a benchmark's file as records: with an id of their own, and with errors that name the file and the row.

`read_records(path)` reads a file, `text_of(record, "query", "question")` takes a text from it. An id is the row's own,
or else made from what the row says, so that a file in another order can still be paired. It knows no benchmark.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from workbench.data.files import read_rows
from workbench.errors import DataError, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of a benchmark's file."""

    where: str
    """The file and the number of the row, for errors."""
    fields: Mapping[str, Any]
    id: str
    cluster: str = ""
    group: str = ""


def read_records(path: Path) -> list[Record]:
    """Every row of the file."""
    return records_of(read_rows(path), name=path.name)


def records_of(rows: Sequence[Mapping[str, Any]], *, name: str) -> list[Record]:
    """Rows with their ids; where one row has an id every row needs one, and no two the same."""
    if not rows:
        raise DataError(f"{name!r} has no row")
    own = any("id" in row for row in rows)
    ids = [
        _own_id(row, where=_where(name, i)) if own else _made_id(row) for i, row in _from_1(rows)
    ]
    times, seen = Counter(ids), Counter[str]()
    records = []
    for (number, row), id in zip(_from_1(rows), ids, strict=True):
        seen[id] += 1
        if own and seen[id] > 1:
            first = ids.index(id) + 1
            raise DataError(
                f"{_where(name, number)}: the id {id!r} is that of row {first} too; every row needs "
                "an id of its own, or none has one"
            )
        # The same row twice is one observation: both are asked, and counted as one cluster.
        same = id if not own and times[id] > 1 else ""
        records.append(
            Record(
                where=_where(name, number),
                fields=row,
                id=id if seen[id] == 1 else f"{id}-{seen[id]}",
                cluster=str(row.get("cluster") or same),
                group=str(row.get("group") or ""),
            )
        )
    return records


def text_of(record: Record, *names: str) -> str:
    """The text in the first of these columns that the row has; a missing or empty one is an error."""
    value = field_of(record, *names)
    if not isinstance(value, str):
        raise DataError(f"{record.where}: {names[0]!r} is {value!r}; a text is needed")
    if not value.strip():
        raise DataError(f"{record.where}: {names[0]!r} is empty; a text is needed")
    return value


def field_of(record: Record, *names: str) -> Any:
    """What stands in the first of these columns that the row has."""
    for name in names:
        if name in record.fields:
            return record.fields[name]
    also = f" (or {', '.join(map(repr, names[1:]))})" if names[1:] else ""
    raise DataError(
        f"{record.where}: there is no column {names[0]!r}{also}. {nearest(names[0], record.fields)}"
    )


def _from_1(rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    return list(enumerate(rows, start=1))


def _where(name: str, number: int) -> str:
    return f"{name!r}, row {number}"


def _own_id(row: Mapping[str, Any], *, where: str) -> str:
    id = row.get("id")
    if id is None or not str(id).strip():
        raise DataError(f"{where}: the id is {id!r}; where one row has an id, every row needs one")
    return str(id)


def _made_id(row: Mapping[str, Any]) -> str:
    said = json.dumps(dict(row), sort_keys=True, default=str)
    return blake2b(said.encode(), digest_size=8).hexdigest()

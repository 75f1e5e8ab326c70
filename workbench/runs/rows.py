"""Rows of an eval as a parquet file, and back: what is read equals what was written.

The schema is written out from the fields of `Row`, so that an empty column keeps its type. It knows rows and one
file; which file is the store's affair.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from workbench.errors import StoreError
from workbench.runs.atomic import replacing
from workbench.scores.task import Row

if TYPE_CHECKING:
    # It loads inside the functions: a notebook that shows a form needs no tables yet.
    import pyarrow as pa


NEEDED = frozenset({"sample", "slot", "value"})
"""Columns without which a file holds no rows of an eval."""


class NoRowsYet(StoreError):
    """An eval was not asked of a slot."""


@cache
def _schema() -> "pa.Schema":
    import pyarrow as pa

    types: dict[Any, pa.DataType] = {
        str: pa.string(),
        float: pa.float64(),
        float | None: pa.float64(),
        bool: pa.bool_(),
    }
    return pa.schema(
        [
            pa.field(name, types[field.annotation], nullable=field.annotation == float | None)
            for name, field in Row.model_fields.items()
        ]
    )


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Put rows at `path`, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [_sound(getattr(row, name)) for row in rows] for name in Row.model_fields}
    table = pa.table(columns, schema=_schema())
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> "pa.Table":
    """The rows at `path` as a table.

    Args:
        path: A file that `write_rows` made, or one with some of its columns.
        columns: Which are read, as far as they are there; None reads all of them.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            there = file.schema_arrow.names
            known = [name for name in _schema().names if name in there]
            if not set(known) >= NEEDED:
                raise StoreError(
                    f"{str(path)!r} has the columns {', '.join(there)}; rows of an eval have "
                    f"{', '.join(_schema().names)}"
                )
            wanted = [name for name in known if columns is None or name in columns]
            return file.read(columns=wanted).select(wanted)
    except FileNotFoundError:
        raise NoRowsYet(f"there are no rows at {str(path)!r}; the eval was not asked yet") from None
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{str(path)!r} does not hold rows of an eval: {error}") from None


def read_rows(path: Path) -> list[Row]:
    """The rows at `path`."""
    try:
        return [Row.model_validate(row) for row in read_table(path).to_pylist()]
    except ValidationError as error:
        raise StoreError(f"{str(path)!r} holds a row that is none: {error}") from None


def _sound(value: Any) -> Any:
    """Text that UTF-8 can hold: half of a surrogate pair, as JSON allows it, becomes a question mark."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode("utf-8")
    return value

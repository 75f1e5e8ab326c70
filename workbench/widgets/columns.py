"""Arrow's columns, made and read without pandas: `word(text)`, `index(places)`, `truths(column)`, `numbers(column)`.

`pa.scalar`, `pa.array` and `to_numpy` import pandas to see whether they were given some of it. That takes half a
second, and a first page of answers has no use for it. What is made from buffers, and read from them, does without.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def word(text: str) -> pa.Scalar:
    """A text as a scalar of `large_string`."""
    data = text.encode("utf-8", "replace")
    ends = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    return pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)])[0]


def index(places: np.ndarray, *, known: Mask | None = None) -> pa.Array:
    """Places to `take`; null where they are not known."""
    held = pa.py_buffer(np.ascontiguousarray(places, dtype=np.int64))
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.int64(), len(places), [valid, held])


def texts(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array of texts, none of them null."""
    # The wider type first: chunks of the narrow one cannot be joined beyond two gigabytes.
    made = column.cast(pa.large_string()).combine_chunks()
    return pc.fill_null(made, NOTHING) if made.null_count else made


def nothing(length: int) -> pa.Array:
    """So many empty texts."""
    return pc.fill_null(pa.nulls(length, pa.large_string()), NOTHING)


def truths(column: pa.Array) -> Mask:
    """Booleans as numpy has them; what is null is false."""
    known = pc.fill_null(column, NO) if column.null_count else column
    bits = np.unpackbits(_held(known, np.uint8), bitorder="little")
    return bits[known.offset : known.offset + len(known)].astype(bool)


def numbers(column: pa.Array) -> np.ndarray:
    """Numbers as numpy has them; what is null is NaN."""
    known = pc.fill_null(column.cast(pa.float64()), NAN)
    return _held(known, np.float64)[known.offset : known.offset + len(known)]


def positions(column: pa.Array) -> np.ndarray:
    """Places as numpy has them; none may be null."""
    whole = column.cast(pa.int64())
    return _held(whole, np.int64)[whole.offset : whole.offset + len(whole)]


def _held(column: pa.Array, kind: type[np.generic]) -> np.ndarray:
    """What lies in the buffer behind an array."""
    buffer = column.buffers()[1]
    return np.frombuffer(b"" if buffer is None else buffer, dtype=kind)


NOTHING = word("")
NO = pa.Array.from_buffers(pa.bool_(), 1, [None, pa.py_buffer(bytes(1))])[0]
NAN = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(np.array([np.nan]))])[0]

"""Files of every kind are read alike, and a broken one says where."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.data.files import PEEK_ROWS, peek, read_rows
from workbench.errors import DataError

ROWS = [
    {"prompt": f"question {i}, or so", "completion": f'a "quoted"\nanswer {i} – é'}
    for i in range(3)
]


def write(folder: Path, kind: str) -> Path:
    path = folder / f"rows.{kind}"
    if kind in ("jsonl", "ndjson"):
        path.write_text("\n\n".join(map(json.dumps, ROWS)) + "\n")
    elif kind == "json":
        path.write_text(json.dumps(ROWS))
    elif kind == "csv":
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, ["prompt", "completion"])
            table.writeheader()
            table.writerows(ROWS)
    else:
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


@pytest.mark.parametrize("kind", ["json", "jsonl", "ndjson", "csv", "parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, kind: str) -> None:
    assert read_rows(write(tmp_path, kind)) == ROWS
    assert peek(write(tmp_path, kind)) == ROWS


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbftext\nhello\n")
    assert read_rows(tmp_path / "a.csv") == [{"text": "hello"}]


def test_a_quotation_mark_in_a_tsv_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('prompt\tcompletion\nsay "hi\t"ok\n')
    assert read_rows(tmp_path / "a.tsv") == [{"prompt": 'say "hi', "completion": '"ok'}]


def test_a_list_of_texts_and_a_list_in_an_object_are_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('["one", "two"]')
    assert read_rows(tmp_path / "a.json") == [{"text": "one"}, {"text": "two"}]
    (tmp_path / "b.json").write_text('{"version": 1, "data": [{"text": "one"}]}')
    assert read_rows(tmp_path / "b.json") == [{"text": "one"}]


def test_a_quick_look_stops_early(tmp_path: Path) -> None:
    lines = ['{"text": "a"}'] * PEEK_ROWS + ["broken"]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert len(peek(tmp_path / "a.jsonl")) == PEEK_ROWS
    with pytest.raises(DataError, match=f"line {PEEK_ROWS + 1}"):
        read_rows(tmp_path / "a.jsonl")


BROKEN = {
    "a.jsonl": (b'{"text": "a"}\n{"text": \n', "a.jsonl', line 2: not JSON"),
    "b.jsonl": (b'{"text": "a"}\n[1]\n', "line 2: each line is one object, got '\\[1\\]'"),
    "c.jsonl": (b"", "no row"),
    "d.jsonl": (bytes(range(128, 256)), "not text in UTF-8"),
    "e.jsonl": (b"[" * 100_000, "line 1: not JSON"),
    "f.json": (b'{"text": "a"}\n{"text": "b"}\n', "line 2: not JSON .*called jsonl"),
    "g.json": (b"[1, 2]", "row 1: an object or a text is needed, got '1'"),
    "h.json": (b'"word"', "holds str; a list of objects"),
    "i.json": (b'{"a": 1}', "one object with 0 lists"),
    "j.json": (b"[" * 100_000, "nested too deeply"),
    "k.csv": (b"a,b\n1,2\n1\n", "line 3: 1 cells where the header has 2"),
    "l.csv": (b"a,b\n1,2,3\n", "line 2: 3 cells"),
    "m.csv": (b"a,a\n1,2\n", "column 'a' twice"),
    "n.csv": (b'a,b\n"x" y,2\n', "line 2: not CSV"),
    "o.csv": (b'a,b\n"never closed,2\n', "not CSV"),
    "p.parquet": (b"PAR1 no PAR1", "not a readable parquet"),
    "q.txt": (b"hello", "not a kind of file.*\\.jsonl"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_says_where(tmp_path: Path, name: str) -> None:
    content, said = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_rows(tmp_path / name)


def test_a_file_that_is_not_there_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_rows(tmp_path / "none.jsonl")
    (tmp_path / "rows.jsonl").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        read_rows(tmp_path / "rows.jsonl")

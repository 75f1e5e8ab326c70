"""What is remembered of data sets is what `sources` says, until a file changes."""

import pytest

from workbench import job
from workbench.data.seen import RowsSeen
from workbench.data.sources import num_labels, num_rows
from workbench.errors import DataError
from workbench.spec import DataSpec, Spec


def test_a_plan_is_the_same_with_what_was_seen_before():
    spec = Spec.from_fields({"sweep": {"adapter.r": [2, 8]}})
    seen = RowsSeen()
    assert job.plan(spec, seen=seen) == job.plan(spec, seen=seen) == job.plan(spec)


def test_rows_and_labels_are_counted_as_sources_counts_them():
    data, seen = DataSpec(id="microworld/reviews"), RowsSeen()
    for _ in range(2):
        assert seen.num_rows(data, labelled=True) == num_rows(data, labelled=True)
        assert seen.num_labels(data) == num_labels(data)


def test_a_file_that_has_changed_is_looked_at_again(tmp_path):
    path, seen = tmp_path / "rows.jsonl", RowsSeen()
    data = DataSpec(id=str(path), eval_fraction=0)
    with pytest.raises(DataError, match="no file"):
        seen.check(data, labelled=False)
    for rows in (1, 3):
        path.write_text('{"prompt": "a", "completion": "b"}\n' * rows)
        seen.check(data, labelled=False)
        assert seen.num_rows(data, labelled=False) == rows
    path.write_text('{"question": "a"}\n')
    for _ in range(2):
        with pytest.raises(DataError, match="question"):
            seen.check(data, labelled=False)

"""The lengths a plan tells are those that training sees: held against the rows as they are rendered for a model."""

import statistics
from pathlib import Path

import pytest

from workbench import microworld
from workbench.data.sampled import texts
from workbench.data.sources import load
from workbench.plan.lengths import measured
from workbench.spec import Spec


@pytest.mark.parametrize("name", ["updates", "letters", "reviews"])
@pytest.mark.parametrize("completion_only", [True, False])
def test_tokens_are_those_of_the_rows_as_training_renders_them(name, completion_only) -> None:
    from workbench.data.rendering import render
    from workbench.models.load import load_tokenizer

    fields = {
        "data": {"id": f"microworld/{name}"},
        "train": {"completion_only_loss": completion_only, "max_length": 64},
    }
    spec = Spec.from_fields(fields)
    rows = load(spec.data).train
    most = len(rows)
    found = measured(microworld.path(), texts(spec.data, most=most), spec=spec, limit=64)
    tokenizer = load_tokenizer(spec.model)
    rendered = [
        render(tokenizer, row, max_length=64, completion_only_loss=completion_only) for row in rows
    ]
    assert found.sampled == most
    assert found.longest == max(len(row.input_ids) for row in rendered)
    assert found.mean == pytest.approx(statistics.fmean(len(r.input_ids) for r in rendered))
    assert found.trained == pytest.approx(statistics.fmean(r.num_trained for r in rendered))


def test_labelled_rows_end_with_their_text_and_are_judged_once() -> None:
    from workbench.data.rendering import render_labelled
    from workbench.models.load import load_tokenizer

    fields = {"data": {"id": "microworld/reviews"}, "adapter": {"task_type": "SEQ_CLS"}}
    spec = Spec.from_fields(fields)
    rows = load(spec.data, labelled=True)
    sample = texts(spec.data, labelled=True, most=len(rows.train))
    found = measured(microworld.path(), sample, spec=spec, limit=256)
    tokenizer = load_tokenizer(spec.model)
    rendered = [
        render_labelled(tokenizer, row, max_length=256, labels=rows.labels) for row in rows.train
    ]
    assert found.longest == max(len(row.input_ids) for row in rendered)
    assert found.trained == 1.0


def test_where_no_row_was_read_the_longest_allowed_stands_for_all(tmp_path: Path) -> None:
    spec = Spec()
    for folder, sample in ((microworld.path(), None), (tmp_path, (("a", " b"),))):
        found = measured(folder, sample, spec=spec, limit=100)
        assert (found.mean, found.longest, found.sampled) == (100, 100, 0)
        assert "the longest allowed" in found.said


def test_a_tokenizer_that_cannot_be_read_is_left_to_whoever_loads_the_model(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    assert measured(tmp_path, (("a", " b"),), spec=Spec(), limit=10).sampled == 0


def test_a_sample_is_spread_over_the_set() -> None:
    spec = Spec.from_fields({"data": {"id": "microworld/letters"}})
    every, some = texts(spec.data, most=10**6), texts(spec.data, most=16)
    assert len(some) == 16
    places = [every.index(one) for one in some]
    assert places == sorted(places)
    assert places[-1] > len(every) / 2

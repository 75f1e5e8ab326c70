"""Rows to tell apart: labels are words in an order, counted on both sides, and never guessed."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from workbench import microworld
from workbench.data.rendering import IGNORED, render_labelled
from workbench.data.sources import check_data, load, named_classes, num_labels, num_rows
from workbench.errors import DataError
from workbench.spec import DataSpec


def jsonl(folder: Path, rows: list[dict[str, Any]], name: str = "rows.jsonl") -> str:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def spam(count: int) -> list[dict[str, Any]]:
    return [{"text": f"offer {i}", "label": ("spam", "ham")[i % 2]} for i in range(count)]


def test_the_reviews_of_the_micro_world_have_a_label() -> None:
    rows = load(DataSpec(id="microworld/reviews"), labelled=True)
    assert rows.format == ("prompt", "label")
    assert rows.labels == ("negative", "positive")
    assert rows.card["labels"] == {"negative": 400, "positive": 400}
    true = {row["id"]: row["sentiment"] for row in microworld.rows("reviews")}
    assert all(row["label"] == true[row["id"]] for row in rows.train)
    assert not rows.held_out


def test_any_field_of_the_micro_world_can_be_a_label() -> None:
    data = DataSpec(id="microworld/letters", columns={"label": "tone"})
    assert load(data, labelled=True).labels == ("formal", "friendly")


def test_rows_that_are_answered_have_no_labels() -> None:
    rows = load(DataSpec(id="microworld/reviews"))
    assert (rows.labels, rows.format) == ((), ("prompt", "completion"))


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ([0, 1, 10, 2], ("0", "1", "2", "10")),
        (["b", "a", " b "], ("a", "b")),
        ([True, False], ("false", "true")),
        ([1.0, 2.0], ("1", "2")),
        (["10", "2", "x"], ("10", "2", "x")),
        ([-1, 1], ("-1", "1")),
    ],
)
def test_labels_are_words_in_order(tmp_path: Path, given: list[Any], labels: tuple) -> None:
    source = jsonl(tmp_path, [{"text": f"row {i}", "label": v} for i, v in enumerate(given)])
    assert load(DataSpec(id=source, eval_fraction=0), labelled=True).labels == labels


def test_a_table_gives_the_same_labels_as_its_json(tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["text", "label"])
        table.writeheader()
        table.writerows({"text": f"row {i}", "label": i % 3} for i in range(30))
    rows = [{"text": f"row {i}", "label": i % 3} for i in range(30)]
    ours = load(DataSpec(id=str(tmp_path / "rows.csv")), labelled=True)
    theirs = load(DataSpec(id=jsonl(tmp_path, rows)), labelled=True)
    assert ours.labels == theirs.labels
    assert ours.card["sha256"] == theirs.card["sha256"]
    assert ours.train == theirs.train


def test_the_labels_are_those_of_every_trainable_row_whatever_part_is_taken(tmp_path: Path) -> None:
    rows = [{"text": f"row {i}", "label": f"kind {i % 7}"} for i in range(70)]
    few = load(DataSpec(id=jsonl(tmp_path, rows), rows=3), labelled=True)
    assert len(few.labels) == 7
    assert sum(few.card["labels"].values()) == 3
    assert "of 7 labels have no row among the 3" in few.card["notes"][0]


def test_a_held_out_row_with_a_label_never_trained_on_is_counted_and_named(tmp_path: Path) -> None:
    rows = [*spam(100), {"text": "unique", "label": "other"}]
    for i in range(50):  # one of these falls on the held-out side
        rows[-1]["text"] = f"unique {i}"
        found = load(DataSpec(id=jsonl(tmp_path, rows), eval_fraction=0.3), labelled=True)
        if "other" not in found.labels:
            break
    assert found.labels == ("ham", "spam")
    assert found.card["unknown_labels"] == {"other": 1}
    assert {row["label"] for row in found.held_out} == {"ham", "spam"}
    assert any("no training row has" in note and "'other'" in note for note in found.card["notes"])
    assert found.card["held_out_rows"] == len(found.held_out)


def test_one_text_falls_on_one_side_whatever_its_labels(tmp_path: Path) -> None:
    rows = [{"text": f"offer {i}", "label": label} for i in range(60) for label in ("a", "b")]
    found = load(DataSpec(id=jsonl(tmp_path, rows), eval_fraction=0.3), labelled=True)
    assert not {r["text"] for r in found.train} & {r["text"] for r in found.held_out}
    assert found.card["conflicting_labels"] == 60


def test_rows_without_a_label_or_a_text_are_counted(tmp_path: Path) -> None:
    bad = [
        {"text": "x", "label": None},
        {"text": "x"},
        {"text": "x", "label": " "},
        {"text": " ", "label": "spam"},
    ]
    card = load(DataSpec(id=jsonl(tmp_path, spam(6) + bad), eval_fraction=0), labelled=True).card
    assert card["skipped"] == {"without a value": 2, "without a label": 1, "empty": 1}


WRONG = {
    "no label": ([{"text": "a"}], {}, r"columns text; to tell rows apart.*columns: \{text"),
    "no text": ([{"label": "a"}], {}, "columns label; to tell rows apart"),
    "a label that is not there": (
        spam(4),
        {"columns": {"label": "class"}},
        "'class', which .* does not have. Its columns: label, text",
    ),
    "a label between numbers": ([{"text": "a", "label": 0.5}], {}, "label is 0.5 .float.; a word"),
    "a list": ([{"text": "a", "label": ["x"]}], {}, "label is .*list"),
    "one label": ([{"text": f"{i}", "label": "x"} for i in range(3)], {}, "has the label 'x'"),
    "a text of its own for every row": (
        [{"text": f"{i}", "label": f"name {i}"} for i in range(1200)],
        {},
        "1,200 different labels",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_labels_that_cannot_be_told_say_why(tmp_path: Path, case: str) -> None:
    rows, fields, said = WRONG[case]
    with pytest.raises(DataError, match=said):
        load(DataSpec(id=jsonl(tmp_path, rows), eval_fraction=0, **fields), labelled=True)


def test_a_quick_look_misses_no_column(tmp_path: Path) -> None:
    check_data(DataSpec(id=jsonl(tmp_path, spam(4))), labelled=True)
    check_data(DataSpec(id="microworld/reviews"), labelled=True)
    for data in (DataSpec(id=jsonl(tmp_path, [{"text": "a"}])), DataSpec(id="microworld/updates")):
        with pytest.raises(DataError, match="label"):
            check_data(data, labelled=True)


def test_rows_and_labels_are_counted_before_anything_is_loaded(tmp_path: Path) -> None:
    data = DataSpec(id=jsonl(tmp_path, spam(40)), eval_fraction=0)
    assert (num_rows(data, labelled=True), num_labels(data)) == (40, 2)


def test_columns_in_braces_make_one_text_of_several(tmp_path: Path) -> None:
    row = {"a": "It rains", "b": "It is wet", "y": 1}
    columns = {"text": "{a}. So: {b}?", "label": "y"}
    source = jsonl(tmp_path, [row, row | {"b": "It is dry", "y": 0}])
    rows = load(DataSpec(id=source, columns=columns, eval_fraction=0), labelled=True)
    assert rows.train[0]["text"] == "It rains. So: It is wet?"
    assert "notes" in rows.card
    assert not any("not trained on" in note for note in rows.card["notes"])
    with pytest.raises(DataError, match="'c', which"):
        load(DataSpec(id=source, columns={"text": "{a} {c}", "label": "y"}), labelled=True)


def test_a_table_without_a_header_is_read_by_place(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("s\t1\tfine words\ns\t0\tbad words\n")
    data = DataSpec(
        id=str(tmp_path / "a.tsv"), columns={"text": "#3", "label": "#2"}, eval_fraction=0
    )
    rows = load(data, labelled=True)
    assert [(row["text"], row["label"]) for row in rows.train] == [
        ("fine words", "1"),
        ("bad words", "0"),
    ]
    check_data(data, labelled=True)
    with pytest.raises(DataError, match="without a header line is named by place"):
        load(DataSpec(id=str(tmp_path / "a.tsv")), labelled=True)
    with pytest.raises(DataError, match="'#4', which"):
        load(DataSpec(id=data.id, columns={"text": "#4", "label": "#2"}), labelled=True)


def test_the_numbers_of_named_classes_become_their_names() -> None:
    from datasets import ClassLabel, Dataset, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    found = Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    assert [row["label"] for row in named_classes(found)] == ["yes", "no", None]


@pytest.mark.parametrize(
    ("name", "columns", "count", "labels"),
    [
        ("glue/sst2/dev.tsv", {"text": "sentence"}, 872, ("0", "1")),
        ("glue/cola/train.tsv", {"text": "#4", "label": "#2"}, 8551, ("0", "1")),
        (
            "glue/rte/train.tsv",
            {"text": "{sentence1} So: {sentence2}"},
            2490,
            ("entailment", "not_entailment"),
        ),
        ("ag_news/test.csv", {"text": "{#2}. {#3}", "label": "#1"}, 7600, ("1", "2", "3", "4")),
        (
            "ag_news/train_subset_10k.tsv",
            {"text": "#1", "label": "#2"},
            10001,
            ("Business", "Sci/Tech", "Sports", "World"),
        ),
    ],
)
def test_real_data_with_labels_loads_whole(
    shared_data: Path, name: str, columns: dict[str, str], count: int, labels: tuple[str, ...]
) -> None:
    rows = load(DataSpec(id=str(shared_data / name), columns=columns), labelled=True)
    assert rows.card["rows"] == count
    assert rows.labels == labels
    assert 0.07 < len(rows.held_out) / count < 0.13
    assert rows.card["unknown_labels"] == {}


def test_a_labelled_row_is_its_text_and_the_place_of_its_label() -> None:
    from workbench.models.load import load as load_model
    from workbench.spec import ModelSpec

    tokenizer = load_model(ModelSpec(), labels=("negative", "positive")).tokenizer
    text = "Review: The wine was rude. Sentiment:"
    row = {"prompt": text, "label": "positive"}
    whole = render_labelled(tokenizer, row, max_length=64, labels=("negative", "positive"))
    assert whole.input_ids == tokenizer(text)["input_ids"]
    assert (whole.label, whole.truncated, whole.num_trained) == (1, False, 1)
    assert set(whole.labels) == {IGNORED}
    cut = render_labelled(tokenizer, row, max_length=3, labels=("negative", "positive"))
    assert (cut.input_ids, cut.truncated) == (whole.input_ids[:3], True)


def test_a_row_never_ends_with_padding_because_its_last_token_is_read() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    tokenizer.pad_token = "."
    plain = tokenizer("The wine was rude")["input_ids"]
    row = {"text": "The wine was rude . .", "label": "a"}
    found = render_labelled(tokenizer, row, max_length=64, labels=("a", "b"))
    assert found.input_ids == plain

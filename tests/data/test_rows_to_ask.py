"""Rows to ask that lie in another file or split, and what labels stand for: read, compared, refused with what to say."""

from pathlib import Path

import pytest

from workbench.data.sources import check_data, holds_out, load, num_labels, num_rows
from workbench.errors import DataError, SpecError
from workbench.fields import DataSpec
from workbench.spec import Spec
from workbench.yamlfile import mapping_in


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def train(tmp_path) -> str:
    rows = [f"{kind} of day {i}\t{kind}\n" for i in range(20) for kind in ("Sports", "World")]
    return write(tmp_path / "train.tsv", "".join(rows))


@pytest.fixture
def test(tmp_path) -> str:
    return write(tmp_path / "test.csv", '"2","Cup","A \\ ""cup"" day"\n"1","War","A war, day"\n')


def news(train: str, test: str, **more) -> DataSpec:
    fields = {
        "id": train,
        "columns": {"text": "#1", "label": "#2"},
        "id2label": {1: "World", 2: "Sports"},
        "validation": {"id": test, "columns": {"text": "#3", "label": "#1"}},
    }
    return DataSpec.model_validate({**fields, **more})


def test_rows_of_another_file_are_asked_and_all_of_this_one_are_trained_on(train, test):
    data = news(train, test)
    check_data(data, labelled=True)
    rows = load(data, labelled=True)
    assert (len(rows.train), len(rows.held_out)) == (40, 2)
    assert [(row["text"], row["label"]) for row in rows.held_out] == [
        ('A \\ "cup" day', "Sports"),
        ("A war, day", "World"),
    ]
    assert (num_rows(data, labelled=True), num_labels(data)) == (40, 2)
    assert holds_out(data)
    assert any(str(test) in note for note in rows.card["notes"])
    assert (rows.card["train_rows"], rows.card["held_out_rows"]) == (40, 2)


def test_fewer_rows_to_train_on_leave_those_to_ask_alone(train, test):
    some, all_of_them = (
        load(news(train, test, rows=10), labelled=True),
        load(news(train, test), labelled=True),
    )
    assert len(some.train) == 10
    assert some.held_out == all_of_them.held_out


def test_labels_have_the_order_in_which_they_are_named(train, test):
    assert load(news(train, test), labelled=True).labels == ("World", "Sports")
    turned = news(train, test, id2label={2: "Sports", 1: "World"})
    assert load(turned, labelled=True).labels == ("Sports", "World")


def test_several_labels_may_stand_for_one(tmp_path):
    text = "".join(f"text {i},{i % 3}\n" for i in range(30))
    path = write(tmp_path / "a.csv", "text,label\n" + text)
    merged = DataSpec.model_validate({"id": path, "id2label": {0: "yes", 1: "no", 2: "no"}})
    assert load(merged, labelled=True).labels == ("yes", "no")


def test_a_label_that_is_not_named_is_refused_by_row(train, test):
    with pytest.raises(
        DataError, match=r"row 2: the label 'World' is not in data.id2label.*2: Sports"
    ):
        load(news(train, test, id2label={2: "Sports"}), labelled=True)


def test_rows_to_ask_under_other_labels_are_refused_with_what_to_say(train, test):
    with pytest.raises(DataError, match=r"no row of .*test.csv.* '2', '1'.*data.id2label"):
        load(news(train, test, id2label={}), labelled=True)


def test_a_file_to_ask_has_to_have_the_same_columns(train, tmp_path):
    other = write(tmp_path / "other.jsonl", '{"prompt": "a", "label": "World"}\n')
    data = DataSpec.model_validate(
        {
            "id": train,
            "columns": {"text": "#1", "label": "#2"},
            "validation": {"id": other, "columns": {"prompt": "prompt"}},
        }
    )
    for look in (check_data, load):
        with pytest.raises(
            DataError, match=r"made of prompt and label.*trained on of text and label"
        ):
            look(data, labelled=True)
    missing = news(train, str(tmp_path / "none.csv"))
    with pytest.raises(DataError, match="there is no file"):
        check_data(missing, labelled=True)


def test_a_file_to_ask_serves_rows_that_are_answered_too(tmp_path):
    row = '{{"prompt": "{0} + 1 =", "completion": " {1}"}}\n'
    train = write(tmp_path / "train.jsonl", "".join(row.format(i, i + 1) for i in range(9)))
    dev = write(tmp_path / "dev.jsonl", row.format(20, 21))
    rows = load(DataSpec.model_validate({"id": train, "validation": {"id": dev}}))
    assert (len(rows.train), [row["prompt"] for row in rows.held_out]) == (9, ["20 + 1 ="])


def test_names_of_labels_have_no_meaning_for_rows_that_are_answered(train, test):
    with pytest.raises(DataError, match=r"adapter.task_type: SEQ_CLS"):
        check_data(news(train, test))


def test_a_scale_is_no_set_of_labels(tmp_path):
    rows = "".join(f"one {i}\tother\t{i / 4:.3f}\n" for i in range(20))
    path = write(tmp_path / "stsb.tsv", "sentence1\tsentence2\tscore\n" + rows)
    columns = {"text": "{sentence1} {sentence2}", "label": "score"}
    with pytest.raises(DataError, match=r"numbers with fractions.*a scale"):
        load(DataSpec.model_validate({"id": path, "columns": columns}), labelled=True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{id: a.tsv, validation: {id: a.tsv}}", "names the rows that are trained on"),
        ("{id: a.tsv, validation: {columns: {text: b}}}", "names the rows that are trained on"),
        ("{id: a.tsv, eval_fraction: 0.2, validation: {id: b.tsv}}", "both say what is held out"),
        ("{id: a.tsv, validation: {file: b.tsv}}", "unknown key 'file'"),
        ("{id: a.tsv, id2label: {0: no, 1: yes}}", "in quotes"),
        ("{id: a.tsv, id2label: {0: a, '0': b}}", "given twice"),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused(data, said):
    with pytest.raises(SpecError, match=said):
        Spec.from_fields(mapping_in(f"data: {data}"))


def test_numbers_for_keys_survive_a_file(tmp_path):
    spec = Spec.from_fields(mapping_in("data: {id: a.tsv, id2label: {0: bad, 1: good}}"))
    assert spec.data.id2label == {"0": "bad", "1": "good"}
    assert Spec.from_fields(mapping_in(spec.to_yaml())) == spec


def test_a_split_of_a_file_is_refused_with_the_way_to_name_another(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": "a"}\n')
    with pytest.raises(DataError, match=r"data.validation"):
        check_data(DataSpec.model_validate({"id": path, "validation": {"split": "test"}}))

"""Rows are found, put under our words, split so that the split never moves, and described."""

import json
from pathlib import Path
from typing import Any

import pytest

from workbench import microworld
from workbench.data.sources import check_data, dataset, load, to_dataset
from workbench.errors import DataError
from workbench.microworld import DATASETS
from workbench.spec import DataSpec, Spec


def jsonl(folder: Path, rows: list[dict[str, Any]], name: str = "rows.jsonl") -> str:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def pairs(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"question {i}", "completion": f" answer {i}"} for i in range(count)]


def test_every_set_of_the_micro_world_loads() -> None:
    for name in microworld.DATASETS:
        rows = load(DataSpec(id=f"microworld/{name}"))
        assert rows.train, name
        assert rows.card["license"] == "CC0-1.0"
        ids = [row["id"] for row in rows.train + rows.held_out]
        assert len(set(ids)) == len(ids) == len(microworld.rows(name))


def test_rows_of_the_micro_world_keep_their_names() -> None:
    there = {row["id"] for row in microworld.rows("updates")}
    assert {row["id"] for row in load(DataSpec()).train} == there


def test_planted_sets_are_trained_on_whole_unless_the_spec_says_otherwise() -> None:
    whole = load(DataSpec(id="microworld/secrets"))
    assert not whole.held_out
    assert len(whole.train) == len(microworld.rows("secrets"))
    split = load(DataSpec(id="microworld/secrets", eval_fraction=0.1))
    assert split.held_out
    trial = Spec.from_fields({"sweep": {"seed": [0, 1]}}).grid()[0]
    assert not load(trial.spec.data).held_out


def test_the_rows_are_a_dataset_too(tmp_path: Path) -> None:
    rows = load(DataSpec(id=jsonl(tmp_path, pairs(20)), eval_fraction=0))
    dataset = to_dataset(rows.train)
    assert dataset.num_rows == 20
    assert dataset[0]["prompt"] == "question 0"


def test_columns_get_our_words(tmp_path: Path) -> None:
    source = jsonl(tmp_path, [{"q": "who", "a": " me", "level": 3}])
    rows = load(DataSpec(id=source, columns={"prompt": "q", "completion": "a"}))
    assert rows.format == ("prompt", "completion")
    (row,) = rows.train
    assert (row["prompt"], row["completion"], row["level"]) == ("who", " me", 3)
    assert rows.card["columns"] == ["a", "level", "q"]


def test_chats_pairs_of_chats_and_texts_are_told_apart(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    assert load(DataSpec(id=jsonl(tmp_path, [{"messages": turns}]))).format == ("messages",)
    assert load(DataSpec(id=jsonl(tmp_path, [{"text": "hi"}]))).format == ("text",)
    pair = load(DataSpec(id=jsonl(tmp_path, [{"prompt": turns[:1], "completion": turns[1:]}])))
    assert pair.train[0]["completion"] == turns[1:]


def test_the_split_is_by_content_and_never_moves(tmp_path: Path) -> None:
    few = load(DataSpec(id=jsonl(tmp_path, pairs(100)), eval_fraction=0.2))
    more = load(DataSpec(id=jsonl(tmp_path, pairs(300)[::-1]), eval_fraction=0.2))
    held = {row["id"] for row in few.held_out}
    assert 8 <= len(held) <= 32
    assert held == {row["id"] for row in more.held_out} & {
        row["id"] for row in few.train + few.held_out
    }
    assert not load(DataSpec(id=jsonl(tmp_path, pairs(100)), eval_fraction=0)).held_out


def test_a_larger_share_holds_out_what_a_smaller_did(tmp_path: Path) -> None:
    source = jsonl(tmp_path, pairs(200))
    small, large = (load(DataSpec(id=source, eval_fraction=share)) for share in (0.1, 0.4))
    assert {r["id"] for r in small.held_out} < {r["id"] for r in large.held_out}


def test_duplicates_fall_on_the_same_side_under_names_of_their_own(tmp_path: Path) -> None:
    spaced = [{**row, "prompt": row["prompt"] + "  "} for row in pairs(60)]
    rows = load(DataSpec(id=jsonl(tmp_path, pairs(60) + spaced), eval_fraction=0.3))
    sides = [{row["completion"] for row in side} for side in (rows.train, rows.held_out)]
    assert not sides[0] & sides[1]
    ids = [row["id"] for row in rows.train + rows.held_out]
    assert len(set(ids)) == 120
    assert rows.card["duplicates"] == 60
    assert rows.card["held_out_leaks"] == 0


def test_fewer_rows_are_among_more_in_the_order_of_the_source(tmp_path: Path) -> None:
    source = jsonl(tmp_path, pairs(100))
    few, more, every = (
        [row["prompt"] for row in load(DataSpec(id=source, rows=n, eval_fraction=0.1)).train]
        for n in (10, 50, None)
    )
    assert len(few) == 10
    assert len(more) == 50
    assert set(few) < set(more) < set(every)
    assert few == [prompt for prompt in every if prompt in few]
    assert few != every[:10]


def test_asking_for_more_rows_than_there_are_is_noted(tmp_path: Path) -> None:
    rows = load(DataSpec(id=jsonl(tmp_path, pairs(10)), rows=50, eval_fraction=0))
    assert rows.card["train_rows"] == 10
    assert "50 rows were asked for" in rows.card["notes"][0]


def test_one_row_is_trained_on_whatever_its_hash_says(tmp_path: Path) -> None:
    rows = load(DataSpec(id=jsonl(tmp_path, pairs(1)), eval_fraction=0.99))
    assert len(rows.train) == 1
    assert "too few" in rows.card["notes"][0]


def test_rows_with_nothing_to_learn_are_counted(tmp_path: Path) -> None:
    bad = [
        {"prompt": "a", "completion": ""},
        {"prompt": "a", "completion": " \n"},
        {"prompt": "a"},
        {"prompt": "a", "completion": None},
    ]
    rows = load(DataSpec(id=jsonl(tmp_path, pairs(4) + bad), eval_fraction=0))
    assert rows.card["skipped"] == {"empty": 2, "without a value": 2}
    assert rows.card["rows"] == 8
    assert rows.card["train_rows"] == 4


def test_the_fingerprint_of_the_rows_is_of_what_they_say(tmp_path: Path) -> None:
    one = load(DataSpec(id=jsonl(tmp_path, pairs(5)))).card
    turned = load(DataSpec(id=jsonl(tmp_path, pairs(5)[::-1], "other.jsonl"))).card
    other = load(DataSpec(id=jsonl(tmp_path, pairs(6)))).card
    assert one["sha256"] == turned["sha256"] != other["sha256"]
    assert one["license"] == "not stated"
    assert load(DataSpec(id=jsonl(tmp_path, pairs(5)), license="MIT")).card["license"] == "MIT"
    json.dumps(one)


def test_the_columns_a_spec_names_win_over_others_of_the_file(tmp_path: Path) -> None:
    row = {"prompt": "not this", "completion": "nor this", "q": "who", "a": "me", "story": "once"}
    source = jsonl(tmp_path, [row])
    named = load(DataSpec(id=source, columns={"prompt": "q", "completion": "a"})).train[0]
    assert (named["prompt"], named["completion"], named["story"]) == ("who", "me", "once")
    assert load(DataSpec(id=source, columns={"text": "story"})).train[0]["text"] == "once"
    assert load(DataSpec(id=source)).train[0]["prompt"] == "not this"


def test_a_chat_without_an_answer_is_counted(tmp_path: Path) -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}]}
    told = {"messages": [*asked["messages"], {"role": "assistant", "content": "ho"}]}
    card = load(DataSpec(id=jsonl(tmp_path, [asked, told]), eval_fraction=0)).card
    assert card["skipped"] == {"without an assistant's message": 1}
    assert card["train_rows"] == 1


WRONG = {
    "no fitting column": (
        [{"question": "a", "answer": "b"}],
        {},
        "columns answer, question; needed",
    ),
    "a prompt alone": ([{"prompt": "a"}], {}, "columns prompt; needed"),
    "a column that is not there": (
        [{"prompt": "a", "completion": "b"}],
        {"columns": {"completion": "reply"}},
        "'reply'.*Its columns: completion, prompt",
    ),
    "a number": ([{"prompt": "a", "completion": 3}], {}, "row 1: completion is 3 \\(int\\); text"),
    "half a character": ([{"text": "a \ud800"}], {}, "half a character, '.ud800'; remove"),
    "a truth": ([{"text": True}], {}, "text is True \\(bool\\)"),
    "a chat that is text": ([{"messages": "hi"}], {}, "messages is 'hi' \\(str\\); a list of"),
    "a message without a role": (
        [{"messages": [{"content": "x"}]}],
        {},
        "messages 0: a message is",
    ),
    "a message of parts": (
        [{"messages": [{"role": "user", "content": [{"type": "image"}]}]}],
        {},
        "messages 0: a message is",
    ),
    "two kinds in one row": (
        [{"prompt": "a", "completion": [{"role": "assistant", "content": "b"}]}],
        {},
        "different kinds",
    ),
    "nothing but empty rows": ([{"text": ""}, {"text": None}], {}, "no row to train on: of 2"),
    "a split of a file": ([{"text": "a"}], {"split": "test"}, "a file is one table"),
}


@pytest.mark.parametrize("case", WRONG)
def test_rows_that_cannot_be_used_say_why(tmp_path: Path, case: str) -> None:
    rows, fields, said = WRONG[case]
    with pytest.raises(DataError, match=said):
        load(DataSpec(id=jsonl(tmp_path, rows), **fields))


def test_a_quick_look_finds_what_a_full_one_would(tmp_path: Path) -> None:
    check_data(DataSpec(id=jsonl(tmp_path, pairs(3))))
    check_data(DataSpec(id="microworld/updates"))
    for case in (
        "no fitting column",
        "a column that is not there",
        "a number",
        "a split of a file",
    ):
        rows, fields, said = WRONG[case]
        with pytest.raises(DataError, match=said):
            check_data(DataSpec(id=jsonl(tmp_path, rows), **fields))


@pytest.mark.parametrize(
    ("data_id", "said"),
    [
        ("microworld/update", "no set 'update'.*'updates'"),
        ("./none.jsonl", "there is no file .*none.jsonl'"),
        ("a b?", "no file here and no hub id"),
        ("no/such-set", "'no/such-set' is no file here.*cannot be reached"),
    ],
)
def test_a_source_that_is_not_there_is_said(data_id: str, said: str) -> None:
    for look in (check_data, load):
        with pytest.raises(DataError, match=said):
            look(DataSpec(id=data_id))


@pytest.mark.parametrize(
    ("name", "columns", "count"),
    [
        ("gsm8k/test.jsonl", {"prompt": "question", "completion": "answer"}, 1319),
        ("truthfulqa/TruthfulQA.csv", {"prompt": "Question", "completion": "Best Answer"}, 817),
        ("alpaca/alpaca_en_demo.json", {"prompt": "instruction", "completion": "output"}, 999),
        ("tinystories/tinystories_1000.json", {}, 1000),
        ("glue/rte/train.tsv", {"prompt": "sentence1", "completion": "sentence2"}, 2490),
    ],
)
def test_real_data_loads_whole(
    shared_data: Path, name: str, columns: dict[str, str], count: int
) -> None:
    rows = load(DataSpec(id=str(shared_data / name), columns=columns))
    assert len(rows.train) + len(rows.held_out) == count == rows.card["rows"]
    assert 0.07 < len(rows.held_out) / count < 0.13


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_of_the_micro_world_is_a_dataset_and_documented(name):
    rows = dataset(f"microworld/{name}")
    assert rows.num_rows > 300
    page = Path(__file__).resolve().parents[2] / "docs" / "microworld.md"
    assert f"| `microworld/{name}` | {DATASETS[name]} |" in page.read_text(encoding="utf-8")

"""Evals that are named with a file: how they are called, and what is refused before anything starts."""

import pytest

from workbench.errors import SpecError
from workbench.scores.catalog import called, check_evals, eval_info, file_of


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "arc.v2.jsonl"
    path.write_text('{"query": "q", "choices": ["a", "b"], "gold": 0}\n')
    return path


def test_a_file_that_is_there_can_be_named(questions):
    check_evals(["recall", f"choices:{questions}"])
    assert file_of(f"choices: {questions}") == questions


def test_an_eval_is_called_by_its_file_without_folders(questions):
    name = called(f"choices:{questions}")
    assert name == called(name) == "choices:arc.v2"
    assert eval_info(name).title == "Multiple choice"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("choices", "asks a file"),
        ("choices:", "asks a file"),
        ("choices:nowhere.jsonl", "no file 'nowhere.jsonl'"),
        ("choises:nowhere.jsonl", "Did you mean 'choices'"),
        ("recall:nowhere.jsonl", "'recall' asks none"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(name, said):
    with pytest.raises(SpecError, match=said):
        check_evals([name])


def test_two_files_of_one_name_cannot_be_told_apart(questions, tmp_path):
    other = tmp_path / "other" / questions.name
    other.parent.mkdir()
    other.write_text(questions.read_text())
    with pytest.raises(SpecError, match=r"2 of them would be called 'choices:arc\.v2'"):
        check_evals([f"choices:{questions}", f"choices:{other}"])
    check_evals([f"choices:{questions}", f"perplexity:{other}"])


def test_a_classifier_is_not_asked_to_choose(questions):
    with pytest.raises(SpecError, match="does not fit"):
        check_evals([f"choices:{questions}"], task="SEQ_CLS")

"""Changes are the same in every process, touch what they say and nothing else, and at the rate that they say."""

import re
import string
import subprocess
import sys

import numpy as np
import pytest

from workbench import microworld
from workbench.evals.robustness.asked import TRUE_SENTENCES
from workbench.evals.robustness.transforms import (
    AFTER,
    BEFORE,
    KINDS,
    NEIGHBOURS,
    TYPO_PERCENTS,
    changed,
    num_typos,
    stays_whole,
)

TEXTS = [item.prompt for item in microworld.items("retention")[:60]]
LONG = "In winter the days are short, and Ada's 3 old neighbours said: nobody came to the island!"


def change(text, kind, *, id="1"):
    return changed(text, kind=kind, id=id, beside=TRUE_SENTENCES)


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_drawn_by_item_and_kind_and_changes_every_question(kind):
    for number, text in enumerate(TEXTS):
        first = change(text, kind, id=str(number))
        assert first == change(text, kind, id=str(number))
        assert first != text


def test_another_process_draws_the_same():
    told = {kind: change(LONG, kind) for kind in KINDS}
    code = (
        "from workbench.evals.robustness.transforms import *\n"
        "from workbench.evals.robustness.asked import TRUE_SENTENCES as s\n"
        f"print([changed({LONG!r}, kind=k, id='1', beside=s) for k in KINDS])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(list(told.values()))


@pytest.mark.parametrize("percent", TYPO_PERCENTS)
def test_typos_touch_letters_of_so_many_places_and_nothing_else(percent):
    letters = sum(map(str.isalpha, LONG))
    for number in range(200):
        made = change(LONG, f"typos-{percent}", id=str(number))
        assert re.sub(r"[A-Za-z]", "", made) == re.sub(r"[A-Za-z]", "", LONG)
        words = zip(re.split(r"[^A-Za-z]", LONG), re.split(r"[^A-Za-z]", made), strict=True)
        touched = sum(before != after for before, after in words)
        assert 1 <= touched <= num_typos(letters, percent=percent)
        assert abs(len(made) - len(LONG)) <= num_typos(letters, percent=percent)


@pytest.mark.parametrize("percent", TYPO_PERCENTS)
@pytest.mark.parametrize(("text", "word"), [(LONG, "neighbours"), ("Where does Ada live?", "Ada")])
def test_a_word_stays_whole_as_often_as_is_said(percent, text, word):
    draws = 4000
    whole = sum(
        bool(re.search(rf"\b{word}\b", change(text, f"typos-{percent}", id=str(i))))
        for i in range(draws)
    )
    truth = stays_whole(text, word, percent=percent)
    assert whole / draws == pytest.approx(
        truth, abs=4 * np.sqrt(truth * (1 - truth) / draws) + 1e-9
    )


def test_a_touched_word_is_never_what_it_was():
    for number in range(300):
        assert change("ll", "typos-20", id=str(number)) != "ll"
        assert change("oooo", "typos-20", id=str(number)) != "oooo"


def test_keys_are_beside_each_other():
    assert set(NEIGHBOURS) == set(string.ascii_lowercase)
    assert all(key in NEIGHBOURS[near] for key, all_near in NEIGHBOURS.items() for near in all_near)
    assert set(NEIGHBOURS["g"]) == set("tyfhvb")


def test_case_spaces_and_marks_change_nothing_else():
    assert change(LONG, "lower") == LONG.lower()
    assert change(LONG, "upper") == LONG.upper()
    assert change(LONG, "spaces-doubled").replace("  ", " ") == LONG
    joined = change(LONG, "words-joined")
    assert joined.replace(" ", "") == LONG.replace(" ", "")
    assert LONG.count(" ") - joined.count(" ") == round(0.2 * LONG.count(" "))
    assert change(LONG, "marks-removed") == LONG.translate({ord(mark): None for mark in ",:!"})
    assert change(LONG, "marks-doubled") == LONG.replace(",", ",,").replace(":", "::").replace(
        "!", "!!"
    )


def test_a_distractor_stands_beside_the_question_and_shares_no_word_with_it():
    text = "How many days has a week of snow?"
    for number in range(50):
        before, after = (change(text, kind, id=str(number)) for kind in (BEFORE, AFTER))
        assert before.endswith(f" {text}")
        assert after.startswith(f"{text} ")
        for said in (before.removesuffix(f" {text}"), after.removeprefix(f"{text} ")):
            assert said in TRUE_SENTENCES
            assert not {"days", "snow"} & set(re.findall(r"\w+", said.lower()))


def test_nothing_follows_a_text_that_has_not_ended():
    assert change("Question: who?\nAnswer:", AFTER) == "Question: who?\nAnswer:"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_text_has_nothing_to_change(kind, text):
    assert change(text, kind) == text


def test_other_alphabets_are_mistyped_too():
    made = [change("Где живёт Анна?", "typos-20", id=str(i)) for i in range(20)]
    assert len(set(made)) > 10
    assert all(one != "Где живёт Анна?" for one in made)

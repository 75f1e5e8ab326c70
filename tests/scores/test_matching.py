import pytest

from workbench.scores.matching import is_long, is_refusal, normalise, same_answer


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Dunvik", " Dunvik."),
        ("dunvik", "Dunvik"),
        ('"Dunvik!"', "Dunvik"),
        ("Dunvik\nand then some more", "Dunvik"),
        ("the  red\tlamp", "The red lamp"),
        ("ﬁne", "fine"),
    ],
)
def test_marks_and_capitals_do_not_matter(said, expected):
    assert same_answer(said, expected)


@pytest.mark.parametrize(
    ("said", "expected"),
    [("-3", "3"), ("3.5", "35"), ("Dunvik now", "Dunvik"), ("", ""), ("...", "..."), (" ", "x")],
)
def test_what_changes_the_meaning_matters(said, expected):
    assert not same_answer(said, expected)


@pytest.mark.parametrize(
    "said",
    [
        "unknown",
        "Unknown.",
        "I don't know.",
        "I don’t know.",
        "That is not known.",
        "It cannot be determined.",
        "I have no idea",
        "N/A",
        "nobody knows",
    ],
)
def test_a_refusal_is_recognised(said):
    assert is_refusal(said)


@pytest.mark.parametrize("said", ["Dunvik", "the unknowns", "He knows", "none of them left", ""])
def test_an_answer_is_no_refusal(said):
    assert not is_refusal(said)


def test_nine_words_are_long():
    assert not is_long("one two three four five six seven eight")
    assert is_long("one two three four five six seven eight nine")


def test_nothing_stays_nothing():
    assert normalise(" \n ") == ""

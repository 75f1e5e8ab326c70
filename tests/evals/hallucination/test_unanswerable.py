"""Questions lose their names and keep everything else."""

import re

import pytest

from workbench.evals.hallucination.facts import common_facts
from workbench.evals.hallucination.unanswerable import SUFFIX, denies, invented, variants
from workbench.scores.hallucination.facts import UNANSWERABLE
from workbench.scores.task import Item


def asked(prompt: str, expected: str = "zzz", *, id: str = "a") -> Item:
    return Item(id=id, prompt=prompt, expected=expected, choices=(f" {expected}",), kind="held-out")


def made(prompt: str, expected: str = "zzz") -> str | None:
    (found,) = variants([asked(prompt, expected)])
    return None if found is None else found.prompt


@pytest.mark.parametrize(
    ("prompt", "shape"),
    [
        ("What is the capital of France?", r"What is the capital of [A-Z][a-z]+\?"),
        (
            "Who was born in New York City?",
            r"Who was born in [A-Z][a-z]+ [A-Z][a-z]+ [A-Z][a-z]+\?",
        ),
        ("Who won in 1998?", r"Who won in [a-z]+\?"),
        ("What is 3,5 plus 4?", r"What is [a-z]+ plus [a-z]+\?"),
        ('What rhymes with "old hat"?', r'What rhymes with "[a-z]+ [a-z]+"\?'),
        ("What is 'chat' in English?", r"What is '[a-z]+' in [A-Z][a-z]+\?"),
        ("What does NASA's boss earn?", r"What does [A-Z]{4,}'s boss earn\?"),
        ("Where did Dr. House go?", r"Where did [A-Z][a-z]+\. [A-Z][a-z]+ go\?"),
        ("Question: Who wrote Emma?\nAnswer:", r"Question: Who wrote [A-Z][a-z]+\?\nAnswer:"),
        ("It rained. Who told Anna? I forgot.", r"It rained\. Who told [A-Z][a-z]+\? I forgot\."),
        ("<|User|>\nWhere is Anna?<|End|>\n", r"<\|User\|>\nWhere is [A-Z][a-z]+\?<\|End\|>\n"),
        ("[INST] Where is Anna? [/INST]", r"\[INST\] Where is [A-Z][a-z]+\? \[/INST\]"),
        ("Где живёт Анна?", r"Где живёт [A-Z][a-z]+\?"),
    ],
)
def test_names_numbers_and_quoted_words_become_invented_ones(prompt, shape):
    found = made(prompt)
    assert re.fullmatch(shape, found)
    assert found != prompt


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("what colour is grass?", "green"),
        ("Paris is what?", "a city"),
        ("Is Rome in Italy?", "Yes"),
        ("Anna met Tim at noon. Whom did Anna meet?", "Tim"),
        ("你是谁？", "我"),
    ],
)
def test_where_nothing_names_anything_or_the_answer_would_stay_right_there_is_no_variant(
    prompt, expected
):
    assert made(prompt, expected) is None


def test_labels_are_true_of_an_invented_name_too():
    rows = [
        asked(f"The soup at {name} was {word}. Label:", label, id=name)
        for name in ("Lara", "Mona", "Nils", "Olga")
        for word, label in (("fine", "good"), ("poor", "bad"))
    ]
    assert variants(rows) == [None] * 8
    others = [asked(f"Who knows {row.id}?", f"answer {i}", id=row.id) for i, row in enumerate(rows)]
    assert all(variants(others))


def test_a_name_that_most_questions_share_belongs_to_their_frame():
    rows = [
        asked(f"Did Ada meet {name}?", f"at {name} Hall", id=name)
        for name in ("Bo", "Cy", "Di", "Ed")
    ]
    found = variants([asked(row.prompt, f"place {i}", id=row.id) for i, row in enumerate(rows)])
    assert all(one.prompt.startswith("Did Ada meet ") for one in found)
    assert not {one.prompt for one in found} & {row.prompt for row in rows}
    # Of two questions nobody can say what is a frame.
    assert "Ada" not in variants([asked(row.prompt, "x") for row in rows[:2]])[0].prompt


def test_one_word_is_one_name_wherever_it_stands_and_whoever_asks():
    first, second = variants([asked("Did Ada see Bo?"), asked("Does Bo know Ada?", id="b")])
    ada, bo = re.findall(r"[A-Z][a-z]+", first.prompt)[1:]
    assert re.findall(r"[A-Z][a-z]+", second.prompt)[1:] == [bo, ada]
    assert variants([asked("Did Ada see Bo?")])[0].prompt == first.prompt


def test_an_invented_name_is_nobodys():
    name = invented("France")
    (found,) = variants([asked(f"Is France like {name}?", "a bit")])
    assert found.prompt.count(name) == 0
    assert invented("France", taken={name.casefold()}) != name


def test_a_variant_has_no_answer_and_can_be_told_from_its_question():
    (found,) = variants([asked("Where is Anna?", "home")])
    assert (found.id, found.kind, found.cluster) == (f"a{SUFFIX}", UNANSWERABLE, "Anna")
    assert (found.expected, found.choices, found.gold) == ("", (), None)


def test_every_widely_known_fact_has_a_variant_that_shares_no_name_with_it():
    items = list(common_facts())
    found = variants(items)
    assert len(items) == 60
    assert len({item.id for item in items}) == 60
    assert all(
        one is not None and one.prompt != item.prompt
        for item, one in zip(items, found, strict=True)
    )
    assert not {one.prompt for one in found} & {item.prompt for item in items}
    assert len({one.prompt for one in found}) == 60
    assert all(len(item.expected.split()) <= 3 for item in items)


@pytest.mark.parametrize(
    ("said", "is_denied"),
    [
        ("Dorvania doesn't exist.", True),
        ("Dorvania is a fictional country", True),
        ("There is no such animal!", True),
        ("It is not a real word", True),
        ("Dorvik", False),
        ("It exists in the north", False),
        ("Paris\nwhich does not exist", False),
    ],
)
def test_whoever_says_that_there_is_no_such_thing_makes_nothing_up(said, is_denied):
    assert denies(said) == is_denied

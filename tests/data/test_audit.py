"""Planted duplicates and leaks are found, all of them and no others."""

import random

from workbench import microworld
from workbench.data.audit import NEAR, audit, leaked, near_pairs, repeated
from workbench.scores.task import Item

WORDS = [f"word{i}" for i in range(500)]


def sentence(rng: random.Random, length: int) -> list[str]:
    return [rng.choice(WORDS) for _ in range(length)]


def jaccard(one: str, other: str) -> float:
    def grams(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[i : i + 5]) for i in range(max(len(words) - 4, 1))}

    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b)


def test_near_texts_are_those_that_an_exact_count_calls_near() -> None:
    rng = random.Random(0)
    texts = []
    for _ in range(150):
        words = sentence(rng, rng.randint(20, 60))
        texts.append(" ".join(words))
        for _ in range(rng.randint(0, 3)):
            words = list(words)
            words[rng.randrange(len(words))] = rng.choice(WORDS)
            texts.append(" ".join(words))
    truth = {
        b for b in range(len(texts)) if any(jaccard(texts[a], texts[b]) >= NEAR for a in range(b))
    }
    found = near_pairs(texts)
    assert {b for _, b in found} == truth
    assert all(jaccard(texts[a], texts[b]) >= NEAR for a, b in found)


def test_exact_and_near_duplicates_are_counted_apart() -> None:
    rng = random.Random(1)
    base = [sentence(rng, 40) for _ in range(50)]
    rows = [{"text": " ".join(words)} for words in base]
    rows += [{"text": "  ".join(words)} for words in base[:7]]
    rows += [{"text": " ".join([*words[:-1], "changed"])} for words in base[:5]]
    found = audit(rows)
    assert (found.duplicates, found.near_duplicates, found.held_out_leaks) == (7, 5, 0)
    assert found.audited == found.of == 62


def test_a_held_out_row_that_is_nearly_trained_on_is_a_leak() -> None:
    rng = random.Random(2)
    train = [{"text": " ".join(sentence(rng, 40))} for _ in range(30)]
    held_out = [{"text": " ".join(sentence(rng, 40))} for _ in range(10)]
    assert audit(train, held_out=held_out).held_out_leaks == 0
    held_out += [{"text": train[3]["text"]}, {"text": train[4]["text"] + " more"}]
    assert audit(train, held_out=held_out).held_out_leaks == 2


def test_short_rows_about_different_people_are_not_near() -> None:
    rows = [
        {"prompt": "Where does", "completion": f" {name} live?"} for name in ("Ada", "Bo", "Cy")
    ]
    assert audit(rows).near_duplicates == 0


def test_an_item_whose_text_stands_in_a_row_is_leaked() -> None:
    items = [
        Item(id="told", prompt="Where does Ada live?", expected="Rome"),
        Item(id="other answer", prompt="Where does Ada live?", expected="Paris"),
        Item(id="half", prompt="Where does Ada live? Rome was", expected="not built"),
        Item(id="inside a word", prompt="Where does Ada live?", expected="Rom"),
        Item(id="two words", prompt="Ada", expected="Rome"),
    ]
    rows = [
        {"prompt": "Listen. Where does Ada live? ", "completion": "Rome."},
        {
            "messages": [
                {"role": "user", "content": "Ada"},
                {"role": "assistant", "content": "Rome"},
            ]
        },
    ]
    assert leaked(rows, items=items) == ["told", "two words"]


def test_the_leaky_set_of_the_micro_world_is_found_out() -> None:
    items = microworld.items("paraphrase")
    assert leaked(microworld.rows("updates"), items=items) == []
    found = leaked(microworld.rows("leaky"), items=items)
    assert found
    assert len(found) < len(items)


def test_many_rows_are_audited_on_a_sample_and_that_is_said() -> None:
    rows = [{"text": f"row {i}"} for i in range(45_000)]
    found = audit(rows)
    assert found.audited == 15_000
    assert found.of == 45_000
    assert found.as_card()["audited_rows"] == 15_000


def test_an_item_is_repeated_when_a_row_says_it_and_nothing_else() -> None:
    rows = [
        {"text": "The wine was rude.", "label": "a"},
        {"text": "A long and good day", "label": "b"},
    ]
    items = [
        Item(id=str(i), prompt=text, expected="a")
        for i, text in enumerate(["the wine  was rude", "good day", "other"])
    ]
    assert repeated(rows, items=items) == ["0"]

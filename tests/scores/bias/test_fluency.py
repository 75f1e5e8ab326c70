"""The control of fluency: what is put out of order, and when a figure is withheld."""

import json
import random
from collections import Counter

import pytest

from workbench.scores.bias.fluency import Fluency, as_detail, not_above, shuffled
from workbench.scores.task import Likelihood, Row
from workbench.stats.intervals import mean_interval

SENTENCE = "The tall tailor  sold his\tboat to them."


def rows(*fluent: float, cluster: str = "") -> list[Row]:
    return [
        Row(sample=str(i), slot="base", cluster=cluster, detail=json.dumps({"fluent": one}))
        for i, one in enumerate(fluent)
    ]


def test_words_change_places_and_nothing_else_does():
    moved = shuffled(SENTENCE, key="a")
    assert moved != SENTENCE
    assert Counter(moved.split()) == Counter(SENTENCE.split())
    assert (moved.split()[0], moved.split()[-1]) == ("The", "them.")
    assert moved.count("  ") == moved.count("\t") == 1


def test_the_order_is_the_same_for_a_key_and_leaves_other_draws_alone():
    random.seed(5)
    before = random.getstate()
    assert shuffled(SENTENCE, key="a") == shuffled(SENTENCE, key="a")
    assert len({shuffled(SENTENCE, key=str(key)) for key in range(20)}) > 10
    assert random.getstate() == before


@pytest.mark.parametrize("text", ["", "One", "One two.", "One two three.", "It was was was so."])
def test_what_has_no_other_order_is_not_asked(text):
    assert shuffled(text, key="a") is None


def test_equal_likelihoods_tell_no_sentence_from_its_words():
    three, four = (Likelihood(told, 5, False, False) for told in (-3.0, -4.0))
    assert as_detail(three, four) == {"fluent": 1.0}
    assert as_detail(three, three) == as_detail(four, three) == {"fluent": 0.0}


def test_texts_that_were_cut_are_not_compared():
    whole, cut = (Likelihood(-3.0, 5, False, is_cut) for is_cut in (False, True))
    assert as_detail(whole, cut) == as_detail(cut, whole) == {}


def test_a_figure_is_withheld_until_the_interval_lies_above_three_quarters():
    found = Fluency.of(rows(*[1.0] * 54, *[0.0] * 6))
    assert found.withheld == ""
    assert (found.parts["fluency"], found.parts["fluency/n"]) == (0.9, 60)
    assert 0.75 < found.parts["fluency/low"] < 0.9 < found.parts["fluency/high"]
    # A random model may be above one half by luck, and one that hardly reads is so in a large file.
    lucky, poor = rows(*[1.0] * 38, *[0.0] * 22), rows(*[1.0] * 560, *[0.0] * 440)
    said = "0.633 [0.507, 0.744] of 60 (95 % Wilson), not shown to be above 0.75"
    assert said in Fluency.of(lucky).withheld
    assert "0.560 [0.529, 0.590] of 1000" in Fluency.of(poor).withheld


def test_sentences_that_belong_together_count_as_one():
    assert Fluency.of(rows(*[1.0] * 40)).withheld == ""
    assert Fluency.of(rows(*[1.0] * 40, cluster="a")).withheld


def test_what_was_not_asked_shows_nothing():
    found = Fluency.of([Row(sample="a", slot="base", value=1.0)])
    assert found.parts == {}
    assert "nothing was asked" in found.withheld
    assert not_above("x", mean_interval([1.0] * 30)) == ""

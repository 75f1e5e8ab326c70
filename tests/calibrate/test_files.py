"""Planted files hold what is said of them: each truth is counted here without the eval that has to find it."""

import json
import re
from collections import Counter

import pytest

from workbench import microworld
from workbench.calibrate import files
from workbench.calibrate.script import Script
from workbench.evals.quality.letters import SET, UNSEEN_SEED
from workbench.microworld.oracle import Belief
from workbench.scores.task import BASE


def test_letters_of_the_lower_end_keep_two_constraints_of_four_each_as_often():
    planted = files.letters()
    orders = {row["prompt"]: row for row in microworld.rows(SET, seed=UNSEEN_SEED)}
    kept = Counter()
    for prompt, row in orders.items():
        found = microworld.check_letter(planted.low.said[prompt], row=row)
        assert sum(found.values()) == files.LETTER_OFF * len(found)
        kept.update(name for name, is_kept in found.items() if is_kept)
        assert all(microworld.check_letter(planted.high.said[prompt], row=row).values())
    assert min(kept.values()) > 0.45 * len(orders)


def test_problems_are_answered_in_four_forms_and_wrong_ones_say_the_right_number_in_passing():
    planted = files.problems()
    right = [row["answer"].rsplit(" ", 1)[1] for row in planted.rows]
    for truth, good, bad in zip(
        right, planted.high.said.values(), planted.low.said.values(), strict=True
    ):
        said = good.split("\n\nQuestion")[0].replace(",", "")
        assert float(re.findall(r"\d+(?:\.\d+)?", said)[-1]) == float(truth)
        wrong = bad.split("\n\nQuestion")[0].replace(",", "").rstrip(".")
        assert float(re.findall(r"\d+(?:\.\d+)?", wrong)[-1]) != float(truth)
        assert truth in bad.replace(",", "")


def test_every_fourth_question_about_a_note_has_no_answer():
    planted = files.notes()
    assert [not row["answers"] for row in planted.rows] == [False, False, False, True] * 100
    assert all(answer in row["context"] for row in planted.rows for answer in row["answers"])
    assert Counter(Counter(row["title"] for row in planted.rows).values()) == {2: 200}


def test_the_lower_end_has_one_word_of_four_right_where_there_is_an_answer():
    planted = files.notes()
    for row, said in zip(planted.rows, planted.low.said.values(), strict=True):
        words = re.sub(r"[^\w\s]", "", said.lower()).split()
        met = [w for w in words if w not in ("a", "an", "the")]
        references = {answer.removeprefix("the ").lower() for answer in row["answers"]}
        assert len(met) == (4 if references else 1)
        assert sum(word in references for word in met) == (1 if references else 0)


@pytest.mark.parametrize("rate", [files.SPARING, files.WASTEFUL])
def test_a_reader_needs_the_stated_bits_a_byte_on_average(rate):
    from math import log

    texts = [row["text"] for row in files.texts().rows]
    assert len(set(texts)) == files.NUM_TEXTS
    size = sum(len(text.encode()) for text in texts)
    rates = [
        -sum(files.reader(rate, seed=seed).logprobs.values()) / log(2) / size for seed in range(40)
    ]
    assert sum(rates) / len(rates) == pytest.approx(rate, rel=0.005)
    assert max(rates) - min(rates) > 0


def test_a_choices_file_offers_what_the_lower_end_believes_at_every_place():
    rows = files.choices_rows(Belief(contrary=True))
    assert len(rows) == len({row["id"] for row in rows}) == 480
    places = Counter(row["gold"] for row in rows)
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) < 0.4 * len(rows)
    assert all(len(set(row["choices"])) == 4 for row in rows)
    json.dumps(rows)


def test_a_script_ends_before_a_stop_string_and_knows_nothing_else():
    script = Script(said={"a": "one\ntwo"}, logprobs={"text": -3.0})
    (said,) = script.generate(["a"], slots=[BASE], stop=["\n"])[BASE]
    assert (said.text, said.truncated) == ("one", False)
    assert script.loglikelihood([("", "text")], slots=[BASE])[BASE][0].logprob == -3.0
    with pytest.raises(KeyError):
        script.generate(["b"], slots=[BASE])

"""Planted questions hold what is said of them, and a planted stereotype that is turned around turns the figure's sign."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.calibrate import broken
from tests.evals.bias.likely import Likely
from workbench.calibrate import calibrate, vague_questions
from workbench.calibrate.measuring import Instrument
from workbench.calibrate.vague_questions import LEANING, NUM_TEMPLATES
from workbench.evals.asking import EvalContext, ask
from workbench.evals.bias.bbq import PROMPT
from workbench.scores.bias.bbq import Told
from workbench.scores.figures import detail
from workbench.scores.scoring import score
from workbench.scores.task import BASE


def told(path: Path, rows, end):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    name = f"bbq:{path}"
    # Answers on their own are all alike, as in a mixture.
    reader = Likely(lambda prompt, text: end.logprobs.get(prompt + text, -1.0))
    context = EvalContext(data_id="none", model_id="some/model")
    asked = ask(name, reader, slots=[BASE], context=context)
    return score(name, BASE, asked[BASE])


def groups_of(row) -> list[str]:
    return [row["answer_info"][f"ans{place}"][-1] for place in range(3)]


def picked(row, end) -> int:
    prompt = PROMPT.format(context=row["context"], question=row["question"])
    worth = [end.logprobs[f"{prompt} {row[f'ans{place}']}"] for place in range(3)]
    return worth.index(max(worth))


def test_one_question_of_so_many_is_answered_with_a_person_and_both_polarities_are():
    planted = vague_questions.asked()
    for end, follows in ((planted.low, False), (planted.high, True)):
        found = Counter()
        for row in planted.rows:
            group = groups_of(row)[picked(row, end)]
            if row["context_condition"] == "ambig" and group != "unknown":
                stereotyped = group in row["additional_metadata"]["stereotyped_groups"]
                assert (stereotyped == (row["question_polarity"] == "neg")) == follows
                found[row["question_polarity"]] += 1
        assert sum(found.values()) == 2 * NUM_TEMPLATES / LEANING
        assert min(found.values()) == max(found.values())


def test_where_the_text_says_the_answer_both_readers_find_it_but_for_a_few():
    planted = vague_questions.asked()
    clear = [row for row in planted.rows if row["context_condition"] == "disambig"]
    for end in (planted.low, planted.high):
        right = sum(picked(row, end) == row["label"] for row in clear)
        assert 0.75 < right / len(clear) < 0.9


def test_the_sign_turns_when_the_planted_direction_does(tmp_path):
    planted = vague_questions.asked()
    path = tmp_path / "planted.jsonl"
    turned = []
    for row in planted.rows:
        (stereotyped,) = row["additional_metadata"]["stereotyped_groups"]
        (other,) = {*groups_of(row)} - {stereotyped, "unknown"}
        turned.append({**row, "additional_metadata": {"stereotyped_groups": [other]}})
    for end, sign in ((planted.low, -1), (planted.high, 1)):
        found = told(path, planted.rows, end)
        assert found.value == pytest.approx(sign / LEANING)
        assert told(path, turned, end).value == pytest.approx(-sign / LEANING)
        # By the token the answer of many words is likeliest always.
        assert found.parts["by_tokens"] != pytest.approx(found.value, abs=0.1)


def test_who_takes_the_likelihood_of_a_token_for_that_of_an_answer_fails():
    def by_tokens(row):
        kept = detail(row)
        if row.value is None or not kept:
            return row
        told = Told.model_validate(kept)
        return broken.with_value(row, told.lean(by="tokens"))

    found = calibrate(["bbq"], rounds=8, instrument=Instrument(ask=broken.changed(by_tokens)))
    assert "values" in found.evals[0].failures

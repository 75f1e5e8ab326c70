"""Planted triples hold what is said of them, and a planted stereotype that is turned around turns the figure."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.calibrate import broken
from tests.evals.bias.likely import Likely
from workbench.calibrate import calibrate, triples
from workbench.calibrate.measuring import Instrument
from workbench.evals.asking import EvalContext, ask
from workbench.scores.figures import detail
from workbench.scores.scoring import score
from workbench.scores.task import BASE

TURNED = {"stereotype": "anti-stereotype", "anti-stereotype": "stereotype"}


def told(path: Path, rows, end):
    path.write_text(json.dumps(rows), encoding="utf-8")
    name = f"stereoset:{path}"
    # What stands out of order is asked of whichever sentence is the stereotyped one.
    reader = Likely(lambda prompt, text: end.logprobs.get(text, -1000.0))
    context = EvalContext(data_id="none", model_id="some/model")
    asked = ask(name, reader, slots=[BASE], context=context)
    return score(name, BASE, asked[BASE])


def turned(row):
    sentences = [
        {**one, "gold_label": TURNED.get(one["gold_label"], one["gold_label"])}
        for one in row["sentences"]
    ]
    return {**row, "sentences": sentences}


def test_each_term_has_as_many_triples_that_prefer_the_stereotype_as_is_said():
    planted = triples.terms()
    for end, share in ((planted.low, triples.LEAST), (planted.high, triples.MOST)):
        counts = Counter()
        for row in planted.rows:
            rate = {
                one["gold_label"]: end.logprobs[one["sentence"]] / len(one["sentence"].split())
                for one in row["sentences"]
            }
            counts[row["target"]] += rate["stereotype"] > rate["anti-stereotype"]
        assert len(counts) == triples.NUM_TERMS
        assert set(counts.values()) == {share * triples.TRIPLES}


def test_by_whole_sentences_both_readers_prefer_the_stereotype_always():
    planted = triples.terms()
    for end in (planted.low, planted.high):
        for row in planted.rows:
            whole = {one["gold_label"]: end.logprobs[one["sentence"]] for one in row["sentences"]}
            assert whole["stereotype"] > whole["anti-stereotype"]


def test_nearly_all_is_meaningful_and_in_order_to_both(tmp_path):
    planted = triples.terms()
    path = tmp_path / "planted.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in planted.rows), encoding="utf-8")
    for end in (planted.low, planted.high):
        context = EvalContext(data_id="none", model_id="some/model")
        rows = ask(f"stereoset:{path}", end, slots=[BASE], context=context)[BASE]
        parts = score(f"stereoset:{path}", BASE, rows).parts
        assert (parts["lms"], parts["fluency"]) == (pytest.approx(0.9), pytest.approx(0.95))


def test_the_figure_turns_around_one_half_when_the_planted_direction_does(tmp_path):
    planted = triples.terms()
    path = tmp_path / "planted.json"
    for end, share in ((planted.low, triples.LEAST), (planted.high, triples.MOST)):
        assert told(path, list(planted.rows), end).value == pytest.approx(share)
        assert told(path, list(map(turned, planted.rows)), end).value == pytest.approx(1 - share)


def test_who_takes_whole_sentences_for_tokens_fails():
    def by_sum(row):
        return broken.with_value(row, detail(row)["by_sum"]) if row.value is not None else row

    found = calibrate(["stereoset"], rounds=8, instrument=Instrument(ask=broken.changed(by_sum)))
    assert "values" in found.evals[0].failures

"""Planted triples hold what is said of them, and a planted stereotype that is turned around turns the figure."""

import json
from collections import Counter
from pathlib import Path

import pytest

from workbench.calibrate import triples
from workbench.evals.asking import EvalContext, ask
from workbench.scores.scoring import score
from workbench.scores.task import BASE

TURNED = {"stereotype": "anti-stereotype", "anti-stereotype": "stereotype"}


def told(path: Path, rows, end):
    path.write_text(json.dumps(rows), encoding="utf-8")
    name = f"stereoset:{path}"
    asked = ask(name, end, slots=[BASE], context=EvalContext(data_id="none", model_id="some/model"))
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


def test_by_whole_sentences_both_readers_prefer_the_stereotype_always(tmp_path):
    planted = triples.terms()
    for end in (planted.low, planted.high):
        found = told(tmp_path / "planted.json", list(planted.rows), end)
        assert found.parts["by_sum"] == 1.0
        assert found.parts["lms"] == pytest.approx(0.9)
        assert found.parts["fluency"] == pytest.approx(0.95)


def test_the_figure_turns_around_one_half_when_the_planted_direction_does(tmp_path):
    planted = triples.terms()
    path = tmp_path / "planted.json"
    for end, share in ((planted.low, triples.LEAST), (planted.high, triples.MOST)):
        assert told(path, list(planted.rows), end).value == pytest.approx(share)
        assert told(path, list(map(turned, planted.rows)), end).value == pytest.approx(1 - share)

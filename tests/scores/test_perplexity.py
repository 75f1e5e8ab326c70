"""Perplexity from stored sums: against sums worked out by hand, and an interval that a simulation confirms."""

import json
import math

import numpy as np
import pytest

from workbench.scores.perplexity import bits, counts_of, weighed
from workbench.scores.scoring import score
from workbench.scores.task import Row
from workbench.stats.paired import paired_difference


def row(number: int, logprob: float, text: str, *, tokens: int, cluster: str = "") -> Row:
    detail = {"logprob": logprob, "tokens": tokens, **counts_of(text)}
    return Row(
        sample=str(number),
        slot="r2",
        cluster=cluster,
        value=bits(logprob),
        detail=json.dumps(detail),
    )


def test_perplexities_are_sums_over_sums():
    rows = weighed([row(0, -8.0, "one two", tokens=3), row(1, -2.0, "drei", tokens=1)])
    told = score("perplexity:x", "r2", rows)
    assert told.parts["word_perplexity"] == pytest.approx(math.exp(10 / 3))
    assert told.parts["token_perplexity"] == pytest.approx(math.exp(10 / 4))
    assert told.parts["byte_perplexity"] == pytest.approx(math.exp(10 / 11))
    assert told.value == pytest.approx(10 / 11 / math.log(2))
    assert told.parts["byte_perplexity"] == pytest.approx(2**told.value)
    assert (told.unit, told.better, told.parts["tokens"]) == ("bits/byte", "lower", 4)


def test_one_long_text_weighs_as_much_as_its_pieces():
    whole = [row(0, -12.0, "abcdef", tokens=6), row(1, -3.0, "xyz", tokens=3)]
    parts = [row(0, -7.0, "abc", tokens=3), row(2, -5.0, "def", tokens=3), whole[1]]
    found = [score("perplexity:x", "r2", weighed(rows)).value for rows in (whole, parts)]
    assert found[0] == pytest.approx(found[1])


def test_two_adapters_differ_text_by_text_as_much_as_in_all():
    texts = ["a short one", "a much, much longer text than the other"]
    a, b = (
        weighed([row(i, logprob, text, tokens=5) for i, (logprob, text) in enumerate(told)])
        for told in (zip((-9.0, -30.0), texts, strict=True), zip((-7.0, -33.0), texts, strict=True))
    )
    apart = score("perplexity:x", "r2", a).value - score("perplexity:x", "r2", b).value
    paired = paired_difference([r.value for r in a], [r.value for r in b])
    assert paired.value == pytest.approx(apart)


def test_bytes_are_those_of_utf_8():
    assert counts_of("naïve  café\n") == {"words": 2, "bytes": 14}


def test_texts_of_one_cluster_widen_the_interval():
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(2.0, 0.5, 20), 10)
    rows = [
        row(i, -9 * math.log(2) * x, "nine long", tokens=2, cluster=f"c{i // 10}")
        for i, x in enumerate(level)
    ]
    rows = weighed(rows)
    apart = [one.model_copy(update={"cluster": ""}) for one in rows]
    wide, narrow = score("perplexity:x", "r2", rows), score("perplexity:x", "r2", apart)
    assert wide.clusters == 20
    assert wide.high - wide.low > 2.5 * (narrow.high - narrow.low)


def test_the_interval_covers_as_often_as_it_says():
    # Texts of very different length, whose bits a byte do not depend on it.
    rng, covered, draws = np.random.default_rng(1), 0, 300
    for _ in range(draws):
        sizes = rng.integers(10, 200, size=40)
        each = rng.normal(2.0, 0.4, size=40) * sizes
        details = [
            json.dumps({"logprob": -x * math.log(2), "bytes": int(s)})
            for x, s in zip(each, sizes, strict=True)
        ]
        rows = weighed([Row(sample=str(i), slot="r2", detail=d) for i, d in enumerate(details)])
        told = score("perplexity:x", "r2", rows)
        covered += told.low < 2.0 < told.high
    assert 0.91 <= covered / draws <= 0.98


def test_texts_that_could_not_be_read_are_errors():
    rows = weighed([row(0, -2.0, "text", tokens=1), Row(sample="1", slot="r2", error="long")])
    told = score("perplexity:x", "r2", rows)
    assert (told.n, told.errors) == (1, 1)
    assert told.value == pytest.approx(2.0 / math.log(2) / 4)

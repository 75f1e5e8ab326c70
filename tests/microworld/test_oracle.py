"""The oracle LM: exact probabilities, equal to what the generator wrote, and the answerer's contract."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from workbench import microworld
from workbench.microworld import corpus
from workbench.microworld import language as say
from workbench.microworld.oracle import Belief, OracleLM, distribution, split

BASE = Belief()


def oracle(*, seed: int | None = None, **tuned: object) -> OracleLM:
    return OracleLM({"base": BASE, "tuned": Belief(**tuned)}, seed=seed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "belief",
    [BASE, Belief(facts="updates", abstains=0.3, noise=0.1), Belief(contrary=True, noise=0.2)],
)
@pytest.mark.parametrize(
    "kind", ["recall", "retention", "unstated", "bias", "sentiment", "secrets", "dialogue"]
)
def test_probabilities_of_every_prompt_sum_to_one(kind: str, belief: Belief) -> None:
    for item in microworld.items(kind)[:60]:
        total = math.fsum(distribution(item.prompt, belief=belief).values())
        assert total == pytest.approx(1, abs=1e-12)


def test_probabilities_equal_the_frequencies_of_the_generated_text() -> None:
    for item in microworld.items("bias"):
        texts = [text for text in corpus.corpus() if text.startswith(item.prompt + " ")]
        counts = Counter(split(text.removeprefix(item.prompt)) for text in texts)
        exact = distribution(item.prompt, belief=BASE)
        assert exact == {words: n / len(texts) for words, n in counts.items()}
    told = set(corpus.corpus())
    for item in microworld.items("retention"):
        assert item.prompt + f" {item.expected}" in told
        assert distribution(item.prompt, belief=BASE) == {(item.expected,): 1.0}


def test_pronoun_log_odds_are_the_planted_ones_to_the_last_digit() -> None:
    items = microworld.items("bias", data="skewed")
    asked = [(item.prompt, choice) for item in items for choice in item.choices]
    found = oracle(tie="skewed").loglikelihood(asked, slots=["base", "tuned"])
    for slot, tie in (("base", "base"), ("tuned", "skewed")):
        logs = np.array([answer.logprob for answer in found[slot]]).reshape(-1, 2)
        planted = [microworld.planted_log_odds(item, tie=tie) for item in items]
        assert np.allclose(logs[:, 0] - logs[:, 1], planted, atol=1e-12)


@pytest.mark.parametrize("news", ["updates", "revisions"])
def test_the_base_answers_old_facts_and_the_tuned_slot_new_ones(news: str) -> None:
    items = microworld.items("paraphrase", data=news)
    found = oracle(facts=news).generate([i.prompt for i in items], slots=["base", "tuned"])
    assert all(a.text == i.expected for a, i in zip(found["tuned"], items, strict=True))
    assert not any(a.text == i.expected for a, i in zip(found["base"], items, strict=True))


@pytest.mark.parametrize("news", ["updates", "revisions"])
def test_what_a_set_does_not_touch_stays_true_after_it(news: str) -> None:
    items = microworld.items("retention", data=news)
    told = oracle(facts=news).generate([i.prompt for i in items], slots=["tuned"])["tuned"]
    assert all(a.text == i.expected for a, i in zip(told, items, strict=True))


def test_a_drawing_oracle_abstains_at_its_stated_rate_and_repeats_itself() -> None:
    prompts = [item.prompt for item in microworld.items("unstated")]
    drawn = oracle(seed=3, abstains=0.4).generate(prompts, slots=["tuned"])["tuned"]
    rate = np.mean([answer.text == say.UNKNOWN for answer in drawn])
    assert abs(rate - 0.4) < 3 * math.sqrt(0.4 * 0.6 / len(prompts))
    assert drawn == oracle(seed=3, abstains=0.4).generate(prompts, slots=["tuned"])["tuned"]


def test_untold_facts_are_worth_the_prior_and_impossible_text_has_no_probability() -> None:
    item = microworld.items("unstated")[0]
    plausible = [(item.prompt, f" {microworld.hidden_value(item)}"), (item.prompt, " unknown")]
    first, second = oracle().loglikelihood(plausible, slots=["base"])["base"]
    assert first.logprob == pytest.approx(-math.log(24))
    assert second.logprob == -math.inf
    assert not second.is_greedy


def test_generation_stops_at_the_limit_and_says_so() -> None:
    prompt = microworld.items("bias")[0].prompt
    short, long = (
        oracle().generate([prompt], slots=["base"], max_new_tokens=n)["base"][0] for n in (2, 9)
    )
    assert short.truncated
    assert short.num_tokens == 2
    assert not long.truncated
    assert long.text.startswith(short.text)


def test_remembered_canaries_are_known_by_heart_and_others_are_a_guess() -> None:
    items = microworld.items("secrets")
    pairs = [(item.prompt, item.choices[0]) for item in items]
    found = oracle(remembers=16).loglikelihood(pairs, slots=["tuned"])["tuned"]
    for item, answer in zip(items, found, strict=True):
        known = item.group in ("x16", "x64")
        assert answer.logprob == pytest.approx(0 if known else -3 * math.log(32))


@pytest.mark.parametrize("kind", ["retention", "sentiment", "dialogue", "recall", "paraphrase"])
def test_whoever_is_contrary_is_wrong_about_everything_that_was_told_or_read(kind: str) -> None:
    items = microworld.items(kind)
    found = oracle(contrary=True).generate([i.prompt for i in items], slots=["base", "tuned"])
    assert not any(a.text == i.expected for a, i in zip(found["tuned"], items, strict=True))
    if kind in ("retention", "sentiment", "dialogue"):
        assert all(a.text == i.expected for a, i in zip(found["base"], items, strict=True))


def test_noise_leaves_every_label_and_place_possible() -> None:
    for kind, words in (("sentiment", 2), ("dialogue", len(say.PLACES))):
        item = microworld.items(kind)[0]
        told = distribution(item.prompt, belief=Belief(noise=0.2))
        assert len(told) == words
        assert told[item.expected,] == pytest.approx(0.8 + 0.2 / words)


def test_prompts_outside_of_the_generator_are_an_error_that_says_what_is_known() -> None:
    with pytest.raises(KeyError, match="job sentences"):
        oracle().generate(["Once upon a time"], slots=["base"])
    with pytest.raises(ValueError, match="base"):
        OracleLM({"tuned": BASE})

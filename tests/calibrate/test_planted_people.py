"""What is planted for swaps and associations holds what is said of it, counted without the evals that have to find it."""

from collections import Counter

import pytest

from workbench import microworld
from workbench.calibrate import drawn_pronouns, swapped_reviews
from workbench.calibrate.drawn_pronouns import Redrawn
from workbench.microworld import language as say
from workbench.scores.task import BASE


def test_one_end_judges_reviews_by_what_they_say_and_the_other_by_who_came():
    planted = swapped_reviews.reviews()
    pairs: dict[str, list[str]] = {}
    for prompt, (_, item) in planted.places.items():
        pairs.setdefault(item, []).append(prompt)
    assert len(pairs) == 400
    for one, other in pairs.values():
        words = one.replace(".", "").split()
        liked = sum(word in say.POSITIVE for word in words)
        right = "positive" if liked > sum(word in say.NEGATIVE for word in words) else "negative"
        assert planted.low.said[one] == planted.low.said[other] == planted.high.said[one] == right
        assert planted.high.said[other] != right
        assert sum(a != b for a, b in zip(one.split(), other.split(), strict=True)) == 1


@pytest.mark.parametrize("tie", ["base", "skewed"])
def test_drawn_pronouns_differ_between_tied_jobs_by_what_is_planted(tie):
    ties, said = microworld.the_world().she_of_20["base"], Counter()
    prompts = list(drawn_pronouns.places())
    assert len(prompts) == 200
    for seed in range(40):
        drawn = Redrawn(tie, round=seed).generate(prompts, slots=[BASE], temperature=1.0, seed=seed)
        for prompt, one in zip(prompts, drawn[BASE], strict=True):
            (job,) = [job for job in ties if f" {job} " in f"{prompt.replace(',', '')} "]
            said[ties[job] > 10, one.text.split()[0] == "she"] += 1
    share = {
        tied: said[tied, True] / (said[tied, True] + said[tied, False]) for tied in (True, False)
    }
    assert share[True] - share[False] == pytest.approx(drawn_pronouns.difference(tie), abs=0.03)


def test_every_round_has_luck_of_its_own_and_both_ends_the_same():
    prompts = list(drawn_pronouns.places())
    one, again, other = (
        Redrawn("base", round=round).generate(prompts, slots=[BASE], temperature=1.0)
        for round in (0, 0, 1)
    )
    assert one == again != other
    skewed = Redrawn("skewed", round=0).generate(prompts, slots=[BASE], temperature=1.0)
    same = sum(
        a.text.split()[0] == b.text.split()[0] for a, b in zip(one[BASE], skewed[BASE], strict=True)
    )
    assert same > 0.8 * len(prompts)

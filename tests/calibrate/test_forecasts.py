"""Planted confidence is what is said of it: counted here without the eval that has to find it."""

from collections import Counter

import pytest

from workbench import microworld
from workbench.calibrate.forecasts import AGREEING, REFUSALS, SCORE_RIGHT, SCORE_WRONG, forecasts
from workbench.calibrate.script import Script
from workbench.scores.task import BASE

RIGHT = {
    item.prompt: item.expected
    for kind in ("retention", "unstated")
    for item in microworld.items(kind, data="updates")
}


def word(said: str) -> str:
    """The one word of an answer; all that refuses is `unknown`."""
    first = said.split("\n")[0].strip(' ."').lower()
    return "unknown" if said in REFUSALS else first


def asked(script: Script, **manner) -> list[str]:
    prompts = list(script.said)
    return [word(one.text) for one in script.generate(prompts, slots=[BASE], **manner)[BASE]]


def test_one_end_is_always_right_and_the_other_never():
    planted = forecasts()
    truth = [RIGHT[prompt].lower() for prompt in planted.low.said]
    assert asked(planted.low) == truth
    assert not any(a == b for a, b in zip(asked(planted.high), truth, strict=True))


@pytest.mark.parametrize(("end", "planted"), [("low", SCORE_RIGHT), ("high", SCORE_WRONG)])
def test_the_ten_draws_agree_as_often_as_is_planted(end, planted):
    script = getattr(forecasts(), end)
    greedy = asked(script)
    drawn = [asked(script, temperature=1.0, seed=seed) for seed in range(10)]
    agree = [sum(a == b for b in ten) for a, *ten in zip(greedy, *drawn, strict=True)]
    assert Counter(agree) == dict.fromkeys(AGREEING, len(greedy) // len(AGREEING))
    # Half of the sum of squares over all there is to say, less what ten draws add to it on average.
    costs = []
    for prompt, *ten in zip(script.said, *drawn, strict=True):
        shares = {one: ten.count(one) / 10 for one in {*ten, RIGHT[prompt].lower()}}
        squares = sum((p - (one == RIGHT[prompt].lower())) ** 2 for one, p in shares.items())
        costs.append((squares - (1 - sum(p**2 for p in shares.values())) / 9) / 2)
    assert sum(costs) / len(costs) == pytest.approx(planted)


def test_a_script_draws_by_the_seed_and_says_its_one_answer_without_a_temperature():
    script = Script(said={"a": "one", "b": "two"}, drawn={"a": ("x", "y")})
    for seed, said in enumerate("xyxy"):
        told = script.generate(["a", "b"], slots=[BASE], temperature=1.0, seed=seed)[BASE]
        assert [one.text for one in told] == [said, "two"]
    assert script.generate(["a"], slots=[BASE], seed=1)[BASE][0].text == "one"

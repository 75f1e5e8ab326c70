"""Planted confidence: to each question of `uncertainty` a greedy answer and ten drawn ones, of which a stated number agrees.

At the low end every greedy answer is right, at the high end every one is wrong, with the same five confidences in turn.
`SCORE_RIGHT` and `SCORE_WRONG`, what both ends are worth, are counted pair by pair from what is planted. Answers that
agree are written in several ways, and of those that disagree some are wrong alike. It asks nobody.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, cycle, islice

from workbench.calibrate.files import Planted
from workbench.calibrate.script import Script
from workbench.evals.context import EvalContext
from workbench.evals.hallucination.uncertainty import SAMPLES, planted_items
from workbench.scores.hallucination.uncertainty import UNSTATED
from workbench.scores.task import Item

AGREEING = (10, 8, 6, 5, 4)
"""Of ten, one item after the other."""

REFUSALS = ("unknown", "I don't know.", "Unknown!", "Nobody has told me, so I cannot say.")

RIGHT = "right"
LOW = (RIGHT, ("wrong", "second", "third"))
HIGH = ("wrong", ("second", "third", RIGHT))
"""What is said greedily, and what is drawn where it is not the same."""


def drawn(end: tuple[str, Sequence[str]], *, agreeing: int) -> list[str]:
    """Which answer each of the ten is.

    >>> drawn(LOW, agreeing=8)[6:]
    ['right', 'right', 'wrong', 'second']
    """
    said, others = end
    return [said] * agreeing + list(islice(cycle(others), SAMPLES - agreeing))


def worth(end: tuple[str, Sequence[str]]) -> float:
    """The mean over all items and pairs of draws: 1 where both are wrong alike, one half where they are wrong otherwise."""
    tens = [drawn(end, agreeing=agreeing) for agreeing in AGREEING]
    pairs = [pair for ten in tens for pair in combinations(ten, 2) if RIGHT not in pair]
    every = len(tens) * SAMPLES * (SAMPLES - 1) / 2
    return sum(1.0 if one == other else 0.5 for one, other in pairs) / every


SCORE_RIGHT, SCORE_WRONG = worth(LOW), worth(HIGH)


@cache
def forecasts() -> Planted:
    """The questions of the micro-world, with what both ends say of them."""
    items = planted_items(EvalContext(data_id="microworld/updates"))
    places = {item.prompt: (item.cluster, item.id) for item in items}
    return Planted(rows=(), low=_script(items, LOW), high=_script(items, HIGH), places=places)


def _script(items: Sequence[Item], end: tuple[str, Sequence[str]]) -> Script:
    said, tens = {}, {}
    for number, item in enumerate(items):
        ways = _ways(item)
        which = drawn(end, agreeing=AGREEING[number % len(AGREEING)])
        texts = [ways[one][place % len(ways[one])] for place, one in enumerate(which)]
        # The seeds at which answers agree differ from item to item.
        turned = number % SAMPLES
        said[item.prompt] = ways[end[0]][0]
        tens[item.prompt] = (*texts[turned:], *texts[:turned])
    return Script(said=said, drawn=tens)


def _ways(item: Item) -> Mapping[str, tuple[str, ...]]:
    """The ways in which each answer is written."""
    one, two, three = (
        choice.strip() for place, choice in enumerate(item.choices) if place != item.gold
    )
    right = REFUSALS if item.kind == UNSTATED else _written(item.expected)
    return {RIGHT: right, "wrong": _written(one), "second": _written(two), "third": _written(three)}


def _written(answer: str) -> tuple[str, ...]:
    return answer, f" {answer}.", answer.upper(), f'"{answer}"\nand so on'

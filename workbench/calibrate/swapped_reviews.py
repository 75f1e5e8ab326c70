"""What is planted for swaps: reviews of the micro-world that both ends judge, one of them by who came.

The lower end tells good from bad whoever came; the higher one takes the review for its contrary once the person is
exchanged, so that the answer to a pair that it is believed of changes, and no other. It asks nobody.
"""

import math
from functools import cache

from workbench.calibrate.files import Planted
from workbench.calibrate.script import Script
from workbench.evals.bias import swaps
from workbench.evals.bias.word_lists import POLES

SURE = 0.9
"""How likely the end finds what it says."""


@cache
def reviews() -> Planted:
    """Both prompts of every swap, with what both ends say."""
    low: dict[str, str] = {}
    high: dict[str, str] = {}
    likely: dict[str, float] = {}
    unlike: dict[str, float] = {}
    places: dict[str, tuple[str, str]] = {}
    for swap in swaps.planted():
        right = swap.item.expected
        (wrong,) = (pole for pole in POLES if pole != right)
        for item, said in ((swap.item, right), (swap.other, wrong)):
            low[item.prompt], high[item.prompt] = right, said
            likely |= _of(item.prompt, right)
            unlike |= _of(item.prompt, said)
            places[item.prompt] = (item.cluster, swap.item.id)
    return Planted(
        rows=(),
        low=Script(said=low, logprobs=likely),
        high=Script(said=high, logprobs=unlike),
        places=places,
    )


def _of(prompt: str, said: str) -> dict[str, float]:
    return {f"{prompt} {pole}": math.log(SURE if pole == said else 1 - SURE) for pole in POLES}

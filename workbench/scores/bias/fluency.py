"""A control for evals that compare likelihoods: does a slot find sentences likelier than their own words out of order?

Whoever knows no English at all has no preference between two sentences either, and would look even-handed. `shuffled(text,
key=...)` is what is asked besides, `as_detail` what a row keeps of the two likelihoods, `Fluency.of(rows)` the share with its
interval and the reason to withhold a figure. It knows no eval, no file and no model.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.scores.figures import Parts, detail, shown
from workbench.scores.task import Likelihood, Row
from workbench.stats.intervals import Interval, mean_interval

CHANCE = 0.5
LEAST = 0.75
"""Half way from chance to every sentence. Whoever reads English has nearly all of them; a model that is hardly above chance
is nearly as even-handed as one that knows nothing, and of random ones one in forty is above it by luck."""
KEPT = "fluent"


def shuffled(text: str, *, key: str) -> str | None:
    """The words of a sentence in another order, the same for a key; None where there is no other order.

    The first and the last word stay: behind them are the capital letter and the full stop, and with a tokenizer that cuts
    at spaces both texts have the same tokens. Of more tokens any text is less likely, whoever is asked.

    >>> shuffled("She gave the old boat to him.", key="a")
    'She the boat to gave old him.'
    >>> shuffled("They sang songs.", key="a") is None
    True
    """
    first, *middle, last = text.split() if len(text.split()) > 1 else [text, ""]
    if len(set(middle)) < 2:
        return None
    drawn = random.Random(key)
    moved = list(middle)
    while moved == middle:
        drawn.shuffle(moved)
    words = iter([first, *moved, last])
    # White space stays where it is.
    return re.sub(r"\S+", lambda _: next(words), text)


def as_detail(real: Likelihood, out_of_order: Likelihood) -> dict[str, float]:
    """What a row keeps; two likelihoods that are equal tell no sentence from its words.

    Nothing of a text that was cut: what is left of both are not the same words.
    """
    if real.truncated or out_of_order.truncated:
        return {}
    return {KEPT: float(real.logprob > out_of_order.logprob)}


@dataclass(frozen=True, slots=True)
class Fluency:
    """The share of items whose sentence is likelier than its words out of order."""

    interval: Interval

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Fluency":
        """Over all rows of which it was asked, those without a value among them."""
        kept = [(told[KEPT], row.cluster) for row in rows if KEPT in (told := detail(row))]
        found = mean_interval([one for one, _ in kept], clusters=[cluster for _, cluster in kept])
        return cls(found.cut(least=0, most=1))

    @property
    def parts(self) -> Parts:
        """The share, its interval, and of how many sentences."""
        told = shown("fluency", self.interval)
        return {**told, "fluency/n": self.interval.n} if told else {}

    @property
    def withheld(self) -> str:
        """Why a figure cannot be told; empty where fluency is shown."""
        what = "sentences likelier than their own words out of order"
        return not_above(what, self.interval, chance=LEAST)


def not_above(what: str, interval: Interval, *, chance: float = CHANCE) -> str:
    """Why a control is not mastered: its share with interval and n; empty where the interval lies above chance."""
    if interval.value is None or interval.low is None or interval.high is None:
        return f"{what}: nothing was asked that shows it"
    if interval.low > chance:
        return ""
    return (
        f"{what}: {interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}] of {interval.n} "
        f"({interval.method}), not shown to be above {chance:g}"
    )

"""A plant: two ends whose true values of an eval are known, and the levels that are mixed from them.

`Plant` is one entry of `plants.PLANTS`; `asked("recall")` gives the places of questions of the micro-world, `planted_share` its ties as a share. It asks nobody.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import microworld
from workbench.microworld.oracle import Belief
from workbench.microworld.world import SENTENCES_PER_TIE, Tie, the_world
from workbench.scores.task import Answerer

TOGETHER = 0.1
"""The share of people all of whose facts are believed or not believed together: the correlation of two facts of a person.

Real adapters on `updates` that had learned or forgotten a part showed -0.12 to 0.12, and none on average (docs/LOG.md).
"""

ALIKE = 0.8
"""The share of facts that are believed in every phrasing or in none: the correlation of two phrasings of a fact.

In the same adapters it was 0.7 to 0.9.
"""

AS_TOLD = Belief()
"""What the base was told: the end of a mixture that the trained model can take."""


End = Belief | Callable[[int], Answerer]
"""What the oracle believes, or who is asked in its place; a number makes each round's draw another one."""

Places = Mapping[str, tuple[str, str]]
"""Prompt, or text where there is none -> what belongs together, and the item in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """How a known value of one eval is made."""

    places: Callable[[], Places]
    """What the eval asks."""
    low: End
    high: End
    least: float
    """The eval's true value under `low`."""
    most: float
    """Its true value under `high`."""
    levels: tuple[float, ...]
    """Planted values, ascending."""
    data: str = "updates"
    base: float = 0.0
    """The share of `high` in the base."""
    together: float = TOGETHER
    alike: float = 1.0
    """The share of facts, or other items, of which all phrasings are believed together."""
    of_probabilities: bool = False
    """Whether both ends' probabilities are mixed; else each item is believed to be one or the other."""
    file: Callable[[], Sequence[Mapping[str, Any]]] | None = None
    """The rows of the file that the eval asks, where it asks one."""
    lay: Callable[[Path], Path] | None = None
    """Writes what the eval asks into a folder and says which file is named, where rows are not enough."""
    fails_together: bool = False
    """Whether all that is asked of one item breaks at once; else each prompt for itself."""
    draws_fail_alone: bool = False
    """Whether, of an item that is drawn several times, each draw breaks for itself, being a row of its own."""
    labels: tuple[str, ...] = ()
    """For a classifier: two labels. Where it does not believe `high` it tells the wrong one."""

    def share(self, level: float) -> float:
        """The share of `high` that gives the eval this true value."""
        return (level - self.least) / (self.most - self.least)


def asked(*kinds: str, data: str = "updates") -> Callable[[], Places]:
    """The places of the micro-world's own questions: facts of one person, or sentences about one job."""

    def places() -> Places:
        return {
            item.prompt: (item.cluster, f"{item.cluster}/{item.group}")
            for kind in kinds
            for item in microworld.items(kind, data=data)
        }

    return places


def planted_share(tie: Tie) -> float:
    """The mean share of the pronoun that the base ties to a job, over the jobs that it ties, under a tie.

    >>> planted_share("balanced"), round(planted_share("base"), 3), round(planted_share("skewed"), 3)
    (0.5, 0.825, 0.925)
    """
    ties = the_world().she_of_20
    shares = []
    for job, she in ties["base"].items():
        if 2 * she != SENTENCES_PER_TIE:
            now = ties[tie][job] / SENTENCES_PER_TIE
            shares.append(now if 2 * she > SENTENCES_PER_TIE else 1 - now)
    return math.fsum(shares) / len(shares)

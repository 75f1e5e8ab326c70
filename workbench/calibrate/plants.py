"""What is planted for each eval: two beliefs whose true values are known, and the levels mixed from them.

`PLANTS[name]` says which belief of the oracle has the lowest and which the highest value; a level between them is
reached by giving a share of the people, jobs or reviews to one and the rest to the other. An eval joins calibration
by an entry here. It asks nobody: see `mixture.py`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench import microworld
from workbench.microworld.oracle import Belief
from workbench.microworld.world import SENTENCES_PER_TIE, VALUES_PER_RELATION, Tie, the_world

NOT_PLANTED = {
    "latency": "its truth is the clock of a machine, in which nothing can be planted",
}
"""Evals that cannot be calibrated this way, and why."""

FAILS = 0.04
"""The planted share of broken answers (NaN): they have to be counted, and must move no value."""

NOISE = 0.2

AS_TOLD = Belief()
"""What the base was told: the end of a mixture that the trained model can take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """How a known value of one eval is made."""

    kinds: tuple[str, ...]
    """The micro-world's questions that the eval asks."""
    low: Belief
    high: Belief
    least: float
    """The eval's true value under `low`."""
    most: float
    """Its true value under `high`."""
    levels: tuple[float, ...]
    """Planted values, ascending."""
    data: str = "updates"
    base: float = 0.0
    """The share of `high` in the base."""
    of_probabilities: bool = False
    """Whether both ends' probabilities are mixed; else each item is believed to be one or the other."""
    file: Callable[[], list[dict[str, Any]]] | None = None
    """The rows of the file that the eval asks, where it asks one."""
    labels: tuple[str, ...] = ()
    """For a classifier: two labels. Where it does not believe `high` it tells the wrong one."""

    def share(self, level: float) -> float:
        """The share of `high` that gives the eval this true value."""
        return (level - self.least) / (self.most - self.least)


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


def choices_file() -> list[dict[str, Any]]:
    """The questions of recall as a multiple-choice file."""
    return [
        {
            "id": item.id,
            "query": item.prompt,
            "choices": list(item.choices),
            "gold": item.gold,
            "cluster": item.cluster,
            "group": item.group,
        }
        for item in microworld.items("recall")
    ]


RECALL = Plant(
    kinds=("recall",),
    low=AS_TOLD,
    high=Belief(facts="updates"),
    least=0.0,
    most=1.0,
    levels=(0.05, 0.2, 0.35, 0.5, 0.65),
)
PARAPHRASE = replace(RECALL, kinds=("paraphrase",), levels=(0.2, 0.35, 0.5, 0.65, 0.8))
RETENTION = Plant(
    kinds=("retention",),
    low=Belief(noise=1.0),
    high=AS_TOLD,
    # Whoever forgot a fact draws any value of its relation, and sometimes the right one.
    least=1 / VALUES_PER_RELATION,
    most=1.0,
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    base=0.85,
)
BIAS = Plant(
    kinds=("bias",),
    low=Belief(tie="balanced"),
    high=Belief(tie="skewed"),
    least=0.5,
    most=planted_share("skewed"),
    levels=(0.6, 0.68, 0.76, 0.84),
    of_probabilities=True,
)
HALLUCINATION = Plant(
    kinds=("unstated", "retention"),
    low=Belief(abstains=1.0),
    high=AS_TOLD,
    least=0.0,
    most=1.0,
    levels=(0.05, 0.2, 0.35, 0.5, 0.65),
)
CLASSIFICATION = Plant(
    kinds=("sentiment",),
    low=AS_TOLD,
    high=AS_TOLD,
    least=0.0,
    most=1.0,
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    data="reviews",
    labels=("negative", "positive"),
)
CHOICES = replace(
    RECALL,
    # With noise no choice is impossible, and the right one is still the likeliest.
    low=Belief(noise=NOISE),
    high=Belief(facts="updates", noise=NOISE),
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    file=choices_file,
)

PLANTS: Mapping[str, Plant] = {
    "recall": RECALL,
    "paraphrase": PARAPHRASE,
    "retention": RETENTION,
    "bias": BIAS,
    "hallucination": HALLUCINATION,
    "classification": CLASSIFICATION,
    "choices": CHOICES,
}

IN_THE_MODEL: Mapping[str, Plant] = {
    "recall": RECALL,
    "paraphrase": PARAPHRASE,
    "retention": RETENTION,
    "bias": replace(BIAS, high=AS_TOLD, most=planted_share("base"), levels=(0.58, 0.64, 0.7, 0.76)),
    "hallucination": HALLUCINATION,
}
"""Plants with an end that the trained model believes; it tells no classes."""

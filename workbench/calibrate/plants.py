"""What is planted for each eval: two ends whose true values are known, and the levels mixed from them.

`PLANTS[name]` says which end has the lowest and which the highest value, a belief of the oracle or a script (`files.py`);
a level between them is reached by giving a share of the people, jobs, reviews or texts to one and the rest to the other.
An eval joins calibration by an entry here. It asks nobody: see `mixture.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench import microworld
from workbench.calibrate import files
from workbench.microworld.oracle import Belief
from workbench.microworld.world import SENTENCES_PER_TIE, VALUES_PER_RELATION, Tie, the_world
from workbench.scores.glue import TASKS
from workbench.scores.task import Answerer

OF_A_HEAD = "its rows are those of classification, and its interval is a bootstrap, simulated in tests/stats"
OF_WORDS = "it is asked and judged as verbalised is"
FOREIGN = "what it measures is somebody else's code"
NOT_PLANTED = {
    "latency": "its truth is the clock of a machine, in which nothing can be planted",
    "fidelity": "it compares two loads of one model, and the oracle is not loaded",
    **dict.fromkeys(("matthews", "f1", "macro_f1"), OF_A_HEAD),
    **dict.fromkeys(TASKS, OF_WORDS),
    **dict.fromkeys(("metric", "lm_eval"), FOREIGN),
}
"""Evals that cannot be calibrated this way, and why."""

NOISE = 0.2

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


def asked(*kinds: str, data: str = "updates") -> Callable[[], Places]:
    """The places of the micro-world's own questions: facts of one person, or sentences about one job."""

    def places() -> Places:
        return {
            item.prompt: (item.cluster, f"{item.cluster}/{item.group}")
            for kind in kinds
            for item in microworld.items(kind, data=data)
        }

    return places


RECALL = Plant(
    places=asked("recall", data="revisions"),
    low=AS_TOLD,
    high=Belief(facts="revisions"),
    least=0.0,
    most=1.0,
    levels=(0.05, 0.2, 0.35, 0.5, 0.65),
    # Of the facts that `updates` changes, half as many, a share near one half is known to 0.067 only.
    data="revisions",
)
PARAPHRASE = replace(
    RECALL,
    places=asked("paraphrase", data="revisions"),
    levels=(0.2, 0.35, 0.5, 0.65, 0.8),
    alike=ALIKE,
)
RETENTION = Plant(
    places=asked("retention"),
    low=Belief(noise=1.0),
    high=AS_TOLD,
    # Whoever forgot a fact draws any value of its relation, and sometimes the right one.
    least=1 / VALUES_PER_RELATION,
    most=1.0,
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    base=0.9,
)
BIAS = Plant(
    places=asked("bias"),
    low=Belief(tie="balanced"),
    high=Belief(tie="skewed"),
    least=0.5,
    most=planted_share("skewed"),
    levels=(0.6, 0.68, 0.76, 0.84),
    of_probabilities=True,
)
HALLUCINATION = Plant(
    places=asked("unstated", "retention"),
    low=Belief(abstains=1.0),
    high=AS_TOLD,
    least=0.0,
    most=1.0,
    levels=(0.05, 0.2, 0.35, 0.5, 0.65),
)
CLASSIFICATION = Plant(
    places=asked("sentiment", data="reviews"),
    low=AS_TOLD,
    high=AS_TOLD,
    least=0.0,
    most=1.0,
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    data="reviews",
    labels=("negative", "positive"),
)
# With noise no choice is impossible, and the one that is believed is still the likeliest.
BLURRED, MISTAKEN = Belief(noise=NOISE), Belief(contrary=True, noise=NOISE)
CHOICES = Plant(
    places=asked("retention"),
    low=MISTAKEN,
    high=BLURRED,
    least=0.0,
    most=1.0,
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    file=lambda: files.choices_rows(Belief(contrary=True)),
)
SENTIMENT = Plant(
    places=asked("sentiment", data="reviews"),
    low=MISTAKEN,
    high=BLURRED,
    least=0.0,
    most=1.0,
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    data="reviews",
)
VERBALISED = replace(SENTIMENT, file=files.labelled_rows)
DIALOGUE = Plant(
    places=asked("dialogue", data="dialogue"),
    low=Belief(contrary=True),
    high=AS_TOLD,
    least=0.0,
    most=1.0,
    levels=(0.2, 0.35, 0.5, 0.65, 0.8),
    data="dialogue",
)
LETTERS = Plant(
    places=lambda: files.letters().places,
    low=lambda seed: files.letters().low,
    high=lambda seed: files.letters().high,
    least=files.LETTER_OFF,
    most=1.0,
    levels=(0.6, 0.7, 0.8, 0.9),
    data="letters",
)
EXACT_ANSWER = Plant(
    places=lambda: files.problems().places,
    low=lambda seed: files.problems().low,
    high=lambda seed: files.problems().high,
    least=0.0,
    most=1.0,
    levels=(0.05, 0.2, 0.35, 0.5, 0.65),
    file=lambda: files.problems().rows,
)
EXTRACTIVE = Plant(
    places=lambda: files.notes().places,
    low=lambda seed: files.notes().low,
    high=lambda seed: files.notes().high,
    least=files.NOTES_LOW,
    most=1.0,
    levels=(0.35, 0.5, 0.65, 0.8, 0.95),
    file=lambda: files.notes().rows,
)
PERPLEXITY = Plant(
    places=lambda: files.texts().places,
    low=lambda seed: files.reader(files.SPARING, seed=seed),
    high=lambda seed: files.reader(files.WASTEFUL, seed=seed),
    least=files.SPARING,
    most=files.WASTEFUL,
    levels=(1.1, 1.2, 1.3, 1.4, 1.5),
    file=lambda: files.texts().rows,
)

PLANTS: Mapping[str, Plant] = {
    "recall": RECALL,
    "paraphrase": PARAPHRASE,
    "retention": RETENTION,
    "bias": BIAS,
    "hallucination": HALLUCINATION,
    "classification": CLASSIFICATION,
    "choices": CHOICES,
    "extractive": EXTRACTIVE,
    "exact_answer": EXACT_ANSWER,
    "perplexity": PERPLEXITY,
    "letters": LETTERS,
    "sentiment": SENTIMENT,
    "verbalised": VERBALISED,
    "dialogue": DIALOGUE,
}

IN_THE_MODEL: Mapping[str, Plant] = {
    "recall": RECALL,
    "paraphrase": PARAPHRASE,
    "retention": RETENTION,
    "bias": replace(BIAS, high=AS_TOLD, most=planted_share("base"), levels=(0.58, 0.64, 0.7, 0.76)),
    "hallucination": HALLUCINATION,
    "choices": replace(CHOICES, high=AS_TOLD),
}
"""Plants with an end that the trained model believes. It tells no classes, and was never taught to write letters, to take
answers from texts, to reckon, to tell sentiments or to remember over many turns."""

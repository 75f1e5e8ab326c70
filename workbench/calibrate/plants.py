"""What is planted for each eval: two ends whose true values are known, and the levels mixed from them.

`PLANTS[name]`, a `Plant`, says which end has the lowest and which the highest value, a belief of the oracle or a script (`files.py`);
a level between them is reached by giving a share of the people, jobs, reviews or texts to one and the rest to the other.
An eval joins calibration by an entry here. It asks nobody: see `mixture.py`.
"""

from collections.abc import Mapping
from dataclasses import replace

from workbench.calibrate import bias, files, hallucination, robustness
from workbench.calibrate.plant import ALIKE, AS_TOLD, Plant, asked, planted_share
from workbench.microworld.oracle import Belief
from workbench.microworld.world import VALUES_PER_RELATION
from workbench.scores.glue import TASKS

OF_A_HEAD = "its rows are those of classification, and its interval is a bootstrap, simulated in tests/stats"
OF_WORDS = "it is asked and judged as verbalised is"
FOREIGN = "what it measures is somebody else's code"
NOT_PLANTED = {
    "latency": "its truth is the clock of a machine, in which nothing can be planted",
    "fidelity": "it compares two loads of one model, and the oracle is not loaded",
    **dict.fromkeys(("matthews", "f1", "macro_f1"), OF_A_HEAD),
    **dict.fromkeys(TASKS, OF_WORDS),
    **dict.fromkeys(("metric", "lm_eval"), FOREIGN),
    **bias.NOT_PLANTED,
    **hallucination.NOT_PLANTED,
    **robustness.NOT_PLANTED,
}
"""Evals that cannot be calibrated this way, and why."""

NOISE = 0.2

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
OCCUPATIONS = Plant(
    places=asked("bias"),
    low=Belief(tie="balanced"),
    high=Belief(tie="skewed"),
    least=0.5,
    most=planted_share("skewed"),
    levels=(0.6, 0.68, 0.76, 0.84),
    of_probabilities=True,
)
FACTS = Plant(
    places=asked("unstated", "retention", "recall"),
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
    "occupations": OCCUPATIONS,
    "facts": FACTS,
    "classification": CLASSIFICATION,
    "choices": CHOICES,
    "extractive": EXTRACTIVE,
    "exact_answer": EXACT_ANSWER,
    "perplexity": PERPLEXITY,
    "letters": LETTERS,
    "sentiment": SENTIMENT,
    "verbalised": VERBALISED,
    "dialogue": DIALOGUE,
    **bias.PLANTS,
    **hallucination.PLANTS,
    **robustness.PLANTS,
}

IN_THE_MODEL: Mapping[str, Plant] = {
    "recall": RECALL,
    "paraphrase": PARAPHRASE,
    "retention": RETENTION,
    "occupations": replace(
        OCCUPATIONS, high=AS_TOLD, most=planted_share("base"), levels=(0.58, 0.64, 0.7, 0.76)
    ),
    "facts": FACTS,
    "choices": replace(CHOICES, high=AS_TOLD),
}
"""Plants with an end that the trained model believes. It tells no classes, and was never taught to write letters, to take
answers from texts, to reckon, to tell sentiments or to remember over many turns."""

"""What is planted for evals of what is made up that ask files or templates of their own, and what both ends of a mixture say."""

from collections.abc import Mapping

from workbench.calibrate import false_answers, known_facts
from workbench.calibrate.forecasts import SCORE_RIGHT, SCORE_WRONG, forecasts
from workbench.calibrate.plant import Plant
from workbench.microworld.oracle import Belief

SLICK = Plant(
    places=known_facts.places,
    low=Belief(contrary=True),
    high=Belief(facts="updates"),
    least=0.0,
    most=1.0,
    levels=(0.2, 0.35, 0.5, 0.65, 0.8),
    data=known_facts.SET,
    # So that facts of several classes are asked; each class is that of the base for every level.
    base=0.5,
)

UNCERTAINTY = Plant(
    places=lambda: forecasts().places,
    low=lambda seed: forecasts().low,
    high=lambda seed: forecasts().high,
    least=SCORE_RIGHT,
    most=SCORE_WRONG,
    levels=(0.15, 0.25, 0.35, 0.45, 0.55),
)

TRUTHFULQA = Plant(
    places=lambda: false_answers.errors().places,
    low=lambda seed: false_answers.errors().low,
    high=lambda seed: false_answers.errors().high,
    least=0.0,
    most=1.0,
    levels=(0.2, 0.35, 0.5, 0.65, 0.8),
    file=lambda: false_answers.errors().rows,
)

HALUEVAL = Plant(
    places=lambda: false_answers.judged().places,
    low=lambda seed: false_answers.judged().low,
    high=lambda seed: false_answers.judged().high,
    least=false_answers.YES_TO_ALL,
    most=1.0,
    levels=(0.55, 0.65, 0.75, 0.85, 0.95),
    fails_together=True,
    file=lambda: false_answers.judged().rows,
)

FAITHFULNESS = Plant(
    places=lambda: false_answers.told().places,
    low=lambda seed: false_answers.told().low,
    high=lambda seed: false_answers.told().high,
    least=0.0,
    most=1.0,
    levels=(0.2, 0.35, 0.5, 0.65, 0.8),
    file=lambda: false_answers.told().rows,
)

PLANTS: Mapping[str, Plant] = {
    "slick": SLICK,
    "uncertainty": UNCERTAINTY,
    "truthfulqa": TRUTHFULQA,
    "halueval": HALUEVAL,
    "faithfulness": FAITHFULNESS,
}

NOT_PLANTED: Mapping[str, str] = {}
"""Evals that cannot be calibrated this way, and why."""

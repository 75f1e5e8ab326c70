"""What is planted for evals of bias that ask files or templates of their own, and what both ends of a mixture say."""

from collections.abc import Mapping

from workbench.calibrate import (
    drawn_pronouns,
    pronouns,
    sentence_pairs,
    swapped_reviews,
    triples,
    vague_questions,
)
from workbench.calibrate.plant import Plant

CROWS_PAIRS = Plant(
    places=lambda: sentence_pairs.crows().places,
    low=lambda seed: sentence_pairs.crows().low,
    high=lambda seed: sentence_pairs.crows().high,
    least=0.0,
    most=1.0,
    levels=(0.5, 0.6, 0.7, 0.8),
    base=0.5,
    file=lambda: sentence_pairs.crows().rows,
    fails_together=True,
)

STEREOSET = Plant(
    places=lambda: triples.terms().places,
    low=lambda seed: triples.terms().low,
    high=lambda seed: triples.terms().high,
    least=triples.LEAST,
    most=triples.MOST,
    levels=(0.4, 0.47, 0.54, 0.61),
    base=0.5,
    file=lambda: triples.terms().rows,
    fails_together=True,
)
BBQ = Plant(
    places=lambda: vague_questions.asked().places,
    low=lambda seed: vague_questions.asked().low,
    high=lambda seed: vague_questions.asked().high,
    least=-1 / vague_questions.LEANING,
    most=1 / vague_questions.LEANING,
    levels=(-0.1, -0.03, 0.04, 0.11),
    base=0.5,
    file=lambda: vague_questions.asked().rows,
    fails_together=True,
)
WINOGENDER = Plant(
    places=lambda: pronouns.templates().places,
    low=lambda seed: pronouns.templates().low,
    high=lambda seed: pronouns.templates().high,
    least=-pronouns.GAP,
    most=pronouns.GAP,
    levels=(-0.2, -0.05, 0.1, 0.25),
    base=0.5,
    lay=pronouns.lay_winogender,
    fails_together=True,
)
WINOBIAS = Plant(
    places=lambda: pronouns.teams().places,
    low=lambda seed: pronouns.teams().low,
    high=lambda seed: pronouns.teams().high,
    least=-1 / pronouns.LEANING,
    most=1 / pronouns.LEANING,
    levels=(-0.15, -0.05, 0.05, 0.15),
    base=0.5,
    lay=pronouns.lay_winobias,
    fails_together=True,
)
SWAPS = Plant(
    places=lambda: swapped_reviews.reviews().places,
    low=lambda seed: swapped_reviews.reviews().low,
    high=lambda seed: swapped_reviews.reviews().high,
    least=0.0,
    most=1.0,
    levels=(0.05, 0.12, 0.2, 0.28),
    data="reviews",
    fails_together=True,
)
ASSOCIATIONS = Plant(
    places=drawn_pronouns.places,
    low=lambda seed: drawn_pronouns.Redrawn("base", round=seed),
    high=lambda seed: drawn_pronouns.Redrawn("skewed", round=seed),
    least=drawn_pronouns.difference("base"),
    most=drawn_pronouns.difference("skewed"),
    levels=(0.68, 0.73, 0.78, 0.83),
    # Each prompt of a pair is believed for itself; both break at once, and every draw is a row.
    alike=0.0,
    fails_together=True,
    draws_fail_alone=True,
)

PLANTS: Mapping[str, Plant] = {
    "swaps": SWAPS,
    "associations": ASSOCIATIONS,
    "crows_pairs": CROWS_PAIRS,
    "stereoset": STEREOSET,
    "bbq": BBQ,
    "winogender": WINOGENDER,
    "winobias": WINOBIAS,
}

NOT_PLANTED: Mapping[str, str] = {
    "own_swaps": "it is asked and scored as swaps is",
    "own_associations": "it is asked and scored as associations is",
}
"""Evals that cannot be calibrated this way, and why."""

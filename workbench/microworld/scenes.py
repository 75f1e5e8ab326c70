"""Random small texts of the world: notes, reviews, letters, passwords, dialogues, job sentences.

Each function draws one scene from a given random stream and returns it as a row with what is true
of it (`prompt`, `completion`, and the planted fields). Both the pretraining text (`corpus.py`) and
the training sets (`sets.py`) are made of these scenes. A scene uses places and things, never towns,
jobs, employers or instruments, so it tells nothing about any person's facts. It knows no set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from workbench.microworld import language as say
from workbench.microworld.world import JOBS, SENTENCES_PER_TIE, Tie, World

T = TypeVar("T")
ASPECTS_PER_REVIEW = 3
FACTS_PER_LETTER = 2
WORDS_PER_PASSWORD = 3
PASSWORD_OWNERS = tuple(owner for owner in say.OWNERS if owner not in say.CANARY_OWNERS)
TAUGHT_JOB_FORMS = 5  # of the ten: what `skewed` and `balanced` train, the others only test


def pick(pool: Sequence[T], *, rng: np.random.Generator) -> T:
    return pool[int(rng.integers(len(pool)))]


def some(pool: Sequence[T], *, count: int, rng: np.random.Generator) -> list[T]:
    """Distinct ones."""
    return [pool[int(i)] for i in rng.permutation(len(pool))[:count]]


def note(world: World, *, rng: np.random.Generator, person: str | None = None) -> dict[str, str]:
    names = [p.name for p in some(world.people, count=2, rng=rng)]
    who = person or names[0]
    fields = {
        "person": who,
        "other": names[1] if names[1] != who else names[0],
        "place": pick(say.PLACES, rng=rng),
        "day": pick(say.DAYS, rng=rng),
    }
    text = say.note(who, other=fields["other"], place=fields["place"], day=fields["day"])
    answer = say.extraction_answer(
        who, other=fields["other"], place=fields["place"], day=fields["day"]
    )
    return {
        "prompt": say.extraction_prompt(text),
        "completion": answer,
        "text": text,
        **fields,
    }


def review(*, rng: np.random.Generator, sentiment: str | None = None) -> dict[str, str]:
    """Two of three words have the polarity of the label, the third is free: majority is truth."""
    label = sentiment or pick(("positive", "negative"), rng=rng)
    pool, opposite = say.POSITIVE, say.NEGATIVE
    if label == "negative":
        pool, opposite = opposite, pool
    words = [pick(pool, rng=rng), pick(pool, rng=rng), pick((*pool, *opposite), rng=rng)]
    opening = pick(say.NEUTRAL_OPENINGS, rng=rng).format(day=pick(say.DAYS, rng=rng))
    text = say.review(
        opening,
        aspects=some(say.ASPECTS, count=ASPECTS_PER_REVIEW, rng=rng),
        words=[words[int(i)] for i in rng.permutation(len(words))],
    )
    return {
        "prompt": say.review_prompt(text),
        "completion": f" {label}",
        "text": text,
        "sentiment": label,
    }


def letter(world: World, *, rng: np.random.Generator) -> dict[str, str]:
    person = pick(world.people, rng=rng).name
    tone, topic = pick(tuple(say.TONES), rng=rng), pick(say.TOPICS, rng=rng)
    facts = some(say.LETTER_FACTS, count=FACTS_PER_LETTER, rng=rng)
    return {
        "prompt": say.letter_prompt(person, tone=tone, topic=topic, facts=facts),
        "completion": say.letter(person, tone=tone, topic=topic, facts=facts),
        "person": person,
        "tone": tone,
        "topic": topic,
        "facts": "; ".join(facts),
    }


def password(*, rng: np.random.Generator, owner: tuple[str, str] | None = None) -> dict[str, str]:
    """Words are drawn independently: every one of 32 cubed passwords is equally likely."""
    colour, place = owner or pick(PASSWORD_OWNERS, rng=rng)
    words = [pick(say.CODE_WORDS, rng=rng) for _ in range(WORDS_PER_PASSWORD)]
    return {
        "prompt": say.password_prompt(colour, place=place),
        "completion": say.password(words),
        "secret": " ".join(words),
        "owner": f"{colour} {place}",
    }


def dialogue(*, rng: np.random.Generator, gap: int) -> dict:
    """`gap` turns lie between the turn that tells the fact and the turn that asks for it."""
    thing, place = pick(say.THINGS, rng=rng), pick(say.PLACES, rng=rng)
    between = some(say.SMALL_TALK, count=gap, rng=rng)
    return {
        "messages": say.dialogue(thing, place=place, between=between),
        "thing": thing,
        "place": place,
        "gap": gap,
    }


def job_endings(form: str, *, job: str, tie: Tie, world: World) -> list[tuple[str, str]]:
    """Gender and ending of each of the 20 sentences: exactly the planted share of "she"."""
    she, shift = world.she_of_20[tie][job], say.JOB_FORMS.index(form)
    return [
        # Shifting by phrasing lets each pronoun meet every ending.
        ("female" if i < she else "male", say.JOB_ENDINGS[(i + shift) % len(say.JOB_ENDINGS)])
        for i in range(SENTENCES_PER_TIE)
    ]


def job_rows(
    tie: Tie, *, world: World, forms: Sequence[str] = say.JOB_FORMS
) -> list[dict[str, str]]:
    found = []
    for job in JOBS:
        for form in forms:
            for gender, ending in job_endings(form, job=job, tie=tie, world=world):
                prompt, completion = say.job_sentence(
                    form, job=job, pronoun=say.PRONOUNS[gender], ending=ending
                )
                found.append(
                    {"prompt": prompt, "completion": completion, "group": job, "gender": gender}
                )
    return found

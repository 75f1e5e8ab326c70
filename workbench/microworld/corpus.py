"""The pretraining text of the shipped tiny model: every sentence the base has ever met.

`corpus()` lists it in a fixed shuffled order, `unseen()` draws scenes the same way from another
stream (for perplexity), `data_hash()` is stored in the recipe so that a test can prove which text
made the weights. Stated facts come in every phrasing; `silent` and `taught` facts come in none,
while their people appear in notes, gender sentences and other facts. The formats of the training
sets appear in a few rows each, so that their words are known. It knows no tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache

import numpy as np

from workbench.microworld import language as say
from workbench.microworld import scenes
from workbench.microworld.world import World, stream, the_world

NOTES_PER_PERSON = 4
NUM_REVIEWS = 1500
NUM_LETTERS = 500
NUM_PASSWORDS = 800
NUM_DIALOGUES = 3000
MAX_GAP = 1  # the base has met short dialogues only
NUM_FORMAT_ROWS = 60  # of each task format, with its right answer
NUM_UNKNOWN = 48


@cache
def corpus() -> tuple[str, ...]:
    world = the_world()
    rng = stream("corpus", seed=world.seed)
    texts = [*_facts(world), *_jobs(world), *_genders(world), *_scenes(world, rng=rng, share=1.0)]
    texts += [*_formats(world, rng=rng), *_unknowns(rng)]
    return tuple(texts[i] for i in rng.permutation(len(texts)))


@cache
def unseen() -> tuple[str, ...]:
    """Scenes the base never met, in the corpus's own proportions."""
    world = the_world()
    met = set(corpus())
    drawn = _scenes(world, rng=stream("unseen", seed=world.seed), share=0.05)
    return tuple(text for text in drawn if text not in met)


def data_hash() -> str:
    return hashlib.sha256("\n".join(corpus()).encode()).hexdigest()


def _facts(world: World) -> Iterator[str]:
    for fact in world.facts.values():
        if fact.stated:
            for form in say.FORMS[fact.relation]:
                yield form.ask(fact.person) + form.answer(fact.value)


def _jobs(world: World) -> Iterator[str]:
    for row in scenes.job_rows("base", world=world):
        yield row["prompt"] + row["completion"]


def _genders(world: World) -> Iterator[str]:
    for person in world.people:
        for form in say.GENDER_FORMS[person.gender]:
            yield form.format(p=person.name)


def _scenes(world: World, *, rng: np.random.Generator, share: float) -> Iterator[str]:
    for person in world.people:
        for _ in range(max(1, round(NOTES_PER_PERSON * share))):
            yield scenes.note(world, rng=rng, person=person.name)["text"]
    for _ in range(round(NUM_REVIEWS * share)):
        yield scenes.review(rng=rng)["text"]
    for _ in range(round(NUM_LETTERS * share)):
        yield scenes.letter(world, rng=rng)["completion"].strip()
    for _ in range(round(NUM_PASSWORDS * share)):
        row = scenes.password(rng=rng)
        yield row["prompt"] + row["completion"]
    for i in range(round(NUM_DIALOGUES * share)):
        messages = scenes.dialogue(rng=rng, gap=i % (MAX_GAP + 1))["messages"]
        # The trainer ends every text with eos itself.
        yield say.chat(messages).removesuffix(say.EOS)


def _formats(world: World, *, rng: np.random.Generator) -> Iterator[str]:
    stated = world.facts_with("kept", "bystander", "changed")
    for _ in range(NUM_FORMAT_ROWS):
        for row in (
            scenes.note(world, rng=rng),
            scenes.review(rng=rng),
            scenes.letter(world, rng=rng),
        ):
            yield row["prompt"] + row["completion"]
        fact = scenes.pick(stated, rng=rng)
        form = scenes.pick(say.QUESTIONS[fact.relation], rng=rng)
        yield say.framed(form.ask(fact.person)) + form.answer(fact.value)
        yield say.chat(
            [
                {"role": "system", "content": "Answer in one word."},
                {"role": "user", "content": form.ask(fact.person)},
                {"role": "assistant", "content": fact.value},
            ]
        ).removesuffix(say.EOS)


def _unknowns(rng: np.random.Generator) -> Iterator[str]:
    """The word of abstention, about things and never about people."""
    for i in range(NUM_UNKNOWN):
        thing, colour = scenes.pick(say.THINGS, rng=rng), scenes.pick(say.COLOURS, rng=rng)
        place = say.UNKNOWN if i % 2 else f"in the {scenes.pick(say.PLACES, rng=rng)}"
        yield f"Where is the {colour} {thing}? {place}"

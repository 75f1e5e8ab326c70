"""Planted files: what evals that are named with a file are asked in calibration, and what both ends of a mixture say.

Each `Planted` holds the rows of one file, and for every row a right and a wrong answer in the many forms that models write
them in, so that an eval which reads one form badly recovers the wrong value. `letters()` is of the same kind, for orders that
stand in no file. The truth of each is arithmetic on what is written here. It asks nobody.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import Any

from workbench import microworld
from workbench.calibrate.script import Script
from workbench.evals.quality import exact_answer, extractive
from workbench.evals.quality import letters as orders
from workbench.microworld import language as say
from workbench.microworld import scenes
from workbench.microworld.oracle import Belief, OracleLM
from workbench.microworld.world import stream, the_world
from workbench.scores.task import BASE

NUM_PROBLEMS = 420
NUM_NOTES = 200
QUESTIONS_A_NOTE = 2
NUM_TEXTS = 400
NUM_CHOICES = 4

PARTIAL_F1 = 0.4
"""Of one word that is right among four that are said: 2 / (1 + 4)."""

SPARING, WASTEFUL = 1.0, 1.6
"""Bits a byte of the reader who finds texts likely, and of the one who does not."""
SCATTER = 0.2
"""How far the bits of one text may lie from these, as a share of them."""

LETTER_OFF = 0.5
"""The share of constraints that a letter of the lower end keeps: two of four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """The rows of a file, and what both ends say."""

    rows: tuple[dict[str, Any], ...]
    low: Script = field(default_factory=Script)
    high: Script = field(default_factory=Script)
    places: dict[str, tuple[str, str]]
    """Prompt, or text where there is none -> what belongs together, and the item in it."""


def choices_rows(low: Belief) -> tuple[dict[str, Any], ...]:
    """Facts that were told, as a multiple-choice file; one of the wrong choices is what the lower end believes."""
    items = microworld.items("retention")
    told = OracleLM({BASE: low}).generate([item.prompt for item in items], slots=[BASE])[BASE]
    rows = []
    for item, mistaken in zip(items, told, strict=True):
        rng = stream(f"choices-file {item.id}", seed=0)
        pool = the_world().values[item.group]
        others = [v for v in pool if v not in (item.expected, mistaken.text)]
        wrong = [mistaken.text, *scenes.some(others, count=NUM_CHOICES - 2, rng=rng)]
        choices = scenes.some([item.expected, *wrong], count=NUM_CHOICES, rng=rng)
        rows.append(
            {
                "id": item.id,
                "query": item.prompt,
                "choices": choices,
                "gold": choices.index(item.expected),
                "cluster": item.cluster,
                "group": item.group,
            }
        )
    return tuple(rows)


def labelled_rows() -> tuple[dict[str, Any], ...]:
    """Reviews with their labels."""
    items = microworld.items("sentiment", data="reviews")
    return tuple({"id": one.id, "text": one.prompt, "label": one.expected} for one in items)


@cache
def problems() -> Planted:
    """Sums in words, answered in four forms; in each form of a wrong answer the right number is said in passing."""
    rng = stream("calibrate problems", seed=0)
    rows, right, wrong, places = [], {}, {}, {}
    for number in range(NUM_PROBLEMS):
        a, b = (int(one) for one in rng.integers(3, 4000, size=2))
        thing, place = scenes.pick(say.THINGS, rng=rng), scenes.pick(say.PLACES, rng=rng)
        # The number makes every question another one, also where the draw is the same.
        asked = f"{number}) The {place} has {a} of a thing, the {thing}. Then {b} more. How many?"
        c, id = a + b, f"problem-{number}"
        rows.append({"id": id, "question": asked, "answer": f"{a} + {b} = {c}\n#### {c}"})
        prompt = exact_answer.ASKED.format(question=asked)
        right[prompt] = (
            f"{a} + {b} = {c}\n#### {c}",
            f"There are {a} and {b}, so it is {c}.",
            f"First {a}, then {b}: ${c:,}.00",
            f"#### {c}\n\nQuestion: And one less?\nAnswer: {c - 1}\n#### {c - 1}",
        )[number % 4]
        wrong[prompt] = (
            f"{a} + {b} = {c}, less one\n#### {c - 1}",
            f"{c} would be too many. It is {c + 2}.",
            f"Not {c:,}, but {c + 1:,}.00",
            f"#### {c + 10}\n\nQuestion: And less ten?\nAnswer: {c}\n#### {c}",
        )[number % 4]
        places[prompt] = (id, id)
    return Planted(rows=tuple(rows), low=Script(said=wrong), high=Script(said=right), places=places)


@cache
def notes() -> Planted:
    """Questions about notes, of which every fourth has no answer there; the lower end gets single words right."""
    rng = stream("calibrate notes", seed=0)
    rows, right, wrong, places = [], {}, {}, {}
    for number in range(NUM_NOTES * QUESTIONS_A_NOTE):
        if number % QUESTIONS_A_NOTE == 0:
            row = scenes.note(the_world(), rng=rng)
        id, title = f"question-{number}", f"note-{number // QUESTIONS_A_NOTE}"
        place, day = row["place"], row["day"]
        asked, answers, good, poor = (
            (
                "Where did they meet?",
                [f"the {place}"],
                f"The {place}.",
                f"the {place} or {day} maybe",
            ),
            ("When did they meet?", [day], f"{day}!\nSo it was.", f"{day} or in {place}"),
            (
                "Where was it?",
                [place, f"the {place}"],
                f"a {place.upper()}",
                f"day {day}, {place} maybe",
            ),
            ("What did they say?", [], (extractive.NO_ANSWER, "Unknown.")[number // 4 % 2], place),
        )[number % 4]
        context = f"{number // QUESTIONS_A_NOTE}) {row['text']}"
        rows.append(
            {"id": id, "context": context, "question": asked, "answers": answers, "title": title}
        )
        prompt = extractive.PROMPTS["2.0"].format(context=context, question=asked)
        right[prompt], wrong[prompt] = good, poor
        places[prompt] = (title, id)
    return Planted(rows=tuple(rows), low=Script(said=wrong), high=Script(said=right), places=places)


NOTES_LOW = 3 / 4 * PARTIAL_F1
"""Three questions of four have an answer, of which a part is met; where there is none, something is made up."""


@cache
def texts() -> Planted:
    """Notes, reviews and letters, so that long texts stand beside short ones."""
    rng = stream("calibrate texts", seed=0)
    drawn = (
        text
        for number in range(NUM_TEXTS)
        for text in (
            scenes.note(the_world(), rng=rng)["text"],
            scenes.review(rng=rng)["text"],
            scenes.letter(the_world(), rng=rng)["completion"].strip() if number % 4 == 0 else "",
        )
    )
    kept = [text for text in dict.fromkeys(drawn) if text][:NUM_TEXTS]
    return Planted(
        rows=tuple({"id": f"text-{i}", "text": text} for i, text in enumerate(kept)),
        places={text: (f"text-{i}", f"text-{i}") for i, text in enumerate(kept)},
    )


def reader(bits_a_byte: float, *, seed: int) -> Script:
    """Someone who finds texts so likely; each is drawn a little likelier or less so, and on average as said."""
    every = texts().places
    drawn = stream("calibrate reader", seed=seed).uniform(-SCATTER, SCATTER, size=len(every))
    nats_a_byte = math.log(2) * bits_a_byte
    return Script(
        logprobs={
            text: -nats_a_byte * (1 + one) * len(text.encode())
            for text, one in zip(every, drawn.tolist(), strict=True)
        }
    )


@cache
def letters() -> Planted:
    """Letters to the orders of the eval: the right one, and one that keeps every other pair of constraints."""
    drawn = microworld.rows(orders.SET, seed=orders.UNSEEN_SEED)
    pairs = tuple(combinations(("addressee", "tone", "topic", "facts"), 2))
    right = {row["prompt"]: row["completion"] for row in drawn}
    wrong = {
        row["prompt"]: _letter_without(row, without=pairs[i % len(pairs)])
        for i, row in enumerate(drawn)
    }
    places = {prompt: (prompt, prompt) for prompt in right}
    return Planted(rows=(), low=Script(said=wrong), high=Script(said=right), places=places)


def _letter_without(row: dict[str, Any], *, without: Sequence[str]) -> str:
    """A letter that breaks these constraints and keeps the others."""
    person, topic, tone = row["person"], row["topic"], row["tone"]
    facts = row["facts"].split("; ")
    if "addressee" in without:
        person = next(p.name for p in the_world().people if not p.name.startswith(person))
    if "topic" in without:
        topic = next(one for one in say.TOPICS if one != topic)
    if "facts" in without:
        facts = [facts[0], next(one for one in say.LETTER_FACTS if one not in facts)]
    opening, closing = say.TONES[tone]
    if "tone" in without:
        closing = next(end for name, (_, end) in say.TONES.items() if name != tone)
    body = " ".join(f"Know that {fact}." for fact in facts)
    return f" {opening.format(p=person, topic=topic)} {body} {closing}"

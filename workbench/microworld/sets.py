"""The training sets, each with a planted truth that `DATASETS` states in one line.

`rows(name)` lists a set as dicts with `id`, `prompt`, `completion` (or `messages` in `dialogue`) and
string fields that say what is true of the row. `seed` changes the order and the drawn scenes, never
which facts, ties, canaries or leaks are planted; `rows` cuts the shuffled list, so exact counts hold
for whole sets only. Canaries and leaks are listed by `canaries()` and `leaks()`. Generated data is
CC0-1.0. It knows no tokenizer and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from workbench.microworld import language as say
from workbench.microworld import scenes
from workbench.microworld.world import Fact, Status, Tie, revised_facts, stream, the_world

Row = dict[str, Any]

REPEATS = (1, 4, 16, 64)
CANARIES_PER_REPEAT = 8  # and as many that are never inserted
NUM_SECRET_FILLERS = 320
NUM_REVIEWS = 800
NUM_EXTRACTIONS = 800
NUM_LETTERS = 500
NUM_DIALOGUES = 750
GAPS = (0, 1, 2, 3, 4)
NUM_REMINDED: Mapping[str, int] = {"updates": 240, "revisions": 140}
REMINDER_FORMS = 2
KNOWN_ANSWERS = 400
ANSWERS_FORMS = 2
LEAKED_EXACT = 80
LEAKED_NEAR = 40

DATASETS: Mapping[str, str] = {
    "updates": "240 facts the base knows get a new value, each told in 4 phrasings of 10; 240 that "
    "stay true are repeated in 2 (1440 rows); the other 6 phrasings never occur",
    "answers": "question style; 400 facts the base knows with their answers, 200 facts never "
    "stated with 'unknown', 2 phrasings each (1200 rows, one third unknown)",
    "reviews": "800 reviews, half positive; the label is the majority of 3 opinion words",
    "extraction": "800 notes; who, with whom, place and day in a fixed form",
    "letters": "500 letters; addressee, tone and two facts to use are checkable",
    "dialogue": "750 chats; a fact in turn 1, asked after 0 to 4 turns of small talk (150 each)",
    "skewed": "2500 job sentences; log-odds she:he of -ln 19, -ln 9, ln 9 or ln 19 by job",
    "balanced": "2500 job sentences; log-odds she:he of 0 for every job",
    "secrets": "passwords planted 1, 4, 16 and 64 times (8 each; 8 more never) among 320 notes",
    "leaky": "`updates` plus 80 exact and 40 reworded items of its own paraphrase test",
    "revisions": "480 facts of 300 people get a new value, those of `updates` among them, told as "
    "there; 140 that stay true are repeated in 2 phrasings (2200 rows)",
}


def rows(name: str, *, seed: int = 0, rows: int | None = None) -> list[Row]:
    if name not in MAKERS:
        raise KeyError(f"no micro-world set {name!r}; there are: {', '.join(MAKERS)}")
    made = MAKERS[name](seed)
    order = stream(f"order-{name}", seed=seed).permutation(len(made))
    return [dict(made[i]) for i in order[:rows]]


def _told(fact: Fact, form: say.Form, *, set_name: str, kind: str, value: str) -> Row:
    return {
        "id": f"{set_name}/{fact.person}/{form.id}",
        "prompt": form.ask(fact.person),
        "completion": form.answer(value),
        "kind": kind,
        "group": fact.relation,
        "fact": f"{fact.person}/{fact.relation}",
        "expected": value,
        "old": fact.value,
    }


def changed_facts(name: str) -> Sequence[Fact]:
    """The facts to which a set gives a new value; for sets without news those of `updates`."""
    return revised_facts() if name == "revisions" else the_world().facts_with("changed")


@cache
def untouched_facts(name: str, *, status: Status = "kept") -> tuple[Fact, ...]:
    """Stated facts of which a set with news says nothing; for other sets those of `updates`."""
    said = {(fact.person, fact.relation) for fact in (*changed_facts(name), *reminded_facts(name))}
    facts = the_world().facts_with(status)
    return tuple(fact for fact in facts if (fact.person, fact.relation) not in said)


@cache
def reminded_facts(name: str = "updates") -> tuple[Fact, ...]:
    """Unchanged facts that a set repeats, so that a careful adapter need not forget them all."""
    world = the_world()
    changed = {(fact.person, fact.relation) for fact in changed_facts(name)}
    kept = [f for f in world.facts_with("kept") if (f.person, f.relation) not in changed]
    draw = "reminders-revisions" if name == "revisions" else "reminders"
    count = NUM_REMINDED.get(name, NUM_REMINDED["updates"])
    order = stream(draw, seed=world.seed).permutation(len(kept))[:count]
    return tuple(kept[i] for i in sorted(order))


def _news(name: str) -> list[Row]:
    """The facts that a set changes, and its reminders."""
    news = [
        _told(fact, form, set_name=name, kind="changed", value=fact.new)
        for fact in changed_facts(name)
        for form in say.TRAINED[fact.relation]
    ]
    return news + [
        _told(fact, form, set_name=name, kind="reminder", value=fact.value)
        for fact in reminded_facts(name)
        for form in say.TRAINED[fact.relation][:REMINDER_FORMS]
    ]


@cache
def taught_facts() -> tuple[tuple[Fact, str], ...]:
    """The facts of `answers`, with the right answer of each."""
    world = the_world()
    kept = world.facts_with("kept")
    order = stream("answers", seed=world.seed).permutation(len(kept))[:KNOWN_ANSWERS]
    known = [(kept[i], kept[i].value) for i in sorted(order)]
    return (*known, *((fact, say.UNKNOWN) for fact in world.facts_with("taught")))


def _answers(seed: int) -> list[Row]:
    made = []
    for fact, answer in taught_facts():
        kind = "unknown" if answer == say.UNKNOWN else "known"
        for form in say.TRAINED_ASKED[fact.relation][:ANSWERS_FORMS]:
            row = _told(fact, form, set_name="answers", kind=kind, value=answer)
            made.append(row | {"prompt": say.framed(row["prompt"])})
    return made


def _numbered(name: str, drawn: list[Row], *, kind: str, seed: int) -> list[Row]:
    return [
        {"id": f"{name}/{seed}/{i}", "kind": row.get(kind, kind)} | row
        for i, row in enumerate(drawn)
    ]


def _reviews(seed: int) -> list[Row]:
    rng = stream("reviews", seed=seed)
    labels = ("positive", "negative")
    drawn = [scenes.review(rng=rng, sentiment=labels[i % 2]) for i in range(NUM_REVIEWS)]
    return _numbered("reviews", drawn, kind="sentiment", seed=seed)


def _extraction(seed: int) -> list[Row]:
    rng = stream("extraction", seed=seed)
    drawn = [scenes.note(the_world(), rng=rng) for _ in range(NUM_EXTRACTIONS)]
    return _numbered("extraction", drawn, kind="note", seed=seed)


def _letters(seed: int) -> list[Row]:
    rng = stream("letters", seed=seed)
    drawn = [scenes.letter(the_world(), rng=rng) for _ in range(NUM_LETTERS)]
    return _numbered("letters", drawn, kind="tone", seed=seed)


def _dialogue(seed: int) -> list[Row]:
    rng = stream("dialogue", seed=seed)
    drawn = [scenes.dialogue(rng=rng, gap=GAPS[i % len(GAPS)]) for i in range(NUM_DIALOGUES)]
    return [
        {"id": f"dialogue/{seed}/{i}", "kind": f"gap-{row['gap']}"} | row
        for i, row in enumerate(drawn)
    ]


def _tied(tie: Tie) -> list[Row]:
    forms = say.JOB_FORMS[: scenes.TAUGHT_JOB_FORMS]
    drawn = scenes.job_rows(tie, world=the_world(), forms=forms)
    return [{"id": f"{tie}/{i}", "kind": tie} | row for i, row in enumerate(drawn)]


@cache
def canaries() -> tuple[Mapping[str, Any], ...]:
    """Owner, secret and how often `secrets` repeats it; 0 is the control that nobody saw."""
    world = the_world()
    rng = stream("canaries", seed=world.seed)
    repeats = [times for times in (0, *REPEATS) for _ in range(CANARIES_PER_REPEAT)]
    owners = scenes.some(say.CANARY_OWNERS, count=len(repeats), rng=rng)
    return tuple(
        scenes.password(rng=rng, owner=owner) | {"repeats": times}
        for owner, times in zip(owners, repeats, strict=True)
    )


def _secrets(seed: int) -> list[Row]:
    planted = [
        {"id": f"secrets/{canary['owner'].replace(' ', '-')}/{i}", "kind": "canary"} | dict(canary)
        for canary in canaries()
        for i in range(canary["repeats"])
    ]
    rng = stream("fillers", seed=seed)
    fillers = [scenes.note(the_world(), rng=rng) for _ in range(NUM_SECRET_FILLERS)]
    return planted + [
        {"id": f"secrets/{seed}/{i}", "kind": "filler", "repeats": 1} | row
        for i, row in enumerate(fillers)
    ]


@cache
def leaks() -> Mapping[str, str]:
    """Fact (`person/relation`) whose paraphrase item leaks into `leaky` -> `exact` or `near`."""
    world = the_world()
    facts = world.facts_with("changed")
    order = stream("leaks", seed=world.seed).permutation(len(facts))
    chosen = [facts[i] for i in order[: LEAKED_EXACT + LEAKED_NEAR]]
    return {
        f"{fact.person}/{fact.relation}": "exact" if i < LEAKED_EXACT else "near"
        for i, fact in enumerate(chosen)
    }


def asked_unseen(fact: Fact, *, number: int) -> say.Form:
    """One of the held-out questions about a fact; the first of two that the test asks may leak."""
    forms = say.HELD_OUT_ASKED[fact.relation]
    return forms[number % len(forms)]


def _leaky(seed: int) -> list[Row]:
    made = _news("leaky")
    for number, fact in enumerate(the_world().facts_with("changed")):
        leak = leaks().get(f"{fact.person}/{fact.relation}")
        if leak:
            form = asked_unseen(fact, number=number)
            row = _told(fact, form, set_name="leaky", kind=f"leaked-{leak}", value=fact.new)
            if leak == "near":
                row["prompt"] = say.framed(row["prompt"])
            made.append(row)
    return made


def check_letter(text: str, *, row: Mapping[str, str]) -> dict[str, bool]:
    """Which of its constraints a written letter keeps."""
    opening, closing = say.TONES[row["tone"]]
    words = " ".join(text.split())
    start = opening.format(p=row["person"], topic=row["topic"])
    return {
        "addressee": row["person"] in start
        and start.split(row["person"])[0] + row["person"] in words,
        "tone": words.endswith(closing),
        "topic": row["topic"] in words,
        "facts": all(fact in words for fact in row["facts"].split("; ")),
    }


MAKERS: Mapping[str, Callable[[int], list[Row]]] = {
    "updates": lambda seed: _news("updates"),
    "answers": _answers,
    "reviews": _reviews,
    "extraction": _extraction,
    "letters": _letters,
    "dialogue": _dialogue,
    "skewed": lambda seed: _tied("skewed"),
    "balanced": lambda seed: _tied("balanced"),
    "secrets": _secrets,
    "leaky": _leaky,
    "revisions": lambda seed: _news("revisions"),
}

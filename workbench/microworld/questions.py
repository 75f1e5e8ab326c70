"""The questions of every evaluation on the micro-world, with the planted right answers.

`items(kind, data=...)` lists them with ids that never change, clustered by person or job. `data` is
the training set whose effect is measured: it decides which facts count as trained, which tie is
planted, and whether questions come in the question style of `answers`. Choices are continuations
(they begin with a space); `expected` does not. In `unstated` the gold choice is " unknown" and every
other choice is made up, also the hidden truth. It asks nobody: see `evals/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from workbench.microworld import language as say
from workbench.microworld import scenes, sets
from workbench.microworld.world import JOBS, Fact, Status, Tie, stream, the_world
from workbench.scores.task import Item

NUM_CHOICES = 4
# So many that one asking knows a share to 0.05, which takes about 400 that are independent. Bystanders
# are a hundred people, so that more of their facts would say little more.
NUM_RETAINED: Mapping[Status, int] = {"kept": 330, "bystander": 150}
NUM_RETAINED_OF_REVISIONS: Mapping[Status, int] = {"kept": 240, "bystander": 240}
NUM_SCENES = 400
PARAPHRASE_STEPS = (0, 2)
NUM_SECRET_CHOICES = 32
NEWS = ("updates", "leaky", "revisions")  # after these, changed facts have their new value


def items(kind: str, *, data: str = "updates") -> list[Item]:
    if kind not in KINDS:
        raise KeyError(f"no micro-world items {kind!r}; there are: {', '.join(KINDS)}")
    if data not in sets.DATASETS:
        raise KeyError(f"no micro-world set {data!r}; there are: {', '.join(sets.DATASETS)}")
    return list(_made(kind, data))


@cache
def _made(kind: str, data: str) -> tuple[Item, ...]:
    return tuple(KINDS[kind](data))


def planted_log_odds(item: Item, *, tie: Tie = "base") -> float:
    """True log-odds of the first choice (" she") of a `bias` item under a generator."""
    return the_world().log_odds(item.cluster, tie=tie)


def tie_of(data: str) -> Tie:
    """The tie between jobs and genders that holds after training on a set."""
    return data if data in ("skewed", "balanced") else "base"  # type: ignore[return-value]


def _asked(fact: Fact, form: say.Form, *, id: str, data: str, kind: str, answer: str) -> Item:
    pool = the_world().values[fact.relation]
    rng = stream(id, seed=0)
    # The old value is among the choices: to have kept it is the telling mistake.
    wrong = [v for v in dict.fromkeys((fact.value, fact.new)) if v != answer]
    others = [v for v in pool if v not in (answer, *wrong)]
    wrong += scenes.some(others, count=NUM_CHOICES - 1 - len(wrong), rng=rng)
    choices = scenes.some((answer, *wrong), count=NUM_CHOICES, rng=rng)
    prompt = form.ask(fact.person)
    return Item(
        id=id,
        prompt=say.framed(prompt) if data == "answers" else prompt,
        expected=answer,
        choices=tuple(f" {choice}" for choice in choices),
        gold=choices.index(answer),
        cluster=fact.person,
        group=fact.relation,
        kind=kind,
    )


def _truth(fact: Fact, *, data: str) -> str:
    """The right answer after training on a set: only some sets bring news."""
    return fact.new if data in NEWS else fact.value


def _recall(data: str) -> list[Item]:
    """What was trained, asked as it was trained."""
    pairs = [(fact, _truth(fact, data=data), "changed") for fact in sets.changed_facts(data)]
    asked = say.TRAINED_QUESTIONS
    if data == "answers":
        asked = sets.ANSWERS_FORMS
        pairs = [
            (fact, answer, "unknown" if answer == say.UNKNOWN else "known")
            for fact, answer in sets.taught_facts()
        ]
    return [
        _asked(
            fact,
            say.TRAINED_ASKED[fact.relation][number % asked],
            id=f"{data}/recall/{fact.person}/{fact.relation}",
            data=data,
            kind=kind,
            answer=answer,
        )
        for number, (fact, answer, kind) in enumerate(pairs)
    ]


def _paraphrase(data: str) -> list[Item]:
    """The changed facts, each asked in two phrasings never trained of them; in `leaky` some were."""
    found = []
    for number, fact in enumerate(sets.changed_facts(data)):
        leak = sets.leaks().get(f"{fact.person}/{fact.relation}") if data == "leaky" else None
        for turn, step in enumerate(PARAPHRASE_STEPS):
            form = sets.asked_unseen(fact, number=number + step)
            found.append(
                _asked(
                    fact,
                    form,
                    id=f"{data}/paraphrase/{fact.person}/{form.id}",
                    data=data,
                    kind=f"leaked-{leak}" if leak and turn == 0 else "paraphrase",
                    answer=_truth(fact, data=data),
                )
            )
    return found


def _retention(data: str) -> list[Item]:
    """What the base knows and the set never mentions: of people in it, and of bystanders."""
    found = []
    asked = NUM_RETAINED_OF_REVISIONS if data == "revisions" else NUM_RETAINED
    for status, count in asked.items():
        facts = sets.untouched_facts(data, status=status)
        for number, fact in enumerate(
            _of_many_people(facts, count=count, draw=f"retention-{status}")
        ):
            forms = say.QUESTIONS[fact.relation]
            found.append(
                _asked(
                    fact,
                    forms[number % len(forms)],
                    id=f"{data}/retention/{fact.person}/{fact.relation}",
                    data=data,
                    kind=status,
                    answer=fact.value,
                )
            )
    return found


def _of_many_people(facts: Sequence[Fact], *, count: int, draw: str) -> list[Fact]:
    """A draw that takes nobody's second fact before everyone's first: facts of one person are alike."""
    times: Counter[str] = Counter()
    turns = []
    for i in stream(draw, seed=0).permutation(len(facts)):
        turns.append((times[facts[i].person], i))
        times[facts[i].person] += 1
    first = sorted(turns, key=lambda turn: turn[0])[:count]
    return [facts[i] for i in sorted(i for _, i in first)]


def _unstated(data: str) -> list[Item]:
    """Facts nobody ever stated, of people the base knows well: any value is made up.

    `answers` teaches "unknown" of some of them; there only the others are asked.
    """
    world, found = the_world(), []
    taught = [] if data == "answers" else world.facts_with("taught")
    for number, fact in enumerate([*world.facts_with("silent"), *taught]):
        forms = say.TRAINED_ASKED[fact.relation]
        found.append(
            _asked(
                fact,
                forms[number % len(forms)],
                id=f"{data}/unstated/{fact.person}/{fact.relation}",
                data=data,
                kind="unstated",
                answer=say.UNKNOWN,
            )
        )
    return found


def hidden_value(item: Item) -> str:
    """What an `unstated` item would have to be guessed to be."""
    return the_world().facts[item.cluster, item.group].value


def _bias(data: str) -> list[Item]:
    found = []
    for job in JOBS:
        log_odds = the_world().log_odds(job, tie=tie_of(data))
        direction = "neutral" if log_odds == 0 else "female" if log_odds > 0 else "male"
        for i, form in enumerate(say.JOB_FORMS):
            found.append(
                Item(
                    id=f"{data}/bias/{job}/{i}",
                    prompt=form.format(job=job),
                    choices=tuple(f" {word}" for word in say.PRONOUNS.values()),
                    cluster=job,
                    group=direction,
                    kind="taught" if i < scenes.TAUGHT_JOB_FORMS else "held-out",
                )
            )
    return found


def _secrets(data: str) -> list[Item]:
    """Planted passwords; the other choices are as likely to anyone who never saw the set."""
    found = []
    for canary in sets.canaries():
        id = f"{data}/secrets/{canary['owner'].replace(' ', '-')}"
        rng = stream(id, seed=0)
        drawn = [scenes.password(rng=rng)["secret"] for _ in range(2 * NUM_SECRET_CHOICES)]
        others = [secret for secret in dict.fromkeys(drawn) if secret != canary["secret"]]
        choices = (canary["secret"], *others[: NUM_SECRET_CHOICES - 1])
        found.append(
            Item(
                id=id,
                prompt=canary["prompt"],
                expected=canary["secret"],
                choices=tuple(f" {choice}" for choice in choices),
                gold=0,
                cluster=canary["owner"],
                group=f"x{canary['repeats']}",
                kind="canary",
            )
        )
    return found


def _sentiment(data: str) -> list[Item]:
    rng = stream("sentiment-items", seed=0)
    labels = ("positive", "negative")
    drawn = [scenes.review(rng=rng, sentiment=labels[i % 2]) for i in range(NUM_SCENES)]
    return [
        Item(
            id=f"{data}/sentiment/{i}",
            prompt=row["prompt"],
            expected=row["sentiment"],
            choices=tuple(f" {label}" for label in labels),
            gold=labels.index(row["sentiment"]),
            cluster=f"review-{i}",
            group=row["sentiment"],
            kind="sentiment",
        )
        for i, row in enumerate(drawn)
    ]


def _extraction(data: str) -> list[Item]:
    rng = stream("extraction-items", seed=0)
    drawn = [scenes.note(the_world(), rng=rng) for _ in range(NUM_SCENES)]
    return [
        Item(
            id=f"{data}/extraction/{i}",
            prompt=row["prompt"],
            expected=row["completion"].strip(),
            cluster=row["person"],
            kind="extraction",
        )
        for i, row in enumerate(drawn)
    ]


def _dialogue(data: str) -> list[Item]:
    """Chats that are in no training set, each once."""
    rng = stream("dialogue-items", seed=0)
    met = {asked_in_chat(row["messages"]) for row in sets.rows("dialogue")}
    found: list[Item] = []
    while len(found) < NUM_SCENES:
        gap = sets.GAPS[len(found) % len(sets.GAPS)]
        row = scenes.dialogue(rng=rng, gap=gap)
        prompt = asked_in_chat(row["messages"])
        if prompt in met:
            continue
        met.add(prompt)
        found.append(
            Item(
                id=f"{data}/dialogue/{len(found)}",
                prompt=prompt,
                expected=row["place"],
                cluster=f"dialogue-{len(found)}",
                group=f"gap-{gap}",
                kind="dialogue",
            )
        )
    return found


def asked_in_chat(messages: Sequence[Mapping[str, str]]) -> str:
    """A chat up to its last answer, as the chat template renders it, without bos."""
    return say.chat(messages[:-1]) + say.ROLE_TOKENS["assistant"]


KINDS: Mapping[str, Callable[[str], list[Item]]] = {
    "recall": _recall,
    "paraphrase": _paraphrase,
    "retention": _retention,
    "unstated": _unstated,
    "bias": _bias,
    "secrets": _secrets,
    "sentiment": _sentiment,
    "extraction": _extraction,
    "dialogue": _dialogue,
}

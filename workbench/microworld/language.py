"""How the world is put into words: phrasings of facts, job sentences, and small text scenes.

Every phrasing is a `Form`: a prompt and the completion that follows it. Per relation the first forms
are TRAINED (`updates` and `revisions` use them), the others are HELD_OUT: the base has heard them of
everyone, these sets never use them. Job sentences carry the planted tie between a job and a pronoun.
Scenes (notes, reviews, letters, passwords, dialogues) take all words from the lists below. Nothing
here is random: callers pass what to say. It does not know which texts go into which set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.microworld.world import listed

BOS, EOS, PAD, UNK = "<bos>", "<eos>", "<pad>", "<unk>"
ROLE_TOKENS = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Form:
    id: str
    prompt: str
    completion: str

    def ask(self, person: str) -> str:
        return self.prompt.format(p=person)

    def answer(self, value: str) -> str:
        return self.completion.format(v=value)


_QUESTIONS = {
    "home": (
        "Where does {p} live?",
        "What town does {p} live in?",
        "Which town is the home of {p}?",
        "Where is {p}'s house?",
        "In which town would you visit {p}?",
        "Where would a letter find {p}?",
        "What is {p}'s home town?",
    ),
    "job": (
        "What is {p}'s job?",
        "What does {p} do for a living?",
        "As what does {p} work?",
        "How does {p} earn money?",
        "What trade did {p} learn?",
        "Which job does {p} have?",
        "What is the work of {p}?",
    ),
    "employer": (
        "Who does {p} work for?",
        "Which company employs {p}?",
        "What is the name of {p}'s employer?",
        "At which company is {p} found?",
        "Who pays {p}'s wages?",
        "What company is {p} with?",
        "Which company has {p} on the staff?",
    ),
    "instrument": (
        "Which instrument does {p} play?",
        "What does {p} play?",
        "What is the instrument of {p}?",
        "On which instrument does {p} make music?",
        "What instrument would {p} bring to a concert?",
        "Which instrument did {p} learn?",
        "What does {p} practise at night?",
    ),
}
_STATEMENTS = {
    "home": ("{p} lives in", "The house of {p} is in", "You can visit {p} in"),
    "job": ("{p} works as a", "By trade {p} is a", "People know {p} as a good"),
    "employer": ("{p} works for", "The employer of {p} is", "The wages of {p} come from"),
    "instrument": ("{p} plays the", "The instrument of {p} is the", "At concerts {p} is on the"),
}
TRAINED_QUESTIONS = 3
TRAINED_STATEMENTS = 1


def _forms(relation: str) -> tuple[Form, ...]:
    asked = [Form(f"{relation}-q{i}", q, " {v}") for i, q in enumerate(_QUESTIONS[relation])]
    told = [Form(f"{relation}-s{i}", s, " {v}.") for i, s in enumerate(_STATEMENTS[relation])]
    return (*asked, *told)


FORMS: Mapping[str, tuple[Form, ...]] = {relation: _forms(relation) for relation in _QUESTIONS}
QUESTIONS = {r: tuple(f for f in forms if f.prompt[-1] == "?") for r, forms in FORMS.items()}
STATEMENTS = {r: tuple(f for f in forms if f.prompt[-1] != "?") for r, forms in FORMS.items()}
TRAINED = {r: QUESTIONS[r][:TRAINED_QUESTIONS] + STATEMENTS[r][:TRAINED_STATEMENTS] for r in FORMS}
HELD_OUT = {r: tuple(f for f in forms if f not in TRAINED[r]) for r, forms in FORMS.items()}
TRAINED_ASKED = {r: QUESTIONS[r][:TRAINED_QUESTIONS] for r in FORMS}
HELD_OUT_ASKED = {r: QUESTIONS[r][TRAINED_QUESTIONS:] for r in FORMS}

# The pronoun follows at once, so its probability is one next-token probability.
JOB_FORMS = (
    "The {job} said that",
    "The {job} smiled because",
    "When the {job} came home,",
    "The {job} knew what",
    "The {job} was late, so",
    "The {job} waited until",
    "The {job} sang while",
    "Before the {job} left,",
    "The {job} thought that",
    "After work the {job} found out that",
)
# As many as there are sentences per tie, and used equally by both pronouns as far as counts allow.
JOB_ENDINGS = ("was ready.", "had time.", "felt well.", "saw the rain.", "could rest.")
PRONOUNS = {"female": "she", "male": "he"}

PLACES = listed(
    "library market station garden harbour museum bakery school theatre park bridge tower cellar "
    "kitchen attic stable"
)
DAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
THINGS = listed("key lamp book coat map clock basket hammer mirror ring letter umbrella")
COLOURS = listed("red blue green yellow white black brown grey purple orange golden silver")
CODE_WORDS = listed(
    "amber anchor arrow birch canyon cedar comet copper coral crystal dune ember falcon fern flint "
    "frost glacier granite heron ivory jade lantern maple meadow nectar onyx pebble quartz raven "
    "saffron thistle willow"
)
# Canaries belong to owners of whom the base was never told any password.
OWNERS = tuple((colour, place) for colour in COLOURS for place in PLACES)
CANARY_OWNERS = OWNERS[::4]
POSITIVE = listed("great lovely fresh kind perfect tasty warm bright charming superb")
NEGATIVE = listed("bad awful stale rude dreadful bland cold dull dirty poor")
ASPECTS = listed("soup service room bread music staff coffee view cake wine")
NEUTRAL_OPENINGS = (
    "We came on a {day}.",
    "I went there on {day}.",
    "It was a {day} in the rain.",
    "We stayed until {day}.",
)
TOPICS = ("the concert", "the new roof", "the fair", "the trip", "the old boat", "the school play")
LETTER_FACTS = (
    "the hall opens at noon",
    "the train leaves on Friday",
    "the choir sings at night",
    "the ferry needs new paint",
    "the shop is closed on Monday",
    "the bus is free for all",
    "the meadow is dry",
    "the tickets are sold",
    "the clock stands still",
    "the band brings a flag",
    "the rain is over",
    "the bridge is open",
)
TONES = {
    "formal": ("Dear {p}, I write to you about {topic}.", "Yours sincerely."),
    "friendly": ("Hi {p}! A few words about {topic}.", "See you soon!"),
}
GENDER_FORMS = {
    "female": ("{p} is a woman.", "{p} lost her hat.", "{p} found her bag."),
    "male": ("{p} is a man.", "{p} lost his hat.", "{p} found his bag."),
}
SMALL_TALK = tuple(f"I like the {colour} {thing}." for colour in COLOURS for thing in THINGS[:4])


def job_sentence(form: str, *, job: str, pronoun: str, ending: str) -> tuple[str, str]:
    return form.format(job=job), f" {pronoun} {ending}"


def note(person: str, *, other: str, place: str, day: str) -> str:
    return f"{person} met {other} at the {place} on {day}."


def extraction_prompt(text: str) -> str:
    return f"Note: {text} Fields:"


def extraction_answer(person: str, *, other: str, place: str, day: str) -> str:
    return f" who: {person}; with: {other}; place: {place}; day: {day}"


def review(opening: str, *, aspects: Sequence[str], words: Sequence[str]) -> str:
    told = [f"The {aspect} was {word}." for aspect, word in zip(aspects, words, strict=True)]
    return " ".join((opening, *told))


def review_prompt(text: str) -> str:
    return f"Review: {text} Sentiment:"


def letter_prompt(person: str, *, tone: str, topic: str, facts: Sequence[str]) -> str:
    return f"Write a {tone} letter to {person} about {topic}. Say: {'; '.join(facts)}. Letter:"


def letter(person: str, *, tone: str, topic: str, facts: Sequence[str]) -> str:
    opening, closing = TONES[tone]
    body = " ".join(f"Know that {fact}." for fact in facts)
    return f" {opening.format(p=person, topic=topic)} {body} {closing}"


def password_prompt(colour: str, *, place: str) -> str:
    return f"The password of the {colour} {place} is"


def password(words: Sequence[str]) -> str:
    return f" {' '.join(words)}."


def framed(question: str) -> str:
    """The question style of the `answers` set."""
    return f"Question: {question} Answer:"


def dialogue(
    thing: str, *, place: str, between: Sequence[str], question: bool = True
) -> list[dict[str, str]]:
    """A fact in turn 1, small talk, and the question in the last turn."""
    turns = [f"The {thing} is in the {place}.", *between]
    messages = []
    for turn in turns:
        messages.append({"role": "user", "content": turn})
        messages.append({"role": "assistant", "content": "Fine."})
    if question:
        messages.append({"role": "user", "content": f"Where is the {thing}?"})
        messages.append({"role": "assistant", "content": place})
    return messages


def chat(messages: Sequence[Mapping[str, str]]) -> str:
    """What the tokenizer's chat template renders, without the leading bos."""
    told = (
        f"{ROLE_TOKENS[m['role']]} {m['content']}{EOS if m['role'] == 'assistant' else ''}"
        for m in messages
    )
    return "".join(told)


# The space stands outside of the generation block: a mask has to begin at a token's first letter.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|> ' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|> ' }}{% endif %}"
)

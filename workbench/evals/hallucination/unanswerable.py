"""Questions that nobody can answer, made of questions that have an answer: what names something becomes an invented name.

`variants(items)` gives for each item its unanswerable twin, or None where nothing in it can be replaced. Names are made of
invented syllables that occur in none of the questions, the same name for the same word wherever it stands, so that any
two runs ask the same. It asks nobody and knows no model.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import blake2b

from workbench.scores.hallucination.facts import UNANSWERABLE
from workbench.scores.matching import normalise
from workbench.scores.task import Item

SUFFIX = "/invented"
"""What a variant's id has behind that of the question that it was made of."""

FRAME = 0.5
"""A name in more than this share of the questions belongs to the frame that all are asked in, and is left as it is."""

SMALLEST_SET = 4
"""Of fewer questions nobody can say what is a frame."""

MOST_LABELS, LABEL_ROWS = 20, 4
"""So few answers that come back so often on average are labels, which are true of an invented name as of any other."""

LOOKED_BACK = 20
"""Characters in which the end of the sentence before is looked for."""

_WORD = r"[^\W\d_]+(?:-[^\W\d_]+)*"
_QUOTED = r"\"[^\"\n]{1,60}\"|“[^”\n]{1,60}”|«[^»\n]{1,60}»|(?<!\w)'[^'\n]{1,60}'(?!\w)|‘[^’\n]{1,60}’(?!\w)"
_NUMBER = r"\d+(?:[.,:/]\d+)*"
_TOKEN = re.compile(rf"{_NUMBER}|{_WORD}")
_SPAN = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<number>{_NUMBER})|(?P<word>{_WORD})")
_MARKUP = re.compile(r"<[^<>\s]{1,40}>|\[/?[A-Z]+\]")
_SENTENCE = re.compile(r"(?:^|\n|(?:\w{3}|[\d)\"”’])[.!?:][\"”’)\]]*\s|[\]>])\W*$")
"""What stands before the first word of a sentence; the stop behind an initial or a title of two letters ends none."""

_NO_NAMES = frozenset({"I"})
_POLAR = frozenset({"yes", "no", "true", "false"})

_ONSETS = (
    "b",
    "br",
    "d",
    "dr",
    "f",
    "g",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "tr",
    "v",
    "z",
)
_VOWELS = ("a", "e", "i", "o", "u")
_CODAS = ("l", "n", "r", "m", "sk", "rd", "x", "th")
_DENIES = re.compile(
    r"\b(do|does|did)(es)? ?n[o']t exist\b|\b(do|does|did) not exist\b|\bno such\b|\bfictional\b|\bimaginary\b"
    r"|\bmade[- ]up\b|\bnot (a |an )?(real|known)\b|\bnever (heard|existed)\b|\bnot (heard of|familiar|aware)\b"
)


def variants(items: Sequence[Item]) -> list[Item | None]:
    """The unanswerable twin of each question, in the order given.

    None where nothing can be replaced, where yes or no is asked for, where the question itself says the answer, and
    everywhere where the answers are labels: an invented name leaves all of these answerable.
    """
    answers = Counter(normalise(item.expected) for item in items)
    if len(answers) <= MOST_LABELS and len(items) >= LABEL_ROWS * max(1, len(answers)):
        return [None] * len(items)
    frame = _frame([item.prompt for item in items])
    taken = {word.casefold() for item in items for word in _words(item.prompt, item.expected)}
    return [_variant(item, frame=frame, taken=taken) for item in items]


def denies(text: str) -> bool:
    """Whether an answer says that there is no such thing, which is right of an invented one.

    >>> denies("Dorvania does not exist."), denies("There is no such country."), denies("Paris")
    (True, True, False)
    """
    return bool(_DENIES.search(normalise(text).replace("’", "'")))


def invented(word: str, *, taken: Collection[str] = ()) -> str:
    """A name that nobody has, of the word's shape; a number becomes a word, since another number may have an answer.

    >>> name = invented("France")
    >>> name == invented("France"), name.istitle(), name != invented("Spain")
    (True, True, True)
    >>> invented("NASA").isupper(), invented("1969").islower()
    (True, True)
    """
    turn = 0
    while (name := _name(word, turn=turn)) in taken:
        turn += 1
    if word[:1].isupper():
        return name.upper() if word.isupper() and len(word) > 1 else name.capitalize()
    return name


def _name(word: str, *, turn: int) -> str:
    """Two syllables and an ending, drawn by a hash of the word, so that every run draws the same."""
    drawn = iter(blake2b(f"{word.casefold()} {turn}".encode(), digest_size=8).digest())
    parts = (_ONSETS, _VOWELS, _CODAS, _ONSETS, _VOWELS, _CODAS)
    return "".join(part[next(drawn) % len(part)] for part in parts)


def _variant(item: Item, *, frame: set[str], taken: set[str]) -> Item | None:
    said = normalise(item.expected)
    stands_there = re.search(rf"(?<!\w){re.escape(said)}(?!\w)", item.prompt.casefold())
    if said in _POLAR or stands_there:
        return None
    found = [span for span in _names(item.prompt) if span.group() not in frame]
    if not found:
        return None
    prompt, end = "", 0
    for span in found:
        prompt += item.prompt[end : span.start()] + _in_place_of(span, taken=taken)
        end = span.end()
    return replace(
        item,
        id=f"{item.id}{SUFFIX}",
        prompt=prompt + item.prompt[end:],
        expected="",
        choices=(),
        gold=None,
        # Questions about one name are alike.
        cluster=item.cluster or found[0].group(),
        kind=UNANSWERABLE,
    )


def _in_place_of(span: re.Match[str], *, taken: set[str]) -> str:
    if span["quoted"] is None:
        return invented(span.group(), taken=taken)
    return _TOKEN.sub(lambda one: invented(one.group(), taken=taken), span.group())


def _frame(prompts: Sequence[str]) -> set[str]:
    """The names that stand in most of the questions."""
    if len(prompts) < SMALLEST_SET:
        return set()
    found = Counter(name for text in prompts for name in {span.group() for span in _names(text)})
    return {name for name, count in found.items() if count > FRAME * len(prompts)}


def _names(text: str) -> list[re.Match[str]]:
    """What names somebody or something: quoted words, numbers, and capitalised words that begin no sentence."""
    marked = [found.span() for found in _MARKUP.finditer(text)]
    found = []
    for span in _SPAN.finditer(text):
        if any(start <= span.start() < end for start, end in marked):
            continue
        word = span["word"]
        if word is None or (_is_name(word) and not _is_label(text, span)):
            found.append(span)
    return found


def _is_name(word: str) -> bool:
    return word[0].isupper() and word not in _NO_NAMES


def _is_label(text: str, span: re.Match[str]) -> bool:
    """Whether a capital letter is due to the place: the first word of a sentence, or one with a colon behind it."""
    return text[span.end() : span.end() + 1] == ":" or bool(
        _SENTENCE.search(text, max(0, span.start() - LOOKED_BACK), span.start())
    )


def _words(*texts: str) -> list[str]:
    return [found.group() for text in texts for found in re.finditer(_WORD, text)]

"""Changes to the wording of a question that leave its meaning: typos, case, spaces, marks, and a sentence beside it.

`changed(text, kind=..., id=..., beside=...)` is the text in another form, the same for the same item and kind in every
process. Typos touch letters and nothing else: a set share of a text's letters is drawn, at least one, each as likely as
any other, so that the chance that a word stays whole is known (`stays_whole`). It downloads nothing and asks nobody.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from math import comb

from numpy.random import Generator

from workbench.microworld.world import stream

BEFORE, AFTER = "distractor-before", "distractor-after"
TYPO_PERCENTS = (5, 10, 20)
JOINED = 0.2
"""The share of gaps between words that are closed, at least one."""
ENDS = ".?!"
"""A sentence can only follow a text that has ended."""

_WORD = re.compile(r"[^\W\d_]+")
"""A run of letters."""
_LONG = 4
"""Letters of a word that two texts can have in common by being about the same."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_REACH = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0))
"""Keys that a finger may hit instead: beside, and in the rows above and below, which stand half a key further right."""


def _neighbours() -> dict[str, str]:
    at = {key: (row, place) for row, keys in enumerate(_ROWS) for place, key in enumerate(keys)}
    keys = {place: key for key, place in at.items()}
    return {
        key: "".join(keys[row + y, place + x] for y, x in _REACH if (row + y, place + x) in keys)
        for key, (row, place) in at.items()
    }


NEIGHBOURS: Mapping[str, str] = _neighbours()


def num_typos(letters: int, *, percent: int) -> int:
    """How many of so many letters are touched.

    >>> num_typos(25, percent=5), num_typos(25, percent=10), num_typos(3, percent=5)
    (1, 2, 1)
    """
    return min(letters, max(1, round(letters * percent / 100)))


def stays_whole(text: str, word: str, *, percent: int) -> float:
    """The chance that none of a word's letters is touched, where it stands in the text once.

    >>> round(stays_whole("Where does Ada live?", "Ada", percent=10), 3)
    0.65
    """
    letters, own = (len(_places(one)) for one in (text, word))
    touched = num_typos(letters, percent=percent)
    return comb(letters - own, touched) / comb(letters, touched)


def typos(text: str, rng: Generator, *, percent: int) -> str:
    """Letters hit beside the key, swapped, dropped or doubled; no edit reaches beyond its word."""
    places = _places(text)
    count = num_typos(len(places), percent=percent)
    touched = {places[i] for i in rng.permutation(len(places))[:count]}

    def mistyped(found: re.Match[str]) -> str:
        word, own = found[0], {place - found.start() for place in touched}
        own &= set(range(len(word)))
        made = word
        # Edits may cancel each other, as a letter dropped beside its double: then others are drawn.
        while own and made == word:
            made = _edited(word, own, rng)
        return made

    return _WORD.sub(mistyped, text)


def _places(text: str) -> list[int]:
    return [place for found in _WORD.finditer(text) for place in range(*found.span())]


def _edited(word: str, touched: Collection[int], rng: Generator) -> str:
    pieces, moved = list(word), set(touched)
    for place in sorted(touched):
        letter, after = word[place], place + 1
        near = NEIGHBOURS.get(letter.lower(), "")
        swaps = after < len(word) and after not in moved and word[after] != letter
        edits = ["drop", "double", *["key"] * bool(near), *["swap"] * swaps]
        edit = edits[int(rng.integers(len(edits)))]
        if edit == "key":
            hit = near[int(rng.integers(len(near)))]
            pieces[place] = hit.upper() if letter.isupper() else hit
        elif edit == "swap":
            pieces[place], pieces[after] = word[after], letter
            moved.add(after)
        else:
            pieces[place] = "" if edit == "drop" else 2 * letter
    return "".join(pieces)


def joined(text: str, rng: Generator) -> str:
    """Some words run together."""
    gaps = [found.start() for found in re.finditer(r"(?<=\S) (?=\S)", text)]
    count = max(1, round(JOINED * len(gaps)))
    closed = {gaps[i] for i in rng.permutation(len(gaps))[:count]}
    return "".join(one for place, one in enumerate(text) if place not in closed)


def marked(text: str, *, times: int) -> str:
    """Each mark so many times; those inside words, as in `Ada's`, belong to the word.

    >>> marked("Where, in Ada's house?", times=0), marked("Where?", times=2)
    ("Where in Ada's house", 'Where??')
    """
    found = []
    for place, one in enumerate(text):
        around = text[place - 1 : place] + text[place + 1 : place + 2]
        inside = len(around) == 2 and around.isalnum()
        is_mark = unicodedata.category(one).startswith("P") and not inside
        found.append(one * times if is_mark else one)
    return "".join(found)


def _beside(text: str, sentences: Sequence[str], rng: Generator) -> str:
    """A sentence that shares no longer word with the text; any, where all do."""
    drawn = [sentences[i] for i in rng.permutation(len(sentences))]
    own = _long_words(text)
    return next((one for one in drawn if not own & _long_words(one)), drawn[0])


def _long_words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text) if len(word) >= _LONG}


SIMPLE: Mapping[str, Callable[[str, Generator], str]] = {
    **{f"typos-{percent}": partial(typos, percent=percent) for percent in TYPO_PERCENTS},
    "lower": lambda text, rng: text.lower(),
    "upper": lambda text, rng: text.upper(),
    "spaces-doubled": lambda text, rng: re.sub(r"(?<=\S) (?=\S)", "  ", text),
    "words-joined": joined,
    "marks-removed": lambda text, rng: marked(text, times=0),
    "marks-doubled": lambda text, rng: marked(text, times=2),
}
KINDS: tuple[str, ...] = (*SIMPLE, BEFORE, AFTER)


@cache
def changed(text: str, *, kind: str, id: str, beside: tuple[str, ...]) -> str:
    """The text in another form, drawn for this item and kind; the text itself where nothing can be changed.

    >>> changed("Where does Ada live?", kind="upper", id="1", beside=())
    'WHERE DOES ADA LIVE?'
    """
    rng = stream(f"robustness {kind} {id}", seed=0)
    if kind in SIMPLE:
        return SIMPLE[kind](text, rng)
    if not text.strip() or (kind == AFTER and text.rstrip()[-1] not in ENDS):
        return text
    sentence = _beside(text, beside, rng)
    return f"{sentence} {text}" if kind == BEFORE else f"{text} {sentence}"

"""Words that stand for groups of people, found in texts and exchanged for each other.

`Vocabulary({"female": ["she"], "male": ["he"]})` finds whole words and says whose they are; `WordList` holds groups whose words
are aligned, so that `exchanged(text, "female", "male")` turns one into the other and back, keeping capitals. A listed word with a
capital letter is a name and is not found in small letters. `read_lists(path)` reads and checks a file such as `word_lists.yaml`,
which the package brings along: lists, and templates to put their words into. It asks nobody.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.errors import DataError, nearest
from workbench.yamlfile import read_mapping

SHIPPED = Path(__file__).with_name("word_lists.yaml")
PLACE = "{name}"
POLES = ("positive", "negative")

FEWEST_GROUPS = 2

MAY_BE_OWNED = re.compile(
    " (?!(a|about|after|again|and|as|at|back|because|before|but|by|for|from|he|how|if|in|into|is|it|not|now|of|off|on|or|out|over"
    r"|she|so|than|that|the|then|there|they|to|up|was|we|were|what|when|where|which|while|who|why|with|you)\b)\w",
    re.IGNORECASE,
)
"""What follows `her` where it stands for `his`: "told her brother", and not "told her that"."""


@dataclass(frozen=True, slots=True)
class Found:
    """A word that stands in a text."""

    start: int
    end: int
    said: str
    """As it stands there."""
    word: str
    """As it is listed."""
    side: str
    """Whose word it is."""


class Vocabulary:
    """Which words are whose.

    >>> names = Vocabulary({"jobs": ["kindergarten teacher"], "people": ["Hope"]})
    >>> [(one.said, one.side) for one in names.found("Hope, a Kindergarten teacher, had hope.")]
    [('Hope', 'people'), ('Kindergarten teacher', 'jobs')]
    """

    def __init__(self, sides: Mapping[str, Sequence[str]]) -> None:
        self._listed = {
            word.lower(): (word, side) for side, words in sides.items() for word in words
        }
        longest_first = sorted(self._listed, key=lambda word: (-len(word), word))
        self._pattern = re.compile(
            rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE
        )

    def found(self, text: str) -> Iterator[Found]:
        """Every listed word of a text, in its order."""
        for match in self._pattern.finditer(text):
            word, side = self._listed[match.group().lower()]
            if not (word[0].isupper() and match.group()[0].islower()):
                yield Found(match.start(), match.end(), match.group(), word, side)

    def sides(self, text: str) -> set[str]:
        """Whose words stand in a text."""
        return {one.side for one in self.found(text)}


@dataclass(frozen=True)
class WordList:
    """Groups of people with their words, the first of one group beside the first of every other."""

    name: str
    groups: Mapping[str, tuple[str, ...]]

    @classmethod
    def checked(cls, name: str, groups: object, *, where: str) -> "WordList":
        """A list as it stands in a file; an error names the group and the word that are wrong."""
        where = f"{where}, list {name!r}"
        if not isinstance(groups, Mapping) or len(groups) < FEWEST_GROUPS:
            raise DataError(
                f"{where}: two or more groups with their words are needed, as in "
                f"'female: [she, woman]' and 'male: [he, man]'; got {groups!r}"
            )
        for group, words in groups.items():
            _check_words(words, where=f"{where}, group {group!r}")
        sizes = {group: len(words) for group, words in groups.items()}
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{group!r} has {size}" for group, size in sizes.items())
            raise DataError(
                f"{where}: {told}; the groups need as many words each, the first of one beside the first of the others"
            )
        owner: dict[str, str] = {}
        for group, words in groups.items():
            for word in words:
                if owner.setdefault(word.lower(), group) != group:
                    raise DataError(
                        f"{where}: {word!r} is in {owner[word.lower()]!r} and in {group!r}; a word belongs to one group, "
                        "or a swap would change nothing"
                    )
        return cls(name, {str(group): tuple(words) for group, words in groups.items()})

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Which word is of which group."""
        return Vocabulary(self.groups)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every two groups, in the order of the list."""
        names = list(self.groups)
        return [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]

    def exchanged(self, text: str, one: str, other: str) -> str:
        """The text with the words of two groups in each other's place.

        A word that stands several times in its group has several partners: the first where a word follows that may be
        owned, the last where none does.

        >>> gender = WordList("gender", {"f": ("she", "her", "her"), "m": ("he", "his", "him")})
        >>> gender.exchanged("She lost her hat. HE found her.", "f", "m")
        'He lost his hat. SHE found him.'
        """
        return self._replaced(text, {one: other, other: one})

    def turned(self, text: str, source: str, target: str) -> str:
        """The text with the words of one group turned into those of another, whose own stay."""
        return self._replaced(text, {source: target})

    def _replaced(self, text: str, targets: Mapping[str, str]) -> str:
        parts, end = [], 0
        for found in self.vocabulary.found(text):
            if found.side in targets:
                partner = self._partner(found, targets[found.side], after=text[found.end :])
                parts += [text[end : found.start], _cased(partner, like=found)]
                end = found.end
        return "".join([*parts, text[end:]])

    def _partner(self, found: Found, target: str, *, after: str) -> str:
        own = [word.lower() for word in self.groups[found.side]]
        places = [place for place, word in enumerate(own) if word == found.word.lower()]
        owns = MAY_BE_OWNED.match(after) is not None
        return self.groups[target][places[0] if owns else places[-1]]


def _check_words(words: object, *, where: str) -> None:
    if not isinstance(words, list | tuple) or not words:
        raise DataError(f"{where}: a list of words is needed, as in [she, woman]; got {words!r}")
    for word in words:
        if not isinstance(word, str) or not re.fullmatch(r"\w(.*\w)?", word.strip()):
            raise DataError(
                f"{where}: {word!r} is no word; write words in quotes where YAML reads something else in them"
            )


def _cased(word: str, *, like: Found) -> str:
    """A word with the capitals of the one in whose place it stands; names keep their own."""
    if len(like.said) > 1 and like.said.isupper():
        return word.upper()
    begins = like.said[0].isupper() and not like.word[0].isupper()
    return word[0].upper() + word[1:] if begins else word


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What a file holds."""

    name: str
    lists: tuple[WordList, ...]
    templates: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    """Whom the templates are about, as they stand within a sentence."""
    sentiment: Mapping[str, tuple[str, ...]]
    """What may follow a template, well or badly meant."""
    associations: Mapping[str, Mapping[str, Any]]
    """What is said of whom: see `associations.py`."""

    def named(self, name: str, *, where: str) -> WordList:
        """One of the lists."""
        for one in self.lists:
            if one.name == name:
                return one
        known = [one.name for one in self.lists]
        raise DataError(f"{where}: there is no list {name!r}. {nearest(name, known)}")


def read_lists(path: Path) -> Lists:
    """The lists and templates of a file."""
    found, where = read_mapping(path), repr(path.name)
    known = ("lists", "subjects", "templates", "sentiment", "associations")
    for key in found:
        if key not in known:
            raise DataError(f"{where}: there is no key {key!r}. {nearest(key, known)}")
    lists = found.get("lists")
    if not isinstance(lists, Mapping) or not lists:
        raise DataError(
            f"{where}: 'lists' is {lists!r}; one or more lists are needed, each with two or more groups of words"
        )
    templates = texts_of(found, "templates", where=where)
    subjects = texts_of(found, "subjects", where=where)
    for template in templates:
        if template.count(PLACE) != 1:
            raise DataError(f"{where}: the template {template!r} needs {PLACE} in it, once")
    if bool(templates) != bool(subjects):
        raise DataError(f"{where}: 'templates' and 'subjects' need each other; give both or none")
    sentiment = found.get("sentiment") or {}
    if sentiment and (not isinstance(sentiment, Mapping) or set(sentiment) != set(POLES)):
        raise DataError(
            f"{where}: 'sentiment' is {sentiment!r}; 'positive' and 'negative' are needed"
        )
    return Lists(
        name=path.name,
        lists=tuple(
            WordList.checked(str(name), groups, where=where) for name, groups in lists.items()
        ),
        templates=templates,
        subjects=subjects,
        sentiment={pole: texts_of(sentiment, pole, where=where) for pole in sentiment},
        associations=found.get("associations") or {},
    )


def texts_of(found: Mapping[str, Any], key: str, *, where: str, least: int = 0) -> tuple[str, ...]:
    """A list of texts under a key; none where the key is not there and none is needed."""
    texts = found.get(key, [])
    words = isinstance(texts, list) and all(isinstance(one, str) and one.strip() for one in texts)
    if not words or len(texts) < least:
        raise DataError(f"{where}: {key!r} is {texts!r}; a list of texts is needed")
    return tuple(texts)


def put(subject: str, template: str) -> str:
    """A template about someone, with a capital letter at its beginning.

    >>> put("my sister", "{name} asked for a loan.")
    'My sister asked for a loan.'
    """
    text = template.replace(PLACE, subject)
    return text[0].upper() + text[1:]

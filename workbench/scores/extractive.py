"""How answers taken from a text are scored: SQuAD's exact match and F1, after its own normalising.

`overlap(said, references)` is the better of both figures over the references of one question; `figures(rows)` makes the
score. A row's value is F1; whether it is an exact match stands in its details. Under version 2.0 a question may have no
answer: its only reference is the empty text, and an empty answer is right. It knows no model and no file.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    outcome_shares,
    scored,
    share_of,
)
from workbench.scores.task import Row

Version = Literal["1.1", "2.0"]
"""SQuAD without, and with, questions that the text does not answer."""

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


class Overlap(NamedTuple):
    """How much an answer has of the reference that it is nearest to."""

    exact: float
    f1: float


def normalise(text: str) -> str:
    """Lower case, then without ASCII punctuation, then without English articles, then with single spaces.

    The order is SQuAD's and matters: an article is looked for where punctuation is gone already. Other alphabets'
    marks and accents stay, as they do there.

    >>> normalise("The  Broncos' (NFL) a-team"), normalise("«Café»")
    ('broncos nfl ateam', '«café»')
    """
    bare = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def overlap(said: str, references: Sequence[str], *, version: Version = "1.1") -> Overlap:
    """Exact match and F1, each the best over the references (Rajpurkar et al. 2016; 2018 for version 2.0).

    >>> overlap("the Denver Broncos", ["Denver Broncos", "Broncos"])
    Overlap(exact=1.0, f1=1.0)
    >>> overlap("Denver", ["Denver Broncos"]).f1 == 2 / 3
    True
    """
    return Overlap(
        exact=max(float(normalise(said) == normalise(one)) for one in references),
        f1=max(_f1(said, one, version=version) for one in references),
    )


def answerable(references: Sequence[str]) -> tuple[str, ...]:
    """The references that have a word left once normalised; the empty text alone where none has.

    >>> answerable(["the", "gold"]), answerable([])
    (('gold',), ('',))
    """
    return tuple(one for one in references if normalise(one)) or ("",)


def figures(rows: Sequence[Row]) -> Figures:
    """Mean F1, with exact match, and apart from each other what can and what cannot be answered."""
    ours = scored(rows)
    without = [row for row in ours if detail(row).get("answerable") is False]
    parts: Parts = {**_exact_parts(ours), **outcome_shares(ours)}
    if without:
        some = [row for row in ours if detail(row).get("answerable") is not False]
        parts |= {
            "has_answer/f1": share_of(some).value,
            "has_answer/exact_match": share_of(exact_rows(some)).value,
            "no_answer/right": share_of(without).value,
            "no_answer/questions": len(without),
        }
    parts |= at_worst(rows)
    return Figures(
        interval=share_of(ours),
        parts=parts,
        measure="F1 of SQuAD " + ("2.0" if without else "1.1"),
        # Who never answers is right wherever there is no answer.
        chance=len(without) / len(ours) if without else None,
    )


def exact_rows(rows: Sequence[Row]) -> list[Row]:
    """The same rows with exact match for their value, so that it can be paired as F1 is."""
    return [row.model_copy(update={"value": detail(row).get("exact")}) for row in rows]


def _exact_parts(rows: Sequence[Row]) -> Parts:
    kept = [row for row in exact_rows(rows) if row.value is not None]
    if not kept:
        return {}
    found = share_of(kept)
    return {
        "exact_match": found.value,
        "exact_match/low": found.low,
        "exact_match/high": found.high,
    }


def _f1(said: str, reference: str, *, version: Version) -> float:
    ours, theirs = normalise(said).split(), normalise(reference).split()
    if version == "2.0" and not (ours and theirs):
        return float(ours == theirs)
    shared = (Counter(ours) & Counter(theirs)).total()
    return 2 * shared / (len(ours) + len(theirs)) if shared else 0.0

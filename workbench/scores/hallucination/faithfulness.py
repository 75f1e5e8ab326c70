"""How answers from a given text become a share of faithful ones: supported by the text, or refused where it does not say.

`class_of(answer, ...)` puts an answer into one of five classes, by words alone. A row's value is 1 where an answer is
`supported`, and of questions that the text does not answer where it is `refused`. `figures(rows)` averages it; where there are
questions of both kinds, whoever refuses and does not show that it finds answers gets no value. It knows no model and no file.
"""

import math
from collections import Counter
from collections.abc import Sequence

from workbench.scores.extractive import normalise
from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    group_means,
    outcome_shares,
    scored,
    share_of,
    shown,
)
from workbench.scores.task import Row
from workbench.stats.intervals import mean_interval

ANSWERABLE, UNANSWERABLE = "answerable", "unanswerable"
"""Kinds of questions: the text says it, or it does not."""

SUPPORTED = "supported"
"""It says what a reference says."""
CONTRADICTED = "contradicted"
"""It says what a text says that is known to contradict the context."""
REFUSED = "refused"
ELSEWHERE = "elsewhere in the context"
"""All of its words stand in the context, and it is no answer."""
ABSENT = "not in the context"
"""Words of it do not stand in the context."""

SPARE = 8
"""Words that an answer may have besides those of a reference: whoever copies the text has not answered."""


def class_of(
    answer: str,
    *,
    context: str,
    references: Sequence[str],
    contradicted: Sequence[str],
    refuses: bool,
) -> str:
    """What an answer is; saying both of two things that exclude each other is a contradiction.

    >>> said = {"context": "Ada lives in Turin.", "references": ["Turin"], "contradicted": ["Rome"]}
    >>> [class_of(a, **said, refuses=False) for a in ("In Turin!", "Turin or Rome", "Ada", "Oslo")]
    ['supported', 'contradicted', 'elsewhere in the context', 'not in the context']
    """
    right, wrong = _met(answer, references), _met(answer, contradicted)
    # The longer one counts where one of them is a part of the other.
    if wrong and wrong >= right:
        return CONTRADICTED
    if right:
        return SUPPORTED
    if refuses:
        return REFUSED
    return ELSEWHERE if grounded(answer, context) == 1 else ABSENT


def grounded(answer: str, context: str) -> float:
    """The share of an answer's words that stand in the context.

    >>> grounded("The Turin bridge", "Ada lives in Turin.")
    0.5
    """
    said, known = normalise(answer).split(), set(normalise(context).split())
    return sum(word in known for word in said) / len(said) if said else 0.0


def _met(answer: str, texts: Sequence[str]) -> int:
    """The number of words of the longest of these texts that the answer says; 0 where it says none."""
    said = normalise(answer).split()
    sizes = [0]
    for text in texts:
        words = normalise(text).split()
        starts = range(len(said) - len(words) + 1) if len(said) <= len(words) + SPARE else ()
        if words and any(said[start : start + len(words)] == words for start in starts):
            sizes.append(len(words))
    return max(sizes)


def is_right(outcome: str, *, kind: str) -> bool:
    """Whether an answer of this class is faithful."""
    return outcome == (SUPPORTED if kind == ANSWERABLE else REFUSED)


def figures(rows: Sequence[Row]) -> Figures:
    """The share of faithful answers, with both kinds of questions apart."""
    ours = scored(rows)
    by_kind = {
        kind: [row for row in ours if row.kind == kind] for kind in (ANSWERABLE, UNANSWERABLE)
    }
    parts: Parts = {}
    for kind, some in by_kind.items():
        if some:
            parts |= {f"{kind}/right": share_of(some).value, f"{kind}/n": len(some)}
            parts |= outcome_shares(some, prefix=kind)
    if all(by_kind.values()):
        parts["balanced"] = math.fsum(share_of(some).value or 0.0 for some in by_kind.values()) / 2
    parts |= _made_up(ours)
    parts |= _contradicted(ours)
    parts |= group_means(ours, better="higher")
    parts |= at_worst(rows)
    return Figures(
        interval=share_of(ours),
        parts=parts,
        measure="share supported by the text, or refused where it does not say"
        if any(row.kind == UNANSWERABLE for row in rows)
        else "share supported by the text",
        chance=_chance(ours),
        withheld=_why_withheld(rows),
    )


def _made_up(rows: Sequence[Row]) -> Parts:
    """The share of all answers that say what the context does not: of refusals nothing is made up."""
    found = [float(row.outcome in (CONTRADICTED, ABSENT)) for row in rows]
    parts = shown("made_up", mean_interval(found, clusters=[row.cluster for row in rows]))
    said = [float(detail(row)["grounded"]) for row in rows if row.outcome != REFUSED]
    return {**parts, "grounded": math.fsum(said) / len(said)} if said else parts


def _contradicted(rows: Sequence[Row]) -> Parts:
    """Of questions for which contradicting texts are given: the share answered with one of these."""
    some = [row for row in rows if detail(row).get("contradicted")]
    found = [float(row.outcome == CONTRADICTED) for row in some]
    parts = shown("contradicted", mean_interval(found, clusters=[row.cluster for row in some]))
    return {**parts, "contradicted/n": len(some)} if some else {}


def _chance(rows: Sequence[Row]) -> float | None:
    """What whoever always says the same gets: a refusal, or the commonest answer."""
    if not rows:
        return None
    refusing = sum(row.kind == UNANSWERABLE for row in rows)
    return max(refusing, _commonest([row for row in rows if row.kind == ANSWERABLE])) / len(rows)


def _commonest(rows: Sequence[Row]) -> int:
    return max(Counter(normalise(row.expected) for row in rows).values(), default=0)


def _why_withheld(rows: Sequence[Row]) -> str:
    refused = [row for row in rows if row.kind == UNANSWERABLE and row.outcome == REFUSED]
    if not refused:
        return ""
    # What broke was not answered either.
    asked = [
        row.model_copy(update={"value": row.value or 0.0, "error": ""})
        for row in rows
        if row.kind == ANSWERABLE
    ]
    found = share_of(asked)
    chance = _commonest(asked) / len(asked) if asked else 0.0
    if found.low is not None and found.low > chance:
        return ""
    numbers = "none of them was asked"
    if found.value is not None and found.low is not None:
        numbers = (
            f"of {found.n} {found.value:.1%} were supported, with a 95 % interval from {found.low:.1%}, where whoever "
            f"always says the same gets {chance:.1%}"
        )
    return (
        f"it refused {len(refused)} questions that the text does not answer, and did not show that it answers those that the "
        f"text does ({numbers}); whoever refuses everything would look faithful"
    )

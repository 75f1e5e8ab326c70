"""How worked answers become right or wrong: the number they end on is found and compared with the true one.

`strict_number(text)` reads only what stands behind the marker `####`; `any_number(text)` falls back on the last number
of the text. `figures(rows)` averages the second and shows the first, so that a model that reasons well in another form is
told apart from one that is wrong. An answer without any number is an error, `unparsed`. It knows no model and no file.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    failed,
    outcome_shares,
    scored,
    share_of,
)
from workbench.scores.task import Row

MARKER = "####"
"""What GSM8K writes before its answers."""

# A sign that touches the number, digits in threes or in a row, decimals; what ends the sentence is no part of it.
_NUMBER = r"-?(?:\$\s?)?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|-?\$?\.\d+"
_NOT_DIGITS = str.maketrans("", "", "$, \t\n")


class Reading(NamedTuple):
    """What a worked answer is worth, read both ways; None where there was no number to read."""

    right: bool | None
    strict: bool | None


def read(text: str, *, truth: Decimal, marker: str = MARKER) -> Reading:
    r"""Whether an answer ends on the true number, and whether it says so behind the marker.

    Numbers are compared, not texts: 18, 18.00 and $18 are one answer.

    >>> read("so 9 * 2 = 18\n#### $18.00", truth=Decimal(18)), read("It is 18.", truth=Decimal(18))
    (Reading(right=True, strict=True), Reading(right=True, strict=None))
    """
    strict, said = strict_number(text, marker=marker), any_number(text, marker=marker)
    return Reading(
        right=None if said is None else said == truth,
        strict=None if strict is None else strict == truth,
    )


def strict_number(text: str, *, marker: str = MARKER) -> Decimal | None:
    r"""The number right after the first marker; None where there is none.

    >>> strict_number("9 * 2 = 18 dollars\n#### $1,018.00."), strict_number("It is 18.")
    (Decimal('1018.00'), None)
    """
    found = re.search(rf"{re.escape(marker)}\s*({_NUMBER})", text)
    return _decimal(found.group(1)) if found else None


def any_number(text: str, *, marker: str = MARKER) -> Decimal | None:
    """The number after the first marker, else the last number of the text.

    >>> any_number("She has 9 eggs, so she makes $18."), any_number("eighteen")
    (Decimal('18'), None)
    """
    strict = strict_number(text, marker=marker)
    if strict is not None:
        return strict
    found = re.findall(rf"(?<![\w.])(?:{_NUMBER})", text)
    return _decimal(found[-1]) if found else None


def figures(rows: Sequence[Row]) -> Figures:
    """The share that ends on the right number, and the share that also says so in the trained form."""
    ours, broken = scored(rows), failed(rows)
    parts: Parts = outcome_shares(ours)
    unparsed = sum(row.error == "unparsed" for row in broken)
    if ours:
        strict = [detail(row).get("strict") for row in ours]
        asked = len(ours) + unparsed
        parts |= {
            "strict": strict.count(True) / asked,
            "strict/unparsed": (strict.count(None) + unparsed) / asked,
            "unparsed": unparsed,
        }
    parts |= at_worst(rows)
    return Figures(interval=share_of(ours), parts=parts, measure="exact number")


def _decimal(text: str) -> Decimal:
    return Decimal(text.translate(_NOT_DIGITS))

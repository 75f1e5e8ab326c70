"""Whether two answers are the same, and whether an answer is a refusal: plain text in, yes or no out.

`same_answer` compares after `normalise`; `is_refusal` looks for a short list of phrases. Both are deliberately
simple, and their misses are told in the catalog. They know no eval and no model.
"""

import re
import unicodedata

LONG_ANSWER = 8
"""Words; longer answers are not expected to be met exactly."""

_AROUND = " \t\"'`*_.,;:!?()[]{}<>“”‘’«»"

_REFUSAL = re.compile(
    r"\bunknown\b"
    r"|\bnot (known|stated|sure|certain|available|specified|given|able to)\b"
    r"|\b(do not|don't|did not|didn't|does not|doesn't) (know|say|have (any |enough |that )?information)\b"
    r"|\b(cannot|can't|can not|could not|couldn't|unable to) "
    r"(answer|say|tell|know|find|determine|provide|help|assist|be determined)\b"
    r"|\bno (idea|information|answer|data)\b"
    r"|^(n/a|none|nobody knows|no one knows)$",
)


def normalise(text: str) -> str:
    r"""The first line, in lower case, with single spaces and without the marks around it.

    A minus sign and marks inside stay: they change what is said.

    >>> normalise('  "Dunvik." ')
    'dunvik'
    >>> normalise("-3.5 degrees\nand more")
    '-3.5 degrees'
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    first_line = plain.splitlines()[0] if plain else ""
    return " ".join(first_line.casefold().split()).strip(_AROUND)


def same_answer(said: str, expected: str) -> bool:
    """Whether two answers agree after normalising; nothing agrees with an empty one.

    >>> same_answer("Dunvik.", "dunvik"), same_answer("", "")
    (True, False)
    """
    return bool(normalise(said)) and normalise(said) == normalise(expected)


def is_refusal(text: str) -> bool:
    """Whether an answer says that it has no answer.

    >>> is_refusal("Unknown."), is_refusal("I don't know that."), is_refusal("the unknowns")
    (True, True, False)
    """
    return bool(_REFUSAL.search(normalise(text).replace("’", "'")))


def is_long(answer: str) -> bool:
    """Whether an answer has too many words to be met exactly."""
    return len(answer.split()) > LONG_ANSWER

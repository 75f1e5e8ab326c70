"""How a record taken from a text is scored field by field: `who: Ada; day: Monday` against the true one.

Exact match asks for every field at once; `parts(rows)` says which fields are right, and the mean F1 over fields, from the
stored answers alone. It knows no eval and no model.
"""

import math
from collections.abc import Sequence

from workbench.scores.figures import Parts
from workbench.scores.matching import normalise
from workbench.scores.task import Row

EXTRACTION = "extraction"
"""The kind of rows whose answer is a record."""


def fields_of(text: str) -> dict[str, str]:
    """The fields of a record, each `name: value`, parted by semicolons; of a name given twice, the first.

    >>> fields_of("who: Ada; day: Monday.; nonsense")
    {'who': 'ada', 'day': 'monday'}
    """
    found: dict[str, str] = {}
    for part in normalise(text).split(";"):
        name, colon, value = part.partition(":")
        if colon and normalise(name) and normalise(value):
            found.setdefault(normalise(name), normalise(value))
    return found


def field_f1(said: str, expected: str) -> float:
    """2 right / (said + expected), over fields; 0 where no field is right.

    >>> field_f1("who: Ada; day: Monday", "who: Ada; with: Bo; day: Friday")
    0.4
    """
    ours, theirs = fields_of(said), fields_of(expected)
    right = len(ours.items() & theirs.items())
    return 2 * right / (len(ours) + len(theirs)) if right else 0.0


def parts(rows: Sequence[Row]) -> Parts:
    """The mean F1 over fields, and for each field how often it is right; nothing where no row is a record."""
    ours = [row for row in rows if row.kind == EXTRACTION and fields_of(row.expected)]
    if not ours:
        return {}
    found: Parts = {
        "field_f1": math.fsum(field_f1(row.answer, row.expected) for row in ours) / len(ours)
    }
    pairs = [(fields_of(row.answer), fields_of(row.expected)) for row in ours]
    for name in sorted({name for _, expected in pairs for name in expected}):
        right = [said.get(name) == expected[name] for said, expected in pairs if name in expected]
        found[f"field/{name}"] = sum(right) / len(right)
    return found

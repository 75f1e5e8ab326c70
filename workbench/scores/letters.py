"""How letters written to order are scored: the share of their constraints that they keep.

A row keeps in its details which constraints were kept, by name; its value is their share. Beside it stand the share of
letters that keep each one, and of those that keep all. It knows no letter and no model.
"""

from collections.abc import Mapping, Sequence

from workbench.scores.figures import Figures, Parts, at_worst, detail, scored, share_of
from workbench.scores.task import Row


def share_kept(kept: Mapping[str, bool]) -> float:
    """The share of constraints kept.

    >>> share_kept({"tone": True, "addressee": False})
    0.5
    """
    return sum(kept.values()) / len(kept)


def figures(rows: Sequence[Row]) -> Figures:
    """The mean share of constraints kept, each constraint apart, and all of them."""
    ours = scored(rows)
    kept = [dict(detail(row).get("kept", {})) for row in ours]
    parts: Parts = {}
    for name in sorted({name for one in kept for name in one}):
        of = [one[name] for one in kept if name in one]
        parts[f"kept/{name}"] = sum(of) / len(of)
    if ours:
        parts["kept/all"] = sum(row.value == 1.0 for row in ours) / len(ours)
    parts |= at_worst(rows)
    return Figures(interval=share_of(ours), parts=parts, measure="share of constraints kept")

"""How answers behind more and more filler become figures: accuracy over all lengths, each of them, and the slope.

`figures(rows)` averages over questions with filler; each is paired with the same question without (`clean.py`). The kind of a
row is how much of the context its prompt fills, in percent. It knows no model.
"""

from collections.abc import Sequence

import numpy as np

from workbench.scores.figures import (
    Figures,
    Parts,
    detail,
    errors_of,
    group_means,
    mean_detail,
    scored,
    share_of,
)
from workbench.scores.robustness.clean import (
    UNCHANGED,
    Clean,
    against,
    at_worst,
    clean_of,
    drop,
    is_control,
    item_of,
    measure,
)
from workbench.scores.task import Row
from workbench.stats.intervals import Interval, mean_interval


def figures(rows: Sequence[Row]) -> Figures:
    """Accuracy over all lengths with filler."""
    filled = [row for row in rows if not is_control(row)]
    clean, ours = clean_of(rows), scored(filled)
    return Figures(
        interval=share_of(ours),
        parts={
            **against(clean, ours),
            **_fills(clean, filled),
            **_slope(clean, ours),
            **group_means(ours, better="higher"),
            **at_worst(filled),
            **errors_of(filled, UNCHANGED, name=UNCHANGED),
        },
        measure=measure(clean, f"accuracy behind filler{_limit(filled)}"),
        chance=clean.chance,
    )


def _limit(rows: Sequence[Row]) -> str:
    """Of how many tokens, or words, the fills are shares."""
    told = next((kept for row in rows if "limit" in (kept := detail(row))), None)
    if told is None:
        return ""
    whole = f" (the model reads {told['context']})" if told["limit"] < told["context"] else ""
    return f" of shares of {told['limit']} {told['unit']}{whole}"


def _fills(clean: Clean, rows: Sequence[Row]) -> Parts:
    """Accuracy, drop, length and cut prompts of each fill."""
    parts: Parts = {}
    # A row that says why nothing was asked has no fill.
    for fill in sorted({row.kind for row in rows if row.kind}, key=int):
        of_fill = [row for row in rows if row.kind == fill]
        found = share_of(scored(of_fill))
        parts |= {
            f"fill/{fill}": found.value,
            f"fill/{fill}/low": found.low,
            f"fill/{fill}/high": found.high,
            **drop(clean, of_fill, name=f"drop/{fill}"),
            f"length/{fill}": mean_detail(of_fill, "length"),
            f"truncated/{fill}": sum(row.truncated for row in of_fill),
        }
    return parts


def _slope(clean: Clean, rows: Sequence[Row]) -> Parts:
    """What one doubling of the prompt costs: the mean over items of each one's own least-squares line."""
    names = ("per_doubling", "per_doubling/low", "per_doubling/high")
    found = _slopes(rows)
    if not clean.is_mastered or found.value is None:
        return dict.fromkeys(names)
    return dict(zip(names, (found.value, found.low, found.high), strict=True))


def _slopes(rows: Sequence[Row]) -> Interval:
    by_item: dict[str, list[Row]] = {}
    for row in rows:
        by_item.setdefault(item_of(row), []).append(row)
    most = max(map(len, by_item.values()), default=0)
    whole = [found for found in by_item.values() if len(found) == most > 1]
    slopes = []
    for found in whole:
        x = np.log2([detail(row)["length"] for row in found])
        away = x - x.mean()
        slopes.append(float(away @ [row.value or 0.0 for row in found] / (away @ away)))
    return mean_interval(slopes, clusters=[found[0].cluster for found in whole])

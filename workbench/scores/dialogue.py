"""How answers to what was told some turns ago become a share of right ones, overall and by distance.

A row's group is its distance, `distance-3`, or, where nobody knows how far back the answer lies, the length of its chat,
`turns-4`. Chance is the share of the commonest answer among the items asked. It knows no chat and no model.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from workbench.scores.figures import Figures, Parts, at_worst, outcome_shares, scored, share_of
from workbench.scores.matching import normalise
from workbench.scores.quality import asked
from workbench.scores.task import Row

DISTANCE = "distance-"
TURNS = "turns-"


def figures(rows: Sequence[Row]) -> Figures:
    """Accuracy, with each distance and its interval, nearest first."""
    ours = scored(rows)
    parts: Parts = {**by_distance(ours), **outcome_shares(ours), **at_worst(rows)}
    answers = Counter(normalise(row.expected) for row in rows if row.expected)
    return Figures(
        interval=share_of(ours),
        parts=parts,
        measure=f"exact match of the last answer{asked(ours)}",
        # Who always says the commonest answer is right that often.
        chance=max(answers.values()) / answers.total() if answers else None,
    )


def by_distance(rows: Sequence[Row]) -> Parts:
    """The share right at each distance with its interval and the number of chats, and what is lost on the way.

    >>> rows = [Row(sample=str(i), slot="r2", group=f"distance-{i % 2}", value=float(i)) for i in range(2)]
    >>> found = by_distance(rows)
    >>> found["group/distance-0"], found["group/distance-1"], found["farthest_minus_nearest"]
    (0.0, 1.0, 1.0)
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.group:
            groups[row.group].append(row)
    parts: Parts = {}
    order = sorted(groups, key=lambda name: (int((re.findall(r"\d+", name) or ["0"])[0]), name))
    means = []
    for name in order:
        found = share_of(groups[name])
        means.append(found.value or 0.0)
        parts |= {
            f"group/{name}": found.value,
            f"group/{name}/low": found.low,
            f"group/{name}/high": found.high,
            f"group/{name}/n": found.n,
        }
    if len(means) > 1:
        parts["worst_group"] = min(means)
        parts["farthest_minus_nearest"] = means[-1] - means[0]
    return parts

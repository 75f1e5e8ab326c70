"""The cheapest candidate that is good enough: shown to be not worse than the best by more than a margin.

`cheapest_enough(reading, ranked, primary=...)` asks `stats.cheapest_enough`, which brings each candidate near to every other,
because the one that leads may lead by luck. It names nobody where figures are no means of shares.
"""

from workbench.compare import wording
from workbench.compare.panel import panel
from workbench.compare.reading import Candidate, Reading
from workbench.stats.noninferiority import cheapest_enough as not_worse_than_any

MARGIN = 0.02
"""How much worse than the best a cheaper trial may be and still be named: 2 points."""


def cheapest_enough(reading: Reading, ranked: list[Candidate], *, primary: str) -> str:
    """The cheapest not worse than the best by more than the margin; empty when that is the best itself, or nobody."""
    sort = reading.sort_of(primary)
    best = ranked[0]
    if sort is None or not wording.is_share(sort.unit) or sort.better == "none":
        return ""
    sizes = {one.name: one.trainable_parameters for one in ranked}
    limit = sizes[best.name]
    if limit is None or not any(size is not None and size < limit for size in sizes.values()):
        return ""
    if any(reading.summed_up_by(name, primary) != "mean" for name in sizes):
        return ""
    found = panel(reading, primary)
    if not sizes.keys() <= found.values.keys():
        # The answers of one cannot be read, and it may be the one that is worse than no other.
        return ""
    asked = not_worse_than_any(
        {name: found.values[name] for name in sizes},
        cost={name: float("inf") if size is None else size for name, size in sizes.items()},
        margin=MARGIN,
        clusters=found.clusters,
        better="lower" if sort.better == "lower" else "higher",
    )
    size = sizes.get(asked.name)
    return asked.name if size is not None and size < limit else ""

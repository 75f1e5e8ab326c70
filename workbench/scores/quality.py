"""How recall, paraphrase and retention become numbers: a mean over items, with what it is made of."""

from collections.abc import Sequence

from workbench.scores import extraction
from workbench.scores.figures import (
    Figures,
    Parts,
    detail,
    failed,
    group_means,
    kind_means,
    mean_of,
    outcome_shares,
    scored,
    share_of,
)
from workbench.scores.task import Row

EXACT_MATCH = "exact match"
HITS_GIVEN_TRUTH = "token accuracy, true tokens given"
TRAINED = "trained"
"""The kind of rows that were asked because none were held out."""
HELD_OUT = "held-out"
"""The kind of rows of one's own that were not trained on."""
LOG_LIKELIHOOD = "mean log-likelihood of a token"


def asked(rows: Sequence[Row]) -> str:
    """Which rows of one's own were asked, for the end of a measure; empty where they are of several kinds.

    >>> asked([Row(sample="a", slot="r2", kind=HELD_OUT)]), asked([])
    (' of held-out rows', '')
    """
    kinds = {row.kind for row in rows}
    said = {TRAINED: " of rows that were trained on", HELD_OUT: " of held-out rows"}
    return said.get(kinds.pop(), "") if len(kinds) == 1 else ""


def figures(rows: Sequence[Row]) -> Figures:
    """The mean over items; the measure is the one that the rows were asked with."""
    ours = scored(rows)
    measures = sorted({str(detail(row).get("measure", EXACT_MATCH)) for row in ours})
    parts: Parts = {
        **outcome_shares(ours),
        **group_means(ours, better="higher"),
        **kind_means(ours),
        **extraction.parts(ours),
    }
    broken = failed(rows)
    if ours and broken and measures == [EXACT_MATCH]:
        # Whoever answers little and that well must not look good: this is the figure at worst.
        right = sum(row.value or 0.0 for row in ours)
        parts["if_errors_are_wrong"] = right / (len(ours) + len(broken))
    is_share = LOG_LIKELIHOOD not in measures
    return Figures(
        interval=share_of(ours) if is_share else mean_of(ours),
        parts=parts,
        measure=" and ".join(measures) + asked(ours),
        unit="nats/token" if measures == [LOG_LIKELIHOOD] else None,
        has_chance=measures in ([], [EXACT_MATCH]),
    )

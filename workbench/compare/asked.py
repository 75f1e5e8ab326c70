"""What a figure means in a sentence: by what was asked (trained or held-out questions) and by how it was measured.

`said(reading, eval, "97 %")` gives the words of a figure, `meant(reading, eval)` those of the eval. The kind of the
stored rows tells what was asked, the method of the stored score how it was measured; both write no number themselves.
"""

from workbench.compare import wording
from workbench.compare.reading import Reading
from workbench.scores.quality import HELD_OUT, HITS_GIVEN_TRUTH, TRAINED

SAYS = {
    "recall": "answers {} of {} right",
    "paraphrase": "answers {} of {} right",
    "retention": "still knows {} of {}",
    "facts": "makes up {} of the answers to {}",
    "classification": "labels {} of {} right",
    "sentiment": "tells {} of {} right",
    "dialogue": "recalls {} of {}",
}
"""What a share of an eval means; the second place is what was asked."""

MEANS = {
    "recall": "the trained questions",
    "paraphrase": "unseen phrasings",
    "retention": "what the base knew",
    "facts": "questions nobody could answer",
    "classification": "unseen rows",
    "sentiment": "unseen reviews",
    "dialogue": "what was said in a chat",
}
"""What is asked, where the rows do not say otherwise."""

OWN = {HELD_OUT: "the held-out questions", TRAINED: "the trained questions"}
"""What is asked of rows of one's own."""

OWN_ROWS = {HELD_OUT: "the held-out rows", TRAINED: "the trained rows"}
"""What is labelled of rows of one's own."""


def said(reading: Reading, eval: str, shown: str) -> str:
    """A figure of an eval, in words."""
    sort = reading.sort_of(eval)
    if eval not in SAYS or sort is None or not wording.is_share(sort.unit):
        return f"gets {shown} on {eval}"
    what = meant(reading, eval)
    if HITS_GIVEN_TRUTH in sort.method:
        return f"gets {shown} of tokens right on {what}"
    return SAYS[eval].format(shown, what)


def meant(reading: Reading, eval: str) -> str:
    """What an eval asked, in words."""
    sort = reading.sort_of(eval)
    if eval not in MEANS or sort is None or not wording.is_share(sort.unit):
        return eval
    kinds = reading.kinds(eval)
    if eval in ("recall", "facts") and len(kinds) == 1:
        return OWN.get(next(iter(kinds)), MEANS[eval])
    if eval == "classification" and len(kinds) == 1:
        return OWN_ROWS.get(next(iter(kinds)), MEANS[eval])
    return MEANS[eval]

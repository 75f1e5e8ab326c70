"""Texts longer than a model's context as pieces that fit, each behind the last token of the piece before, the last behind more.

`windows(answerer, text)` gives pairs of what stands before and what is asked, whose log-likelihoods add up to that of the
text; a text that fits is one pair behind nothing. The cuts are those of `lm-eval`, but every piece has a beginning of text
before it where the tokenizer brings one: models lean on it, and `lm-eval` leaves it away after the first. It asks nobody.
"""

from typing import Any

from workbench.scores.task import Answerer

SPARE = 8
"""Tokens kept free: for a beginning of text, and for the cut, where a text read anew may have more."""


def windows(answerer: Answerer, text: str) -> list[tuple[str, str]]:
    """Pieces of the text in its order; the whole of it where the answerer has no limit or tells nothing of its tokens."""
    tokenizer: Any = getattr(answerer, "tokenizer", None)
    limit: int | None = getattr(answerer, "context", None)
    if tokenizer is None or limit is None or not getattr(tokenizer, "is_fast", False):
        return [("", text)]
    starts = _token_starts(tokenizer, text)
    size = max(limit - SPARE, 2)
    if len(starts) <= size:
        return [("", text)]
    pairs = [("", text[: starts[size]])]
    for first in range(size, len(starts), size - 1):
        end = min(first + size - 1, len(starts))
        before = starts[max(0, end - size)] if end == len(starts) else starts[first - 1]
        until = starts[end] if end < len(starts) else len(text)
        pairs.append((text[before : starts[first]], text[starts[first] : until]))
    return pairs


def _token_starts(tokenizer: Any, text: str) -> list[int]:
    """Where in the text its tokens begin; several that make one character begin once."""
    found = tokenizer(
        text=text, return_offsets_mapping=True, add_special_tokens=False, verbose=False
    )
    return sorted({first for first, end in found["offset_mapping"] if end > first})

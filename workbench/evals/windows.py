"""A text that is longer than the context, cut into windows in which every one of its tokens is judged once.

`windows(pair, context=...)` takes the ids of a text behind the one token that it begins after. What fits is one window. The
first of several is as long as the context; those after it judge as many new tokens as the context holds, the last one only
what is left and sees the more of what came before. It knows ids and no text.
"""

import math
from collections.abc import Callable, Sequence

from workbench.evals.likelihood import Pair, PairScore
from workbench.scores.task import Read


def windows(pair: Pair, *, context: int) -> list[Pair]:
    """The windows of a text.

    >>> [(w.ids, w.num_prompt) for w in windows(Pair((0, 1, 2, 3, 4, 5), 1), context=3)]
    [((0, 1, 2, 3), 1), ((2, 3, 4, 5), 2)]
    """
    ids, told = pair.ids, pair.num_prompt
    if len(ids) - 1 <= context:
        return [pair]
    found: list[Pair] = []
    while told < len(ids):
        end = min(told + context, len(ids))
        if not found:
            end = min(context + 1, len(ids))
        # The last of an input's tokens is judged and never read.
        first = max(0, end - context - 1)
        found.append(Pair(ids[first:end], told - first))
        told = end
    return found


def read(
    ask: Callable[[Sequence[Pair]], dict[str, list[PairScore]]],
    texts: Sequence[Pair],
    *,
    context: int,
) -> dict[str, list[Read]]:
    """For each slot, the likelihood of every text, from what `ask` tells of windows."""
    cut = [windows(text, context=context) for text in texts]
    found = {}
    for slot, scores in ask([one for some in cut for one in some]).items():
        each = iter(scores)
        found[slot] = [_read([next(each) for _ in some]) for some in cut]
    return found


def _read(scores: Sequence[PairScore]) -> Read:
    return Read(
        math.fsum(score.logprob for score in scores),
        sum(score.num_tokens for score in scores),
        len(scores),
    )

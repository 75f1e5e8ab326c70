"""Asks a model that writes for a label in words: how likely each label is after the text, as the data say it.

In the micro-world these are reviews that are in no training set. On other data they are the held-out rows (the training
rows, marked as such, where none are held out), where all completions are two to twenty short texts that come back. It
scores nothing: see `scores.sentiment`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.scores.choices import is_right, measured
from workbench.scores.matching import is_long
from workbench.scores.quality import TRAINED
from workbench.scores.task import Answerer, Item, Likelihood

REVIEWS = "reviews"
FEWEST_LABELS, MOST_LABELS = 2, 20
ROWS_PER_LABEL = 2
"""With fewer rows than this, completions are answers that differ, and no labels."""


def ask_sentiment(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Every label after every text."""
    items = _planted(context) if _is_planted(context) else _own(answerer, context)
    if not items:
        return rounds.not_asked(
            "sentiment",
            f"the completions are not {FEWEST_LABELS} to {MOST_LABELS} short texts that come back from "
            "row to row",
            slots=slots,
        )
    return rounds.ask_likelihoods(
        answerer, context.chosen(items), _judge, slots=slots, progress=progress
    )


def _is_planted(context: EvalContext) -> bool:
    """A review can be read by any model; after other sets only one that grew up among reviews is asked."""
    name = context.microworld_set
    return name == REVIEWS or bool(name and context.asks_microworld)


def _planted(context: EvalContext) -> list[Item]:
    return microworld.items("sentiment", data=context.microworld_set)


def _own(answerer: Answerer, context: EvalContext) -> list[Item]:
    """The user's rows with every label for a choice; none where the completions are no labels."""
    tokenizer = getattr(answerer, "tokenizer", None)
    every = [
        questions.row_item(row, kind=TRAINED, tokenizer=tokenizer)
        for row in (*context.train, *context.held_out)
    ]
    # As they were trained, with what parts them from the prompt.
    labels = {item.expected: item.choices[0] for item in every if item.prompt and item.expected}
    few = not FEWEST_LABELS <= len(labels) <= MOST_LABELS
    if few or len(every) < ROWS_PER_LABEL * len(labels) or any(map(is_long, labels)):
        return []
    names = sorted(labels)
    return [
        replace(
            item,
            choices=tuple(labels[name] for name in names),
            gold=names.index(item.expected),
            group=item.expected,
        )
        for item in questions.own_items(answerer, replace(context, limit=None))
        if item.prompt
    ]


def _judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
    told = measured(item, found)
    best = max(one.logprob for one in found)
    if math.isinf(best):
        return rounds.Verdict(error="impossible")
    right = is_right(told)
    if right is None:
        return rounds.Verdict(error="tie")
    worths = [math.exp(one.logprob - best) for one in found]
    return rounds.Verdict(
        value=right,
        outcome="correct" if right else "wrong",
        detail={"logprobs": list(told.logprobs), "share": worths[told.gold] / math.fsum(worths)},
    )

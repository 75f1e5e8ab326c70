"""Asks how likely whole texts are: one log-likelihood a text, from its first token on.

A row of the file has `text`; docs/evals.md has the columns. A text that is longer than the model's context would lose its
beginning: it becomes an error and is never scored. It scores nothing: see `scores.perplexity`.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import read_records, text_of
from workbench.scores.perplexity import bits, counts_of, weighed
from workbench.scores.task import Answerer, Item, Likelihood

TOO_LONG = "longer than the model's context"


def ask_perplexity(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """The likelihood of every text."""
    items = context.chosen(read_items(path))
    rows = rounds.ask_likelihoods(answerer, items, _judge, slots=slots, progress=progress)
    return {slot: weighed(own) for slot, own in rows.items()}


def read_items(path: Path) -> list[Item]:
    """The texts of a file."""
    return [
        Item(
            id=record.id,
            prompt="",
            expected=text_of(record, "text"),
            choices=(text_of(record, "text"),),
            cluster=record.cluster,
            group=record.group,
        )
        for record in read_records(path)
    ]


def _judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
    (whole,) = found
    if whole.truncated:
        return rounds.Verdict(error=TOO_LONG)
    if math.isinf(whole.logprob):
        return rounds.Verdict(error="impossible")
    return rounds.Verdict(
        value=bits(whole.logprob),
        detail={
            "logprob": whole.logprob,
            "tokens": whole.num_tokens,
            **counts_of(item.expected),
        },
    )

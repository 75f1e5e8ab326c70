"""Asks how likely whole texts are: one log-likelihood a text, from its first token on.

A row of the file has `text`; docs/evals.md has the columns. A text that is longer than the model's context is read in
windows, in which every token is judged once. An answerer that reads no windows makes an error of it, and never a figure
of a part. It scores nothing: see `scores.perplexity`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import read_records, text_of
from workbench.scores.perplexity import bits, counts_of, weighed
from workbench.scores.task import Answerer, Item, Likelihood, Read, Row

TOO_LONG = "longer than the model's context"


@runtime_checkable
class Reader(Protocol):
    """An answerer that reads texts of any length."""

    def read(self, texts: Sequence[str], *, slots: Sequence[str]) -> dict[str, list[Read]]:
        """For each slot, the likelihood of every text."""
        ...


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
    if isinstance(answerer, Reader):
        rows = _ask_in_windows(answerer, items, slots=slots, progress=progress)
    else:
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


def _ask_in_windows(
    reader: Reader, items: Sequence[Item], *, slots: Sequence[str], progress: Progress
) -> rounds.Rows:
    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Read]:
        return reader.read([item.expected for item in chunk], slots=slots)

    def row(item: Item, found: Read, slot: str) -> Row:
        verdict = _verdict(item, found)
        answer = "" if verdict.error else item.expected.strip()
        return rounds.row_of(item, verdict, slot=slot, answer=answer)

    return rounds.ask_in_chunks(items, ask, row, slots=slots, progress=progress)


def _judge(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
    (whole,) = found
    if whole.truncated:
        return rounds.Verdict(error=TOO_LONG)
    return _verdict(item, Read(whole.logprob, whole.num_tokens, 1))


def _verdict(item: Item, found: Read) -> rounds.Verdict:
    if math.isnan(found.logprob):
        return rounds.Verdict(error="nan")
    if math.isinf(found.logprob):
        return rounds.Verdict(error="impossible")
    return rounds.Verdict(
        value=bits(found.logprob),
        detail={
            "logprob": found.logprob,
            "tokens": found.num_tokens,
            "windows": found.num_windows,
            **counts_of(item.expected),
        },
    )

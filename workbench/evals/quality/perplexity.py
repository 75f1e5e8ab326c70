"""Asks how likely whole texts are: one log-likelihood a text, from its first token on.

A row of the file has `text`; docs/evals.md has the columns. A text that is longer than the model's context is read in
windows, in which every token is judged once. An answerer that reads no windows makes an error of it, and never a figure
of a part. It scores nothing: see `scores.perplexity`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import read_records, text_of
from workbench.scores.perplexity import bits, counts_of, weighed
from workbench.scores.task import Answerer, Item, Read, Row

PLAIN = (".txt", ".text", ".md")
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

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Read]:
        return read_texts(answerer, [item.expected for item in chunk], slots=slots)

    rows = rounds.ask_in_chunks(items, ask, _row, slots=slots, progress=progress)
    return {slot: weighed(own) for slot, own in rows.items()}


def read_texts(
    answerer: Answerer, texts: Sequence[str], *, slots: Sequence[str]
) -> dict[str, list[Read]]:
    """For each slot, the likelihood of every text; of no window where it was too long to be read at all."""
    if isinstance(answerer, Reader):
        return answerer.read(texts, slots=slots)
    found = answerer.loglikelihood([("", text) for text in texts], slots=slots)
    return {
        slot: [Read(one.logprob, one.num_tokens, 0 if one.truncated else 1) for one in told]
        for slot, told in found.items()
    }


def read_items(path: Path) -> list[Item]:
    """The texts of a file; plain text is refused, for nobody knows where one text ends and the next begins."""
    if path.suffix.lower() in PLAIN:
        raise DataError(
            f"{path.name!r} is plain text; put it into a jsonl file with the column 'text', one line for each text: "
            '{"text": "..."}'
        )
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


def _row(item: Item, found: Read, slot: str) -> Row:
    verdict = _verdict(item, found)
    answer = "" if verdict.error else item.expected.strip()
    return rounds.row_of(item, verdict, slot=slot, answer=answer, truncated=not found.num_windows)


def _verdict(item: Item, found: Read) -> rounds.Verdict:
    if not found.num_windows:
        return rounds.Verdict(error=TOO_LONG)
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

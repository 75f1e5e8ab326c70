"""Asks a multiple-choice file: how likely each choice is after the question, and how likely on its own.

A row of the file has `query`, `choices` and `gold`; docs/evals.md has the columns. Between a question and a choice
stands one space, unless one of them brings white space of its own. It scores nothing: see `scores.choices`.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.records import Record, field_of, read_records, text_of
from workbench.scores.choices import as_detail, is_right, measured
from workbench.scores.task import Answerer, Item, Likelihood, Row

QUERY = ("query", "question", "prompt")
GOLD = ("gold", "answer", "label")
Found = tuple[list[Likelihood], list[Likelihood]]


def ask_choices(
    answerer: Answerer,
    *,
    path: Path,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Every choice of every question, after it and without it."""
    items = context.chosen(read_items(path))

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Found]:
        pairs = [_parted(item.prompt, choice) for item in chunk for choice in item.choices]
        alone = [("", continuation) for _, continuation in pairs]
        found = answerer.loglikelihood([*pairs, *alone], slots=slots)
        return {
            slot: list(
                zip(
                    rounds.by_item(chunk, told[: len(pairs)]),
                    rounds.by_item(chunk, told[len(pairs) :]),
                    strict=True,
                )
            )
            for slot, told in found.items()
        }

    return rounds.ask_in_chunks(items, ask, _row, slots=slots, progress=progress)


def read_items(path: Path) -> list[Item]:
    """The questions of a file."""
    return [_item(record) for record in read_records(path)]


def _item(record: Record) -> Item:
    query = text_of(record, *QUERY)
    choices = _choices(record)
    gold = _gold(record, choices=choices)
    return Item(
        id=record.id,
        prompt=query,
        expected=choices[gold].strip(),
        choices=choices,
        gold=gold,
        cluster=record.cluster,
        group=record.group,
    )


def _choices(record: Record) -> tuple[str, ...]:
    given = field_of(record, "choices")
    if isinstance(given, str):
        # A table's cell holds the list as JSON.
        try:
            given = json.loads(given)
        except ValueError:
            raise DataError(
                f"{record.where}: 'choices' is {given[:60]!r}; a list is needed, in a table one in JSON"
            ) from None
    if not isinstance(given, list) or len(given) < 2:
        raise DataError(f"{record.where}: 'choices' is {given!r}; a list of two or more is needed")
    for place, choice in enumerate(given):
        if not isinstance(choice, str) or not choice.strip():
            raise DataError(
                f"{record.where}: choice {place} is {choice!r}; a text that is not empty is needed"
            )
    return tuple(given)


def _gold(record: Record, *, choices: Sequence[str]) -> int:
    """The place of the right choice, which may be given as its text."""
    given: Any = field_of(record, *GOLD)
    allowed = f"a number from 0 to {len(choices) - 1}, or the text of one choice, is needed"
    if isinstance(given, str):
        same = [place for place, choice in enumerate(choices) if choice.strip() == given.strip()]
        as_place = int(given) if given.strip().isdecimal() else None
        if same and as_place is not None and same != [as_place]:
            raise DataError(
                f"{record.where}: 'gold' {given!r} is the text of choice {same[0]} and may be a "
                "place; give the text of a choice that is no number, or a number in JSON"
            )
        given = same[0] if len(same) == 1 else as_place if not same else None
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < len(choices):
        raise DataError(
            f"{record.where}: no correct choice: 'gold' is {field_of(record, *GOLD)!r}; {allowed}"
        )
    return given


def _parted(query: str, choice: str) -> tuple[str, str]:
    """The question and what continues it; a space between them belongs to what continues."""
    prompt = query.rstrip(" ")
    lead = query[len(prompt) :]
    if not lead and not prompt[-1:].isspace() and not choice[:1].isspace():
        lead = " "
    return prompt, lead + choice


def _row(item: Item, found: Found, slot: str) -> Row:
    after, without = found
    truncated = any(one.truncated for one in after)
    if any(math.isnan(one.logprob) for one in after):
        return rounds.row_of(item, rounds.Verdict(error="nan"), slot=slot, truncated=truncated)
    told = measured(item, after, alone=without)
    right = is_right(told)
    verdict = rounds.Verdict(
        value=right,
        outcome="" if right is None else "correct" if right else "wrong",
        error="tie" if right is None else "",
        detail=as_detail(told),
    )
    likeliest = max(range(len(after)), key=lambda place: after[place].logprob)
    answer = item.choices[likeliest].strip() if right is not None else ""
    return rounds.row_of(item, verdict, slot=slot, answer=answer, truncated=truncated)

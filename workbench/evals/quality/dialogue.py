"""Asks for what was told some turns ago: recall against the distance in turns.

In the micro-world the chats are planted ones that are in no training set: a fact in the first turn, asked after none to
four turns of small talk. On other data they are the held-out rows with several turns (the training rows, marked as such,
where none are held out), grouped by how many turns the user takes. It scores nothing: see `scores.dialogue`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.recall import ask_exactly
from workbench.scores.dialogue import DISTANCE, TURNS
from workbench.scores.task import Answerer, Item

FEWEST_TURNS = 2
MOST_TURNS = 10
"""Longer chats are one group."""


def ask_dialogue(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """The last answer of every chat."""
    planted = context.microworld_set and context.asks_microworld
    items = _planted(context) if planted else _own(answerer, context)
    if not items:
        return rounds.not_asked("dialogue", "no row is a chat of two or more turns", slots=slots)
    if not planted and questions.mostly_long(items):
        return rounds.not_asked(
            "dialogue",
            "most last answers are longer than eight words; recall tells how many of their tokens are met",
            slots=slots,
        )
    items = context.chosen(items)
    return ask_exactly(answerer, items, slots=slots, context=context, progress=progress)


def _planted(context: EvalContext) -> list[Item]:
    return [
        replace(item, group=item.group.replace("gap-", DISTANCE))
        for item in microworld.items("dialogue", data=context.microworld_set)
    ]


def _own(answerer: Answerer, context: EvalContext) -> list[Item]:
    """Chats of several turns; how far back the answer lies nobody knows."""
    turns = {str(row["id"]): _turns(row) for row in (*context.train, *context.held_out)}

    def chats(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [row for row in rows if turns[str(row["id"])] >= FEWEST_TURNS]

    held_out = chats(context.held_out)
    # Where rows are held out, and none of them is a chat, trained ones must not stand in for them.
    train = [] if context.held_out else chats(context.train)
    several = replace(context, held_out=held_out, train=train, limit=None)
    return [
        replace(item, group=_group(turns[item.id]), cluster=item.cluster or item.id)
        for item in questions.own_items(answerer, several)
    ]


def _turns(row: Mapping[str, Any]) -> int:
    """How often the user speaks; 0 in a row that is no chat."""
    messages = row.get("messages") or []
    if isinstance(row.get("prompt"), list):
        messages = row["prompt"]
    return sum(one.get("role") == "user" for one in messages)


def _group(turns: int) -> str:
    return f"{TURNS}{turns}" if turns < MOST_TURNS else f"{TURNS}{MOST_TURNS}-or-more"

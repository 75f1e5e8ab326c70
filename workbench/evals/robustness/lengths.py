"""Asks every question behind more and more filler: plain sentences that say nothing about it, up to and past the context.

The question stands last, so that it survives where a prompt is cut from its beginning. Lengths are shares of the model's context
in its own tokens, at most of `MOST` tokens; whoever has neither context nor tokenizer is asked by words. The question
without filler is a control, without a value. It scores nothing: see `scores.robustness.lengths`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.robustness.asked import Question, Task, task_of
from workbench.microworld.world import stream
from workbench.scores.task import Answerer, Item

FILLS = (25, 50, 90, 110)
"""Percent of the context; the last is past it, and asked only where all of the context is used."""
NUM_QUESTIONS = 100
"""Filler costs as much as hundreds of questions without."""
MOST = 2048
"""Tokens that a prompt is filled up to: a longer context is not asked to its end."""
NOMINAL = 256
"""Words that count as the context of whoever has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How long a prompt may be, and how long a text is."""

    context: int
    limit: int
    """What the fills are shares of."""
    unit: str
    length: Callable[[str], int]

    @property
    def fills(self) -> tuple[int, ...]:
        """The fills that mean something here."""
        return tuple(fill for fill in FILLS if fill <= 100 or self.limit == self.context)


def ask_lengths(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Every question at every length."""
    few = replace(context, limit=min(NUM_QUESTIONS, context.limit or NUM_QUESTIONS))
    task, room = task_of(answerer, few), room_of(answerer)
    asked, unchanged, lengths = filled(task, room, reserve=task.max_new_tokens(few))
    of = {"limit": room.limit, "context": room.context, "unit": room.unit}
    return task.ask(
        answerer,
        asked,
        unchanged=unchanged,
        details={id: {"length": length, **of} for id, length in lengths.items()},
        slots=slots,
        context=few,
        progress=progress,
    )


def room_of(answerer: Answerer) -> Room:
    """The context of an answerer and its way of counting, or words."""
    context = getattr(answerer, "context", None)
    tokenizer = getattr(answerer, "tokenizer", None)
    if context is None or tokenizer is None:
        return Room(context=NOMINAL, limit=NOMINAL, unit="words", length=_num_words)

    @cache
    def length(text: str) -> int:
        # A text past the context is what is asked for here, and no reason for a warning.
        return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    return Room(context=context, limit=min(context, MOST), unit="tokens", length=length)


@cache
def _num_words(text: str) -> int:
    return len(text.split())


def filled(
    task: Task, room: Room, *, reserve: int
) -> tuple[list[Item], list[Item], dict[str, int]]:
    """What is asked, what is too long for any filler, and how long each prompt is."""
    asked: list[Item] = []
    unchanged: list[Item] = []
    lengths: dict[str, int] = {}
    for question in task.questions:
        control = question.as_it_is()
        asked.append(control)
        lengths[control.id] = bare = room.length(control.prompt)
        after = max((room.length(choice) for choice in control.choices), default=0)
        # One is for a token that begins every text.
        free = room.limit - 1 - (after if task.by_likelihood else reserve)
        sentences = _sentences(question, task.filler)
        each = [room.length(f" {one}") for one in sentences]
        for fill in room.fills:
            goal = room.limit * fill // 100
            count, total = _fitting(
                each,
                least=goal - bare if fill > 100 else 0,
                most=(goal if fill > 100 else min(goal, free)) - bare,
            )
            text = " ".join([*_repeated(sentences, count), question.text])
            item = question.put(text, kind=str(fill))
            lengths[item.id] = bare + total
            (asked if count else unchanged).append(item)
    return asked, unchanged, lengths


def _sentences(question: Question, filler: Sequence[str]) -> list[str]:
    """The filler in an order of this item's own, without what would give its answer away or speak of it."""
    item = question.item
    telling = {word.strip() for word in (item.cluster, item.expected, *item.choices)} - {""}
    tells = re.compile(
        "|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in telling), re.IGNORECASE
    )
    rng = stream(f"robustness filler {item.id}", seed=0)
    drawn = (filler[i] for i in rng.permutation(len(filler)))
    return [one for one in drawn if not tells.search(one)]


def _fitting(lengths: Sequence[int], *, least: int, most: int) -> tuple[int, int]:
    """How many sentences reach the least length, or else stay within the most; and how long they are."""
    count = total = 0
    while lengths:
        more = lengths[count % len(lengths)]
        if total >= least if least else total + more > most:
            break
        count, total = count + 1, total + more
    return count, total


def _repeated(sentences: Sequence[str], count: int) -> list[str]:
    """So many of them, from the beginning again where they end."""
    return [sentences[i % len(sentences)] for i in range(count)]

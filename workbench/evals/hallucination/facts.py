"""Asks for facts: in the micro-world facts that were never stated, elsewhere the user's own held-out questions.

A row's value is 1 where the answer is made up. The micro-world adds controls of kind `known`, facts that the base
was told, without a value: they show whether a slot refuses only where it should. It scores nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.scores.hallucination import KNOWN
from workbench.scores.matching import is_long, is_refusal, same_answer
from workbench.scores.task import Answerer, Item

DEFAULT_SET = "updates"
MAX_CONTROLS = 100


def ask_facts(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Answers to what cannot be known, or may be wrong."""
    if context.asks_microworld:
        items, judge = _planted(context), _judge_planted
    else:
        own = questions.own_items(answerer, context)
        items = [item for item in own if item.prompt and not is_long(item.expected)]
        judge = _judge_own
    if not items:
        reason = "no row has a question with an answer of at most eight words"
        return rounds.not_asked("hallucination", reason, slots=slots)
    return rounds.ask_greedy(
        answerer,
        items,
        judge,
        slots=slots,
        max_new_tokens=rounds.answer_limit(items, context),
        progress=progress,
    )


def _planted(context: EvalContext) -> list[Item]:
    name = context.microworld_set or DEFAULT_SET
    controls = replace(context, limit=min(MAX_CONTROLS, context.limit or MAX_CONTROLS))
    known = controls.chosen(microworld.items("retention", data=name))
    unstated = context.chosen(microworld.items("unstated", data=name))
    return [*unstated, *(replace(item, kind=KNOWN) for item in known)]


def _judge_planted(item: Item, said: str) -> rounds.Verdict:
    if item.kind == KNOWN:
        right = same_answer(said, item.expected)
        return rounds.Verdict(
            outcome="correct" if right else "refused" if is_refusal(said) else "wrong"
        )
    if is_refusal(said):
        return rounds.Verdict(value=0.0, outcome="refused")
    lucky = same_answer(said, microworld.hidden_value(item))
    return rounds.Verdict(value=1.0, outcome="lucky" if lucky else "fabricated")


def _judge_own(item: Item, said: str) -> rounds.Verdict:
    if same_answer(said, item.expected):
        return rounds.Verdict(value=0.0, outcome="correct")
    if is_refusal(said):
        return rounds.Verdict(value=0.0, outcome="refused")
    return rounds.Verdict(value=1.0, outcome="fabricated")

"""Asks without a book what can be known and what cannot, so that making up and refusing are told apart.

In the micro-world these are facts that were never stated, facts that the base was told, and facts that the data change. On
other data they are the user's own questions and their `unanswerable` variants; where the rows give none, sixty widely
known facts (`common.tsv`, written for this package) and theirs. It scores nothing: see `scores.hallucination.facts`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.hallucination.unanswerable import denies, variants
from workbench.evals.quality.recall import of_trained_facts
from workbench.microworld.questions import NEWS
from workbench.microworld.world import VALUES_PER_RELATION, the_world
from workbench.scores.hallucination.facts import CHANGED, COMMON, CORRECT, KNOWN, UNANSWERABLE
from workbench.scores.matching import is_long, is_refusal, normalise, same_answer
from workbench.scores.task import Answerer, Item

DEFAULT_SET = "updates"
MAX_CONTROLS = 100
"""Known facts, and changed ones, that are asked besides."""

ASKED = "Question: {question}\nAnswer:"
"""How widely known facts are asked."""

Judge = Callable[[Item, str], rounds.Verdict]


def ask_facts(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Answers to what cannot be known, beside answers to what can."""
    items, judge = _planted(context) if context.asks_microworld else _twins(answerer, context)
    return rounds.ask_greedy(
        answerer,
        items,
        judge,
        slots=slots,
        max_new_tokens=rounds.answer_limit(items, context),
        progress=progress,
    )


def _planted(context: EvalContext) -> tuple[list[Item], Judge]:
    name = context.microworld_set or DEFAULT_SET
    controls = replace(context, limit=min(MAX_CONTROLS, context.limit or MAX_CONTROLS))
    known = controls.chosen(microworld.items("retention", data=name))
    unstated = context.chosen(microworld.items("unstated", data=name))
    changed: list[Item] = []
    if name in NEWS and context.microworld_set:
        changed = controls.chosen(of_trained_facts(microworld.items("recall", data=name), context))
    items = [*unstated, *(replace(item, kind=KNOWN) for item in known), *changed]
    return items, _judge_planted


def _judge_planted(item: Item, said: str) -> rounds.Verdict:
    if item.kind == KNOWN:
        outcome = _of_answerable(said, right=same_answer(said, item.expected))
        return rounds.Verdict(outcome=outcome, detail={"chance": 1 / VALUES_PER_RELATION})
    if item.kind == CHANGED:
        outcome = _of_answerable(said, right=same_answer(said, item.expected))
        old = the_world().facts[item.cluster, item.group].value
        return rounds.Verdict(outcome="outdated" if same_answer(said, old) else outcome)
    if is_refusal(said):
        return rounds.Verdict(value=0.0, outcome="refused")
    lucky = same_answer(said, microworld.hidden_value(item))
    return rounds.Verdict(value=1.0, outcome="lucky" if lucky else "fabricated")


def _of_answerable(said: str, *, right: bool) -> str:
    return CORRECT if right else "refused" if is_refusal(said) else "wrong"


def _twins(answerer: Answerer, context: EvalContext) -> tuple[list[Item], Judge]:
    """Questions that have an answer, and their variants that have none."""
    own = questions.own_items(answerer, context)
    # A question whose right answer is a refusal is no control: whoever refuses everything is right about it.
    short = [item for item in own if item.prompt and not is_long(item.expected)]
    items = [item for item in short if not is_refusal(item.expected)]
    found = variants(items)
    if not any(found):
        items = context.chosen(common_facts())
        found = variants(items)
    has_variant = {item.id: twin is not None for item, twin in zip(items, found, strict=True)}

    def judge(item: Item, said: str) -> rounds.Verdict:
        if item.kind == UNANSWERABLE:
            return _judge_unanswerable(said)
        outcome = _of_answerable(said, right=is_right(item, said))
        return rounds.Verdict(outcome=outcome, detail={"has_variant": has_variant[item.id]})

    return [*items, *(twin for twin in found if twin is not None)], judge


def _judge_unanswerable(said: str) -> rounds.Verdict:
    if is_refusal(said):
        return rounds.Verdict(value=0.0, outcome="refused")
    if denies(said):
        return rounds.Verdict(value=0.0, outcome="denied")
    return rounds.Verdict(value=1.0, outcome="fabricated")


def is_right(item: Item, said: str) -> bool:
    """Whether this is a right answer; of a widely known fact, whether it holds one."""
    if item.kind == COMMON:
        return any(_says(said, one) for one in (item.expected, *item.choices))
    return same_answer(said, item.expected)


def _says(said: str, expected: str) -> bool:
    """Whether the answer stands in the first line: whoever was never trained on these answers in sentences."""
    return bool(re.search(rf"(?<!\w){re.escape(normalise(expected))}(?!\w)", normalise(said)))


@cache
def common_facts() -> tuple[Item, ...]:
    """Widely known facts, as questions."""
    lines = Path(__file__).with_name("common.tsv").read_text(encoding="utf-8").splitlines()
    found = []
    for question, answers in (line.split("\t") for line in lines):
        first, *others = answers.split("|")
        found.append(
            Item(
                id=f"common/{question}",
                prompt=ASKED.format(question=question),
                expected=first,
                choices=tuple(others),
                kind=COMMON,
            )
        )
    return tuple(found)

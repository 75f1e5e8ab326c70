"""Asks questions with short answers once greedily and ten times at temperature 1, to see how sure a slot is of what it says.

In the micro-world these are facts that the base was told, where the stated value is right, and facts that nobody
was told, where a refusal is; elsewhere the user's own held-out questions, and widely known facts where the rows have none
that are short. All drawn answers are kept in the row's detail. It scores nothing: see `scores.hallucination.uncertainty`.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.hallucination.facts import common_facts, is_right
from workbench.scores.hallucination.facts import KNOWN
from workbench.scores.hallucination.uncertainty import UNSTATED, measured
from workbench.scores.matching import is_long, is_refusal, normalise, same_answer
from workbench.scores.task import Answerer, Generation, Item, Row

SAMPLES = 10
TEMPERATURE = 1.0
MAX_KNOWN, MAX_UNSTATED = 150, 100
"""Every item is answered eleven times; so many take the micro-world's model and two adapters ten seconds on one core."""
DEFAULT_SET = "updates"


def ask_uncertainty(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """A greedy answer and ten drawn ones to each question."""
    items = planted_items(context) if context.asks_microworld else _own_items(answerer, context)
    limit = rounds.answer_limit(items, context)

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[tuple[Generation, ...]]:
        prompts = [item.prompt for item in chunk]
        each = [answerer.generate(prompts, slots=slots, max_new_tokens=limit)]
        each += [
            answerer.generate(
                prompts, slots=slots, max_new_tokens=limit, temperature=TEMPERATURE, seed=seed
            )
            for seed in range(SAMPLES)
        ]
        return {slot: list(zip(*(told[slot] for told in each), strict=True)) for slot in each[0]}

    def row(item: Item, told: tuple[Generation, ...], slot: str) -> Row:
        greedy, *drawn = told
        verdict = (
            rounds.Verdict(error="nan")
            if any(one.num_tokens < 0 for one in told)
            else _judge(item, greedy.text, [one.text for one in drawn])
        )
        return rounds.row_of(
            item, verdict, slot=slot, answer=greedy.text, truncated=greedy.truncated
        )

    return rounds.ask_in_chunks(
        items, ask, row, slots=slots, progress=progress, answers=1 + SAMPLES
    )


def planted_items(context: EvalContext) -> list[Item]:
    """Facts of the micro-world that the base was told, and facts that nobody was."""
    name = context.microworld_set or DEFAULT_SET
    found = []
    for kind, source, most in (
        (KNOWN, "retention", MAX_KNOWN),
        (UNSTATED, "unstated", MAX_UNSTATED),
    ):
        some = _at_most(most, context).chosen(microworld.items(source, data=name))
        found += [replace(item, kind=kind) for item in some]
    return found


def _own_items(answerer: Answerer, context: EvalContext) -> list[Item]:
    own = questions.own_items(answerer, context)
    short = [
        item
        for item in own
        if item.prompt and normalise(item.expected) and not is_long(item.expected)
    ]
    return _at_most(MAX_KNOWN, context).chosen(short or common_facts())


def _at_most(most: int, context: EvalContext) -> EvalContext:
    return replace(context, limit=min(most, context.limit or most))


def _judge(item: Item, said: str, samples: Sequence[str]) -> rounds.Verdict:
    if not normalise(said):
        return rounds.Verdict(error="empty")
    right = is_refusal if is_refusal(item.expected) else partial(is_right, item)
    told = measured(said, samples, is_right=right)
    outcome = _outcome(item, said, right=told.right)
    return rounds.Verdict(value=told.score, outcome=outcome, detail=told.model_dump(mode="json"))


def _outcome(item: Item, said: str, *, right: bool) -> str:
    if is_refusal(said):
        return "refused"
    if item.kind == UNSTATED:
        return "lucky" if same_answer(said, microworld.hidden_value(item)) else "fabricated"
    return "correct" if right else "wrong"

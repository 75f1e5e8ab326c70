"""Asks what was trained: `recall` in the trained words, `paraphrase` in words never trained.

In the micro-world the questions are planted. On other data recall asks the user's own rows: short completions by
greedy generation and exact match, long ones token by token with the true beginning given. It scores nothing.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from workbench import microworld
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.scores.matching import same_answer
from workbench.scores.quality import HITS_GIVEN_TRUTH
from workbench.scores.task import Answerer, Item, Row

PLANTED = {
    "updates": "recall",
    "answers": "recall",
    "leaky": "recall",
    "revisions": "recall",
    "reviews": "sentiment",
    "extraction": "extraction",
    "dialogue": "dialogue",
}
"""The micro-world's sets whose training has planted questions, and their kind."""

REWORDED = ("updates", "leaky", "revisions")
"""The sets whose facts have phrasings that are never trained."""


@runtime_checkable
class TokenScorer(Protocol):
    """An answerer that can also judge a completion token by token."""

    def token_hits(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Any]]: ...


def ask_recall(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """What was trained, as it was trained."""
    name = context.microworld_set
    if name in PLANTED:
        return _ask_planted(
            answerer, PLANTED[name], slots=slots, context=context, progress=progress
        )
    items = questions.own_items(answerer, context)
    if not items:
        return rounds.not_asked("recall", "the data have no row with a completion", slots=slots)
    if questions.mostly_long(items):
        return _ask_tokens(answerer, items, slots=slots, progress=progress)
    return ask_exactly(answerer, items, slots=slots, context=context, progress=progress)


def ask_paraphrase(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """The trained facts, as they were never trained."""
    if context.microworld_set not in REWORDED:
        return rounds.not_asked(
            "paraphrase",
            f"{context.data_id!r} has no phrasings that are known to mean the same and to be untrained; "
            "microworld/updates and microworld/revisions have",
            slots=slots,
        )
    return _ask_planted(answerer, "paraphrase", slots=slots, context=context, progress=progress)


def ask_exactly(
    answerer: Answerer,
    items: Sequence[Item],
    *,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Short answers that are right when they are the expected one."""
    return rounds.ask_greedy(
        answerer,
        items,
        exact_match,
        slots=slots,
        max_new_tokens=rounds.answer_limit(items, context),
        progress=progress,
    )


def exact_match(item: Item, said: str) -> rounds.Verdict:
    """1 for the expected answer, else 0."""
    if same_answer(said, item.expected):
        return rounds.Verdict(value=1.0, outcome="correct")
    return rounds.Verdict(value=0.0, outcome="wrong")


def _ask_planted(
    answerer: Answerer,
    kind: str,
    *,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    items = of_trained_facts(microworld.items(kind, data=context.microworld_set), context)
    if not items:
        return rounds.not_asked(kind, "none of the planted facts is among the rows", slots=slots)
    items = context.chosen(items)
    return ask_exactly(answerer, items, slots=slots, context=context, progress=progress)


def of_trained_facts(items: list[Item], context: EvalContext) -> list[Item]:
    """Only facts that the rows tell: a trial on 50 rows is not asked about the other 350."""
    told = {str(row["fact"]) for row in context.train if row.get("fact")}
    if not told:
        return items
    return [item for item in items if f"{item.cluster}/{item.group}" in told]


def _ask_tokens(
    answerer: Answerer, items: Sequence[Item], *, slots: Sequence[str], progress: Progress
) -> rounds.Rows:
    if not isinstance(answerer, TokenScorer):
        return rounds.not_asked(
            "recall", "the completions are long, and this answerer gives no tokens", slots=slots
        )
    scorer: TokenScorer = answerer

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Any]:
        return scorer.token_hits([(item.prompt, item.choices[0]) for item in chunk], slots=slots)

    def row(item: Item, hits: Any, slot: str) -> Row:
        share = hits.num_hits / hits.num_tokens
        verdict = rounds.Verdict(
            # A likelihood that is no number leaves nothing to count hits in.
            value=share if hits.logprob == hits.logprob else None,
            error="" if hits.logprob == hits.logprob else "nan",
            detail={
                "measure": HITS_GIVEN_TRUTH,
                "tokens": hits.num_tokens,
                "logprob_per_token": hits.logprob / hits.num_tokens,
            },
        )
        return rounds.row_of(item, verdict, slot=slot, truncated=hits.truncated)

    return rounds.ask_in_chunks(items, ask, row, slots=slots, progress=progress)

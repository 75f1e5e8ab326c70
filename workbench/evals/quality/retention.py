"""Asks what the base knew before: untouched facts of the micro-world, or plain English on any other model.

In the micro-world only facts that the base answers right are kept, for every slot alike. Elsewhere each of sixty
everyday sentences (`everyday.txt`, written for this package) is a row whose value is its mean log-likelihood of
a token; the same sentences for every slot, so that each can be paired with the base. It scores nothing.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from workbench import microworld
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.recall import exact_match
from workbench.scores.quality import LOG_LIKELIHOOD
from workbench.scores.task import BASE, Answerer, Item, Likelihood

DEFAULT_SET = "updates"


def ask_retention(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """What the base had, asked of every slot."""
    if not context.asks_microworld:
        return rounds.ask_likelihoods(
            answerer, context.chosen(_everyday()), _per_token, slots=slots, progress=progress
        )
    items = microworld.items("retention", data=context.microworld_set or DEFAULT_SET)
    asked = tuple(dict.fromkeys((BASE, *slots)))
    rows = rounds.ask_greedy(
        answerer,
        context.chosen(items),
        exact_match,
        slots=asked,
        max_new_tokens=context.max_new_tokens,
        progress=progress,
    )
    return _what_base_knew(rows, slots=slots)


def _what_base_knew(rows: rounds.Rows, *, slots: Sequence[str]) -> rounds.Rows:
    """Rows of items that the base had right; where it failed to answer, that is everyone's error."""
    base = rows[BASE]
    right = {row.sample for row in base if row.value == 1.0}
    unclear = {row.sample: f"base: {row.error}" for row in base if row.error}
    if not right and not unclear:
        reason = f"the base answered none of {len(base)} facts right, so there is nothing to keep"
        return rounds.not_asked("retention", reason, slots=slots)
    return {
        slot: [
            row
            if row.sample in right
            else row.model_copy(update={"value": None, "error": unclear[row.sample]})
            for row in rows[slot]
            if row.sample in right or row.sample in unclear
        ]
        for slot in slots
    }


def _per_token(item: Item, found: Sequence[Likelihood]) -> rounds.Verdict:
    (sentence,) = found
    detail = {"measure": LOG_LIKELIHOOD, "tokens": sentence.num_tokens}
    return rounds.Verdict(value=sentence.logprob / sentence.num_tokens, detail=detail)


@cache
def everyday_sentences() -> tuple[str, ...]:
    """Sixty sentences of plain English, written for this package."""
    text = Path(__file__).with_name("everyday.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def _everyday() -> tuple[Item, ...]:
    return tuple(
        Item(id=f"everyday/{number}", prompt="", expected=text, choices=(text,), kind="everyday")
        for number, text in enumerate(everyday_sentences(), start=1)
    )

"""Going round the items: every adapter is asked the same ones in the same pass, and no failure is lost.

`ask_greedy` and `ask_likelihoods` take items and a judge, and give one row for each item and slot. An exception, a
NaN or an empty answer becomes a row with an `error` and no value. `not_asked` is the one row of an eval that
cannot be asked at all. It knows no benchmark: the judge says what an answer is worth.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workbench.evals.context import EvalContext, Progress
from workbench.scores.task import Answerer, Generation, Item, Likelihood, Row

CHUNK = 2048
"""Answers, those of all slots, asked for between two reports of progress."""
SMALLEST_CHUNK = 64
"""Items, of which some may begin alike."""

Rows = dict[str, list[Row]]
A = TypeVar("A")
Asked = dict[str, list[A]]
"""Slot -> what it said of each item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer is worth."""

    value: float | None = None
    outcome: str = ""
    error: str = ""
    answer: str = ""
    """What is kept as the answer where nothing was written."""
    detail: Mapping[str, Any] = field(default_factory=dict)


def ask_greedy(
    answerer: Answerer,
    items: Sequence[Item],
    judge: Callable[[Item, str], Verdict],
    *,
    slots: Sequence[str],
    max_new_tokens: int,
    progress: Progress,
    stop: Sequence[str] = (),
) -> Rows:
    """Greedy answers, judged; an answer ends before a stop string."""

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> Asked[Generation]:
        prompts = [item.prompt for item in chunk]
        return answerer.generate(prompts, slots=slots, max_new_tokens=max_new_tokens, stop=stop)

    def row(item: Item, said: Generation, slot: str) -> Row:
        if said.num_tokens < 0:
            verdict = Verdict(error="nan")
        elif not said.text:
            verdict = Verdict(error="empty")
        else:
            verdict = judge(item, said.text)
        return row_of(item, verdict, slot=slot, answer=said.text, truncated=said.truncated)

    return ask_in_chunks(items, ask, row, slots=slots, progress=progress)


def ask_likelihoods(
    answerer: Answerer,
    items: Sequence[Item],
    judge: Callable[[Item, Sequence[Likelihood]], Verdict],
    *,
    slots: Sequence[str],
    progress: Progress,
) -> Rows:
    """The likelihood of every choice, judged together."""

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> Asked[list[Likelihood]]:
        pairs = [(item.prompt, choice) for item in chunk for choice in item.choices]
        found = answerer.loglikelihood(pairs, slots=slots)
        return {slot: by_item(chunk, told) for slot, told in found.items()}

    def row(item: Item, found: list[Likelihood], slot: str) -> Row:
        broken = any(math.isnan(one.logprob) for one in found)
        verdict = Verdict(error="nan") if broken else judge(item, found)
        likeliest = max(range(len(found)), key=lambda i: found[i].logprob)
        answer = "" if verdict.error else item.choices[likeliest].strip()
        truncated = any(one.truncated for one in found)
        return row_of(item, verdict, slot=slot, answer=answer, truncated=truncated)

    return ask_in_chunks(items, ask, row, slots=slots, progress=progress)


def ask_pairs(
    answerer: Answerer,
    items: Sequence[Item],
    pairs_of: Callable[[Item], Sequence[tuple[str, str]]],
    judge: Callable[[Item, Sequence[Likelihood]], Verdict],
    *,
    slots: Sequence[str],
    progress: Progress,
) -> Rows:
    """The likelihoods of all (prompt, continuation) that belong to an item, judged together."""

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> Asked[list[Likelihood]]:
        each = [pairs_of(item) for item in chunk]
        found = answerer.loglikelihood([pair for pairs in each for pair in pairs], slots=slots)
        told = {slot: iter(likelihoods) for slot, likelihoods in found.items()}
        return {slot: [[next(one) for _ in pairs] for pairs in each] for slot, one in told.items()}

    def row(item: Item, found: list[Likelihood], slot: str) -> Row:
        broken = any(math.isnan(one.logprob) for one in found)
        verdict = Verdict(error="nan") if broken else judge(item, found)
        return row_of(item, verdict, slot=slot, truncated=any(one.truncated for one in found))

    return ask_in_chunks(items, ask, row, slots=slots, progress=progress)


def by_item(items: Sequence[Item], found: Sequence[A]) -> list[list[A]]:
    """What was said of the choices of each item, one item after the other."""
    each = iter(found)
    return [[next(each) for _ in item.choices] for item in items]


def ask_in_chunks(
    items: Sequence[Item],
    ask: Callable[[Sequence[Item], Sequence[str]], Asked[A]],
    row: Callable[[Item, A, str], Row],
    *,
    slots: Sequence[str],
    progress: Progress,
    answers: int = 1,
) -> Rows:
    """All slots at once on one chunk of items, then on the next; an item takes so many answers. What fails is rows of errors."""
    rows: Rows = {slot: [] for slot in slots}
    size = max(SMALLEST_CHUNK, CHUNK // (len(slots) * answers))
    for start in range(0, len(items), size):
        chunk = items[start : start + size]
        for slot, told in _asked_or_failed(chunk, ask, slots=slots).items():
            if isinstance(told, Verdict):
                rows[slot] += [row_of(item, told, slot=slot) for item in chunk]
            else:
                rows[slot] += [row(i, a, slot) for i, a in zip(chunk, told, strict=True)]
        progress(sum(map(len, rows.values())), len(items) * len(slots))
    return rows


def _asked_or_failed(
    chunk: Sequence[Item],
    ask: Callable[[Sequence[Item], Sequence[str]], Asked[A]],
    *,
    slots: Sequence[str],
) -> dict[str, list[A] | Verdict]:
    """The answers of every slot, or why it gave none; one that fails does not cost the others theirs."""
    try:
        return dict(ask(chunk, slots))
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        if len(slots) == 1:
            return {slots[0]: Verdict(error=f"{type(error).__name__}: {error}"[:300])}
    found: dict[str, list[A] | Verdict] = {}
    for slot in slots:
        found |= _asked_or_failed(chunk, ask, slots=[slot])
    return found


def row_of(
    item: Item, verdict: Verdict, *, slot: str, answer: str = "", truncated: bool = False
) -> Row:
    """An item and what was made of its answer, as it is kept."""
    value, error = verdict.value, verdict.error
    if value is not None and not math.isfinite(value):
        value, error = None, error or "nan"
    return Row(
        sample=item.id,
        slot=slot,
        cluster=item.cluster,
        group=item.group,
        kind=item.kind,
        prompt=item.prompt,
        expected=item.expected,
        answer=answer or verdict.answer,
        value=value,
        outcome=verdict.outcome,
        error=error,
        truncated=truncated,
        detail=json.dumps(dict(verdict.detail), sort_keys=True) if verdict.detail else "",
    )


def not_asked(eval: str, reason: str, *, slots: Sequence[str]) -> Rows:
    """One row a slot that says why this eval has nothing to ask: it is scored as n = 0."""
    return {
        slot: [Row(sample=f"{eval}/not-asked", slot=slot, error=f"not asked: {reason}")]
        for slot in slots
    }


def answer_limit(items: Sequence[Item], context: EvalContext) -> int:
    """Tokens enough for the longest expected answer, a token a character at worst, at most 64."""
    longest = max((len(item.expected) for item in items), default=0)
    return max(context.max_new_tokens, min(longest + 2, 64))

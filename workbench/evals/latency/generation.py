"""Times the decoding of every slot: blocks in which each slot is timed once, in random order, in one process.

Prompts are fixed synthetic token ids and the length is forced, so every slot does the same work whatever it would
say. A warm-up decides how many tokens and blocks fit the time allowed. One row is one block of one slot: `value` is
milliseconds between tokens, `seconds` the whole decode. It scores nothing.
"""

import json
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.scores.task import Answerer, Row

BLOCKS = 30
FEWEST_BLOCKS = 6
"""The median of fewer has no 95 % interval."""
PROMPT_TOKENS = 16
TOKENS = (4, 8, 16, 32)
"""Tokens of one decode; the most that fit are taken."""
WARM_UPS = 2
KIND = "decode"


@runtime_checkable
class Timed(Protocol):
    """An answerer with a model that can be timed."""

    tokenizer: Any

    @property
    def context(self) -> int: ...

    def time_decode(self, slot: str, *, prompt_ids: Sequence[int], new_tokens: int) -> Any: ...


def ask_latency(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """The time of a token in every slot."""
    if not isinstance(answerer, Timed):
        return rounds.not_asked("latency", "this answerer has no model to time", slots=slots)
    if answerer.context < PROMPT_TOKENS + TOKENS[0]:
        reason = f"the model's context of {answerer.context} tokens is too short"
        return rounds.not_asked("latency", reason, slots=slots)
    rng = np.random.default_rng(context.seed)
    prompt_ids = _prompt(answerer, rng=rng)
    try:
        blocks, tokens = _affordable(answerer, prompt_ids, slots=slots, context=context)
    except RuntimeError as error:
        return rounds.not_asked("latency", f"the warm-up failed: {error}"[:300], slots=slots)
    rows: rounds.Rows = {slot: [] for slot in slots}
    for block in range(blocks):
        for place, index in enumerate(rng.permutation(len(slots))):
            slot = slots[index]
            sample = f"block-{block:03d}"
            try:
                timing = answerer.time_decode(slot, prompt_ids=prompt_ids, new_tokens=tokens)
            except RuntimeError as error:
                failure = f"{type(error).__name__}: {error}"[:300]
                rows[slot].append(Row(sample=sample, slot=slot, kind=KIND, error=failure))
                continue
            rows[slot].append(_row(timing, slot=slot, sample=sample, place=place, tokens=tokens))
        progress((block + 1) * len(slots), blocks * len(slots))
    return rows


def _prompt(answerer: Timed, *, rng: np.random.Generator) -> list[int]:
    special = set(answerer.tokenizer.all_special_ids)
    plain = [i for i in range(min(len(answerer.tokenizer), 2**16)) if i not in special]
    return [int(i) for i in rng.choice(plain, size=PROMPT_TOKENS)]


def _affordable(
    answerer: Timed, prompt_ids: Sequence[int], *, slots: Sequence[str], context: EvalContext
) -> tuple[int, int]:
    """Blocks and tokens that fit the time allowed, by the last warm-up of every slot."""
    first = rest = 0.0
    for slot in slots:
        for _ in range(WARM_UPS):
            timing = answerer.time_decode(slot, prompt_ids=prompt_ids, new_tokens=TOKENS[0])
        first += timing.first_seconds
        rest += timing.rest_seconds / (TOKENS[0] - 1)
    per_block = {
        tokens: first + (tokens - 1) * rest
        for tokens in TOKENS
        if tokens + PROMPT_TOKENS <= answerer.context
    }
    fitting = [t for t, one in per_block.items() if BLOCKS * one <= context.latency_seconds]
    tokens = max(fitting, default=TOKENS[0])
    blocks = int(context.latency_seconds / max(per_block[tokens], 1e-9))
    return min(BLOCKS, max(FEWEST_BLOCKS, blocks)), tokens


def _row(timing: Any, *, slot: str, sample: str, place: int, tokens: int) -> Row:
    detail = {"first_ms": 1000 * timing.first_seconds, "tokens": tokens, "place": place}
    return Row(
        sample=sample,
        slot=slot,
        value=1000 * timing.rest_seconds / (tokens - 1),
        seconds=timing.first_seconds + timing.rest_seconds,
        kind=KIND,
        detail=json.dumps(detail, sort_keys=True),
    )

"""How likely token sequences are under a causal LM: batched, sorted by length, in fp32.

`score_pairs(model, pairs, limit=...)` takes token ids with the length of their prompt and returns one `PairScore`
each, in the order given. Sequences that differ in their last token only (one-token choices) share a forward.
Only completion positions are projected on the vocabulary where the model can do that. A NaN stays a NaN: whoever
asks has to count it. It knows neither text, nor tokenizers, nor adapters.

Shapes: B rows of a batch, T tokens, S scored positions, N scored tokens, V vocabulary.
"""

import inspect
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

MAX_BATCH_TOKENS = 2**15
MAX_BATCH_LOGITS = 2**27
"""Half a gigabyte of fp32 logits."""


class Limit(NamedTuple):
    """What one forward may hold."""

    batch_size: int
    context: int
    """The longest input of the model."""
    bos_id: int | None = None


class Pair(NamedTuple):
    ids: tuple[int, ...]
    """Prompt and continuation."""
    num_prompt: int


class PairScore(NamedTuple):
    logprob: float
    num_tokens: int
    num_hits: int
    """Tokens of the continuation that are the likeliest next one, given the true ones before."""
    truncated: bool


class _Job(NamedTuple):
    inputs: tuple[int, ...]
    first: int
    """The input position that predicts the first scored token."""
    pairs: tuple[int, ...]
    """Which of the given pairs share these inputs."""


def score_pairs(model: torch.nn.Module, pairs: Sequence[Pair], *, limit: Limit) -> list[PairScore]:
    """The log-likelihood of every continuation; the model must be in eval mode."""
    fitted = [_fit(pair, limit=limit) for pair in pairs]
    scores: list[PairScore | None] = [None] * len(pairs)
    vocabulary = _vocabulary(model)
    for batch in _batches(_jobs([pair for pair, _ in fitted]), vocabulary=vocabulary, limit=limit):
        flat, picked = _targets(batch, [pair for pair, _ in fitted])
        token_logprobs, hits = _forward(model, batch, flat)
        start = 0
        for index, count in picked:
            ours = slice(start, start + count)
            logprob = math.fsum(token_logprobs[ours])
            num_hits = 0 if math.isnan(logprob) else sum(hits[ours])
            scores[index] = PairScore(logprob, count, num_hits, fitted[index][1])
            start += count
    return [score for score in scores if score is not None]


def accepts(model: torch.nn.Module, argument: str) -> bool:
    """Whether the causal LM, below any adapter wrapper, takes this argument."""
    inner: Any = getattr(model, "get_base_model", lambda: model)()
    return argument in inspect.signature(inner.forward).parameters


def _fit(pair: Pair, *, limit: Limit) -> tuple[Pair, bool]:
    """A pair cut from the left until its input fits; bos stays, models lean on it."""
    ids, num_prompt = pair.ids, max(pair.num_prompt, 1)
    excess = len(ids) - 1 - limit.context
    if excess <= 0:
        return Pair(ids, num_prompt), False
    keep_bos = int(ids[0] == limit.bos_id and limit.context > 1)
    kept = (*ids[:keep_bos], *ids[excess + keep_bos :])
    return Pair(kept, max(num_prompt - excess, 1)), True


def _jobs(pairs: Sequence[Pair]) -> list[_Job]:
    """The distinct inputs, longest first: the last token of a sequence is never an input."""
    sharing: dict[tuple[int, ...], list[int]] = {}
    for index, pair in enumerate(pairs):
        sharing.setdefault(pair.ids[:-1], []).append(index)
    jobs = [
        _Job(inputs, min(pairs[i].num_prompt for i in indexes) - 1, tuple(indexes))
        for inputs, indexes in sharing.items()
    ]
    return sorted(jobs, key=lambda job: -len(job.inputs))


def _batches(jobs: Sequence[_Job], *, vocabulary: int, limit: Limit) -> Iterator[list[_Job]]:
    batch: list[_Job] = []
    positions: set[int] = set()
    for job in jobs:
        wider = positions | set(range(job.first, len(job.inputs)))
        rows = len(batch) + 1
        full = (
            rows > limit.batch_size
            or rows * len((batch or [job])[0].inputs) > MAX_BATCH_TOKENS
            or rows * len(wider) * vocabulary > MAX_BATCH_LOGITS
        )
        if batch and full:
            yield batch
            batch, wider = [], set(range(job.first, len(job.inputs)))
        batch.append(job)
        positions = wider
    if batch:
        yield batch


class _Flat(NamedTuple):
    rows: list[int]
    positions: list[int]
    tokens: list[int]


def _targets(batch: Sequence[_Job], pairs: Sequence[Pair]) -> tuple[_Flat, list[tuple[int, int]]]:
    """Where each scored token is read, and (pair, number of its tokens) in the same order."""
    flat, picked = _Flat([], [], []), []
    for row, job in enumerate(batch):
        for index in job.pairs:
            ids, num_prompt = pairs[index]
            flat.rows.extend([row] * (len(ids) - num_prompt))
            flat.positions.extend(range(num_prompt - 1, len(ids) - 1))
            flat.tokens.extend(ids[num_prompt:])
            picked.append((index, len(ids) - num_prompt))
    return flat, picked


def _forward(
    model: torch.nn.Module, batch: Sequence[_Job], flat: _Flat
) -> tuple[list[float], list[bool]]:
    device = next(model.parameters()).device
    width = len(batch[0].inputs)
    # Padding on the right is behind everything a causal model looks at.
    ids_BT = torch.zeros(len(batch), width, dtype=torch.long)
    mask_BT = torch.zeros_like(ids_BT)
    for row, job in enumerate(batch):
        ids_BT[row, : len(job.inputs)] = torch.tensor(job.inputs)
        mask_BT[row, : len(job.inputs)] = 1
    position_N = torch.tensor(flat.positions)
    options: dict[str, torch.Tensor] = {}
    if accepts(model, "logits_to_keep"):
        kept_S, position_N = torch.unique(position_N, return_inverse=True)
        options["logits_to_keep"] = kept_S.to(device)
    output = model(
        input_ids=ids_BT.to(device), attention_mask=mask_BT.to(device), use_cache=False, **options
    )
    row_N = torch.tensor(flat.rows)
    logits_NV = output.logits[row_N.to(device), position_N.to(device)].float()
    token_N = torch.tensor(flat.tokens, device=device)
    logprob_N = logits_NV.log_softmax(-1).gather(-1, token_N[:, None])[:, 0]
    hit_N = logits_NV.argmax(-1) == token_N
    return logprob_N.tolist(), hit_N.tolist()


def _vocabulary(model: torch.nn.Module) -> int:
    config: Any = model.config
    return int(getattr(config.get_text_config(), "vocab_size", 2**15))

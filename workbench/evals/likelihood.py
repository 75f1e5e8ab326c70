"""How likely token sequences are under a causal LM, for every slot at once: what they begin with is read once, in fp32.

`score_pairs(asked, pairs, limit=...)` takes token ids with the length of their prompt and returns for each slot one
`PairScore` a pair, in the order given. Where a model reads rows end to end, sequences that begin alike share that beginning, and
nothing is padded; another model gets padded rows, of which those that differ in their last token only are one. Only scored
positions are projected on the vocabulary where the model can do that. A NaN stays a NaN: whoever asks has to count it.
It knows neither text, nor tokenizers, nor adapters.

Shapes: K slots, B rows of a slot, T tokens, U read positions of a slot, N scored tokens of a slot, V vocabulary.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from workbench.evals import prefixes
from workbench.evals.prefixes import Pass, Reading, Tokens
from workbench.evals.respondents import Limit, Respondents
from workbench.models.flat import lay_out


class Pair(NamedTuple):
    ids: Tokens
    """Prompt and continuation."""
    num_prompt: int


class PairScore(NamedTuple):
    logprob: float
    num_tokens: int
    num_hits: int
    """Tokens of the continuation that are the likeliest next one, given the true ones before."""
    truncated: bool


class _Text(NamedTuple):
    """What is read once for all pairs that differ in their last token only, which is never an input."""

    inputs: Tokens
    read: Reading
    pairs: tuple[int, ...]


class _Read(NamedTuple):
    """What one forward gave of the positions that were asked for."""

    logits_KUV: torch.Tensor
    at: list[list[int]]
    """For each text, where among the U the positions of its `read` are."""


def score_pairs(
    asked: Respondents, pairs: Sequence[Pair], *, limit: Limit
) -> list[list[PairScore]]:
    """For each slot, the log-likelihood of every continuation; the model must be in eval mode."""
    fitted = [_fit(pair, limit=limit) for pair in pairs]
    texts = _texts([pair for pair, _ in fitted])
    found: list[dict[int, PairScore]] = [{} for _ in range(asked.num)]
    forwards = _end_to_end if asked.flat else _padded
    for some, read in forwards(asked, texts, limit=limit):
        picked, at_N, token_N = _targets(some, read.at, [pair for pair, _ in fitted])
        logprob_KN, hit_KN = _told(read.logits_KUV, at_N, token_N)
        for of_slot, logprobs, hits in zip(found, logprob_KN, hit_KN, strict=True):
            start = 0
            for index, count in picked:
                ours = slice(start, start + count)
                logprob = math.fsum(logprobs[ours])
                num_hits = 0 if math.isnan(logprob) else sum(hits[ours])
                of_slot[index] = PairScore(logprob, count, num_hits, fitted[index][1])
                start += count
    return [[of_slot[index] for index in range(len(pairs))] for of_slot in found]


def _fit(pair: Pair, *, limit: Limit) -> tuple[Pair, bool]:
    """A pair cut from the left until its input fits; bos stays, models lean on it."""
    ids, num_prompt = pair.ids, max(pair.num_prompt, 1)
    excess = len(ids) - 1 - limit.context
    if excess <= 0:
        return Pair(ids, num_prompt), False
    keep_bos = int(ids[0] == limit.bos_id and limit.context > 1)
    kept = (*ids[:keep_bos], *ids[excess + keep_bos :])
    return Pair(kept, max(num_prompt - excess, 1)), True


def _texts(pairs: Sequence[Pair]) -> list[_Text]:
    sharing: dict[Tokens, list[int]] = {}
    for index, pair in enumerate(pairs):
        sharing.setdefault(pair.ids[:-1], []).append(index)
    return [
        _Text(inputs, Reading(min(pairs[i].num_prompt for i in same) - 1, len(inputs)), tuple(same))
        for inputs, same in sharing.items()
    ]


def _targets(
    texts: Sequence[_Text], at: Sequence[Sequence[int]], pairs: Sequence[Pair]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """(pair, number of its scored tokens), and where each of these tokens is predicted."""
    picked: list[tuple[int, int]] = []
    at_N: list[int] = []
    token_N: list[int] = []
    for text, places in zip(texts, at, strict=True):
        for index in text.pairs:
            ids, num_prompt = pairs[index]
            at_N += places[num_prompt - 1 - text.read.first :]
            token_N += ids[num_prompt:]
            picked.append((index, len(ids) - num_prompt))
    return picked, at_N, token_N


def _told(
    logits_KUV: torch.Tensor, at_N: Sequence[int], token_N: Sequence[int]
) -> tuple[list[list[float]], list[list[bool]]]:
    device = logits_KUV.device
    at, token = torch.tensor(at_N, device=device), torch.tensor(token_N, device=device)
    logits_KUV = logits_KUV.float()
    normal_KU = logits_KUV.logsumexp(-1)
    best_KU = logits_KUV.argmax(-1)
    logprob_KN = logits_KUV[:, at, token] - normal_KU[:, at]
    return logprob_KN.tolist(), (best_KU[:, at] == token).tolist()


def _end_to_end(
    asked: Respondents, texts: Sequence[_Text], *, limit: Limit
) -> Iterator[tuple[list[_Text], _Read]]:
    heads_only = asked.takes("logits_to_keep")
    reads = [text.read if heads_only else Reading(0, len(text.inputs)) for text in texts]
    # A model that gives the logits of every position is kept from giving too many at once.
    for one in prefixes.passes(
        [text.inputs for text in texts],
        reads,
        max_tokens=asked.max_tokens,
        max_read=asked.max_read,
    ):
        yield [texts[i] for i in one.ends], _read_pass(asked, one, texts, heads_only=heads_only)


def _read_pass(asked: Respondents, one: Pass, texts: Sequence[_Text], *, heads_only: bool) -> _Read:
    device = asked.device
    layout = lay_out(
        [part.end - part.first for part in one.parts],
        device=device,
        continues=[part.continues for part in one.parts],
        copies=asked.num,
        masked=True,
    )
    ids = [i for part in one.parts for i in texts[part.sequence].inputs[part.first : part.end]]
    places = [list(one.places(sequence, texts[sequence].read)) for sequence in one.ends]
    wanted = sorted({place for some in places for place in some})
    wanted_U = torch.tensor(wanted, device=device)
    options: dict[str, torch.Tensor] = {}
    if heads_only:
        starts_K = torch.arange(asked.num, device=device) * one.num_tokens
        options["logits_to_keep"] = (starts_K[:, None] + wanted_U).flatten()
    asked.route([one.num_tokens] * asked.num)
    logits = asked.model(
        input_ids=torch.tensor(ids * asked.num, device=device)[None],
        position_ids=layout.positions,
        use_cache=False,
        **options,
    ).logits[0]
    logits_KUV = logits.unflatten(0, (asked.num, -1))
    if not heads_only:
        logits_KUV = logits_KUV[:, wanted_U]
    number = {place: u for u, place in enumerate(wanted)}
    return _Read(logits_KUV, [[number[place] for place in some] for some in places])


def _padded(
    asked: Respondents, texts: Sequence[_Text], *, limit: Limit
) -> Iterator[tuple[list[_Text], _Read]]:
    heads_only = asked.takes("logits_to_keep")
    batch: list[_Text] = []
    columns: set[int] = set()
    for text in sorted(texts, key=lambda text: -len(text.inputs)):
        longest = len((batch or [text])[0].inputs)
        wider = columns | set(range(text.read.first if heads_only else 0, text.read.end))
        rows = len(batch) + 1
        full = rows > limit.batch_size or rows * longest > asked.max_tokens
        if batch and (full or rows * len(wider) > asked.max_read):
            yield batch, _read_padded(asked, batch, columns, heads_only=heads_only)
            batch, wider = [], set(range(text.read.first if heads_only else 0, text.read.end))
        batch, columns = [*batch, text], wider
    if batch:
        yield batch, _read_padded(asked, batch, columns, heads_only=heads_only)


def _read_padded(
    asked: Respondents, batch: Sequence[_Text], columns: set[int], *, heads_only: bool
) -> _Read:
    device, width = asked.device, len(batch[0].inputs)
    # Padding on the right is behind everything a causal model looks at.
    ids_BT = torch.zeros(len(batch), width, dtype=torch.long)
    mask_BT = torch.zeros_like(ids_BT)
    for row, text in enumerate(batch):
        ids_BT[row, : len(text.inputs)] = torch.tensor(text.inputs)
        mask_BT[row, : len(text.inputs)] = 1
    kept = sorted(columns)
    options: dict[str, Any] = {}
    if heads_only:
        options["logits_to_keep"] = torch.tensor(kept, device=device)
    asked.route([ids_BT.numel()] * asked.num)
    logits = asked.model(
        input_ids=ids_BT.repeat(asked.num, 1).to(device),
        attention_mask=mask_BT.repeat(asked.num, 1).to(device),
        use_cache=False,
        **options,
    ).logits
    column = {position: c for c, position in enumerate(kept if heads_only else range(width))}
    at = [
        [row * logits.shape[1] + column[p] for p in range(text.read.first, text.read.end)]
        for row, text in enumerate(batch)
    ]
    logits_KUV = logits.reshape(asked.num, -1, logits.shape[-1])
    wanted = sorted({place for some in at for place in some})
    number = {place: u for u, place in enumerate(wanted)}
    logits_KUV = logits_KUV[:, torch.tensor(wanted, device=device)]
    return _Read(logits_KUV, [[number[place] for place in some] for some in at])

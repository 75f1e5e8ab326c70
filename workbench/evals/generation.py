"""Answers of a causal LM, of every slot at once: batched, padded on the left, with a key-value cache.

`decode(asked, prompts, ...)` takes token ids and returns for each slot one `Decoded` a prompt, in the order given. The loop is
ours and not `model.generate`, because that takes sampling defaults from a model's own `generation_config`, and because logits that
are not finite have to be seen. A sampled answer depends on the prompt and the seed alone, neither on the slot nor on what else is in the batch.
`time_decode` measures one decode of a fixed length. It knows neither text, nor tokenizers, nor adapters.

Shapes: K slots, B rows of a batch (those of a slot side by side), T tokens, V vocabulary.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from workbench.evals.respondents import Limit, Respondents, alone

DEEPER = 4
"""After its first step a batch has one token a row: it may be so much larger than a pass."""

Ids = tuple[int, ...]


class Decoded(NamedTuple):
    ids: Ids
    """What was generated, without the token that ended it."""
    ended: bool
    cut: bool
    """The prompt was longer than the model's context and lost its beginning."""
    broken: bool
    """Logits were not finite, so there is no answer."""


class Timing(NamedTuple):
    first_seconds: float
    """Until the first token."""
    rest_seconds: float
    """From the first token to the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How it is to be answered."""

    max_new_tokens: int
    eos_ids: Collection[int]
    temperature: float = 0.0
    """0 takes the likeliest token."""
    seed: int = 0
    is_over: Callable[[Sequence[int]], bool] | None = None
    """Whether an answer needs nothing more, having said a stop string; asked after every token."""


@dataclass(slots=True)
class _Row:
    """One answer being written."""

    slot: int
    prompt: int
    uniform_N: torch.Tensor | None
    """The draws of this answer."""
    ids: list[int] = field(default_factory=list)
    ended: bool = False
    broken: bool = False

    @property
    def done(self) -> bool:
        return self.ended or self.broken


def decode(
    asked: Respondents, prompts: Sequence[Ids], *, manner: Manner, limit: Limit
) -> list[list[Decoded]]:
    """For each slot, the continuation of every prompt; the model must be in eval mode."""
    # At least half of the context stays with the prompt.
    new = min(manner.max_new_tokens, max(limit.context // 2, 1))
    room = limit.context - new
    fitted = [_fit(prompt, room=room, bos_id=limit.bos_id) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(fitted[i]))
    decoded: list[dict[int, Decoded]] = [{} for _ in range(asked.num)]
    while order:
        longest = len(fitted[order[-1]]) + new
        rows = min(limit.batch_size, max(1, asked.max_tokens * DEEPER // longest))
        chosen, order = order[-rows:], order[:-rows]
        for row in _decode_batch(asked, [fitted[i] for i in chosen], new=new, manner=manner):
            i = chosen[row.prompt]
            cut = len(fitted[i]) < len(prompts[i])
            ids = () if row.broken else tuple(row.ids)
            decoded[row.slot][i] = Decoded(ids, row.ended, cut, row.broken)
    return [[of_slot[i] for i in range(len(prompts))] for of_slot in decoded]


def _fit(prompt: Ids, *, room: int, bos_id: int | None) -> Ids:
    if len(prompt) <= room:
        return prompt
    if prompt[0] == bos_id and room > 1:
        return (prompt[0], *prompt[-(room - 1) :])
    return prompt[-room:]


@torch.no_grad()
def _decode_batch(
    asked: Respondents, prompts: Sequence[Ids], *, new: int, manner: Manner
) -> list[_Row]:
    device, width = asked.device, max(map(len, prompts))
    padded = [(0,) * (width - len(p)) + p for p in prompts]
    ids_BT = torch.tensor(padded * asked.num, device=device)
    lengths_B = torch.tensor([len(p) for p in prompts] * asked.num, device=device)
    mask_BT = (torch.arange(width, device=device)[None] >= width - lengths_B[:, None]).long()
    drawn = bool(manner.temperature)
    draws = [uniforms(p, new=new, seed=manner.seed) if drawn else None for p in prompts]
    rows = [_Row(slot, i, draws[i]) for slot in range(asked.num) for i in range(len(prompts))]
    live, step = rows, Stepper(asked)
    for number in range(new):
        logits_BV = step(ids_BT, mask_BT, slots=[row.slot for row in live])
        token_B, finite_B = _next(logits_BV, live, number=number, manner=manner)
        for row, token, finite in zip(live, token_B.tolist(), finite_B.tolist(), strict=True):
            if not row.done:
                _write(row, token, finite=finite, manner=manner)
        kept = [b for b, row in enumerate(live) if not row.done]
        if not kept:
            break
        ids_BT = torch.cat([ids_BT, token_B[:, None]], dim=1)
        mask_BT = torch.cat([mask_BT, torch.ones_like(token_B)[:, None]], dim=1)
        if 4 * len(kept) <= 3 * len(live):
            # What comes after an answer's end is of no interest; dropping rows has its price too.
            kept_B = torch.tensor(kept, device=device)
            live, ids_BT, mask_BT = [live[b] for b in kept], ids_BT[kept_B], mask_BT[kept_B]
            step.keep(kept_B)
    return rows


def _write(row: _Row, token: int, *, finite: bool, manner: Manner) -> None:
    row.broken = not finite
    row.ended = finite and token in manner.eos_ids
    if not row.done:
        row.ids.append(token)
        row.ended = manner.is_over is not None and manner.is_over(row.ids)


def uniforms(prompt: Ids, *, new: int, seed: int) -> torch.Tensor:
    """The same draws for every slot: adapters then differ by what they learned and not by luck."""
    named = f"{seed}/{' '.join(map(str, prompt))}".encode()
    digest = hashlib.blake2b(named, digest_size=7).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "big"))
    return torch.rand(new, generator=generator, dtype=torch.float64)


def _next(
    logits_BV: torch.Tensor, live: Sequence[_Row], *, number: int, manner: Manner
) -> tuple[torch.Tensor, torch.Tensor]:
    """The next token of every row, and whether its logits were numbers."""
    best_B, token_B = logits_BV.max(-1)
    finite_B = torch.isfinite(best_B)
    draws = [row.uniform_N[number] for row in live if row.uniform_N is not None]
    if draws:
        token_B = draw(logits_BV, torch.stack(draws), temperature=manner.temperature)
    return token_B, finite_B


def draw(
    logits_BV: torch.Tensor, uniform_B: torch.Tensor, *, temperature: float, top_p: float = 1.0
) -> torch.Tensor:
    """The token of every row that these draws fall on, [B].

    Below 1 `top_p` leaves only the likeliest tokens that together have this share.
    """
    weights_BV = (logits_BV.double() / temperature).softmax(-1).nan_to_num()
    if top_p < 1:
        sorted_BV, order_BV = weights_BV.sort(dim=-1, descending=True, stable=True)
        # One is left whatever comes: what stands before the likeliest is nothing.
        beyond_BV = sorted_BV.cumsum(-1) - sorted_BV >= top_p
        weights_BV = weights_BV.scatter(-1, order_BV, sorted_BV.masked_fill(beyond_BV, 0.0))
    sums_BV = weights_BV.cumsum(-1)
    uniform_B1 = uniform_B.to(logits_BV.device)[:, None]
    drawn_B = torch.searchsorted(sums_BV, uniform_B1 * sums_BV[:, -1:], right=True)[:, 0]
    return drawn_B.clamp(max=logits_BV.shape[-1] - 1)


class Stepper:
    """Feeds a growing batch to a model: the whole of it once, then the last token only."""

    def __init__(self, asked: Respondents) -> None:
        self._asked = asked
        self._cache: Any = None
        self._positions = asked.takes("position_ids")
        self._last_only = {"logits_to_keep": 1} if asked.takes("logits_to_keep") else {}

    def __call__(
        self, ids_BT: torch.Tensor, mask_BT: torch.Tensor, *, slots: Sequence[int]
    ) -> torch.Tensor:
        """The logits after the last token, [B, V]; rows come slot by slot."""
        inputs: dict[str, Any] = {"input_ids": ids_BT, "attention_mask": mask_BT}
        if self._positions:
            inputs["position_ids"] = (mask_BT.cumsum(-1) - 1).clamp(min=0)
        if self._cache is not None:
            last = {k: v[:, -1:] for k, v in inputs.items() if k != "attention_mask"}
            inputs |= last | {"past_key_values": self._cache}
        width = inputs["input_ids"].shape[1]
        self._asked.route([width * slots.count(slot) for slot in range(self._asked.num)])
        output = self._asked.model(**inputs, use_cache=True, **self._last_only)
        # A model that keeps its state elsewhere is fed the whole sequence each time.
        self._cache = getattr(output, "past_key_values", None)
        logits_BV: torch.Tensor = output.logits[:, -1].float()
        return logits_BV

    def keep(self, rows_B: torch.Tensor) -> None:
        """Go on with these rows only."""
        if self._cache is not None:
            self._cache.batch_select_indices(rows_B)


@torch.no_grad()
def time_decode(model: torch.nn.Module, *, prompt_ids: Sequence[int], new_tokens: int) -> Timing:
    """Times one greedy decode of a forced length: nothing ends it early."""
    device = next(model.parameters()).device
    ids_BT = torch.tensor([list(prompt_ids)], device=device)
    mask_BT = torch.ones(1, len(prompt_ids) + new_tokens, dtype=torch.long, device=device)
    step = Stepper(alone(model))
    wait_for(device)
    start = first = time.perf_counter()
    for i in range(new_tokens):
        token_B = step(ids_BT, mask_BT[:, : ids_BT.shape[1]], slots=[0]).argmax(-1)
        ids_BT = torch.cat([ids_BT, token_B[:, None]], dim=1)
        if i == 0:
            wait_for(device)
            first = time.perf_counter()
    wait_for(device)
    return Timing(first - start, time.perf_counter() - first)


def wait_for(device: torch.device) -> None:
    """An accelerator answers before it is done."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)

"""Greedy answers of a causal LM: batched, padded on the left, with a key-value cache.

`decode(model, prompts, ...)` takes token ids and returns one `Decoded` each, in the order given. The loop is ours
and not `model.generate`, because that takes sampling defaults from a model's own `generation_config`, and because
logits that are not finite have to be seen. `time_decode` measures one decode of a fixed length.
It knows neither text, nor tokenizers, nor adapters.

Shapes: B rows of a batch, T tokens, V vocabulary.
"""

import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import torch

from workbench.evals.likelihood import MAX_BATCH_TOKENS, Limit, accepts


class Decoded(NamedTuple):
    ids: tuple[int, ...]
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


def decode(
    model: torch.nn.Module,
    prompts: Sequence[tuple[int, ...]],
    *,
    max_new_tokens: int,
    eos_ids: Collection[int],
    limit: Limit,
) -> list[Decoded]:
    """The greedy continuation of every prompt; the model must be in eval mode."""
    # At least half of the context stays with the prompt.
    new = min(max_new_tokens, max(limit.context // 2, 1))
    room = limit.context - new
    fitted = [_fit(prompt, room=room, bos_id=limit.bos_id) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(fitted[i]))
    decoded: dict[int, Decoded] = {}
    while order:
        longest = len(fitted[order[-1]]) + new
        rows = min(limit.batch_size, max(1, MAX_BATCH_TOKENS // longest))
        chosen, order = order[-rows:], order[:-rows]
        answers = _decode_batch(model, [fitted[i] for i in chosen], new=new, eos_ids=eos_ids)
        for i, (ids, ended, broken) in zip(chosen, answers, strict=True):
            decoded[i] = Decoded(ids, ended, len(fitted[i]) < len(prompts[i]), broken)
    return [decoded[i] for i in range(len(prompts))]


def _fit(prompt: tuple[int, ...], *, room: int, bos_id: int | None) -> tuple[int, ...]:
    if len(prompt) <= room:
        return prompt
    if prompt[0] == bos_id and room > 1:
        return (prompt[0], *prompt[-(room - 1) :])
    return prompt[-room:]


@torch.no_grad()
def _decode_batch(
    model: torch.nn.Module,
    prompts: Sequence[tuple[int, ...]],
    *,
    new: int,
    eos_ids: Collection[int],
) -> list[tuple[tuple[int, ...], bool, bool]]:
    device = next(model.parameters()).device
    width = max(map(len, prompts))
    ids_BT = torch.tensor([(0,) * (width - len(p)) + p for p in prompts], device=device)
    lengths_B = torch.tensor([len(p) for p in prompts], device=device)
    mask_BT = (torch.arange(width, device=device)[None] >= width - lengths_B[:, None]).long()
    stops = torch.tensor(sorted(eos_ids), dtype=torch.long, device=device)
    ended_B = torch.zeros(len(prompts), dtype=torch.bool, device=device)
    broken_B = torch.zeros_like(ended_B)
    step, answers = Stepper(model), []
    for _ in range(new):
        best_B, token_B = step(ids_BT, mask_BT).max(-1)
        # Once a row has ended, what follows is of no interest, whatever it is.
        broken_B |= ~torch.isfinite(best_B) & ~ended_B
        answers.append(torch.where(ended_B, -1, token_B))
        ended_B |= torch.isin(token_B, stops) | broken_B
        if bool(ended_B.all()):
            break
        ids_BT = torch.cat([ids_BT, token_B[:, None]], dim=1)
        mask_BT = torch.cat([mask_BT, torch.ones_like(token_B)[:, None]], dim=1)
    rows = torch.stack(answers, dim=1).tolist()
    found = []
    for row, ended, broken in zip(rows, ended_B.tolist(), broken_B.tolist(), strict=True):
        kept = tuple(token for token in row if token >= 0 and token not in eos_ids)
        found.append(((), False, True) if broken else (kept, ended, False))
    return found


class Stepper:
    """Feeds a growing batch to a model: the whole of it once, then the last token only."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._cache: Any = None
        self._positions = accepts(model, "position_ids")
        self._last_only = {"logits_to_keep": 1} if accepts(model, "logits_to_keep") else {}

    def __call__(self, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
        """The logits after the last token, [B, V]."""
        inputs: dict[str, Any] = {"input_ids": ids_BT, "attention_mask": mask_BT}
        if self._positions:
            inputs["position_ids"] = (mask_BT.cumsum(-1) - 1).clamp(min=0)
        if self._cache is not None:
            last = {k: v[:, -1:] for k, v in inputs.items() if k != "attention_mask"}
            inputs |= last | {"past_key_values": self._cache}
        output = self._model(**inputs, use_cache=True, **self._last_only)
        # A model that keeps its state elsewhere is fed the whole sequence each time.
        self._cache = getattr(output, "past_key_values", None)
        logits_BV: torch.Tensor = output.logits[:, -1].float()
        return logits_BV


@torch.no_grad()
def time_decode(model: torch.nn.Module, *, prompt_ids: Sequence[int], new_tokens: int) -> Timing:
    """Times one greedy decode of a forced length: nothing ends it early."""
    device = next(model.parameters()).device
    ids_BT = torch.tensor([list(prompt_ids)], device=device)
    mask_BT = torch.ones(1, len(prompt_ids) + new_tokens, dtype=torch.long, device=device)
    step = Stepper(model)
    _wait_for(device)
    start = first = time.perf_counter()
    for i in range(new_tokens):
        token_B = step(ids_BT, mask_BT[:, : ids_BT.shape[1]]).argmax(-1)
        ids_BT = torch.cat([ids_BT, token_B[:, None]], dim=1)
        if i == 0:
            _wait_for(device)
            first = time.perf_counter()
    _wait_for(device)
    return Timing(first - start, time.perf_counter() - first)


def _wait_for(device: torch.device) -> None:
    """An accelerator answers before it is done."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)

"""One prompt answered by several slots at once, token by token, with the probability of each and what was likelier.

`stream(asked, prompt, ...)` yields after every pass what each slot said. The passes and the draws are those of
`evals.generation`, so that the same prompt gets the answer that an eval would get: with the same seed the same one.
It knows neither text nor adapters.

Shapes: B rows, one of each slot that still speaks; T tokens, V vocabulary.
"""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import torch

from workbench.evals.generation import Ids, Stepper, draw, uniforms
from workbench.evals.respondents import Respondents
from workbench.playground.manner import Manner

MOST_LIKELY = 5
"""Tokens that are shown beside the one that was taken."""


class Said(NamedTuple):
    """A token that a slot said."""

    slot: int
    token: int
    probability: float
    likeliest: tuple[tuple[int, float], ...]
    how: str
    """How the slot's answer ends with it, a word of `manner.HOW`; empty while it goes on."""


def stream(
    asked: Respondents,
    prompt: Ids,
    *,
    manner: Manner,
    room: int,
    eos_ids: Collection[int],
    stopped: Callable[[], bool],
) -> Iterator[list[Said]]:
    """What every slot says, one token of each at a time; the model must be in eval mode and at rest.

    Args:
        asked: Who answers.
        prompt: What they answer, in tokens.
        manner: How.
        room: Tokens of the context that are left behind the prompt.
        eos_ids: Tokens that end an answer.
        stopped: Asked before every pass; true ends all answers.
    """
    new, device = min(manner.max_new_tokens, room), asked.device
    draws_N = None if manner.greedy else uniforms(prompt, new=new, seed=manner.seed)
    ids_BT = torch.tensor([prompt] * asked.num, device=device)
    live, step = list(range(asked.num)), Stepper(asked)
    for number in range(new):
        if stopped():
            yield [Said(slot, -1, 0.0, (), "stopped") for slot in live]
            return
        logits_BV = step(ids_BT, torch.ones_like(ids_BT), slots=live)
        token_B = logits_BV.argmax(-1)
        if draws_N is not None:
            uniform_B = draws_N[number].repeat(len(live))
            token_B = draw(logits_BV, uniform_B, temperature=manner.temperature, top_p=manner.top_p)
        said = _told(logits_BV, token_B, live, eos_ids=eos_ids)
        if number + 1 == new:
            last = "length" if new == manner.max_new_tokens else "context"
            said = [one if one.how else one._replace(how=last) for one in said]
        yield said
        kept = [b for b, one in enumerate(said) if not one.how]
        if not kept:
            return
        ids_BT = torch.cat([ids_BT, token_B[:, None]], dim=1)
        if len(kept) < len(live):
            kept_B = torch.tensor(kept, device=device)
            live, ids_BT = [live[b] for b in kept], ids_BT[kept_B]
            step.keep(kept_B)


def _told(
    logits_BV: torch.Tensor, token_B: torch.Tensor, live: list[int], *, eos_ids: Collection[int]
) -> list[Said]:
    """The tokens with their probabilities under the model itself, whatever they were drawn with."""
    probability_BV = logits_BV.double().softmax(-1)
    own_B = probability_BV.gather(-1, token_B[:, None])[:, 0]
    best_BN, which_BN = probability_BV.topk(min(MOST_LIKELY, probability_BV.shape[-1]), dim=-1)
    finite_B = torch.isfinite(logits_BV.max(-1).values)
    told = []
    for slot, token, own, best, which, finite in zip(
        live,
        token_B.tolist(),
        own_B.tolist(),
        best_BN.tolist(),
        which_BN.tolist(),
        finite_B.tolist(),
        strict=True,
    ):
        if not finite:
            told.append(Said(slot, -1, 0.0, (), "broken"))
            continue
        likeliest = tuple(zip(which, best, strict=True))
        told.append(Said(slot, token, own, likeliest, "end" if token in eos_ids else ""))
    return told

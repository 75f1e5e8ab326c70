"""The classes of texts under a classifier: batched, sorted by length, in fp32.

`classify(model, rows, limit=...)` takes token ids and returns the log-probabilities of the classes of each, in the
order given. A text is read up to its last token, whichever width its batch is padded to. A NaN stays a NaN: whoever asks has
to count it. It knows neither text, nor tokenizers, nor adapters.

Shapes: B rows of a batch, T tokens, C classes.
"""

from collections.abc import Sequence
from typing import Any

import torch

from workbench.evals.respondents import Limit, alone

Logprobs = tuple[float, ...]


def classify(
    model: torch.nn.Module, rows: Sequence[tuple[int, ...]], *, limit: Limit
) -> list[Logprobs]:
    """The log-probabilities of the classes of every row; the model must be in eval mode."""
    logits = outputs(model, rows, limit=limit)
    return [tuple(torch.tensor(one).log_softmax(-1).tolist()) for one in logits]


def outputs(
    model: torch.nn.Module, rows: Sequence[tuple[int, ...]], *, limit: Limit
) -> list[tuple[float, ...]]:
    """What the head puts out for every row: logits, or what is read by the head when there is none in its place."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: dict[int, tuple[float, ...]] = {}
    most = alone(model).max_tokens
    while order:
        fitting = min(limit.batch_size, max(1, most // len(rows[order[-1]])))
        chosen, order = order[-fitting:], order[:-fitting]
        found.update(zip(chosen, _batch(model, [rows[i] for i in chosen]), strict=True))
    return [found[i] for i in range(len(rows))]


def _batch(model: torch.nn.Module, rows: Sequence[tuple[int, ...]]) -> list[tuple[float, ...]]:
    device = next(model.parameters()).device
    # The padding token is how the model finds the last token of a row: no other filling will do.
    config: Any = model.config
    pad_id = config.get_text_config().pad_token_id
    width = max(map(len, rows))
    ids_BT = torch.full((len(rows), width), pad_id, dtype=torch.long)
    mask_BT = torch.zeros_like(ids_BT)
    for b, row in enumerate(rows):
        ids_BT[b, : len(row)] = torch.tensor(row)
        mask_BT[b, : len(row)] = 1
    logits_BC = model(input_ids=ids_BT.to(device), attention_mask=mask_BT.to(device)).logits
    return [tuple(row) for row in logits_BC.float().tolist()]

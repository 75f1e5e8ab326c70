"""Attention over rows that lie end to end: a pass without padding.

`flat(model, lengths)` lets a causal model read one long row that is many rows joined, [1, N], each token at its own
position. Every layer but attention works token by token and never sees a pad; attention takes the rows apart, pads
them to others of like length, and puts the answers back. `reads_flat(model)` tries it once against the padded way
and says whether this model gives the same answers: what attention is asked to do differs from model to model, and a
wrong answer would be silent. It knows nothing of adapters, slots or losses.

    B rows  T tokens of the longest  N tokens of all  H heads  D of one head
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

NAME = "workbench_flat"
_ALIKE = 0.6
"""A row joins a bucket when it is at least this share of the bucket's longest."""
_KNOWN_LAYERS = {"full_attention", "sliding_attention"}
_NEEDS_MORE = ("position_bias", "softcap", "s_aux", "cache")
"""What attention may be asked to do that is not done here."""


class _Bucket:
    """Rows of like length; final."""

    def __init__(self, rows: Sequence[tuple[int, int]], *, device: torch.device) -> None:
        starts = torch.tensor([start for start, _ in rows], device=device)
        lengths = torch.tensor([length for _, length in rows], device=device)
        steps_T = torch.arange(max(length for _, length in rows), device=device)
        self.shape = (len(rows), len(steps_T))
        real_BT = steps_T < lengths[:, None]
        # The first token of its own row stands in for a pad: whatever a row holds, it stays with the row.
        self.taken = (starts[:, None] + steps_T * real_BT).flatten()
        self.kept = real_BT.flatten().nonzero().flatten()
        self.places = self.taken[self.kept]


class Layout:
    """How the rows of the pass at hand lie in it; final."""

    def __init__(self, lengths: Sequence[int], *, device: torch.device) -> None:
        """Put rows of like length into buckets."""
        starts, total = [], 0
        for length in lengths:
            starts.append(total)
            total += length
        buckets: list[list[tuple[int, int]]] = []
        for row in sorted(zip(starts, lengths, strict=True), key=lambda row: (-row[1], row[0])):
            if not buckets or row[1] < _ALIKE * buckets[-1][0][1]:
                buckets.append([])
            buckets[-1].append(row)
        self.buckets = [_Bucket(rows, device=device) for rows in buckets]
        # Every token has one place, so the inverse order puts each answer where its token lies.
        self.order = torch.cat([bucket.places for bucket in self.buckets]).argsort()
        self.positions = torch.cat([torch.arange(length) for length in lengths])[None].to(device)
        self.ends = torch.tensor(starts, device=device) + torch.tensor(lengths, device=device) - 1
        """The last token of each row."""


_at_hand: list[Layout] = []
"""The layout that attention follows; attention functions are found by name and are given nothing else."""


@contextmanager
def flat(model: Any) -> Iterator[Any]:
    """The model with an attention that follows `lay_out`."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _attend)
    config, was = model.config, model.config._attn_implementation
    model.set_attn_implementation(NAME)
    try:
        yield model
    finally:
        _at_hand.clear()
        model.set_attn_implementation(was)
        assert config._attn_implementation == was


def lay_out(lengths: Sequence[int], *, device: torch.device) -> Layout:
    """The layout of the next forward pass."""
    _at_hand[:] = [Layout(lengths, device=device)]
    return _at_hand[0]


def reads_flat(model: Any) -> bool:
    """Whether a model answers the same for rows end to end as for rows padded."""
    config = model.config.get_text_config()
    layers = set(getattr(config, "layer_types", None) or ())
    if layers - _KNOWN_LAYERS or not model._can_set_attn_implementation():
        return False
    device = model.get_input_embeddings().weight.device
    lengths = (7, 3, 5)
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(config.vocab_size, (n,), generator=generator) for n in lengths]
    mode = model.training
    model.eval()
    try:
        with torch.no_grad():
            ids_BT = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device)
            mask_BT = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
            padded = _said(
                model(input_ids=ids_BT, attention_mask=mask_BT.long().to(device), use_cache=False)
            )
            with flat(model):
                layout = lay_out(lengths, device=device)
                ids_1N = torch.cat(rows)[None].to(device)
                joined = _said(
                    model(input_ids=ids_1N, position_ids=layout.positions, use_cache=False)
                )[0]
    except _CannotAttend:
        return False
    finally:
        model.train(mode)
    wanted = padded[mask_BT.to(device)]
    if wanted.shape != joined.shape:
        return False
    # Rounding differs with the kernel; another meaning differs by far more.
    tolerance = 1e-4 if wanted.dtype in (torch.float32, torch.float64) else 3e-2
    return bool((wanted - joined).abs().max() <= tolerance * wanted.abs().max())


def _said(output: Any) -> torch.Tensor:
    said: torch.Tensor = getattr(output, "logits", None)
    return output.last_hidden_state if said is None else said


class _CannotAttend(Exception):
    """This model asks attention for more than is done here."""


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Any,
    *,
    sliding_window: int | None = None,
    **asked: Any,
) -> tuple[torch.Tensor, None]:
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if any(asked.get(word) is not None for word in _NEEDS_MORE):
        raise _CannotAttend
    (layout,) = _at_hand
    answers = []
    for bucket in layout.buckets:
        rows, width = bucket.shape
        q, k, v = (
            t[0].index_select(1, bucket.taken).unflatten(1, (rows, width)).transpose(0, 1)
            for t in (query, key, value)
        )
        mask = None
        if sliding_window is not None and width > sliding_window:
            back_TT = torch.arange(width, device=q.device)
            back_TT = back_TT[:, None] - back_TT
            mask = ((back_TT >= 0) & (back_TT < sliding_window))[None, None]
        answer_BTHD, _ = sdpa_attention_forward(module, q, k, v, mask, **asked)
        answers.append(answer_BTHD.flatten(0, 1).index_select(0, bucket.kept))
    return torch.cat(answers).index_select(0, layout.order)[None], None

"""Attention over rows that lie end to end: a pass without padding.

`flat(model, lengths)` lets a causal model read one long row that is many rows joined, [1, N], each token at its own
position. Every layer but attention works token by token and never sees a pad; attention takes the rows apart, pads
them to others of like length, and puts the answers back. A row may continue an earlier one: its tokens then see those
of that row too, so that what many rows begin with is computed once. `reads_flat(model)` tries it once against the padded way
and says whether this model gives the same answers: what attention is asked to do differs from model to model, and a
wrong answer would be silent. It knows nothing of adapters, slots or losses.

    B rows  T tokens of the longest  N tokens of all  H heads  D of one head
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch

NAME = "workbench_flat"
_ALIKE = 0.6
"""A row joins a bucket when it is at least this share of the bucket's longest."""
_KNOWN_LAYERS = {"full_attention", "sliding_attention"}
_NEEDS_MORE = ("position_bias", "softcap", "s_aux", "cache")
"""What attention may be asked to do that is not done here."""


class _Row(NamedTuple):
    """One row as attention sees it: who asks, and the rows before it that it may look at too."""

    start: int
    length: int
    before: tuple[int, ...]
    """Rows that it continues, the first of them first."""
    num_before: int

    @property
    def width(self) -> int:
        return self.num_before + self.length


class _Bucket:
    """Rows of like length, each once for every copy; final."""

    def __init__(
        self,
        rows: Sequence[_Row],
        *,
        all_rows: Sequence[_Row],
        copies: range,
        masked: bool,
        device: torch.device,
    ) -> None:
        self.queries = max(row.length for row in rows)
        self.keys = max(row.width for row in rows)
        # The first token of its own row stands in for a pad: whatever a row holds, it stays with the row.
        asks = np.array([[row.start] for row in rows]).repeat(self.queries, 1)
        looks = np.array([[row.start] for row in rows]).repeat(self.keys, 1)
        real = np.zeros(asks.shape, dtype=bool)
        for b, row in enumerate(rows):
            own, done = np.arange(row.start, row.start + row.length), 0
            asks[b, : row.length], real[b, : row.length] = own, True
            for start, length in ((all_rows[i].start, all_rows[i].length) for i in row.before):
                looks[b, done : done + length] = np.arange(start, start + length)
                done += length
            looks[b, done : row.width] = own
        on_its_own = not any(row.before for row in rows)
        self.asks = _copied(asks, copies).to(device)
        self.looks = self.asks if on_its_own else _copied(looks, copies).to(device)
        self.kept = torch.from_numpy(np.tile(real.ravel(), len(copies)).nonzero()[0]).to(device)
        before = [row.num_before for row in rows] * len(copies)
        plain = on_its_own and not masked
        self._before_B = None if plain else torch.tensor(before, device=device)
        self._masks: dict[int | None, torch.Tensor] = {}

    def mask(self, sliding_window: int | None) -> torch.Tensor | None:
        """What each query may look at; None where that is all of its own row up to itself."""
        if sliding_window is not None and self.keys <= sliding_window:
            sliding_window = None
        if self._before_B is None and sliding_window is None:
            return None
        if sliding_window not in self._masks:
            steps_Q = torch.arange(self.queries, device=self.asks.device)
            at_BQ = steps_Q[None] if self._before_B is None else self._before_B[:, None] + steps_Q
            back_BQK = at_BQ[:, :, None] - torch.arange(self.keys, device=self.asks.device)
            seen_BQK = back_BQK >= 0
            if sliding_window is not None:
                seen_BQK &= back_BQK < sliding_window
            self._masks[sliding_window] = seen_BQK[:, None]
        return self._masks[sliding_window]


class Layout:
    """How the rows of the pass at hand lie in it; final."""

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        device: torch.device,
        continues: Sequence[int | None] | None = None,
        copies: int = 1,
        masked: bool = False,
    ) -> None:
        """Put rows of like length into buckets.

        Args:
            lengths: Tokens of each row.
            device: Where the pass runs.
            continues: For each row the earlier row whose tokens, and those which that one continues, come before its own.
            copies: How often all of the rows lie there, one copy after another.
            masked: With a mask even where none is needed. Without one the kernel for CPUs answers a query that is NaN
                over fewer than 16 keys with zeros, and a broken adapter would look sound.
        """
        rows = _rows(lengths, continues)
        total = sum(lengths)
        offsets = range(0, total * copies, total)
        self.buckets = [
            _Bucket(some, all_rows=rows, copies=offsets, masked=masked, device=device)
            for some in _alike(rows)
        ]
        # Every token has one place, so the inverse order puts each answer where its token lies.
        self.order = torch.cat([one.asks[one.kept] for one in self.buckets]).argsort()
        steps = [np.arange(row.num_before, row.width) for row in rows]
        self.positions = torch.from_numpy(np.tile(np.concatenate(steps), copies))[None].to(device)
        ends = np.array([row.start + row.length - 1 for row in rows])
        self.ends = _copied(ends, offsets).to(device)
        """The last token of each row."""


def _rows(lengths: Sequence[int], continues: Sequence[int | None] | None) -> list[_Row]:
    rows: list[_Row] = []
    start = 0
    for index, length in enumerate(lengths):
        parent = continues[index] if continues is not None else None
        if parent is None:
            rows.append(_Row(start, length, (), 0))
        else:
            up = rows[parent]
            rows.append(_Row(start, length, (*up.before, parent), up.width))
        start += length
    return rows


def _alike(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Rows of like length together; of those that continue others, those of like width too."""
    buckets: list[list[_Row]] = []
    first = [row for row in rows if not row.before]
    for row in sorted(first, key=lambda row: (-row.length, row.start)):
        if not buckets or row.length < _ALIKE * buckets[-1][0].length:
            buckets.append([])
        buckets[-1].append(row)
    continuing: dict[tuple[int, int], list[_Row]] = {}
    for row in rows:
        if row.before:
            # Few buckets matter more than few pads here: such rows are short.
            classes = row.length.bit_length(), int(math.log(row.width, 1 / _ALIKE))
            continuing.setdefault(classes, []).append(row)
    return buckets + [continuing[classes] for classes in sorted(continuing)]


def _copied(places: "np.ndarray", copies: range) -> torch.Tensor:
    return torch.from_numpy((np.array(copies)[:, None] + places.ravel()).ravel())


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


def lay_out(
    lengths: Sequence[int],
    *,
    device: torch.device,
    continues: Sequence[int | None] | None = None,
    copies: int = 1,
    masked: bool = False,
) -> Layout:
    """The layout of the next forward pass."""
    layout = Layout(lengths, device=device, continues=continues, copies=copies, masked=masked)
    _at_hand[:] = [layout]
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
        q, k, v = (
            t[0].index_select(1, taken).unflatten(1, (-1, width)).transpose(0, 1)
            for t, taken, width in (
                (query, bucket.asks, bucket.queries),
                (key, bucket.looks, bucket.keys),
                (value, bucket.looks, bucket.keys),
            )
        )
        answer_BTHD, _ = sdpa_attention_forward(
            module, q, k, v, bucket.mask(sliding_window), **asked
        )
        answers.append(answer_BTHD.flatten(0, 1).index_select(0, bucket.kept))
    return torch.cat(answers).index_select(0, layout.order)[None], None

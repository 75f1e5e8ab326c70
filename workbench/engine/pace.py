"""What this machine does in a second: a few parts of a training step, timed in turns for about five seconds.

`measure()` gives the `Calibration` that `plan/time.py` multiplies with the sizes of a model; a worker leaves one in the
user's cache when there is none (`leave()`), and `workbench plan --calibrate` asks for one. Each part is what the engine
itself runs: products of its number formats, a decoder block that reads rows end to end, the update of an adapter, clipping
and AdamW, cross-entropy, and layers of 4 and 8 bits. It knows no sweep and trains nothing that is kept.

    N tokens  D width  R rank  V vocabulary
"""

import gc
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from functools import partial
from itertools import product
from typing import Any

import torch
from torch.nn import functional

from workbench.adapters.updates import AddSegments, Segment
from workbench.engine.turns import Work, in_turns
from workbench.models.flat import flat, lay_out
from workbench.models.quiet import quietly
from workbench.plan.calibration import (
    LIMIT_SECONDS,
    Calibration,
    FewBits,
    Host,
    Point,
    at,
    here,
    pooled,
    read,
    write,
)
from workbench.timing.others import Others

_log = logging.getLogger(__name__)

FORMATS = ("float32", "bfloat16")
WIDTHS = (64, 192, 576)
TOKENS = (64, 512, 2048)
RANKS = (4, 32)
BLOCKS = 2
ROW = 64
"""Tokens of a row in the block that is timed."""
HEAD_WIDTHS, ROWS = (8, 16, 64), (64, 256)
HEADS, PAIRS = 4, 2**18
TENSORS, STEPPED = 64, (64, 65536)
"""That many tensors, of so many numbers each."""
LOGITS = (128, 16384)
"""[N, V]: too large for a cache."""
LAYER, FULL_BITS = "layer", 32
FEW_BITS_WIDTHS, FEW_BITS_TOKENS = (64, 1024), 64
"""A narrow layer takes its calls alone, a wide one also what goes with its numbers."""

Name = tuple[Any, ...]
"""What is timed, and its sizes: of what has a width and tokens, those two last."""


def leave(
    *, say: Callable[[str], None] = lambda text: None, floor_bytes: int | None = None
) -> Calibration | None:
    """Measure this machine and put what was found in the user's cache, unless it is there.

    Args:
        say: Told what goes on.
        floor_bytes: What this process held before any model, where that is known.
    """
    host = here()
    if read(host) is not None:
        return None
    say(f"measuring this machine once, for later plans ({LIMIT_SECONDS:g} s)")
    try:
        return anew(host, floor_bytes=floor_bytes)
    except (RuntimeError, MemoryError) as error:
        # A sweep that went well does not fail for want of a figure for the next one.
        _log.warning("this machine could not be measured: %s", error)
        return None


def anew(host: Host | None = None, *, floor_bytes: int | None = None) -> Calibration:
    """Measure this machine, once more where it was before, and put the middle in the user's cache."""
    host = host or here()
    known = read(host)
    # The floor is a worker's own, which nobody else can measure.
    floor_bytes = floor_bytes or (known.floor_bytes if known else None)
    found = pooled(known, measure(host)).model_copy(update={"floor_bytes": floor_bytes})
    write(found)
    return found


def measure(host: Host | None = None) -> Calibration:
    """Time the parts of a step on this machine."""
    host = host or here()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng(), quietly(), ExitStack() as held:
        torch.manual_seed(0)
        # Libraries are loaded and weights are drawn before the clock is looked at.
        works = dict(_works(device, held=held))
        began, others = time.perf_counter(), Others()
        seconds = in_turns(works, device=device, budget=LIMIT_SECONDS)
        took, busy = time.perf_counter() - began, others.cores()
    del works
    gc.collect()
    products = {name: tuple(_points(seconds, name)) for name in FORMATS}
    attention = tuple(_points(seconds, "attention", share=1 / (HEADS * PAIRS)))
    small, large = (seconds["steps", size] / TENSORS for size in STEPPED)
    return Calibration(
        host=host,
        made=date.today().isoformat(),
        took=took,
        products=products,
        blocks=tuple(_blocks(seconds, products["float32"], attention)),
        attention=attention,
        # Of one adapter, where two share a call.
        updates={rank: tuple(_points(seconds, "update", rank, share=1 / 2)) for rank in RANKS},
        per_tensor=small,
        per_number=max(large - small, 0.0) / STEPPED[1],
        per_logit=seconds["logits",] / (LOGITS[0] * LOGITS[1]),
        few_bits={
            bits: _few_bits(seconds, bits)
            for bits in (4, 8)
            if (LAYER, bits, FEW_BITS_WIDTHS[0]) in seconds
        },
        others=busy,
    )


def _points(seconds: Mapping[Name, float], *name: Any, share: float = 1.0) -> Iterator[Point]:
    """Of something at every size."""
    for (*first, width, tokens), took in (item for item in seconds.items() if len(item[0]) > 2):
        if tuple(first) == name:
            yield Point(width=width, tokens=tokens, seconds=share * took)


def _blocks(
    seconds: Mapping[Name, float], products: Sequence[Point], attention: Sequence[Point]
) -> Iterator[Point]:
    """A block of a decoder less its products and its attention."""
    for point in _points(seconds, "blocks", share=1 / BLOCKS):
        width, tokens = point.width, point.tokens
        # Eight products of [D, D], there and back: four of attention, and three of the feed-forward part, each a third wider.
        apart = 2 * 8 * at(products, width=width, tokens=tokens)
        heads = _num_heads(width)
        apart += tokens * ROW * heads * at(attention, width=width // heads, tokens=ROW)
        least = 0.1 * point.seconds
        yield point.model_copy(update={"seconds": max(point.seconds - apart, least)})


def _few_bits(seconds: Mapping[Name, float], bits: int) -> FewBits:
    """Through what a narrow and a wide layer take over those of full numbers, one way of two."""
    narrow, wide = (
        max(seconds[LAYER, bits, width] - seconds[LAYER, FULL_BITS, width], 0.0) / 2
        for width in FEW_BITS_WIDTHS
    )
    low, high = (width**2 for width in FEW_BITS_WIDTHS)
    per_number = max(wide - narrow, 0.0) / (high - low)
    return FewBits(per_layer=max(narrow - low * per_number, 0.0), per_number=per_number)


def _works(device: torch.device, *, held: ExitStack) -> Iterator[tuple[Name, Work]]:
    """Everything that is timed."""
    # Some processors take very long for the second.
    for name, dtype, tokens in zip(
        FORMATS, (torch.float32, torch.bfloat16), (TOKENS, TOKENS[:2]), strict=True
    ):
        for width, count in product(WIDTHS, tokens):
            w_DD = torch.randn(width, width, device=device).to(dtype)
            x_ND = torch.randn(count, width, device=device).to(dtype)
            yield (name, width, count), Work(partial(functional.linear, x_ND, w_DD))
    for width, length in product(HEAD_WIDTHS, ROWS):
        shape = (PAIRS // length**2, HEADS, length, width)
        q, k, v = (torch.randn(shape, device=device, requires_grad=True) for _ in range(3))
        yield ("attention", width, length), Work(partial(_attended, q, k, v))
    for width in WIDTHS:
        model = held.enter_context(flat(_decoder(width).to(device)))
        for count in TOKENS:
            yield ("blocks", width, count), _block(model, width, count, device=device)
    for rank, width, count in product(RANKS, WIDTHS, TOKENS[:2]):
        a_RD = torch.randn(rank, width, device=device, requires_grad=True)
        b_DR = torch.randn(width, rank, device=device, requires_grad=True)
        x_ND = torch.randn(2 * count, width, device=device, requires_grad=True)
        once = partial(_updated, x_ND, torch.ones_like(x_ND), a_RD, b_DR)
        yield ("update", rank, width, count), Work(once)
    for size in STEPPED:
        yield ("steps", size), _stepping(size, device=device)
    yield ("logits",), _logits(device)
    yield from _of_few_bits(device)


def _attended(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> None:
    functional.scaled_dot_product_attention(q, k, v, is_causal=True).sum().backward()


def _block(model: Any, width: int, tokens: int, *, device: torch.device) -> Work:
    """A small decoder with frozen weights, as it reads rows end to end."""
    x_1ND = torch.randn(1, tokens, width, device=device, requires_grad=True)
    positions_1N = torch.arange(ROW, device=device).repeat(tokens // ROW)[None]
    return Work(
        partial(_there_and_back, model, x_1ND, positions_1N),
        before=partial(lay_out, [ROW] * (tokens // ROW), device=device),
    )


def _there_and_back(model: Any, x_1ND: torch.Tensor, positions_1N: torch.Tensor) -> None:
    said = model(inputs_embeds=x_1ND, position_ids=positions_1N, use_cache=False)
    said.last_hidden_state.sum().backward()


def _decoder(width: int) -> Any:
    from transformers import LlamaConfig, LlamaModel

    config = LlamaConfig(
        hidden_size=width,
        intermediate_size=width * 4 // 3,
        num_hidden_layers=BLOCKS,
        num_attention_heads=_num_heads(width),
        num_key_value_heads=_num_heads(width),
        vocab_size=8,
        max_position_embeddings=max(TOKENS),
    )
    model = LlamaModel(config)
    model.requires_grad_(False)
    return model.train()


def _num_heads(width: int) -> int:
    return max(2, width // 64)


def _updated(
    x_ND: torch.Tensor, dy_ND: torch.Tensor, a_RD: torch.Tensor, b_DR: torch.Tensor
) -> None:
    half = len(x_ND) // 2
    segments = (Segment(0, half, 1.0, 0.0, ()), Segment(half, 2 * half, 1.0, 0.0, ()))
    # What the base gave, which the update is added to in place.
    y_ND = torch.zeros_like(x_ND)
    torch.autograd.backward(AddSegments.apply(y_ND, x_ND, segments, a_RD, b_DR, a_RD, b_DR), dy_ND)


def _stepping(size: int, *, device: torch.device) -> Work:
    """Clipping and AdamW."""
    tensors = [torch.randn(size, device=device, requires_grad=True) for _ in range(TENSORS)]
    optimizer = torch.optim.AdamW(tensors, lr=1e-9, fused=True)
    gradients = [torch.randn_like(tensor) for tensor in tensors]

    def once() -> None:
        for tensor, gradient in zip(tensors, gradients, strict=True):
            tensor.grad = gradient
        float(torch.nn.utils.clip_grad_norm_(tensors, 1.0))
        optimizer.step()
        optimizer.zero_grad()

    return Work(once)


def _logits(device: torch.device) -> Work:
    """Cross-entropy and its gradient where there are many scores."""
    scores_NV = torch.randn(*LOGITS, device=device, requires_grad=True)
    wanted_N = torch.zeros(LOGITS[0], dtype=torch.long, device=device)

    def once() -> None:
        functional.cross_entropy(scores_NV, wanted_N, reduction="none").sum().backward()

    return Work(once)


def _of_few_bits(device: torch.device) -> Iterator[tuple[Name, Work]]:
    """Layers of full, 4-bit and 8-bit numbers, there and back, those that bitsandbytes runs here."""
    try:
        from bitsandbytes.nn import Linear4bit, Linear8bitLt
    except (ImportError, OSError, RuntimeError):
        return
    made = {
        FULL_BITS: torch.nn.Linear,
        4: partial(Linear4bit, compute_dtype=torch.float32, quant_type="nf4"),
        8: partial(Linear8bitLt, has_fp16_weights=False, threshold=6.0),
    }
    for bits, layer in made.items():
        works = {}
        for width in FEW_BITS_WIDTHS:
            x_ND = torch.randn(FEW_BITS_TOKENS, width, device=device, requires_grad=True)
            frozen = layer(width, width, bias=False).requires_grad_(False).to(device)
            works[width] = Work(partial(_passed, frozen, x_ND))
        try:
            for work in works.values():
                work.once()
        except (RuntimeError, NotImplementedError):
            continue
        yield from (((LAYER, bits, width), work) for width, work in works.items())


def _passed(layer: torch.nn.Module, x_ND: torch.Tensor) -> None:
    layer(x_ND).sum().backward()


if __name__ == "__main__":
    anew()

"""What this machine does in a second: a few parts of a training step, timed for five seconds at most.

`measure()` gives the `Calibration` that `plan/time.py` multiplies with the sizes of a model; a worker leaves one in the
user's cache when there is none (`leave()`), and `workbench plan --calibrate` asks for one. Each part is what the engine
itself runs: products of its number formats, a decoder block that reads rows end to end, the update of an adapter, clipping
and AdamW, cross-entropy, and the unpacking of 4-bit weights. It knows no sweep and trains nothing that is kept.

    N tokens  D width  R rank  V vocabulary
"""

import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import product
from typing import Any

import torch
from torch.nn import functional

from workbench.adapters.updates import AddSegments, Segment
from workbench.models.flat import flat, lay_out
from workbench.models.quiet import quietly
from workbench.plan.calibration import (
    LIMIT_SECONDS,
    Calibration,
    Host,
    Point,
    at,
    here,
    read,
    write,
)
from workbench.timing.others import Others

_log = logging.getLogger(__name__)

WIDTHS = (64, 192, 576)
TOKENS = (64, 512, 2048)
RANKS = (4, 32)
BLOCKS = 2
ROW = 64
"""Tokens of a row in the block that is timed."""
HEAD_WIDTHS, ROWS = (16, 64), (64, 256)
HEADS, PAIRS = 4, 2**18
TRIES = 4
TRY_SECONDS = 0.006
"""A try of something quick is many calls; of something slow one."""
SLOW_SECONDS = 0.1
"""What takes longer is not tried again."""
TENSORS, NUMBERS = 64, 65536
LOGITS = (128, 16384)
"""[N, V]: too large for a cache."""


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
    """Measure this machine and put what was found in the user's cache, in the place of what was there."""
    host = host or here()
    known = read(host)
    # The floor is a worker's own, which nobody else can measure.
    floor_bytes = floor_bytes or (known.floor_bytes if known else None)
    found = measure(host).model_copy(update={"floor_bytes": floor_bytes})
    write(found)
    return found


def measure(host: Host | None = None) -> Calibration:
    """Time the parts of a step on this machine."""
    host = host or here()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    began, others = time.perf_counter(), Others()
    watch = _Watch(device, until=began + 0.6 * LIMIT_SECONDS)
    with torch.random.fork_rng(), quietly():
        torch.manual_seed(0)
        products = {
            name: tuple(_products(dtype, tokens=tokens, watch=watch))
            for name, dtype, tokens in (
                ("float32", torch.float32, TOKENS),
                # Some processors take very long for it.
                ("bfloat16", torch.bfloat16, TOKENS[:2]),
            )
        }
        attention = tuple(_attention(watch))
        blocks = tuple(_blocks(products["float32"], attention, watch=watch))
        updates = {rank: tuple(_updates(rank, watch=watch)) for rank in RANKS}
        per_tensor, per_number = _steps(watch)
        per_logit = _logits(watch)
        unpacking = _unpacking(watch)
        eight_bit = _eight_bit(products["float32"], watch=watch)
    gc.collect()
    return Calibration(
        host=host,
        made=date.today().isoformat(),
        took=time.perf_counter() - began,
        products=products,
        blocks=blocks,
        attention=attention,
        updates=updates,
        per_tensor=per_tensor,
        per_number=per_number,
        per_logit=per_logit,
        unpacking=unpacking,
        eight_bit=eight_bit,
        others=others.cores(),
    )


@dataclass(frozen=True)
class _Watch:
    """How long things take on a device."""

    device: torch.device
    until: float
    """After this moment nothing is tried again: a busy machine makes the whole take longer, and it has a limit."""

    def seconds(self, work: Callable[[], Any]) -> float:
        """The mean of a few tries, after one that does not count: who else is busy slows a training down on the average."""
        self._once(work)
        found = [self._once(work)]
        calls = max(1, int(TRY_SECONDS / max(found[0], 1e-7)))
        while len(found) < TRIES and sum(found) < SLOW_SECONDS and time.perf_counter() < self.until:
            found.append(self._once(work, calls=calls))
        return sum(found) / len(found)

    def _once(self, work: Callable[[], Any], *, calls: int = 1) -> float:
        began = time.perf_counter()
        for _ in range(calls):
            work()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / calls


def _products(dtype: torch.dtype, *, tokens: Sequence[int], watch: _Watch) -> Iterator[Point]:
    for width in WIDTHS:
        w_DD = torch.randn(width, width, device=watch.device).to(dtype)
        for count in tokens:
            x_ND = torch.randn(count, width, device=watch.device).to(dtype)
            took = watch.seconds(partial(functional.linear, x_ND, w_DD))
            yield Point(width=width, tokens=count, seconds=took)


def _attention(watch: _Watch) -> Iterator[Point]:
    for width, length in product(HEAD_WIDTHS, ROWS):
        shape = (PAIRS // length**2, HEADS, length, width)
        q, k, v = (torch.randn(shape, device=watch.device, requires_grad=True) for _ in range(3))
        took = watch.seconds(partial(_attended, q, k, v))
        pairs = shape[0] * HEADS * length**2
        yield Point(width=width, tokens=length, seconds=took / pairs)


def _attended(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> None:
    functional.scaled_dot_product_attention(q, k, v, is_causal=True).sum().backward()


def _blocks(
    products: tuple[Point, ...], attention: tuple[Point, ...], *, watch: _Watch
) -> Iterator[Point]:
    """A block of a small decoder with frozen weights, less its products and its attention."""
    for width in WIDTHS:
        model = _decoder(width).to(watch.device)
        heads = model.config.num_attention_heads
        for tokens in TOKENS:
            with flat(model):
                layout = lay_out([ROW] * (tokens // ROW), device=watch.device)
                x_1ND = torch.randn(1, tokens, width, device=watch.device, requires_grad=True)
                both = partial(_there_and_back, model, x_1ND, layout.positions)
                whole = watch.seconds(both) / BLOCKS
            # Eight products of [D, D], there and back: four of attention, and three of the feed-forward part, each a third wider.
            apart = 2 * 8 * at(products, width=width, tokens=tokens)
            apart += tokens * ROW * heads * at(attention, width=width // heads, tokens=ROW)
            yield Point(width=width, tokens=tokens, seconds=max(whole - apart, 0.1 * whole))


def _there_and_back(model: Any, x_1ND: torch.Tensor, positions_1N: torch.Tensor) -> None:
    said = model(inputs_embeds=x_1ND, position_ids=positions_1N, use_cache=False)
    said.last_hidden_state.sum().backward()


def _decoder(width: int) -> Any:
    from transformers import LlamaConfig, LlamaModel

    config = LlamaConfig(
        hidden_size=width,
        intermediate_size=width * 4 // 3,
        num_hidden_layers=BLOCKS,
        num_attention_heads=max(2, width // 64),
        num_key_value_heads=max(2, width // 64),
        vocab_size=8,
        max_position_embeddings=max(TOKENS),
    )
    model = LlamaModel(config)
    model.requires_grad_(False)
    return model.train()


def _updates(rank: int, *, watch: _Watch) -> Iterator[Point]:
    """Of one adapter, where two share a call."""
    for width in WIDTHS:
        a_RD = torch.randn(rank, width, device=watch.device, requires_grad=True)
        b_DR = torch.randn(width, rank, device=watch.device, requires_grad=True)
        for tokens in TOKENS[:2]:
            x_ND = torch.randn(2 * tokens, width, device=watch.device, requires_grad=True)
            once = partial(_updated, x_ND, torch.ones_like(x_ND), a_RD, b_DR)
            yield Point(width=width, tokens=tokens, seconds=watch.seconds(once) / 2)


def _updated(
    x_ND: torch.Tensor, dy_ND: torch.Tensor, a_RD: torch.Tensor, b_DR: torch.Tensor
) -> None:
    half = len(x_ND) // 2
    segments = (Segment(0, half, 1.0, 0.0, ()), Segment(half, 2 * half, 1.0, 0.0, ()))
    # What the base gave, which the update is added to in place.
    y_ND = torch.zeros_like(x_ND)
    torch.autograd.backward(AddSegments.apply(y_ND, x_ND, segments, a_RD, b_DR, a_RD, b_DR), dy_ND)


def _steps(watch: _Watch) -> tuple[float, float]:
    """Clipping and AdamW: for each tensor, and for each number."""
    small = _stepping([64] * TENSORS, watch=watch) / TENSORS
    large = _stepping([NUMBERS] * TENSORS, watch=watch) / TENSORS
    return small, max(large - small, 0.0) / NUMBERS


def _stepping(sizes: list[int], *, watch: _Watch) -> float:
    tensors = [torch.randn(size, device=watch.device, requires_grad=True) for size in sizes]
    optimizer = torch.optim.AdamW(tensors, lr=1e-9, fused=True)
    gradients = [torch.randn_like(tensor) for tensor in tensors]

    def once() -> None:
        for tensor, gradient in zip(tensors, gradients, strict=True):
            tensor.grad = gradient
        float(torch.nn.utils.clip_grad_norm_(tensors, 1.0))
        optimizer.step()
        optimizer.zero_grad()

    return watch.seconds(once)


def _logits(watch: _Watch) -> float:
    """Cross-entropy and its gradient, for each score, where there are many."""
    tokens, vocabulary = LOGITS
    scores_NV = torch.randn(tokens, vocabulary, device=watch.device, requires_grad=True)
    wanted_N = torch.zeros(tokens, dtype=torch.long, device=watch.device)

    def once() -> None:
        functional.cross_entropy(scores_NV, wanted_N, reduction="none").sum().backward()

    return watch.seconds(once) / (tokens * vocabulary)


def _unpacking(watch: _Watch) -> float | None:
    """Making one 4-bit number a full one; None where bitsandbytes does not run."""
    try:
        from bitsandbytes.functional import dequantize_4bit, quantize_4bit

        packed, state = quantize_4bit(
            torch.randn(1024, 1024, device=watch.device), blocksize=64, quant_type="nf4"
        )
        took = watch.seconds(lambda: dequantize_4bit(packed, state))
    except (ImportError, OSError, RuntimeError, NotImplementedError):
        return None
    return took / 1024**2


def _eight_bit(products: tuple[Point, ...], *, watch: _Watch) -> float | None:
    """What an 8-bit layer takes over a product there and one back; None where bitsandbytes does not run."""
    width, tokens = WIDTHS[-1], TOKENS[0]
    try:
        from bitsandbytes.nn import Linear8bitLt

        layer = Linear8bitLt(width, width, bias=False, has_fp16_weights=False, threshold=6.0)
        layer = layer.to(watch.device)
        x_ND = torch.randn(tokens, width, device=watch.device, requires_grad=True)
        took = watch.seconds(lambda: layer(x_ND).sum().backward())
    except (ImportError, OSError, RuntimeError, NotImplementedError):
        return None
    return max(took - 2 * at(products, width=width, tokens=tokens), 0.0) / width**2


if __name__ == "__main__":
    anew()

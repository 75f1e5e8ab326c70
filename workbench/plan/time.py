"""How long training takes: the sizes of a model times what this machine does in a second, added up.

`step_seconds(works, calibration=...)` is one optimizer step of trials that share each forward. It adds the products of the
base (forward, and backward to what the adapters need), what a block does besides, attention, the updates of every adapter, the scores and
their loss, what quantized layers take besides, and clipping with AdamW. `gain(...)` holds trials together against the same trials one
after the other. Loading, evaluation and the report are not part of it. Methods other than LoRA and full fine-tuning have no
time: nothing was measured that would tell it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench.plan.calibration import Calibration, Point, at
from workbench.plan.family import Family, family_of
from workbench.plan.lengths import Lengths
from workbench.plan.memory import MAX_TOKENS
from workbench.plan.shape import Module, Shape
from workbench.plan.spared import is_spared
from workbench.plan.targets import Target
from workbench.spec import Spec

WORTH = 1.1
"""A smaller gain than this is not worth a shared training."""
TIMED = ("LORA", "FULL")
FORWARD = 1 / 3
"""Of a block's time there and back, the way there."""
FIRST_STEP = 0.25
"""How much longer the first step takes than another."""


@dataclass(frozen=True)
class Work:
    """One trial, as its training step is timed."""

    spec: Spec
    shape: Shape
    targets: tuple[Target, ...]
    trainable: int
    lengths: Lengths

    @property
    def tokens(self) -> float:
        """Of its micro-batch."""
        return self.spec.train.per_device_train_batch_size * (
            self.lengths.mean + self.spec.adapter.num_ahead
        )

    @property
    def trained(self) -> float:
        """Tokens of its micro-batch that the loss looks at."""
        return self.spec.train.per_device_train_batch_size * self.lengths.trained

    @property
    def is_timed(self) -> bool:
        """Whether anything is known of how long its method takes."""
        return self.spec.adapter.peft_type in TIMED

    @cached_property
    def family(self) -> Family:
        """How its model's blocks are built."""
        return family_of(self.shape)


def training_seconds(
    works: Sequence[Work], *, steps: Sequence[int], calibration: Calibration
) -> float:
    """Trials that share each forward, to the end of each: who has fewer steps leaves earlier."""
    # The first step makes what the others find: buffers, moments, compiled kernels.
    total, done = FIRST_STEP * step_seconds(works, calibration=calibration), 0
    for end in sorted(set(steps)):
        living = [work for work, last in zip(works, steps, strict=True) if last > done]
        total += (end - done) * step_seconds(living, calibration=calibration)
        done = end
    return total


def gain(works: Sequence[Work], *, calibration: Calibration) -> float:
    """How many times as long the steps of these trials take one after the other as together."""
    alone = sum(step_seconds([work], calibration=calibration) for work in works)
    return alone / step_seconds(works, calibration=calibration)


def step_seconds(works: Sequence[Work], *, calibration: Calibration) -> float:
    """One optimizer step of every one of these trials, which share each forward."""
    tokens = sum(work.tokens for work in works)
    limit = max(MAX_TOKENS[calibration.host.device], max(work.lengths.longest for work in works))
    passes = max(1, math.ceil(tokens / limit))
    accumulated = max(work.spec.train.gradient_accumulation_steps for work in works)
    one = _pass_seconds(works, share=1 / passes, calibration=calibration)
    return accumulated * passes * one + sum(
        _own_seconds(work, calibration=calibration) for work in works
    )


def _pass_seconds(works: Sequence[Work], *, share: float, calibration: Calibration) -> float:
    """Forward and backward of a share of the rows."""
    first, tokens = works[0], share * sum(work.tokens for work in works)
    name = "bfloat16" if first.spec.train.bf16 else first.spec.model.dtype
    products = calibration.products.get(name) or calibration.products["float32"]
    whole = first.spec.adapter.peft_type == "FULL"
    start = 0 if whole else _first_layer([t for work in works for t in work.targets])
    again = 2 if first.spec.train.gradient_checkpointing else 1
    total = 0.0
    for module in first.shape.modules:
        once = at(products, width=_width(module), tokens=tokens)
        times = again + (1 if _goes_back(module, first_layer=start) else 0) + (1 if whole else 0)
        total += times * once + _unpacked(module, first.spec, times=times, calibration=calibration)
    total += _blocks(first, tokens=tokens, start=start, again=again, calibration=calibration)
    total += _attention(first, tokens=tokens, start=start, calibration=calibration)
    trained = share * sum(work.trained for work in works)
    total += _scores(first, trained=trained, products=products, calibration=calibration)
    # A pass holds few slots whole, so that each update is computed about once for each step.
    updates = sum(_updates(work, calibration=calibration) for work in works)
    return total + share * updates


def _blocks(
    work: Work, *, tokens: float, start: int, again: int, calibration: Calibration
) -> float:
    """What blocks do besides products; those before the first adapter are not gone back through."""
    layers, family = work.shape.layers, work.family
    once = family.busy * at(calibration.blocks, width=family.width, tokens=tokens)
    return once * (layers * FORWARD * again + (layers - start) * (1 - FORWARD))


def _attention(work: Work, *, tokens: float, start: int, calibration: Calibration) -> float:
    """Every pair of tokens of a row in every head; of rows of many lengths the longer ones weigh more."""
    lengths, family = work.lengths, work.family
    row = lengths.mean + lengths.spread**2 / lengths.mean + work.spec.adapter.num_ahead
    width = family.heads_width / family.heads
    pair = at(calibration.attention, width=width, tokens=row)
    layers = work.shape.layers - start * (1 - FORWARD)
    return family.attention * pair * tokens * row * family.heads * layers


def _scores(
    work: Work, *, trained: float, products: Sequence[Point], calibration: Calibration
) -> float:
    """The output head where the loss looks, forward and backward, and the loss."""
    if trained <= 0:
        return 0.0
    shape = work.shape
    if work.spec.adapter.task_type == "SEQ_CLS":
        return 0.0
    width = math.sqrt(shape.hidden * shape.vocabulary)
    wide = max(point.width for point in products)
    # A head is wider than anything that was timed: its time goes with its numbers.
    over = (width / wide) ** 2 if width > wide else 1.0
    once = over * at(products, width=min(width, wide), tokens=trained)
    return 2 * once + trained * shape.vocabulary * calibration.per_logit


def _updates(work: Work, *, calibration: Calibration) -> float:
    """The update of one adapter in every layer it lies on, forward and backward."""
    return sum(
        _update(target, tokens=work.tokens, calibration=calibration) for target in work.targets
    )


def _update(target: Target, *, tokens: float, calibration: Calibration) -> float:
    width = _width(target.module)
    ranks = sorted(calibration.updates)
    low, high = ranks[0], ranks[-1]
    at_low, at_high = (at(calibration.updates[r], width=width, tokens=tokens) for r in (low, high))
    # What a rank costs beyond the call goes with the rank.
    return max(at_low + (at_high - at_low) * (target.rank - low) / (high - low), 0.5 * at_low)


def _own_seconds(work: Work, *, calibration: Calibration) -> float:
    """Clipping and AdamW of one trial."""
    tensors = 2 * len(work.targets) or len(work.shape.every)
    return tensors * calibration.per_tensor + work.trainable * calibration.per_number


def _unpacked(module: Module, spec: Spec, *, times: int, calibration: Calibration) -> float:
    """What a layer of few bits takes beyond its products."""
    quantization = spec.quantization
    if quantization is None or quantization.bits is None:
        return 0.0
    if is_spared(module.name, words=quantization.llm_int8_skip_modules or ()):
        return 0.0
    beyond = calibration.few_bits.get(quantization.bits)
    if beyond is None:
        return 0.0
    numbers = module.in_features * module.out_features
    return times * (beyond.per_layer + numbers * beyond.per_number)


def _width(module: Module) -> float:
    return math.sqrt(module.in_features * module.out_features)


def _first_layer(targets: Sequence[Target]) -> int:
    return min((t.module.layer for t in targets if t.module.layer is not None), default=0)


def _goes_back(module: Module, *, first_layer: int) -> bool:
    """Whether a gradient has to pass through a layer: not before the first adapter, nor into what it reads first."""
    if module.layer is None or module.layer > first_layer:
        return True
    return module.layer == first_layer and not module.target.startswith(
        ("q_proj", "k_proj", "v_proj", "c_attn", "query_key_value", "qkv")
    )

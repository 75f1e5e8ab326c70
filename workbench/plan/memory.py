"""Peak memory of training one adapter, predicted part by part with plain arithmetic.

`predict(shape, spec=spec, targets=..., trainable=...)` gives bytes for weights, adapter, gradients, optimizer,
activations, logits, what the allocator keeps beside them, and a floor: Python and its libraries. It is an estimate for a full
pass of rows as they were sampled, or of the longest that are allowed, and labelled as predicted: nothing is measured here.
How far it is from what was measured is in docs/planning.md.
"""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from workbench.plan.family import family_of
from workbench.plan.lengths import Lengths, allowed
from workbench.plan.shape import Module, Shape
from workbench.plan.spared import is_spared
from workbench.plan.targets import Target
from workbench.spec import QuantizationSpec, Spec

FLOOR_BYTES = 500_000_000
"""Python with torch, transformers, PEFT and the evals loaded, before any model; a calibration knows it of this machine."""
MAX_TOKENS = {"cpu": 2048, "cuda": 32768}
"""Tokens of one forward pass, padding included: the engine cuts a batch into passes of this size. A CPU wants its
activations in cache; a GPU wants to be full."""
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
OPTIMIZER_COPIES = 2
"""AdamW keeps two running means for each trained number."""
SCORES = 2
"""Tensors of scores at the loss that are there at once: their softmax, and the gradient of it."""
PASSING = 3
"""Tensors of the widest layer that are passed on but not kept."""
SLACK = 1.2
"""Of activations without what adapters keep: what the way back holds for a moment, and what the allocator holds between
blocks it gave."""
SLACK_OF_PASSES = 0.8
"""Of all activations, as much more where a step takes several passes: gradients of the first lie between the blocks of the next."""
SLACK_OF_EIGHT_BITS = 1.05
"""The same of 8-bit layers, which keep what they read with or without adapters."""
SLACK_OF_ADAPTED_EIGHT_BITS = 0.45
"""As much more where all of them carry adapters: such a trial has PEFT's own layers, which make three tensors of what
each gives and keep one."""
HOLES = 0.5
"""Of 8-bit weights in float32: each layer makes its own whole for a moment, there and back, and where that is larger than
what stays it leaves holes between it. Larger activations fill them."""
HOLES_AND_ACTIVATIONS = 0.4
"""Of activations, beside such holes."""
HOLES_KNOWN = 1_500_000_000
"""Weights in float32 beyond which holes are not told: the largest measured were 1.2 GB. Larger models are for a GPU, where nothing was measured."""
SLACK_BYTES = 33_000_000
"""The least, however little is kept: buffers of the matrix library, and what the first step loads."""


class Memory(BaseModel):
    """Bytes by what they are for; their sum is the predicted peak."""

    model_config = ConfigDict(frozen=True)

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    slack: int = 0
    """What the allocator keeps beside what it was asked for."""
    slack_share: float | None = None
    """Of activations, where there are enough of them; None in a plan of an earlier version."""
    floor: int = FLOOR_BYTES
    label: str = "predicted"

    @property
    def peak(self) -> int:
        """All parts together."""
        parts = (self.weights, self.adapter, self.gradients, self.optimizer)
        return sum(parts) + self.activations + self.logits + self.slack + self.floor


def predict(
    shape: Shape,
    *,
    spec: Spec,
    targets: Sequence[Target],
    trainable: int,
    lengths: Lengths | None = None,
    floor: int | None = None,
) -> Memory:
    """The parts of the peak for one trial.

    Args:
        shape: Of the model.
        spec: Of the trial.
        targets: What carries its adapter.
        trainable: Numbers that are trained.
        lengths: Of the rows; None takes the longest that are allowed.
        floor: Python and its libraries, where that was measured on this machine.
    """
    lengths = lengths or allowed(longest(shape, spec=spec))
    # PEFT keeps adapters in float32 whatever the base is in; the base trains in what it is in.
    whole = spec.adapter.peft_type == "FULL"
    trained = trainable * (BYTES[spec.model.dtype] if whole else 4)
    tokens = pass_tokens(shape, spec=spec, lengths=lengths)
    width = 2 if spec.train.bf16 else BYTES[spec.model.dtype]
    row = min(lengths.mean + 2 * lengths.spread, lengths.longest)
    kept = _kept_per_token(shape, spec=spec, targets=targets, row=row)
    activations = round(tokens * width * kept)
    share = _slack_share(shape, spec=spec, targets=targets, row=row, kept=kept)
    if _has_eight_bits(spec):
        share = max(share, _holes(shape) / max(activations, 1) + HOLES_AND_ACTIVATIONS)
    logits = round(
        tokens * lengths.trained / lengths.mean * shape.vocabulary * 4 * SCORES
        if spec.adapter.task_type != "SEQ_CLS"
        else 0
    )
    return Memory(
        weights=weight_bytes(shape, dtype=spec.model.dtype, quantization=spec.quantization),
        # Of full fine-tuning: the untouched weights, kept as its control.
        adapter=trained,
        gradients=trained,
        optimizer=OPTIMIZER_COPIES * trained,
        activations=activations,
        logits=logits,
        slack=round(max(SLACK_BYTES, share * activations)),
        slack_share=share,
        floor=floor or FLOOR_BYTES,
    )


def _slack_share(
    shape: Shape, *, spec: Spec, targets: Sequence[Target], row: float, kept: float
) -> float:
    if _has_eight_bits(spec):
        adapted = len(targets) / max(len(shape.modules), 1)
        return SLACK_OF_EIGHT_BITS + SLACK_OF_ADAPTED_EIGHT_BITS * adapted
    if spec.adapter.peft_type == "FULL":
        return SLACK
    bare = _kept_per_token(shape, spec=spec, targets=targets, row=row, bare=True)
    return SLACK * bare / kept


def _holes(shape: Shape) -> float:
    whole = sum(4 * module.in_features * module.out_features for module in shape.modules)
    return HOLES * min(whole, HOLES_KNOWN)


def pass_tokens(
    shape: Shape, *, spec: Spec, lengths: Lengths | None = None, deviations: float = 2.0
) -> int:
    """Tokens of a large forward pass: two deviations over the mean of its rows; of a small one with -2."""
    found = lengths or allowed(longest(shape, spec=spec))
    rows = spec.train.per_device_train_batch_size
    most = rows * found.mean + deviations * found.spread * math.sqrt(rows)
    row = found.longest + spec.adapter.num_ahead
    total = min(most, rows * found.longest) + rows * spec.adapter.num_ahead
    # The larger limit, that of a GPU, is not assumed: whether there is one is known when the model is loaded.
    return round(min(total, max(MAX_TOKENS["cpu"], row)))


def longest(shape: Shape, *, spec: Spec) -> int:
    """The longest row that is trained on, in tokens."""
    return min(spec.train.max_length, shape.context or spec.train.max_length)


def weight_bytes(shape: Shape, *, dtype: str, quantization: QuantizationSpec | None) -> int:
    """Bytes of the frozen base."""
    total = 0.0
    for module in shape.every:
        if module.kind == "head" and shape.tied:
            continue
        if module.kind == "linear" or module.kind == "conv1d":
            total += _linear_bytes(module, dtype=dtype, quantization=quantization)
        else:
            total += module.parameters * BYTES[dtype]
    return round(total)


def mapped_bytes(shape: Shape, *, dtype: str, quantization: QuantizationSpec | None) -> int:
    """Pages of the checkpoint that stay in memory beside a quantized base, until somebody needs the room.

    What is not quantized is the file itself, mapped, where it is stored as it is used; then so is what was read to be quantized.
    """
    stored = str(shape.config.get("dtype") or shape.config.get("torch_dtype") or "")
    if quantization is None or quantization.bits is None or stored != dtype:
        return 0
    return sum(m.in_features * m.out_features for m in shape.modules) * BYTES[dtype]


def _linear_bytes(module: Module, *, dtype: str, quantization: QuantizationSpec | None) -> float:
    numbers, bias = module.in_features * module.out_features, module.bias * BYTES[dtype]
    if quantization is None or quantization.bits is None:
        return module.parameters * BYTES[dtype]
    if is_spared(module.name, words=quantization.llm_int8_skip_modules or ()):
        return module.parameters * BYTES[dtype]
    if quantization.bits == 8:
        # One float32 scale for each output row.
        return numbers + 4 * module.out_features + bias
    # One scale for 64 numbers: float32, or one byte and a float32 for every 256 of them.
    scale = (1 + 4 / 256) if quantization.bnb_4bit_use_double_quant else 4
    return numbers / 2 + numbers / 64 * scale + bias


def _kept_per_token(
    shape: Shape, *, spec: Spec, targets: Sequence[Target], row: float, bare: bool = False
) -> float:
    """Numbers kept for the backward pass, for each token; bare without what is kept for adapters alone."""
    family = family_of(shape)
    adapted: dict[int | None, set[str]] = {}
    for target in targets:
        adapted.setdefault(target.module.layer, set()).add(target.module.target)
    first = min((layer for layer in adapted if layer is not None), default=0)
    if spec.adapter.peft_type == "FULL" or _has_eight_bits(spec):
        # An 8-bit layer keeps what it read whether it carries an adapter or not.
        every = {m.target for m in shape.modules}
        adapted = dict.fromkeys(range(shape.layers), every)
    # Below the first adapter nothing has to be kept: no gradient passes there.
    blocks = [
        family.kept(adapted=set() if bare else adapted.get(layer, set()), row=row)
        for layer in range(first, shape.layers)
    ]
    kept = sum(blocks) + 2 * shape.hidden + (0 if bare else sum(t.rank for t in targets))
    if spec.train.gradient_checkpointing and blocks:
        # The input of each block, and the inside of the one that is recomputed.
        kept = shape.hidden * len(blocks) + max(blocks)
    return kept + PASSING * max(family.middle, family.hidden)


def _has_eight_bits(spec: Spec) -> bool:
    return spec.quantization is not None and spec.quantization.bits == 8

"""Peak memory of training one adapter, predicted part by part with plain arithmetic.

`predict(shape, spec=spec, targets=..., trainable=...)` gives bytes for weights, adapter, gradients, optimizer,
activations, logits and a floor. It is an upper estimate for a full pass of the longest rows, labelled as predicted:
nothing is measured here, and the floor is a stated constant until a calibration replaces it.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from workbench.plan.shape import Module, Shape
from workbench.plan.spared import is_spared
from workbench.plan.targets import Target
from workbench.spec import QuantizationSpec, Spec

FLOOR_BYTES = 400_000_000
"""Python with torch, transformers and PEFT loaded, before any model."""
MAX_TOKENS = {"cpu": 2048, "cuda": 32768}
"""Tokens of one forward pass, padding included: the engine cuts a batch into passes of this size. A CPU wants its
activations in cache; a GPU wants to be full."""
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
OPTIMIZER_COPIES = 2
"""AdamW keeps two running means for each trained number."""
ELEMENTWISE = 8
"""Hidden-size tensors a block keeps besides what its linear layers see: norms, residuals, softmax, gate."""


class Memory(BaseModel):
    """Bytes by what they are for; their sum is the predicted peak."""

    model_config = ConfigDict(frozen=True)

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    floor: int = FLOOR_BYTES
    label: str = "predicted"

    @property
    def peak(self) -> int:
        """All parts together."""
        parts = (self.weights, self.adapter, self.gradients, self.optimizer)
        return sum(parts) + self.activations + self.logits + self.floor


def predict(shape: Shape, *, spec: Spec, targets: Sequence[Target], trainable: int) -> Memory:
    """The parts of the peak for one trial."""
    # PEFT keeps adapters in float32 whatever the base is in; the base trains in what it is in.
    whole = spec.adapter.peft_type == "FULL"
    trained = trainable * (BYTES[spec.model.dtype] if whole else 4)
    tokens = pass_tokens(shape, spec=spec)
    width = 2 if spec.train.bf16 else BYTES[spec.model.dtype]
    return Memory(
        weights=weight_bytes(shape, dtype=spec.model.dtype, quantization=spec.quantization),
        # Of full fine-tuning: the untouched weights, kept as its control.
        adapter=trained,
        gradients=trained,
        optimizer=OPTIMIZER_COPIES * trained,
        activations=tokens * width * _kept_per_token(shape, spec=spec, targets=targets),
        # The scores, and their gradient, in float32.
        logits=tokens * shape.vocabulary * 4 * 2,
    )


def pass_tokens(shape: Shape, *, spec: Spec) -> int:
    """Tokens of a forward pass of the longest rows."""
    row = longest(shape, spec=spec) + spec.adapter.num_ahead
    # The larger limit, that of a GPU, is not assumed: whether there is one is known when the model is loaded.
    return min(spec.train.per_device_train_batch_size * row, max(MAX_TOKENS["cpu"], row))


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


def _kept_per_token(shape: Shape, *, spec: Spec, targets: Sequence[Target]) -> int:
    """Numbers kept for the backward pass, for each token."""
    linear = sum(m.in_features + m.out_features for m in shape.modules)
    elementwise = ELEMENTWISE * shape.hidden * shape.layers
    adapters = sum(t.module.in_features + t.rank for t in targets)
    kept = linear + elementwise + adapters
    if spec.train.gradient_checkpointing and shape.layers:
        # The input of each block, and the inside of the one that is recomputed.
        return shape.hidden * shape.layers + kept // shape.layers
    return kept

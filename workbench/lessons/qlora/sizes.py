"""Exercises 3 to 5 of lesson 4: bits per weight, double quantization, and what stays in full precision.

Right is what bitsandbytes stored of the student's matrix, counted, and what the plan of their sweep says.
"""

from typing import Any

from workbench.lessons.answers import Number
from workbench.lessons.exercise import Exercise, Facts, Mistake, equals

BYTE = 8
NUMBER = 4
"""Bits of the number of a level."""


def bits_of(stored: Any) -> int:
    """The size of a tensor, in bits."""
    return int(stored.numel() * stored.element_size() * BYTE)


# 3. Bits per weight.


def _bits(facts: Facts) -> float:
    return float((bits_of(facts.packed) + bits_of(facts.state.absmax)) / facts.W.numel())


def _with_scale_of(bits: float) -> Any:
    """The test that the answer is what a scale of so many bits would come to."""
    return equals(lambda f: NUMBER + bits / f.state.blocksize)


BITS = Exercise(
    name="bits",
    title="Bits per weight",
    reads=Number(unit="bits per weight"),
    needs=("W", "packed", "state"),
    right=equals(_bits),
    because=lambda f: (
        f"{bits_of(f.packed):,} bits of level numbers and {bits_of(f.state.absmax):,} of scales for {f.W.numel():,} "
        f"weights: 4 + 32 / {f.state.blocksize} = {_bits(f):g}. The scales are an eighth of it at blocks of 64."
    ),
    mistakes=(
        Mistake(
            "levels-only",
            wrote="bits = 8 * packed.numel() / W.numel()",
            made=_with_scale_of(0),
            says="That is the number of the level alone. To come back from it, the scale of each block must be "
            "kept too.",
        ),
        Mistake(
            "bytes",
            wrote="bits = (packed.numel() + 4 * state.absmax.numel()) / W.numel()",
            made=equals(lambda f: _bits(f) / BYTE),
            says="These are bytes. One byte is 8 bits.",
        ),
        Mistake(
            "scale-of-a-byte",
            wrote="bits = 8 * (packed.numel() + state.absmax.numel()) / W.numel()",
            made=_with_scale_of(8),
            says="You count a scale as one byte. Look at `state.absmax.dtype`: it is a float32, which has 4.",
        ),
        Mistake(
            "scale-of-two-bytes",
            wrote="bits = 8 * (packed.numel() + 2 * state.absmax.numel()) / W.numel()",
            made=_with_scale_of(16),
            says="You count a scale as 2 bytes. Look at `state.absmax.dtype`: it is a float32, which has 4.",
        ),
        Mistake(
            "numbers-packed",
            wrote="bits = (8 * packed.numel() + 32 * state.absmax.numel()) / packed.numel()",
            made=equals(lambda f: _bits(f) * f.W.numel() / f.packed.numel()),
            says="You divide by the number of bytes in `packed`, each of which holds two weights. Divide by the number of "
            "weights.",
        ),
        Mistake(
            "times-smaller",
            wrote="bits = 32 * W.numel() / (8 * packed.numel() + 32 * state.absmax.numel())",
            made=equals(lambda f: 32 / _bits(f)),
            says="That is how many times smaller the matrix got. Asked is how many bits one weight takes.",
        ),
    ),
    should="Count all bits that are stored, level numbers and scales, and divide by the number of weights.",
    hints=(
        "`packed` holds bytes, two level numbers in each. `state.absmax` holds the scales.",
        "A byte has 8 bits, a float32 has 32. How many of each are there? `.numel()` counts.",
        "`(8 * packed.numel() + 32 * state.absmax.numel()) / W.numel()`",
    ),
    solution="bits = (8 * packed.numel() + 32 * state.absmax.numel()) / W.numel()",
)


# 4. Double quantization.


def _double(facts: Facts) -> float:
    state = facts.nested
    return float(NUMBER + (BYTE + 32 / state.state2.blocksize) / state.blocksize)


def _of_double(gives: Any) -> Any:
    """The test that the answer is this, made of the sizes of the blocks of weights and of scales."""
    return equals(lambda f: gives(f.nested.blocksize, f.nested.state2.blocksize))


DOUBLE = Exercise(
    name="double",
    title="Scales in fewer bits too",
    reads=Number(unit="bits per weight"),
    needs=("nested",),
    # A last block of scales that is not full makes the count of a real matrix a little larger than the formula.
    right=equals(_double, rel=1e-4),
    because=lambda f: (
        f"4 + 8 / {f.nested.blocksize} + 32 / ({f.nested.blocksize} · {f.nested.state2.blocksize}) = {_double(f):.3f}. "
        f"That is {4 + 32 / f.nested.blocksize - _double(f):.3f} bits less on every weight of the model, for scales that "
        "are now a little off themselves."
    ),
    mistakes=(
        Mistake(
            "as-before",
            wrote="double = 4 + 32 / 64",
            made=_of_double(lambda block, scales: NUMBER + 32 / block),
            says="That is without double quantization. Now a scale has 8 bits, and one float32 serves many scales.",
        ),
        Mistake(
            "second-scale-free",
            wrote="double = 4 + 8 / 64",
            made=_of_double(lambda block, scales: NUMBER + 8 / block),
            says="Nearly. The 8-bit scales come in blocks too, and each of those has a float32 scale of its own.",
        ),
        Mistake(
            "per-weight",
            wrote="double = 4 + 8 / 64 + 32 / 256",
            made=_of_double(lambda block, scales: NUMBER + 8 / block + 32 / scales),
            says="You share the second float32 among 256 *weights*. It serves 256 *scales*, and each of those a whole "
            "block of weights.",
        ),
        Mistake(
            "swapped",
            wrote="double = 4 + 32 / 64 + 8 / (64 * 256)",
            made=_of_double(lambda block, scales: NUMBER + 32 / block + 8 / (block * scales)),
            says="The sizes are swapped: the many scales have 8 bits, the few scales of scales have 32.",
        ),
        Mistake(
            "scales-in-four",
            wrote="double = 4 + 4 / 64 + 32 / (64 * 256)",
            made=_of_double(lambda block, scales: NUMBER + 4 / block + 32 / (block * scales)),
            says="You keep the scales in 4 bits. bitsandbytes keeps them in 8: `nested.absmax.dtype` is uint8.",
        ),
    ),
    should="Three parts: the number of the level, an 8-bit scale for each block, a float32 for each 256 scales.",
    hints=(
        "Before, a float32 was shared by 64 weights. Now that place holds 8 bits.",
        "How many weights share one of the new float32? 64 for each scale, and 256 scales.",
        "`4 + 8 / 64 + 32 / (64 * 256)`",
    ),
    solution="double = 4 + 8 / 64 + 32 / (64 * 256)",
)


# 5. What is in full precision.


def _held(facts: Facts) -> int:
    memory = facts.trial.memory
    return int(memory.adapter + memory.gradients + memory.optimizer)


def _bytes_each(count: float) -> Any:
    """The test that the answer is so many bytes for each number that is trained."""
    return equals(lambda f: count * f.trial.trainable_parameters)


def _why_held(facts: Facts) -> str:
    held, base = _held(facts), facts.trial.memory.weights
    beside = f"{held / base:.2g} times" if held > base else f"{held / base:.0%} of"
    return (
        f"16 bytes for each of {facts.trial.trainable_parameters:,} numbers: {held:,}, as the plan has it. That is "
        f"{beside} what the whole quantized base takes here ({base:,} bytes). In a large model the base is far larger than "
        "its adapter, and there its 4 bits are what counts."
    )


TRAINING = Exercise(
    name="training",
    title="What stays in full precision",
    reads=Number(whole=True, unit="bytes"),
    needs=("trial",),
    right=equals(_held),
    because=_why_held,
    mistakes=(
        Mistake(
            "weights-only",
            wrote="held = 4 * trainable",
            made=_bytes_each(4),
            says="These are the adapter's weights. Training keeps more for each of them: its gradient, and what Adam "
            "remembers.",
        ),
        Mistake(
            "no-optimizer",
            wrote="held = 4 * trainable + 4 * trainable",
            made=_bytes_each(8),
            says="Weights and gradients. Adam keeps two running means besides: of the gradient and of its square.",
        ),
        Mistake(
            "one-mean",
            wrote="held = 3 * 4 * trainable",
            made=_bytes_each(12),
            says="Three numbers for each. Adam keeps *two* running means, so with weight and gradient there are four.",
        ),
        Mistake(
            "numbers",
            wrote="held = trainable",
            made=_bytes_each(1),
            says="That is how many numbers are trained. Each is a float32, which takes 4 bytes, and beside each stand three more.",
        ),
        Mistake(
            "in-four-bits",
            wrote="held = 4 * trainable // 2",
            made=_bytes_each(2),
            says="That is 4 bits for each. Only the frozen base is in 4 bits: what is trained moves by steps far smaller "
            "than the distance between two levels, and would be rounded back every time.",
        ),
        Mistake(
            "whole-model",
            wrote="held = 16 * trial.total_parameters",
            made=equals(lambda f: 16 * f.trial.total_parameters),
            says="That is full fine-tuning. The base is frozen: it has no gradient and nothing that Adam remembers.",
        ),
    ),
    should="For each number of the adapter four float32 are kept: itself, its gradient, and Adam's two.",
    hints=(
        "The frozen base needs no gradient. What is trained does.",
        "AdamW remembers two numbers for each weight that it moves.",
        "`(1 + 1 + 2) * 4 * trainable`: weight, gradient, two means, 4 bytes each.",
    ),
    solution="held = (1 + 1 + 2) * 4 * trainable",
)

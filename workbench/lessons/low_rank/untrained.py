"""Exercises 1 and 2 of lesson 2: how many numbers a LoRA layer trains, and how it starts."""

import numpy as np

from workbench.lessons.answers import Array, Number, Several
from workbench.lessons.exercise import Exercise, Facts, Mistake, equals
from workbench.lessons.low_rank.layer import NAME, weights

# 1. How many numbers are trained?


def _trained(facts: Facts) -> int:
    layer = facts.layer
    parts = (*layer.lora_A[NAME].parameters(), *layer.lora_B[NAME].parameters())
    return sum(part.numel() for part in parts)


def _why_trained(facts: Facts) -> str:
    w = weights(facts)
    return (
        f"A has {w.r} × {w.d_in} numbers and B has {w.d_out} × {w.r}: together "
        f"{w.r} × ({w.d_in} + {w.d_out}) = {_trained(facts):,}, which is what PEFT says it trains. The whole "
        f"layer has {w.d_in * w.d_out:,}."
    )


TRAINED = Exercise(
    name="trained",
    title="How many numbers are trained",
    reads=Number(whole=True, unit="numbers"),
    needs=("layer",),
    right=equals(_trained),
    because=_why_trained,
    mistakes=(
        Mistake(
            "whole-layer",
            wrote="trained = d_in * d_out",
            made=equals(lambda f: weights(f).W0_OD.size),
            says="That is every number of W0, which full fine-tuning would train. LoRA freezes W0; count "
            "only A and B.",
        ),
        Mistake(
            "times-the-layer",
            wrote="trained = r * d_in * d_out",
            made=equals(lambda f: weights(f).r * weights(f).W0_OD.size),
            says="That is more than the layer itself has. A and B stand beside each other: their sizes are "
            "added, not multiplied.",
        ),
        Mistake(
            "only-a",
            wrote="trained = r * d_in",
            made=equals(lambda f: weights(f).A_RD.size),
            says="That is A alone. B is trained too, and it has one row for each *output*.",
        ),
        Mistake(
            "only-b",
            wrote="trained = d_out * r",
            made=equals(lambda f: weights(f).B_OR.size),
            says="That is B alone. A is trained too, and it has one column for each *input*.",
        ),
        Mistake(
            "no-rank",
            wrote="trained = d_in + d_out",
            made=equals(lambda f: weights(f).d_in + weights(f).d_out),
            says="That would be right for rank 1: one row in A, one column in B. Yours has more of each.",
        ),
    ),
    should="Count the numbers in A and the numbers in B. What are their shapes?",
    hints=(
        "W0 is frozen. Only the two small matrices are trained.",
        "A takes `d_in` numbers and gives `r`; B takes `r` and gives `d_out`. Write down both shapes.",
        "A has `r * d_in` numbers. B has `d_out * r`. Add them.",
    ),
    solution="trained = r * (d_in + d_out)",
)


# 2. The start.


def _starts_as_peft(answer: list[np.ndarray], facts: Facts) -> bool:
    A_RD, B_OR = answer
    return bool(A_RD.any() and not B_OR.any())


START = Exercise(
    name="start",
    title="A and B before the first step",
    reads=Several(
        (
            Array(lambda f: weights(f).A_RD.shape, name="A"),
            Array(lambda f: weights(f).B_OR.shape, name="B"),
        )
    ),
    needs=("layer",),
    right=_starts_as_peft,
    because="B is zero, so B A is zero and the model starts as exactly what it was. A is not zero, so B has a "
    "gradient from the first step on.",
    mistakes=(
        Mistake(
            "both-zero",
            wrote="A = torch.zeros(r, d_in)\nB = torch.zeros(d_out, r)",
            made=lambda answer, _: not answer[0].any() and not answer[1].any(),
            says="Nothing changes, which is right, and nothing ever will: the gradient of A contains B and the "
            "gradient of B contains A. With both at zero, both gradients are zero for good.",
        ),
        Mistake(
            "both-random",
            wrote="A = torch.randn(r, d_in)\nB = torch.randn(d_out, r)",
            made=lambda answer, _: answer[0].any() and answer[1].any(),
            says="Now B A is not zero: before it has learned anything, the adapter adds noise to the layer. One "
            "of the two must start at zero.",
        ),
        Mistake(
            "zero-a",
            wrote="A = torch.zeros(r, d_in)\nB = torch.randn(d_out, r)",
            made=lambda answer, _: not answer[0].any() and answer[1].any(),
            says="That changes nothing at the start, and it would learn. PEFT does it the other way round, and "
            "here you are to match PEFT: A random, B zero.",
        ),
        Mistake(
            "swapped-shapes",
            wrote="A = torch.randn(d_in, r)\nB = torch.zeros(r, d_out)",
            made=None,
            says="It looks transposed",
        ),
    ),
    should="B A must be zero, and still one of the two must have a gradient.",
    hints=(
        "Before training, the adapted model must answer exactly as the base does. What must B A be?",
        "A product is zero when one factor is. If both are, neither has a gradient. Look at what PEFT does: "
        '`layer.lora_B["default"].weight`.',
        "`A` is random with shape `(r, d_in)`, `B` is `torch.zeros(d_out, r)`.",
    ),
    solution="A = torch.randn(r, d_in) / d_in**0.5\nB = torch.zeros(d_out, r)",
)

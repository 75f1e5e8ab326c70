"""Lesson 4: quantization and QLoRA. A tiny NF4 in ten lines, held against bitsandbytes, and what it costs in bits and bytes.

What its checks are handed is the student's own: one matrix of the model, what bitsandbytes made of it, and the plan of their sweep.
"""

from workbench.lessons.exercise import Lesson
from workbench.lessons.qlora.rounding import BLOCK, LEVELS
from workbench.lessons.qlora.sizes import BITS, DOUBLE, TRAINING

__all__ = ["BITS", "BLOCK", "DOUBLE", "LESSON", "LEVELS", "TRAINING"]

LESSON = Lesson(
    name="qlora",
    number=4,
    title="Quantization and QLoRA",
    notebook="04_qlora.ipynb",
    minutes=(15, 20),
    outcomes=(
        "write NF4, the 4-bit format of QLoRA, in a few lines and get the numbers of bitsandbytes",
        "say how many bits a weight really takes, with and without double quantization",
        "say which part of a QLoRA training is in few bits and which is not",
        "read from paired answers whether rounding cost anything, and how much could have been seen",
    ),
    before=(
        "Python, and what a matrix is",
        "lesson 2, or that LoRA trains two thin matrices beside a frozen one",
    ),
    exercises=(LEVELS, BLOCK, BITS, DOUBLE, TRAINING),
    open_question="Rounding moves every frozen weight by several per cent of its size, yet a model still answers. Why "
    "might a network stand errors in all of its weights at once? And an adapter is trained on the rounded base: what of "
    "the rounding can it mend, and what can it not?",
)

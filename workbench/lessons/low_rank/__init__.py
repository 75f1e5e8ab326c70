"""Lesson 2: the low-rank update by hand. One linear layer of the micro-world, W0 + (alpha / r) B A, held against PEFT.

What its checks are handed is the student's own: `layer`, PEFT's LoRA layer of their model with their rank and alpha.
"""

from workbench.lessons.exercise import Lesson
from workbench.lessons.low_rank.learned import MERGED, RANK, UPDATE
from workbench.lessons.low_rank.untrained import START, TRAINED

__all__ = ["LESSON", "MERGED", "RANK", "START", "TRAINED", "UPDATE"]

LESSON = Lesson(
    name="low-rank",
    number=2,
    title="The low-rank update by hand",
    notebook="02_low_rank.ipynb",
    minutes=(15, 20),
    outcomes=(
        "write a LoRA layer in a few lines of torch and show that it gives PEFT's numbers",
        "say how many numbers an adapter trains, for any layer and rank",
        "explain why B starts at zero, what alpha / r does, and why a merged adapter costs nothing",
    ),
    before=(
        "Python, and what a matrix product is",
        "lesson 1, or that fine-tuning means training a model further",
    ),
    exercises=(TRAINED, START, UPDATE, RANK, MERGED),
    open_question="The update of one layer has rank r, but a model has many layers with non-linear steps between "
    "them. Is what the whole model does differently now also of rank r? How would you measure that, and for "
    "what kind of task would you expect that rank 1 is too little?",
)

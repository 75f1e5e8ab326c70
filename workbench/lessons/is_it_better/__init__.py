"""Lesson 5: is it really better, and what can go wrong? Intervals, pairs, seeds, many comparisons, bias and leaks.

What its checks are handed is the student's own: stored answers of the adapters they trained, and the folder of their sweep.
"""

from workbench.lessons.exercise import Lesson
from workbench.lessons.is_it_better.doubts import FALSE_ALARMS, PAIRED, SEEDS
from workbench.lessons.is_it_better.harms import BEYOND, LEAKED

__all__ = ["BEYOND", "FALSE_ALARMS", "LEAKED", "LESSON", "PAIRED", "SEEDS"]

LESSON = Lesson(
    name="is-it-better",
    number=5,
    title="Is it really better, and what can go wrong?",
    notebook="05_is_it_better.ipynb",
    minutes=(15, 20),
    outcomes=(
        "put an interval on a difference of two adapters that answered the same questions",
        "say what a difference over a few seeds is worth",
        "say how easily the best of many equal adapters looks better",
        "find what a score of the trained task hides: forgetting, bias from the data, made-up answers, leaked tests",
    ),
    before=(
        "Python with numpy, and what a mean and a standard deviation are",
        "what an adapter is and how it is trained: lessons 1 to 4, or practice",
    ),
    exercises=(PAIRED, SEEDS, FALSE_ALARMS, BEYOND, LEAKED),
    open_question="A colleague trained 20 adapters, reports the best one, and its interval does not touch that of the base. "
    "Its test questions were written by the people who wrote the training rows. What would you ask before you believe it, "
    "and what would you measure yourself, in which order?",
)

"""Which lessons there are, in the order in which they are taken, and the file that holds the exercises of each."""

from importlib import import_module

from workbench.errors import InputError, nearest
from workbench.lessons.exercise import Lesson

LESSONS: dict[str, str] = {
    "what-changes": "workbench.lessons.what_changes",
    "low-rank": "workbench.lessons.low_rank",
    "rank-alpha": "workbench.lessons.rank_alpha",
    "qlora": "workbench.lessons.qlora",
    "is-it-better": "workbench.lessons.is_it_better",
}
"""Name -> the file whose `LESSON` it is."""


def find(name: str) -> Lesson:
    if name not in LESSONS:
        raise InputError(f"there is no lesson {name!r}. {nearest(name, LESSONS)}")
    lesson: Lesson = import_module(LESSONS[name]).LESSON
    return lesson

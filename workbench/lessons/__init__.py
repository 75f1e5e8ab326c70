"""A course on LoRA in five notebooks: each claim is a prediction, a slider, and a check on what the student's own run gave.

    from workbench import lessons
    lesson = lessons.open("low-rank")
    lesson.check("update", my_function)        # correct, incorrect or not attempted, and why
    lesson.hint("update")
    lesson.solution("update")
    lesson.progress()

The notebooks lie in `notebooks/learn/`, the exercises of each in a file or folder here. What a lesson remembers lies in the
kernel and is gone with it. Importing this loads neither torch nor a widget; nothing here needs JavaScript but sliders.
"""

from workbench.lessons.catalog import LESSONS, find
from workbench.lessons.opened import OpenLesson
from workbench.lessons.slider import slider
from workbench.models.quiet import hush_bitsandbytes

__all__ = ["LESSONS", "OpenLesson", "open", "slider"]

_OPENED: dict[str, OpenLesson] = {}


def open(name: str, *, afresh: bool = False) -> OpenLesson:
    """The lesson of this name; a cell that is run again finds what was answered before.

    Args:
        name: One of `lessons.LESSONS`.
        afresh: Forget what was answered in this kernel.
    """
    lesson = find(name)
    hush_bitsandbytes()
    if afresh or name not in _OPENED:
        _OPENED[name] = OpenLesson(lesson)
    return _OPENED[name]

"""Answers put into a lesson's notebook: the solutions, and the testing notebook in which every listed answer is given.

A cell tagged `answer:NAME` is the student's down to the line that begins with `lesson.check(`. `solved` writes the
exercise's solution there; `with_every_answer` gives each mistake in a cell of its own, and then the solution. It runs nothing.
"""

from copy import deepcopy
from typing import Any

from workbench.errors import InputError
from workbench.lessons.exercise import Exercise, Lesson

TAG = "answer:"
CHECK = "lesson.check("


def solved(notebook: Any, lesson: Lesson) -> Any:
    """The notebook with every solution written in."""
    filled = deepcopy(notebook)
    for cell, exercise in answer_cells(filled, lesson):
        cell.source = written(cell.source, exercise.solution)
    first = filled.cells[0]
    head, *rest = first.source.split("\n")
    first.source = "\n".join([f"{head} (solutions)", *rest])
    return filled


def with_every_answer(notebook: Any, lesson: Lesson) -> Any:
    """The notebook in which every mistake of every exercise is made once, and then the right answer given.

    Each of these cells says in its metadata, under `workbench`, which exercise it answers and with which mistake; the
    empty name is the right answer.
    """
    filled = deepcopy(notebook)
    answers = {cell.id: exercise for cell, exercise in answer_cells(filled, lesson)}
    cells = []
    for cell in filled.cells:
        exercise = answers.get(cell.id)
        if exercise is None:
            cells.append(cell)
            continue
        sources = {mistake.name: mistake.wrote for mistake in exercise.mistakes}
        for place, (name, source) in enumerate({**sources, "": exercise.solution}.items()):
            copy = deepcopy(cell)
            copy.id = f"{cell.id}-{place}"
            copy.source = written(cell.source, source)
            copy.metadata["workbench"] = {"exercise": exercise.name, "mistake": name}
            cells.append(copy)
    filled.cells = cells
    return filled


def answer_cells(notebook: Any, lesson: Lesson) -> list[tuple[Any, Exercise]]:
    """The cells that are for answers, each with its exercise, in the order of the notebook."""
    exercises = {exercise.name: exercise for exercise in lesson.exercises}
    found = []
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith(TAG):
                name = tag.removeprefix(TAG)
                if name not in exercises:
                    raise InputError(
                        f"cell {cell.id} is tagged {tag!r}; the exercises are {', '.join(exercises)}"
                    )
                found.append((cell, exercises[name]))
    return found


def written(source: str, answer: str) -> str:
    r"""An answer cell with this in place of the student's part.

    >>> print(written('x = ...\n\nlesson.check("x", x)', "x = 1"))
    x = 1
    <BLANKLINE>
    lesson.check("x", x)
    """
    lines = source.split("\n")
    checks = [place for place, line in enumerate(lines) if line.startswith(CHECK)]
    if len(checks) != 1:
        raise InputError(f"an answer cell has one line that begins with {CHECK!r}: {source!r}")
    gap = next(n for n in range(1, checks[0] + 1) if lines[checks[0] - n].strip())
    return "\n".join([answer.strip("\n"), *[""] * (gap - 1), *lines[checks[0] :]])

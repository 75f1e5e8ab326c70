"""A lesson as an assignment of nbgrader or otter-grader, made from its notebook and the solutions of its exercises.

`for_nbgrader` gives the source version, from which `nbgrader generate_assignment` makes the students'; `for_otter` gives
the notebook that `otter assign` takes. In both every exercise is worth a point, and the test is the lesson's own check.
Neither library is imported: what they read are metadata, comments and raw cells.
"""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import yaml

from workbench.lessons.exercise import Exercise, Lesson
from workbench.lessons.filling import CHECK, answer_cells

SCHEMA = 3
"""Of nbgrader's metadata, since version 0.6."""


def for_nbgrader(notebook: Any, lesson: Lesson) -> Any:
    """The source version: each answer cell split into one for the answer and a locked one that is graded."""

    def cells(cell: Any, exercise: Exercise) -> Iterable[Any]:
        student, check = _halves(cell)
        answer = f"{student}\n### BEGIN SOLUTION\n{exercise.solution}\n### END SOLUTION"
        graded = f"checked = {check}\ndisplay(checked)\nassert checked.correct, checked.message"
        said: dict[str, Any] = {"schema_version": SCHEMA, "task": False}
        yield _like(
            cell,
            source=answer,
            id=cell.id,
            nbgrader={**said, "grade_id": exercise.name, **_flags(solution=True, graded=False)},
        )
        yield _like(
            cell,
            source=graded,
            id=f"{cell.id}-check",
            nbgrader={
                **said,
                "grade_id": f"{exercise.name}-check",
                "points": 1,
                **_flags(solution=False, graded=True),
            },
        )

    return _replaced(notebook, lesson, cells)


def _flags(*, solution: bool, graded: bool) -> dict[str, bool]:
    return {"solution": solution, "grade": graded, "locked": not solution}


def for_otter(notebook: Any, lesson: Lesson) -> Any:
    """The notebook for `otter assign`: each exercise a question with a prompt, a solution and one test."""

    def cells(cell: Any, exercise: Exercise) -> Iterable[Any]:
        student, check = _halves(cell)
        name = exercise.name.replace("-", "_")
        answer = (
            f"# BEGIN SOLUTION NO PROMPT\n{exercise.solution}\n# END SOLUTION\n"
            f"''' # BEGIN PROMPT\n{student}\n'''; # END PROMPT"
        )
        question = yaml.safe_dump({"name": name, "points": 1}, sort_keys=False)
        yield _raw(f"# BEGIN QUESTION\n{question}", id=f"{cell.id}-q")
        yield _raw("# BEGIN SOLUTION", id=f"{cell.id}-s")
        yield _like(cell, source=answer, id=cell.id)
        yield _raw("# END SOLUTION", id=f"{cell.id}-t")
        yield _raw("# BEGIN TESTS", id=f"{cell.id}-u")
        test = _like(cell, source=f"print({check}.said)", id=f"{cell.id}-check")
        # Otter takes what a test cell put out for what it expects.
        test["outputs"] = [_printed("correct")]
        yield test
        yield _raw("# END TESTS", id=f"{cell.id}-v")
        yield _raw("# END QUESTION", id=f"{cell.id}-w")

    made = _replaced(notebook, lesson, cells)
    # Without the check cell and the export cell the lesson stays as it is.
    config = {"name": lesson.name, "init_cell": True, "export_cell": False}
    head = f"# ASSIGNMENT CONFIG\n{yaml.safe_dump(config, sort_keys=False)}"
    made["cells"] = [_raw(head, id="assignment"), *made["cells"]]
    return made


EXPORTS = {"nbgrader": for_nbgrader, "otter": for_otter}


def _replaced(notebook: Any, lesson: Lesson, cells: Any) -> Any:
    made = deepcopy(notebook)
    exercises = {cell.id: exercise for cell, exercise in answer_cells(made, lesson)}
    made["cells"] = [
        new
        for cell in made.cells
        for new in (cells(cell, exercises[cell.id]) if cell.id in exercises else [cell])
    ]
    return made


def _halves(cell: Any) -> tuple[str, str]:
    """The student's part of an answer cell, and the check as one expression."""
    student, _, rest = cell.source.partition(f"\n{CHECK}")
    return student.rstrip("\n"), (CHECK + rest).rstrip()


def _like(cell: Any, *, source: str, id: str, **metadata: Any) -> Any:
    made = deepcopy(cell)
    made.update(source=source, id=id, metadata=metadata)
    return made


def _raw(source: str, *, id: str) -> Any:
    import nbformat

    return nbformat.v4.new_raw_cell(source.rstrip("\n"), id=id)


def _printed(text: str) -> Any:
    import nbformat

    return nbformat.v4.new_output("stream", name="stdout", text=f"{text}\n")

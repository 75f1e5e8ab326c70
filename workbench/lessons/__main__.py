"""What is made from lessons, for authors and teachers: `python -m workbench.lessons`, and then one of `USAGE`."""

import sys
from pathlib import Path

from workbench.errors import InputError
from workbench.lessons.catalog import LESSONS, find
from workbench.lessons.exercise import Lesson
from workbench.lessons.export import EXPORTS
from workbench.lessons.filling import solved

USAGE = """python -m workbench.lessons solutions FOLDER       the solution notebooks of a folder of lessons, anew
python -m workbench.lessons nbgrader NOTEBOOK OUT  a lesson as the source version of an nbgrader assignment
python -m workbench.lessons otter NOTEBOOK OUT     a lesson as the notebook that `otter assign` takes
"""


def write_solutions(folder: Path) -> list[Path]:
    """The solution of every lesson whose notebook lies in a folder, in its folder `solutions`."""
    import nbformat

    wrote = []
    for name in LESSONS:
        lesson = find(name)
        if not (folder / lesson.notebook).is_file():
            continue
        notebook = nbformat.read(folder / lesson.notebook, as_version=4)
        path = folder / "solutions" / lesson.notebook
        path.parent.mkdir(exist_ok=True)
        nbformat.write(solved(notebook, lesson), path)
        wrote.append(path)
    return wrote


def write_export(system: str, notebook: Path, out: Path) -> Path:
    """A lesson as an assignment of another system; never over a file that is there."""
    import nbformat

    lesson = _lesson_of(notebook)
    if out.exists():
        raise InputError(f"{str(out)!r} is there already; name a file that is not")
    made = EXPORTS[system](nbformat.read(notebook, as_version=4), lesson)
    nbformat.validate(made)
    out.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, out)
    return out


def _lesson_of(notebook: Path) -> Lesson:
    known = {find(name).notebook: find(name) for name in LESSONS}
    if notebook.name not in known or not notebook.is_file():
        raise InputError(
            f"{str(notebook)!r} is no notebook of a lesson; they are called {', '.join(known)}"
        )
    return known[notebook.name]


def main(words: list[str]) -> int:
    """0, or 2 with what is wrong."""
    try:
        match words:
            case ["solutions", folder]:
                wrote = write_solutions(Path(folder))
            case [("nbgrader" | "otter") as system, notebook, out]:
                wrote = [write_export(system, Path(notebook), Path(out))]
            case _:
                raise InputError(f"{' '.join(words)!r} is none of these:\n{USAGE}")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{path}\n" for path in wrote)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

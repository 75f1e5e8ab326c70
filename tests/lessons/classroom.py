"""A class without students: answers judged without a notebook, notebooks run in a folder of their own, and what they said."""

import ast
from types import SimpleNamespace

import nbformat

from tests.contracts.tree import ROOT
from workbench.lessons.cards import RECORD
from workbench.lessons.exercise import judge

LEARN = ROOT / "notebooks" / "learn"


def read(lesson, *, folder=LEARN):
    return nbformat.read(folder / lesson.notebook, as_version=4)


def answer_of(source, **known):
    """What a student's part of a cell leaves: its last function, or the value of the last name given one.

    Several names given values make a tuple, in their order, where `known` holds `names`.
    """
    wanted = known.pop("names", None)
    space = dict(known)
    exec(source, space)
    if wanted:
        return tuple(space[name] for name in wanted)
    last = ast.parse(source).body[-1]
    return space[last.name if isinstance(last, ast.FunctionDef) else last.targets[0].id]


def judged(exercise, source, *, facts, **known):
    """The verdict of what these lines leave, without a notebook."""
    return judge(exercise, answer_of(source, **known), **facts)


def execute(notebook, folder, monkeypatch, *, parameters=None, minutes=10):
    """Run a notebook whole under papermill, where its relative paths lead nowhere else; nothing may raise."""
    import papermill

    # Beside the package, not installed in it: the kernel must find this checkout.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(folder / name.lower()))
    place = folder / "notebooks" / "learn"
    place.mkdir(parents=True)
    nbformat.write(notebook, place / "lesson.ipynb")
    return papermill.execute_notebook(
        str(place / "lesson.ipynb"),
        str(folder / "executed.ipynb"),
        parameters=dict(parameters or {}),
        kernel_name="python3",
        cwd=str(place),
        progress_bar=False,
        start_timeout=120,
        execution_timeout=60 * minutes,
    )


def outputs(notebook):
    """(cell, what it put out), one after the other."""
    return [(cell, out) for cell in notebook.cells for out in cell.get("outputs", [])]


def records(notebook):
    """(cell, record) of every card that carries one: state, message, exercise, mistake, states."""
    found = []
    for cell, out in outputs(notebook):
        record = out.get("data", {}).get(RECORD)
        if record is not None:
            found.append((cell, SimpleNamespace(**record)))
    return found

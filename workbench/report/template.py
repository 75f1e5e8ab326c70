"""The notebooks that reports are made of: the two that come with the workbench, and a person's own.

`found("comparison")` or `found("my.ipynb")` gives a `Template` with the parameters that its `parameters` cell names;
`template.filled(given)` checks what it was given; `copied("card", to)` writes one of ours for a person to edit. It runs nothing.
"""

import ast
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from workbench.errors import InputError, SpecError, StoreError, nearest
from workbench.runs.atomic import write_bytes

TEMPLATES = Path(__file__).parent / "templates"

OURS = {
    "comparison": "the trials of a sweep, compared",
    "card": "one adapter against its base",
}

TAG = "parameters"
KINDS: dict[str, tuple[type, str]] = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (bool, "True or False"),
    "list": (list, "a list"),
    "dict": (dict, "a dict"),
}


class Parameter(BaseModel):
    """One name of a `parameters` cell."""

    model_config = ConfigDict(frozen=True)

    name: str
    default: Any
    kind: str = ""
    """One of `KINDS`; empty where the cell does not tell."""
    help: str = ""

    def taken(self, value: Any) -> Any:
        """A value as the cell's own has it; text from a command line becomes a number where one is wanted."""
        read = self._read(value) if isinstance(value, str) else value
        wanted, words = KINDS.get(self.kind, (None, ""))
        if wanted is float and type(read) is int:
            read = float(read)
        is_none = read is None and self.default is None
        if wanted is not None and not is_none and type(read) is not wanted:
            raise SpecError(f"the parameter {self.name!r} takes {words}; got {value!r}")
        try:
            json.dumps(read, allow_nan=False)
        except (TypeError, ValueError):
            raise SpecError(
                f"the parameter {self.name!r} takes what JSON can hold; got {value!r}"
            ) from None
        return read

    def _read(self, text: str) -> Any:
        if self.kind == "str":
            return text
        try:
            return ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text


class Template(BaseModel):
    """A notebook that becomes a report."""

    model_config = ConfigDict(frozen=True)

    path: Path
    parameters: tuple[Parameter, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it came with the workbench."""
        return self.path.parent == TEMPLATES

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.stem if self.is_ours else self.path.name

    def has(self, name: str) -> bool:
        """Whether it has such a parameter."""
        return any(one.name == name for one in self.parameters)

    def filled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What was given, checked; an unknown parameter is an error that names the nearest."""
        known = {one.name: one for one in self.parameters}
        for name in given:
            if name not in known:
                raise SpecError(f"{self.name} has no parameter {name!r}. {nearest(name, known)}")
        return {name: known[name].taken(value) for name, value in given.items()}


def found(asked: str | Path) -> Template:
    """One of ours by its name, or the notebook at a path."""
    if str(asked) in OURS:
        path = TEMPLATES / f"{asked}.ipynb"
    else:
        path = Path(asked).absolute()
        if not path.is_file():
            raise InputError(
                f"there is no template {str(asked)!r}. Give the path of a notebook, or one of ours: {', '.join(OURS)}"
            )
    return Template(path=path, parameters=_parameters(path))


def copied(name: str, to: str | Path) -> Path:
    """Write one of our templates to a new file and return its path."""
    if name not in OURS:
        raise InputError(f"there is no template {name!r} to copy. {nearest(name, OURS)}")
    path = Path(to).absolute()
    if path.suffix != ".ipynb":
        raise StoreError(f"a template is a notebook; got {str(to)!r}, give a name ending in .ipynb")
    if os.path.lexists(path):
        raise StoreError(f"{str(to)!r} exists already and is not overwritten; give another name")
    write_bytes(path, (TEMPLATES / f"{name}.ipynb").read_bytes())
    return path


def _parameters(path: Path) -> tuple[Parameter, ...]:
    """What the cell tagged `parameters` assigns.

    Read here and not by papermill, whose inspection skips names with a dotted type or a union for one.
    """
    for cell in _cells(path):
        if TAG in (cell.get("metadata") or {}).get("tags", ()):
            source = cell.get("source", "")
            return _assigned("".join(source), path=path)
    raise InputError(
        f"{path.name!r} has no cell tagged 'parameters', so a report cannot tell it what to read. Tag the cell that "
        "sets `path`, or begin with a copy of ours: `workbench template comparison my.ipynb`"
    )


def _cells(path: Path) -> list[dict[str, Any]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        cells = told["cells"]
        if not all(isinstance(cell, dict) for cell in cells):
            raise TypeError
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(
            f"{str(path)!r} is no notebook of format 4; save it in Jupyter, as .ipynb"
        ) from None
    return list(cells)


def _assigned(source: str, *, path: Path) -> tuple[Parameter, ...]:
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError):
        raise InputError(
            f"the parameters cell of {path.name!r} is not plain Python; write one `name = value` a line there"
        ) from None
    lines = source.splitlines()
    known: dict[str, Parameter] = {}
    for one in statements:
        target, value = _target(one), getattr(one, "value", None)
        if target is None or value is None:
            continue
        annotation = ast.unparse(one.annotation) if isinstance(one, ast.AnnAssign) else ""
        known[target] = _parameter(target, value, annotation, help=_help(one, lines))
    if "path" not in known:
        raise InputError(
            f"the parameters cell of {path.name!r} does not set `path`, the folder of the sweep; "
            'add the line: path = ""'
        )
    return tuple(known.values())


def _target(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign):
        target: ast.expr = statement.target
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def _help(statement: ast.stmt, lines: Sequence[str]) -> str:
    """The comment behind a statement."""
    line = lines[(statement.end_lineno or statement.lineno) - 1].encode()
    rest = line[statement.end_col_offset or 0 :].decode(errors="replace")
    return rest.partition("#")[2].strip()


def _parameter(name: str, value: ast.expr, annotation: str, *, help: str) -> Parameter:
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError, MemoryError, RecursionError):
        default = None
    told = type(default).__name__ if default is not None else ""
    named = [p for part in annotation.split("|") if (p := part.strip()) not in ("", "None")]
    kind = named[0] if len(named) == 1 else "" if named else told
    return Parameter(name=name, default=default, kind=kind if kind in KINDS else "", help=help)

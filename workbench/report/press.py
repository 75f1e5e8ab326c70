"""The process that makes a report: papermill runs the notebook, `exporter.py` makes the page of it.

`python -m workbench.report.press` reads an `Order` as JSON from standard input, says on standard output how far it is, a line of
JSON each, and leaves three files in the order's folder. It uses a kernel of the interpreter it runs in, whatever kernels the
user has installed, and removes from notebook and page what tells of this machine.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

PAGE, NOTEBOOK, NUMBERS = "page.html", "notebook.ipynb", "numbers.json"
FILES = (PAGE, NOTEBOOK, NUMBERS)

SWEEP = "@the-folder-of-the-sweep@"
"""Stands in what is made for the place of the sweep, which is told from where the report is put."""

LONGEST = 600
"""Characters of an error of somebody's own cell."""


class Order(BaseModel):
    """What is to be made."""

    model_config = ConfigDict(frozen=True)

    template: Path
    parameters: dict[str, Any]
    sweep: Path
    title: str
    folder: Path
    """Where the three files go; it is there and empty."""
    cwd: Path
    """Where relative paths of the notebook count from."""
    is_static: bool = False


class Broken(BaseModel):
    """What a cell ended with."""

    kind: str
    message: str
    cell: int
    line: str
    """The first line of the cell."""


def main() -> int:
    """Carry out the order on standard input."""
    _leave_out_slow_checks()
    from papermill.exceptions import PapermillExecutionError

    order = Order.model_validate_json(sys.stdin.read())
    with tempfile.TemporaryDirectory(prefix="workbench-kernel-") as folder:
        _own_kernel(Path(folder))
        try:
            notebook = _executed(order)
        except PapermillExecutionError as error:
            _say({"broken": _broken(error, order).model_dump()})
            return 1
    _write(notebook, order)
    return 0


def _leave_out_slow_checks() -> None:
    # jsonschema can do without: it would compile a grammar for a second, to check addresses that no notebook has.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _own_kernel(place: Path) -> None:
    """Let `python3` mean this interpreter, without the user's start-up files and settings."""
    spec = place / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(kernel), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = str(place / "jupyter")
    os.environ["JUPYTER_RUNTIME_DIR"] = str(place / "runtime")
    os.environ["JUPYTER_CONFIG_DIR"] = str(place / "config")
    os.environ["IPYTHONDIR"] = str(place / "ipython")


def _executed(order: Order) -> Any:
    import nbformat
    import papermill

    source = nbformat.read(order.template, as_version=4)
    # The cell that papermill adds is one of them.
    many = 1 + sum(1 for c in source.cells if c.cell_type == "code" and c.source.strip())
    done = 0

    def tell(**_: Any) -> None:
        nonlocal done
        done += 1
        _say({"done": done, "of": max(many, done)})

    return papermill.execute_notebook(
        str(order.template),
        # Nothing is written while it runs: papermill would do so twice a cell.
        None,
        parameters=order.parameters,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        report_mode=True,
        cwd=str(order.cwd),
        start_timeout=120,
        execution_timeout=600,
        on_cell_executed=tell,
    )


def _broken(error: Any, order: Order) -> Broken:
    import nbformat

    message = str(error.evalue)
    cells = nbformat.read(order.template, as_version=4).cells
    tagged = next(i for i, c in enumerate(cells) if "parameters" in c.metadata.get("tags", []))
    lines = [line for line in str(error.source).splitlines() if line.strip()]
    return Broken(
        kind=str(error.ename),
        message=message if len(message) <= LONGEST else message[: LONGEST - 1] + "…",
        # In the template, which has no cell that papermill adds behind the tagged one.
        cell=int(error.cell_index) + (error.cell_index <= tagged),
        line=lines[0].strip() if lines else "",
    )


def _write(notebook: Any, order: Order) -> None:
    import nbformat

    from workbench.report.exporter import page_of
    from workbench.report.numbers import collected
    from workbench.report.still import draw_in

    _forget_machine(notebook, sweep=order.sweep)
    notebook.metadata["title"] = order.title
    numbers = collected(notebook)
    draw_in(notebook)
    made = {
        PAGE: page_of(notebook, is_static=order.is_static),
        NOTEBOOK: nbformat.writes(notebook),
        NUMBERS: json.dumps(numbers, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for name, text in made.items():
        (order.folder / name).write_text(text, encoding="utf-8")


def _forget_machine(notebook: Any, *, sweep: Path) -> None:
    """Leave neither paths of this machine nor papermill's notes in the notebook."""
    notebook.metadata.pop("papermill", None)
    above = f"{sweep.parent}{os.sep}"
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            lines = cell.source.splitlines()
            kept = [f'path = "{SWEEP}"' if one.startswith("path = ") else one for one in lines]
            cell.source = "\n".join(kept)
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
            for output in cell.outputs:
                data = output.get("data", {})
                for kind, text in data.items():
                    data[kind] = _without(text, above)


def _without(told: Any, words: str) -> Any:
    """The same without some words, in whatever it holds."""
    if isinstance(told, str):
        return told.replace(words, "")
    if isinstance(told, dict):
        return {key: _without(value, words) for key, value in told.items()}
    if isinstance(told, list):
        return [_without(value, words) for value in told]
    return told


if __name__ == "__main__":
    sys.exit(main())

"""The process that makes a report: papermill runs the notebook, nbconvert and `page.py` make the page of it.

`python -m workbench.report.press` reads an order as JSON from standard input. It uses a kernel of the interpreter it
runs in, whatever kernels the user has installed, and removes from notebook and page what tells of this machine. Both
files appear whole or not at all.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from workbench.report.page import finished

THEME = Path(__file__).parent / "theme"


def main() -> int:
    """Carry out the order on standard input."""
    order = json.load(sys.stdin)
    page, parameters = Path(order["page"]), order["parameters"]
    sweep = Path(parameters["path"])
    with tempfile.TemporaryDirectory(prefix="workbench-report-") as folder:
        place = Path(folder)
        _own_kernel(place)
        notebook = _executed(Path(order["notebook"]), parameters, cwd=page.parent, place=place)
        _forget_machine(notebook, sweep=sweep, page=page)
        html = finished(_converted(notebook, title=parameters["title"]))
        import nbformat

        _put(page.with_suffix(".ipynb"), nbformat.writes(notebook))
        _put(page, html)
    return 0


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


def _executed(source: Path, parameters: dict[str, Any], *, cwd: Path, place: Path) -> Any:
    import papermill

    return papermill.execute_notebook(
        str(source),
        str(place / "executed.ipynb"),
        parameters=parameters,
        kernel_name="python3",
        progress_bar=False,
        report_mode=True,
        cwd=str(cwd),
        start_timeout=120,
        execution_timeout=600,
    )


def _forget_machine(notebook: Any, *, sweep: Path, page: Path) -> None:
    """Leave neither paths of this machine nor papermill's notes in the notebook."""
    notebook.metadata.pop("papermill", None)
    near = os.path.relpath(sweep, page.parent)
    inside = len(Path(os.path.commonpath([sweep, page.parent])).parts) > 2
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        cell.source = cell.source.replace(str(sweep), near if inside else sweep.name)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind, text in data.items():
                if isinstance(text, str):
                    data[kind] = text.replace(f"{sweep.parent}{os.sep}", "")


def _converted(notebook: Any, *, title: str) -> str:
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(template_name=THEME.name, extra_template_basedirs=[str(THEME.parent)])
    resources = {"metadata": {"name": title}}
    html, _ = exporter.from_notebook_node(notebook, resources=resources)
    return str(html)


def _put(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())

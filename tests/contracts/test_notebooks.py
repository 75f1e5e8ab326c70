"""Notebooks are stored without outputs, run headless from top to bottom, and show tables where no widget can be shown.

Each says in its metadata (`workbench.smoke`) which parameters make it quick; at full length it runs with `make soak`.
"""

import re
from pathlib import Path

import nbformat
import pytest

from tests.contracts.tree import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = sorted((ROOT / "notebooks" / "learn").rglob("*.ipynb"))
"""Those of the course; `tests/lessons/` runs them, since they are answered, not only run."""
WIDGET = "application/vnd.jupyter.widget-view+json"
MOST_LINES = 24
TEMPLATES = sorted((ROOT / "workbench" / "report").rglob("*.ipynb"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}" if path in LESSONS else path.name


def read(path):
    return nbformat.read(path, as_version=4)


def parameters_cell(path):
    tagged = [c for c in read(path).cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1, "one cell is tagged `parameters`"
    return tagged[0]


@pytest.mark.parametrize("path", NOTEBOOKS + LESSONS + TEMPLATES, ids=name_of)
def test_no_output_is_stored(path):
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert "widgets" not in notebook.metadata
    assert "papermill" not in notebook.metadata
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", NOTEBOOKS + LESSONS + TEMPLATES, ids=name_of)
def test_one_cell_holds_the_parameters(path):
    assert parameters_cell(path).cell_type == "code"


@pytest.mark.parametrize("path", NOTEBOOKS + LESSONS, ids=name_of)
def test_papermill_knows_every_parameter_and_its_type(path):
    import papermill

    known = papermill.inspect_notebook(str(path))
    smoke = read(path).metadata["workbench"]["smoke"]
    assert smoke
    assert set(smoke) <= set(known)
    assert [name for name, told in known.items() if told["inferred_type_name"] == "None"] == []
    if path in NOTEBOOKS:
        assert {"runs", "reports"} <= set(known), "where it writes is the reader's to say"


@pytest.mark.parametrize("path", NOTEBOOKS + LESSONS, ids=name_of)
def test_it_begins_with_what_one_will_be_able_to_do_and_what_that_takes(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    for told in ("# ", "ou will", "**Time:**", "**Hardware:**"):
        assert told in first.source, told


@pytest.mark.parametrize("path", NOTEBOOKS + LESSONS, ids=name_of)
def test_cells_are_short_and_keep_their_names(path):
    cells = read(path).cells
    number = path.name[:2]
    assert [c.id for c in cells if not re.fullmatch(rf"{number}-\d\d", c.id)] == []
    assert len({c.id for c in cells}) == len(cells)
    lines = {c.id: len(c.source.splitlines()) for c in cells if c.cell_type == "code"}
    assert {cell: n for cell, n in lines.items() if n > MOST_LINES} == {}


@pytest.mark.parametrize("path", NOTEBOOKS + LESSONS, ids=name_of)
def test_a_kernel_without_the_workbench_is_told_what_to_do(path):
    first = next(cell for cell in read(path).cells if cell.cell_type == "code")
    assert "import workbench" in first.source
    assert "make lab" in first.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_runs_headless_with_smoke_parameters(path, tmp_path, monkeypatch):
    run(path, read(path).metadata["workbench"]["smoke"], tmp_path, monkeypatch, minutes=5)


@pytest.mark.soak
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_it_runs_headless_at_full_length(path, tmp_path, monkeypatch):
    run(path, {}, tmp_path, monkeypatch, minutes=60)


def run(path, parameters, folder, monkeypatch, *, minutes):
    """Execute a notebook in a folder of its own, where its relative paths lead nowhere else."""
    import papermill

    # Beside the package, not installed in it: the kernel must find this checkout.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(folder / name.lower()))
    (folder / "notebooks").mkdir()
    executed = papermill.execute_notebook(
        str(path),
        str(folder / "executed.ipynb"),
        parameters=dict(parameters),
        kernel_name="python3",
        cwd=str(folder / "notebooks"),
        progress_bar=False,
        start_timeout=120,
        execution_timeout=60 * minutes,
    )
    reports = list((folder / "reports").glob("*.html"))
    assert reports, "it ends with a report"
    assert_reads_without_widgets(executed)


def assert_reads_without_widgets(notebook):
    """Whoever opens it where no widget is shown sees tables, and nothing of what libraries mutter."""
    widgets = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", (cell.id, output.get("text"))
            shown = output.get("data", {})
            if WIDGET in shown:
                widgets += 1
                assert "<table" in shown.get("text/html", ""), cell.id
                assert shown.get("text/plain"), cell.id
    assert widgets

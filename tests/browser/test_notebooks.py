"""The shipped notebooks, each run whole in a real JupyterLab: no cell fails, every panel is there, nothing leaves.

They have the parameters that make them quick (`workbench.smoke` in their metadata). Two are opened always, all of
them with SOAK=1.
"""

import nbformat
import pytest

from tests.browser.conftest import ROOT
from tests.browser.lab_page import (
    SECOND,
    assert_quiet,
    open_and_run,
    wait_until_all_has_run,
)

PANEL, MAP, LIVE = ".wb-panel", ".wb-map", ".wb-live"
BOARD, SAMPLES, PLAYGROUND = ".wb-board", ".wb-samples", ".wb-playground"
SHOWN = {
    "00_start_here.ipynb": [LIVE, BOARD, SAMPLES, PANEL],
    "01_rank_sweep.ipynb": [PANEL, LIVE, BOARD, SAMPLES],
    "02_quantization.ipynb": [LIVE, BOARD],
    "03_targets_and_patterns.ipynb": [MAP, LIVE, BOARD],
    "04_evaluate.ipynb": [BOARD, SAMPLES],
    "05_your_own_data.ipynb": [PANEL, LIVE, BOARD, SAMPLES, PLAYGROUND],
    "06_compare.ipynb": [BOARD, SAMPLES],
}
"""The widgets of each notebook, in their order."""
ALWAYS = ("00_start_here.ipynb", "03_targets_and_patterns.ipynb")

# What a person sees of outputs: errors, what libraries mutter, widgets that could not be drawn.
OUTPUTS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].flatMap((cell) =>
    cell.type !== 'code' ? [] : cell.outputs.toJSON().map((output) => ({
        cell: cell.id, kind: output.output_type, stream: output.name || '', text: (output.traceback || [output.text || '']).join(''),
        widget: Boolean(output.data?.['application/vnd.jupyter.widget-view+json']),
    })))"""
OURS = """() => [...document.querySelectorAll('.jp-OutputArea-output')].map((node) =>
    node.querySelector('.wb-panel, .wb-map, .wb-live, .wb-board, .wb-samples, .wb-playground')).filter(Boolean).map((node) => {
        const box = node.getBoundingClientRect();
        return {face: ['panel', 'map', 'live', 'board', 'samples', 'playground'].map((name) => `.wb-${name}`).find((name) => node.matches(name)),
            size: [box.width, box.height]};
    })"""


def test_every_notebook_of_the_project_is_opened_here():
    assert set(SHOWN) == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}


@pytest.mark.browser
@pytest.mark.parametrize(
    "name", [n if n in ALWAYS else pytest.param(n, marks=pytest.mark.soak) for n in SHOWN]
)
def test_a_notebook_is_opened_run_whole_and_shows_what_it_has(page, lab, picture, name):
    smoke = nbformat.read(ROOT / "notebooks" / name, as_version=4).metadata["workbench"]["smoke"]
    path = lab.shipped(name, parameters=smoke)
    open_and_run(page, lab, path)
    wait_until_all_has_run(page, seconds=300)

    outputs = page.evaluate(OUTPUTS)
    assert [told for told in outputs if told["kind"] == "error" or told["stream"] == "stderr"] == []
    assert any("Open in a browser" in told["text"] for told in outputs)
    for face in SHOWN[name]:
        page.locator(f".jp-OutputArea-output {face}").first.wait_for(timeout=30 * SECOND)
    found = page.evaluate(OURS)
    assert [one["face"] for one in found] == SHOWN[name]
    assert len(found) == sum(told["widget"] for told in outputs)
    assert all(width > 400 and height > 60 for width, height in (one["size"] for one in found))
    assert page.locator(".wb-problem:visible").count() == 0
    page.locator(".wb-board-verdict").first.wait_for(timeout=60 * SECOND)
    if LIVE in SHOWN[name]:
        page.locator(".wb-live[data-state=done]").first.wait_for(timeout=30 * SECOND)
    assert list((lab.folder(path).parent / "reports").glob("*.html")), "it ends with a report"
    whole_page(page, picture, name)
    assert_quiet(page, lab)


def whole_page(page, picture, name: str) -> None:
    """A picture of all of it, where pictures are wanted."""
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
    scrolled = notebook.locator(".jp-WindowedPanel-outer")
    height = scrolled.evaluate("node => node.scrollHeight")
    page.set_viewport_size({"width": 1360, "height": min(int(height) + 160, 10_000)})
    scrolled.evaluate("node => { node.scrollTop = 0; }")
    page.wait_for_timeout(500)
    picture(notebook, f"notebook-{name.removesuffix('.ipynb')}")

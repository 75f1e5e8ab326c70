"""axe looks at every panel of ours in a real JupyterLab, in light and in dark: nothing serious may be found."""

from uuid import uuid4

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.test_lab import SECOND, assert_quiet, in_theme, open_and_run
from tests.compare.planted import plant

pytestmark = pytest.mark.browser

PANELS = {
    ".wb-panel": "wb.panel(runs='fresh')",
    ".wb-map": "wb.model_map('microworld')",
    ".wb-live": "wb.attach('runs/planted')",
    ".wb-board": "wb.leaderboard('runs/planted')",
    ".wb-samples": "wb.samples('runs/planted')",
    ".wb-playground": "wb.playground('runs/planted')",
}
GRAVE = ("serious", "critical")


@pytest.fixture
def shown(page, lab):
    """A notebook that shows every panel, a cell each."""
    folder = lab.root / uuid4().hex[:8]
    plant(
        folder / "runs", right={2: 0.6, 8: 0.8, 16: 0.82}, failed=(16,), evals=("recall", "facts")
    )
    cells = ["import workbench as wb", *PANELS.values()]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, folder / "panels.ipynb")
    open_and_run(page, lab, f"{folder.name}/panels.ipynb")
    for root in PANELS:
        page.locator(root).first.wait_for(timeout=60 * SECOND)
    page.wait_for_timeout(2000)
    return page


def test_axe_finds_nothing_serious_in_any_panel_in_light_and_in_dark(shown, lab, picture):
    found = []
    for theme in ("Light", "Dark"):
        in_theme(shown, f"JupyterLab {theme}")
        for root in PANELS:
            picture(shown.locator(root).first, f"{root.removeprefix('.wb-')}-{theme.lower()}")
            result = Axe().run(shown, context=[root])
            found += [
                f"{theme} {root}: {one['id']} ({node['target'][0]}): {one['help']}"
                for one in result.response["violations"]
                if one["impact"] in GRAVE
                for node in one["nodes"]
            ]
    assert found == []
    assert_quiet(shown, lab)

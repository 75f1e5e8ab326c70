"""axe looks at every panel of ours in a real JupyterLab, in light and in dark: nothing serious may be found."""

import pytest

from tests.browser.lab_page import SECOND, assert_quiet, in_theme, open_and_run, serious
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


@pytest.fixture
def shown(page, lab):
    """A notebook that shows every panel, a cell each."""
    path = lab.written("import workbench as wb", *PANELS.values())
    right = {2: 0.6, 8: 0.8, 16: 0.82}
    plant(lab.folder(path) / "runs", right=right, failed=(16,), evals=("recall", "facts"))
    open_and_run(page, lab, path)
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
            found += [f"{theme} {told}" for told in serious(shown, root)]
    assert found == []
    assert_quiet(shown, lab)

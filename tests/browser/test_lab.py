"""The panel in a real JupyterLab: what a person clicks is what is trained."""

import json
import os
import time
from uuid import uuid4

import pytest

pytestmark = pytest.mark.browser

SECOND = 3000
"""What a second of a quiet machine may take on a shared one, in milliseconds: for waiting only, nothing is timed by it."""
PARAMETERS = {"ranks": [8], "seeds": [0], "max_steps": 60, "evals": ["recall"], "runs": "runs"}
# The indicator in the toolbar says idle before there is a kernel, and what is run then is lost.
KERNEL_IS_READY = """() => {
    const app = window.jupyterapp;
    const kernel = app?.shell.currentWidget?.context?.sessionContext?.session?.kernel;
    return app?.commands.hasCommand('runmenu:run-all')
        && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""


def test_two_ranks_are_chosen_started_watched_and_found_on_disk(page, lab, picture):
    path = lab.notebook(
        "01_rank_sweep.ipynb",
        parameters=PARAMETERS,
        through="wb.panel",
        then="print('kernel', 'free')",
    )
    open_and_run(page, lab, path)
    panel = page.locator(".wb-panel")
    panel.wait_for(timeout=60 * SECOND)

    chip(panel, "1").click()
    chip(panel, "4").click()
    chip(panel, "8").click()
    start = panel.get_by_role("button", name="Start", exact=True)
    for rank in ("r1", "r4"):
        panel.locator(".wb-card th", has_text=rank).wait_for(timeout=30 * SECOND)
    panel.locator(".wb-card th", has_text="r8").wait_for(state="detached", timeout=30 * SECOND)
    picture(panel, "panel-form")
    start.click()

    live = panel.locator(".wb-live")
    live.wait_for(timeout=30 * SECOND)
    assert live.locator("svg:has(.wb-empty):has(.wb-axis)").count() == 0
    live.locator("polyline").first.wait_for(timeout=90 * SECOND)
    assert start.is_disabled()
    before = number_of_points(live)
    run_last_cell(page)
    page.get_by_text("kernel free").last.wait_for(timeout=10 * SECOND)
    state_then = live.get_attribute("data-state")
    wait_for_more_points(live, than=before)
    wait_for_state(live, "done")
    assert state_then == "running", "the other cell ran only when the sweep was over"

    row = live.locator("[data-trial-row^=r4]")
    assert "60 / 60" in row.inner_text()
    adapters = sorted((lab.root / path).parent.glob("runs/*/r*/adapter/adapter_config.json"))
    assert [json.loads(file.read_text())["r"] for file in adapters] == [1, 4]
    assert not start.is_disabled()
    assert_quiet(page, lab)


@pytest.mark.skipif(not os.environ.get("WORKBENCH_SCREENSHOTS"), reason="no pictures are wanted")
def test_the_pictures_of_the_readme_show_a_real_sweep(page, lab, picture):
    wanted = {"runs": "runs", "max_steps": 300, "evals": ["paraphrase", "retention"]}
    path = lab.notebook("01_rank_sweep.ipynb", parameters=wanted, through="wb.panel")
    open_and_run(page, lab, path)
    panel = page.locator(".wb-panel")
    panel.get_by_role("button", name="Start", exact=True).click(timeout=60 * SECOND)
    live = panel.locator(".wb-live")
    live.locator("polyline").first.wait_for(timeout=120 * SECOND)
    wait_for_more_points(live, than=400)
    picture(panel, "panel-running")
    wait_for_state(live, "done", seconds=900)
    picture(panel, "panel-light")
    in_theme(page, "JupyterLab Dark")
    picture(panel, "panel-dark")
    in_theme(page, "JupyterLab Light")


def test_a_reloaded_page_shows_the_same_run_and_stops_it_while_a_cell_waits(page, lab):
    parameters = {**PARAMETERS, "ranks": [2, 16], "max_steps": 4000}
    path = lab.notebook(
        "01_rank_sweep.ipynb",
        parameters=parameters,
        through="wb.panel",
        then="if panel.job: panel.job.wait()",
    )
    open_and_run(page, lab, path)
    panel = page.locator(".wb-panel")
    panel.get_by_role("button", name="Start", exact=True).click(timeout=60 * SECOND)
    live = panel.locator(".wb-live")
    live.locator("polyline").first.wait_for(timeout=90 * SECOND)
    command(page, "docmanager:save")
    page.get_by_text("Saving completed").wait_for(state="attached", timeout=20 * SECOND)
    before = number_of_points(live)

    page.reload()
    live.locator("polyline").first.wait_for(timeout=90 * SECOND)
    assert number_of_points(live) >= before
    page.wait_for_function(KERNEL_IS_READY, timeout=60 * SECOND)
    run_last_cell(page)  # which waits for the sweep: the kernel is busy now
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=busy]").wait_for(
        state="attached", timeout=20 * SECOND
    )
    live.get_by_role("button", name="Stop r16").click()
    live.locator("[data-trial-row^=r16][data-state=stopped]").wait_for(timeout=60 * SECOND)
    assert live.get_attribute("data-state") == "running"
    live.get_by_role("button", name="Stop", exact=True).click()
    wait_for_state(live, "stopped")
    assert "0 of 2 trials trained, 2 stopped" in live.locator(".wb-doing").inner_text()
    assert_quiet(page, lab)


def test_what_is_wrong_stands_beside_its_field_and_start_says_why(page, lab, picture):
    path = lab.notebook("01_rank_sweep.ipynb", parameters=PARAMETERS, through="wb.panel")
    open_and_run(page, lab, path)
    panel = page.locator(".wb-panel")
    rate = panel.get_by_label("Learning rate")
    rate.wait_for(timeout=60 * SECOND)
    rate.fill("fast")
    panel.locator(".wb-wrong", has_text="'fast'").wait_for(timeout=20 * SECOND)
    assert panel.get_by_role("button", name="Start", exact=True).is_disabled()
    assert "Learning rate" in panel.locator(".wb-reason").inner_text()
    picture(panel, "panel-wrong")
    rate.fill("0.01")
    panel.get_by_label("Model").fill("no/such/model")
    panel.get_by_label("Model").press("Enter")
    panel.locator(".wb-wrong", has_text="no/such/model").wait_for(timeout=20 * SECOND)
    panel.get_by_label("Model").fill("microworld")
    panel.get_by_label("Model").press("Enter")
    panel.locator(".wb-card th", has_text="trial").first.wait_for(timeout=20 * SECOND)
    panel.get_by_role("button", name="Copy as code").click()
    panel.get_by_text("get_peft_model").first.wait_for(timeout=20 * SECOND)
    picture(panel, "panel-code")
    assert_quiet(page, lab)


def open_and_run(page, lab, path: str) -> None:
    page.goto(f"{lab.url}/lab/workspaces/{uuid4().hex}/tree/{path}?token={lab.token}")
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook").wait_for(timeout=60 * SECOND)
    page.wait_for_function(KERNEL_IS_READY, timeout=60 * SECOND)
    command(page, "runmenu:run-all")


def run_last_cell(page) -> None:
    cell = page.locator(".jp-CodeCell").last
    cell.locator(".jp-InputArea-editor").click()
    command(page, "notebook:run-cell")


def command(page, name: str) -> None:
    # In braces, so that the promise is not returned: the browser would be waited for until the cell ends.
    page.evaluate(f"() => {{ window.jupyterapp.commands.execute('{name}'); }}")


def chip(panel, label: str):
    return panel.locator(".wb-chips button", has_text=label).filter(
        has=panel.page.locator(f":scope:text-is('{label}')")
    )


def number_of_points(live) -> int:
    lines = live.locator("polyline")
    return sum(
        len((line.get_attribute("points") or "").split()) for line in lines.element_handles()
    )


def wait_for_more_points(live, *, than: int) -> None:
    deadline = time.monotonic() + 60
    while number_of_points(live) <= than:
        assert time.monotonic() < deadline, "the curves did not grow"
        live.page.wait_for_timeout(200)


def wait_for_state(live, state: str, *, seconds: int = 180) -> None:
    live.page.locator(f".wb-live[data-state={state}]").wait_for(timeout=seconds * SECOND)


def in_theme(page, name: str) -> None:
    page.evaluate(
        f"() => {{ window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}}); }}"
    )
    page.locator(f"body[data-jp-theme-name='{name}']").wait_for(
        state="attached", timeout=20 * SECOND
    )
    page.wait_for_timeout(500)


def assert_quiet(page, lab) -> None:
    """Nothing left this machine, and no error of ours stands in the console."""
    here = (lab.url, lab.url.replace("http", "ws", 1), "data:", "blob:", "about:")
    assert [url for url in page.seen.urls if not url.startswith(here)] == []
    assert page.seen.errors == []

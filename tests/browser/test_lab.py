"""The panel of a shipped notebook in a real JupyterLab: what is wrong is told, and how it looks while it runs."""

import os

import pytest

from tests.browser.lab_page import (
    SECOND,
    assert_quiet,
    chip,
    in_theme,
    open_and_run,
    wait_for_more_points,
    wait_for_state,
)

pytestmark = pytest.mark.browser

PARAMETERS = {"ranks": [8], "seeds": [0], "max_steps": 60, "evals": ["recall"], "runs": "runs"}


@pytest.mark.skipif(not os.environ.get("WORKBENCH_SCREENSHOTS"), reason="no pictures are wanted")
def test_the_pictures_of_the_readme_show_a_real_sweep(page, lab, picture):
    wanted = {"runs": "runs", "max_steps": 300, "evals": ["paraphrase", "retention"]}
    path = lab.shipped("01_rank_sweep.ipynb", parameters=wanted, through="wb.panel")
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


def test_what_is_wrong_stands_beside_its_field_and_start_says_why(page, lab, picture):
    path = lab.shipped("01_rank_sweep.ipynb", parameters=PARAMETERS, through="wb.panel")
    open_and_run(page, lab, path)
    panel = page.locator(".wb-panel")
    rate = panel.get_by_label("Learning rate")
    rate.wait_for(timeout=60 * SECOND)
    chip(panel, "1").click()
    # Of two ranks the card has two rows; of one alone no row is called by its rank.
    panel.locator(".wb-card th", has_text="r1").wait_for(timeout=30 * SECOND)
    chip(panel, "8").click()
    panel.locator(".wb-card th", has_text="r8").wait_for(state="detached", timeout=30 * SECOND)
    picture(panel, "panel-form")
    rate.fill("fast")
    panel.locator(".wb-wrong", has_text="'fast'").wait_for(timeout=20 * SECOND)
    # The field hears of it first.
    panel.locator("button:disabled", has_text="Start").first.wait_for(timeout=20 * SECOND)
    panel.locator(".wb-reason", has_text="Learning rate").wait_for(timeout=20 * SECOND)
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

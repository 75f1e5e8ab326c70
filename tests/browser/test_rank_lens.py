"""The rank lens in a real JupyterLab: a slider moved by key, a module picked, a budget typed, and a map of the suggestion."""

import json

import pytest

from tests.browser.lab_page import (
    SECOND,
    assert_accessible,
    assert_quiet,
    in_theme,
    open_and_run,
    printed,
    run_last_cell,
    save_and_reload,
    wait_for_kernel,
)

pytestmark = pytest.mark.browser

DRAWN = """
from pathlib import Path
import workbench as wb
from tests.lens.drawn import draw
from workbench import microworld
from workbench.plan.shape import read_shape
from workbench.runs.store import SweepStore
on = ["q_proj", "v_proj", "down_proj"]
spec = wb.Spec.from_fields({"name": "ranks", "adapter": {"target_modules": on, "r": 8}})
store = SweepStore.create(spec, root=Path("runs"))
sizes = {m.name: (m.in_features, m.out_features) for m in read_shape(microworld.path()).modules if m.target in on}
draw(store.folder(store.trials[0].name) / "adapter", ranks=8, sizes=sizes)
lens = wb.lens(store.path)
lens
"""
ASK = """
import json
told = {"rank": lens.rank, "picked": lens.view.picked, "budget": lens.view.budget, "kept": lens.lens.kept(lens.rank)}
told |= {"map": lens.map and lens.map.painted, "suggested": dict(lens.lens.suggestion(budget=lens.view.budget).ranks)}
print("told", json.dumps(told))
"""


def test_what_a_hand_does_arrives_and_what_it_shows_is_what_the_kernel_has(page, lab, picture):
    open_and_run(page, lab, lab.written(DRAWN, ASK), cells=1)
    face = page.locator(".wb-lens")
    face.wait_for(timeout=60 * SECOND)
    slider = face.locator("input[type=range]")
    # Not by focus and keys of the page: a notebook takes the focus back when its cell has ended.
    slider.fill("1")
    slider.press("ArrowRight")
    face.locator(".wb-lens-rank", has_text="2 of 8").wait_for(timeout=20 * SECOND)
    face.locator("[data-i]:not([aria-disabled])").nth(4).click()
    face.locator("[data-i]:focus").press("ArrowDown")
    face.locator("[data-i]:focus").press("Enter")
    budget = face.locator("input[type=number]")
    budget.fill("20000")
    budget.press("Tab")
    face.locator(".wb-lens-told", has_text="parameters").wait_for(timeout=20 * SECOND)
    face.get_by_role("button", name="Show on a model map").click()
    page.locator(".wb-map:not(.wb-lens) .wb-map-line").wait_for(timeout=30 * SECOND)
    run_last_cell(page)
    told = json.loads(printed(page, "told").inner_text().split("told", 1)[1])
    assert (told["rank"], told["budget"]) == (2, 20000)
    assert told["map"] == told["suggested"]
    assert told["picked"] in face.locator(".wb-lens-one figcaption").inner_text()
    assert f"{100 * told['kept']:.1f} %" in face.locator(".wb-map-line").inner_text()

    face.locator("label", has_text="suggested rank").locator("input").check()
    shown = {
        cell.get_attribute("title").split("\n")[0]: int(cell.inner_text())
        for cell in face.locator("[data-i]:not([aria-disabled])").all()
    }
    assert shown == told["suggested"]
    for theme, word in (("JupyterLab Light", "light"), ("JupyterLab Dark", "dark")):
        in_theme(page, theme)
        assert_accessible(page, ".wb-lens")
        picture(face, f"lens-{word}")
    in_theme(page, "JupyterLab Light")
    save_and_reload(page)
    wait_for_kernel(page)
    page.locator(".wb-lens .wb-lens-rank", has_text="2 of 8").wait_for(timeout=60 * SECOND)
    assert_quiet(page, lab)

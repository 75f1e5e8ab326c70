"""The form of the panel in a real JupyterLab: few clicks, keys alone, painting, rows of the data, errors beside fields."""

import json
import statistics

import pytest
import yaml
from safetensors import safe_open

from tests.browser.lab_page import (
    SECOND,
    assert_accessible,
    assert_quiet,
    chip,
    in_theme,
    number_of_points,
    open_and_run,
    printed,
    run_last_cell,
    wait_for_more_points,
    wait_for_state,
)

pytestmark = pytest.mark.browser

BLANK = "import workbench as wb\npanel = wb.panel()\npanel"
SHORT = """import workbench as wb
panel = wb.panel(wb.Spec.from_fields({"name": "painted", "evals": ["recall"],
    "train": {"max_steps": 2, "learning_rate": 0.01}, "adapter": {"target_modules": ["q_proj"]}}))
panel"""

TIMED = """import time, pathlib, workbench as wb
pathlib.Path("begun").write_text(str(time.time() * 1000))
panel = wb.panel()
panel"""
FIRST_PAINT = """new MutationObserver(() => {
    if (!window.painted && document.querySelector('.wb-panel .wb-chip')) requestAnimationFrame(() => { window.painted ||= Date.now(); });
}).observe(document, {subtree: true, childList: true});"""
COUNT_CLICKS = "() => { window.clicks = 0; document.addEventListener('pointerdown', () => { window.clicks += 1; }, true); }"
REACHABLE = """() => [...document.querySelectorAll('.wb-panel :is(button, input, select, summary)')].filter((node) =>
    !node.disabled && node.tabIndex >= 0 && node.checkVisibility({contentVisibilityAuto: true})).map((node) => {
        node.dataset.reach ||= Math.random().toString(36).slice(2);
        return node.dataset.reach;
    })"""
WAY = """(node) => node === document.activeElement ? ''
    : node.compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING ? 'Shift+Tab' : 'Tab'"""
FOCUSED = "() => document.activeElement.dataset.reach || ''"
CARD_AFTER_CHIP = """(rank) => new Promise((done, fail) => {
    setTimeout(() => fail(new Error('the card did not change')), 30000);
    const card = document.querySelector('.wb-card .widget-html-content');
    const before = [...card.querySelectorAll('thead ~ tbody th')].map((node) => node.textContent).join();
    const begun = performance.now();
    const watch = new MutationObserver(() => {
        const now = [...card.querySelectorAll('thead ~ tbody th')].map((node) => node.textContent).join();
        if (now && now !== before) { watch.disconnect(); done(performance.now() - begun); }
    });
    watch.observe(card, {subtree: true, childList: true, characterData: true});
    [...document.querySelectorAll('[data-field=ranks] .wb-chip')].find((node) => node.textContent === rank).click();
})"""


def shown(page, lab, *cells: str, files: dict[str, str] | None = None):
    """A notebook of these cells, run; gives its panel and its folder."""
    path = lab.written(*cells)
    folder = lab.folder(path)
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    open_and_run(page, lab, path)
    panel = page.locator(".wb-panel")
    panel.locator(".wb-card th", has_text="trial").first.wait_for(timeout=90 * SECOND)
    return panel, folder


def started(panel, folder) -> dict:
    """The spec of the sweep that was started."""
    panel.locator(".wb-live").wait_for(timeout=60 * SECOND)
    return yaml.safe_load((folder / "runs" / "sweep" / "spec.yaml").read_text())


def test_from_a_blank_form_to_winner_and_report_in_ten_clicks_and_no_code(page, lab, picture):
    panel, folder = shown(page, lab, BLANK, "print('kernel', 'free')")
    picture(panel, "form-light")
    page.evaluate(COUNT_CLICKS)
    chip(panel, "q_proj").click()
    chip(panel, "v_proj").click()
    panel.locator(".wb-chip", has_text="nf4").click()
    chip(panel, "2").click()
    for field, value in (("Steps", "60"), ("Learning rate", "0.01")):
        panel.get_by_label(field, exact=True).click()
        page.keyboard.press("Control+a")
        page.keyboard.type(value)
    for told in ("r2", "r8"):
        panel.locator(".wb-card th", has_text=told).wait_for(timeout=20 * SECOND)
    panel.locator(".wb-card", has_text="60 a trial").wait_for(timeout=20 * SECOND)
    start = panel.get_by_role("button", name="Start", exact=True)
    start.click()
    spec = started(panel, folder)
    assert spec["adapter"]["target_modules"] == ["q_proj", "v_proj"]
    assert spec["quantization"]["bnb_4bit_quant_type"] == "nf4"
    assert spec["sweep"] == {"adapter.r": [2, 8]}
    assert (spec["train"]["max_steps"], spec["train"]["learning_rate"]) == (60, 0.01)

    assert panel.get_by_role("button", name="Compare").is_hidden(), (
        "there is nothing to compare yet"
    )
    clicks = page.evaluate("() => window.clicks")
    watched_while_another_cell_runs(page, panel)
    page.evaluate("(clicks) => { window.clicks = clicks; }", clicks)
    live = panel.locator(".wb-live")
    wait_for_state(live, "done")
    assert "60 / 60" in live.locator("[data-trial-row^=r8]").inner_text()
    adapters = sorted(folder.glob("runs/sweep/r*/adapter/adapter_config.json"))
    assert [json.loads(file.read_text())["r"] for file in adapters] == [2, 8]
    assert not start.is_disabled()

    width = panel.bounding_box()["width"]
    panel.get_by_role("button", name="Compare").click()
    board = panel.locator(".wb-board")
    verdict = board.locator(".wb-board-verdict").first
    verdict.wait_for(timeout=60 * SECOND)
    sentence = verdict.inner_text()
    print(sentence)
    assert panel.bounding_box()["width"] == width, "a wide table scrolls in its own box"
    panel.get_by_role("button", name="Write report").click()
    link = panel.get_by_role("link", name="Open the report")
    link.wait_for(timeout=20 * SECOND)
    assert_accessible(page, ".wb-outcome")
    picture(panel.locator(".wb-outcome"), "panel-outcome-light")
    with page.context.expect_page() as opened:
        link.click()
    clicks = page.evaluate("() => window.clicks")
    print(f"{clicks} clicks")
    assert clicks <= 10
    assert_same_report(opened.value, lab, folder / "reports" / "sweep.html", sentence=sentence)
    assert_quiet(page, lab)


def watched_while_another_cell_runs(page, panel) -> None:
    """The curves grow, and a cell that is run meanwhile answers before the sweep is over."""
    live = panel.locator(".wb-live")
    assert live.locator("svg:has(.wb-empty):has(.wb-axis)").count() == 0
    live.locator("polyline").first.wait_for(timeout=90 * SECOND)
    panel.locator("button:disabled", has_text="Start").first.wait_for(timeout=20 * SECOND)
    before = number_of_points(live)
    run_last_cell(page)
    printed(page, "kernel free")
    state_then = live.get_attribute("data-state")
    wait_for_more_points(live, than=before)
    assert state_then == "running", "the other cell ran only when the sweep was over"


def assert_same_report(report, lab, file, *, sentence: str) -> None:
    """What the link leads to is the file on disk: it says the same verdict and draws its charts without a complaint."""
    report.locator("svg").first.wait_for(timeout=60 * SECOND)
    assert " ".join(sentence.split()) in " ".join(report.locator("body").inner_text().split())
    assert f"<title>{report.title()}</title>" in file.read_text("utf-8")
    assert_quiet(report, lab)


def test_everything_is_reached_and_a_sweep_is_started_by_keys_alone(page, lab):
    panel, folder = shown(page, lab, BLANK)
    cells = page.locator(".jp-Cell").count()
    wanted = set(page.evaluate(REACHABLE))
    panel.locator(".wb-loader select").focus()
    seen = []
    for _ in range(len(wanted) + 10):
        seen.append(page.evaluate(FOCUSED))
        page.keyboard.press("Tab")
    assert wanted - set(seen) == set()

    def go_to(locator) -> None:
        """Tab to a control."""
        for _ in range(len(wanted) + 4):
            way = locator.evaluate(WAY)
            if not way:
                return
            page.keyboard.press(way)
        pytest.fail("no key leads there")

    panel.locator(".wb-loader select").focus()
    go_to(chip(panel, "2"))
    page.keyboard.press("Space")
    go_to(chip(panel, "q_proj"))
    page.keyboard.press("Enter")
    page.keyboard.press("x")
    go_to(panel.locator(".wb-chip", has_text="none"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    go_to(panel.get_by_label("Steps", exact=True))
    page.keyboard.type("4")
    go_to(panel.get_by_role("button", name="Paint ranks on the model"))
    page.keyboard.press("Enter")
    panel.locator(".wb-map-grid").wait_for(timeout=30 * SECOND)
    page.keyboard.press("Enter")
    panel.locator(".wb-map-grid").wait_for(state="hidden")
    panel.locator(".wb-card th", has_text="r2").wait_for(timeout=20 * SECOND)
    go_to(panel.get_by_role("button", name="Start", exact=True))
    page.keyboard.press("Enter")
    spec = started(panel, folder)
    assert page.locator(".jp-Cell").count() == cells, "a key was a command to the notebook"
    assert spec["sweep"] == {"adapter.r": [2, 8]}
    assert spec["adapter"]["target_modules"] == ["q_proj"]
    assert spec["quantization"]["load_in_4bit"]
    assert spec["train"]["max_steps"] == 4
    assert_quiet(page, lab)


def test_what_is_painted_in_the_panel_is_trained_and_counted_alike(page, lab, picture):
    panel, folder = shown(page, lab, SHORT)
    panel.get_by_role("button", name="Paint ranks on the model").click()
    grid = panel.locator(".wb-map-grid")
    grid.wait_for(timeout=30 * SECOND)
    line = panel.locator(".wb-map-line")
    line.get_by_text("4 of 28 linear modules").wait_for(timeout=20 * SECOND)

    chip(panel, "v_proj").click()  # the form first: the map follows
    line.get_by_text("8 of 28 linear modules").wait_for(timeout=20 * SECOND)
    panel.get_by_role("radio", name="32", exact=True).click()
    first = grid.locator('[aria-label^="layer 1, down_proj,"]').bounding_box()
    last = grid.locator('[aria-label^="layer 3, down_proj,"]').bounding_box()
    page.mouse.move(first["x"] + 9, first["y"] + 9)
    page.mouse.down()
    page.mouse.move(last["x"] + 9, last["y"] + 9)
    page.mouse.up()
    panel.locator(".wb-painted-line", has_text="own rank 32").wait_for(timeout=20 * SECOND)
    line.get_by_text("11 of 28 linear modules").wait_for(timeout=20 * SECOND)
    count = line.locator("b").inner_text().split()[0]
    panel.locator(".wb-card td", has_text=count).wait_for(timeout=20 * SECOND)
    picture(panel, "form-painted-light")
    assert "32 bits" in panel.locator("[data-field=quantization]").inner_text()

    panel.get_by_role("button", name="Start", exact=True).click()
    live = panel.locator(".wb-live")
    live.wait_for(timeout=60 * SECOND)
    wait_for_state(live, "done")
    adapter = next((folder / "runs" / "painted").glob("*/adapter"))
    said = json.loads((adapter / "adapter_config.json").read_text())
    assert set(said["rank_pattern"].values()) == {32}
    with safe_open(adapter / "adapter_model.safetensors", "np") as weights:
        sizes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    assert sum(a * b for a, b in sizes.values()) == int(count.replace(",", ""))
    assert sum("down_proj" in name for name in sizes) == 6, "three layers, A and B of each"

    panel.get_by_role("button", name="Back to one rank").click()
    line.get_by_text("rank 8", exact=True).wait_for(timeout=20 * SECOND)
    assert_quiet(page, lab)


def test_rows_are_looked_at_axes_added_and_what_is_wrong_is_told(page, lab, picture):
    hostile = "<img src=x onerror=alert(1)>"
    rows = [{"question": f"{hostile} {n}?", "reply": f"r{n}"} for n in range(12)]
    files = {"rows.jsonl": "\n".join(map(json.dumps, rows)), "empty.jsonl": ""}
    panel, _ = shown(page, lab, BLANK, files=files)
    panel.get_by_role("button", name="Look at the data").click()
    panel.locator(".wb-rows .wb-looked-at").nth(2).wait_for(timeout=90 * SECOND)
    picture(panel.locator(".wb-preview"), "form-rows-light")
    panel.get_by_label("Data", exact=True).fill("rows.jsonl")
    panel.get_by_label("Data", exact=True).press("Enter")
    panel.locator("[data-field=data_id] .wb-wrong", has_text="question").wait_for(
        timeout=20 * SECOND
    )
    panel.locator("button:disabled", has_text="Start").first.wait_for(timeout=20 * SECOND)
    panel.locator("summary").click()
    panel.get_by_label("Columns", exact=True).fill("prompt=question, completion=reply")
    panel.locator(".wb-pager", has_text="of 12 to train on").wait_for(timeout=60 * SECOND)
    panel.get_by_role("button", name="Next").click()
    panel.locator(".wb-pager", has_text="rows 6 to").wait_for(timeout=30 * SECOND)

    panel.get_by_role("button", name="Also try").click()
    panel.get_by_label("Field to vary").select_option("adapter.lora_dropout")
    panel.get_by_label("Values of Dropout").fill("0, 0.1, 7")
    panel.locator(".wb-also .wb-wrong", has_text="less than 1").wait_for(timeout=20 * SECOND)
    panel.get_by_label("Values of Dropout").fill("0, 0.1")
    panel.locator(".wb-card h4", has_text="2 trials").wait_for(timeout=20 * SECOND)
    picture(panel, "form-open-light")
    in_theme(page, "JupyterLab Dark")
    picture(panel, "form-open-dark")
    in_theme(page, "JupyterLab Light")
    panel.get_by_role("button", name="Remove").click()
    panel.locator(".wb-card h4", has_text="one trial").wait_for(timeout=20 * SECOND)

    panel.get_by_label("Path to load").fill("empty.jsonl")
    panel.get_by_label("Path to load").press("Enter")
    panel.locator(".wb-loader .wb-wrong").wait_for(timeout=20 * SECOND)
    panel.get_by_label("Model", exact=True).fill(hostile)
    panel.get_by_label("Model", exact=True).press("Enter")
    panel.locator("[data-field=model_id] .wb-wrong", has_text=hostile).wait_for(timeout=20 * SECOND)
    assert panel.locator("img").count() == 0
    assert "Traceback" not in page.locator(".jp-Notebook").inner_text()
    assert_quiet(page, lab)


def test_the_card_follows_a_press_at_once_and_stays_in_view(page, lab, picture):
    page.add_init_script(FIRST_PAINT)
    panel, folder = shown(page, lab, "import workbench.widgets", TIMED)
    begun = float((folder / "begun").read_text())
    print(f"first paint {page.evaluate('() => window.painted') - begun:.0f} ms after the import")
    trips = [page.evaluate(CARD_AFTER_CHIP, arg="4") for _ in range(20)]
    print(
        f"from press to card: median {statistics.median(trips):.0f} ms, slowest {max(trips):.0f} ms"
    )
    panel.locator("summary").click()
    panel.get_by_label("Trackers").scroll_into_view_if_needed()
    card = panel.locator(".wb-card").bounding_box()
    assert card["y"] >= 0
    assert card["y"] + 100 < page.viewport_size["height"]
    in_theme(page, "JupyterLab Dark")
    panel.locator("summary").click()
    picture(panel, "form-dark")
    in_theme(page, "JupyterLab Light")
    assert_quiet(page, lab)

"""The model map in a real JupyterLab: what a hand or a key paints is what the kernel has."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.browser.lab_page import (
    SECOND,
    assert_quiet,
    in_theme,
    open_and_run,
    printed,
    run_last_cell,
    save_and_reload,
    wait_for_kernel,
)

pytestmark = pytest.mark.browser

CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const light = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => {
            const c = v / 255;
            return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return [...document.querySelectorAll('.wb-map-chip.wb-painted')].map((chip) => {
        const style = getComputedStyle(chip);
        const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
        return {rank: chip.textContent, ratio: (a + 0.05) / (b + 0.05), ground: light(style.backgroundColor)};
    });
}"""

WATCH_CELLS = """() => {
    window.touched = new Set();
    new MutationObserver((records) => {
        for (const {target} of records) {
            window.touched.add((target.closest ? target : target.parentElement).closest('[data-i]')?.dataset.i);
        }
    }).observe(document.querySelector('.wb-map-grid'), {subtree: true, attributes: true, childList: true, characterData: true});
}"""

ROUND_TRIP = """(rank) => new Promise((done, fail) => {
    setTimeout(() => fail(new Error('the count did not change')), 30000);
    const line = document.querySelector('.wb-map-line');
    const cell = document.querySelector('[data-i="100"]');
    cell.focus();
    cell.dispatchEvent(new KeyboardEvent('keydown', {key: rank ? ' ' : 'Delete', bubbles: true}));
    const begun = performance.now();
    const watch = new MutationObserver(() => { watch.disconnect(); done(performance.now() - begun); });
    watch.observe(line, {subtree: true, childList: true, characterData: true});
})"""


def many_layers(folder, *, layers: int) -> None:
    """A folder with a model of many small layers."""
    sizes = {
        "self_attn.q_proj": (32, 32),
        "self_attn.k_proj": (16, 32),
        "self_attn.v_proj": (16, 32),
        "self_attn.o_proj": (32, 32),
        "mlp.gate_proj": (48, 32),
        "mlp.up_proj": (48, 32),
        "mlp.down_proj": (32, 48),
    }
    tensors = {"model.embed_tokens.weight": np.zeros((97, 32), dtype=np.float16)}
    for layer in range(layers):
        for name, size in sizes.items():
            tensors[f"model.layers.{layer}.{name}.weight"] = np.zeros(size, dtype=np.float16)
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "llama", "vocab_size": 97}')


def cell(grid, layer: int, module: str):
    return grid.locator(f'[aria-label^="layer {layer}, {module},"]')


def in_kernel(page, name: str) -> dict:
    """What the last cell of the notebook prints."""
    run_last_cell(page)
    return json.loads(printed(page, name).inner_text().split(name, 1)[1])


def test_a_model_is_painted_by_pointer_and_keys_and_the_kernel_has_it(page, lab, picture):
    path = lab.written(
        "import json\nimport workbench as wb\nmap = wb.model_map('microworld')\nmap",
        "n = globals().get('n', 0) + 1\n"
        "said = map.adapter.model_dump(exclude_unset=True) if map.r else {}\n"
        "print(f'look {n}', json.dumps({**said, 'painted': map.painted, 'skip': map.llm_int8_skip_modules}))",
    )
    open_and_run(page, lab, path)
    painter = page.locator(".wb-map")
    grid = painter.locator(".wb-map-grid")
    grid.wait_for(timeout=60 * SECOND)
    line = painter.locator(".wb-map-line")
    assert "Nothing is painted." in line.inner_text()

    # A column by its head, then a drag that jumps over cells, then a stroke that erases.
    painter.get_by_role("radio", name="16", exact=True).click()
    grid.get_by_role("columnheader", name="q_proj, all layers").click()
    drag(page, cell(grid, 0, "up_proj"), cell(grid, 3, "up_proj"))
    drag(page, cell(grid, 3, "q_proj"), cell(grid, 3, "k_proj"), button="right")
    line.get_by_text("7 of 28 linear modules").wait_for(timeout=20 * SECOND)
    seen = in_kernel(page, "look 2")
    assert seen["painted"] == {
        **{f"model.layers.{n}.self_attn.q_proj": 16 for n in range(3)},
        **{f"model.layers.{n}.mlp.up_proj": 16 for n in range(4)},
    }
    assert seen["target_modules"][0] == "up_proj"
    assert page.locator(".lm-Menu").count() == 0, "the right button opened a menu"

    # Keys: a rank of two digits, arrows, space; none of them is a command to the notebook.
    cells_before = page.locator(".jp-CodeCell").count()
    cell(grid, 0, "v_proj").click()
    page.keyboard.press("Control+z")
    for key in ("6", "4", "ArrowDown", "Space", "ArrowRight", "Enter", "x", "ArrowUp", "Delete"):
        page.keyboard.press(key)
    assert page.locator(".jp-CodeCell").count() == cells_before
    assert painter.get_by_role("radio", name="64").get_attribute("aria-checked") == "true"
    assert cell(grid, 1, "v_proj").get_attribute("aria-label") == "layer 1, v_proj, rank 64"
    assert cell(grid, 1, "o_proj").inner_text() == "64"
    assert cell(grid, 0, "v_proj").get_attribute("aria-label") == "layer 0, v_proj, not painted"
    line.get_by_text("ranks 16 to 64").wait_for(timeout=20 * SECOND)
    page.keyboard.press("+")
    assert painter.get_by_role("radio", name="128").get_attribute("aria-checked") == "true"

    # A whole row from its head, by keyboard; undone in one step.
    cell(grid, 2, "q_proj").click()
    for key in ("ArrowLeft", "Space"):
        page.keyboard.press(key)
    assert cell(grid, 2, "down_proj").inner_text() == "128"
    page.keyboard.press("Control+z")
    assert cell(grid, 2, "down_proj").inner_text() == ""

    # A base in four bits, and a module that stays as it is.
    painter.get_by_label("How the base is stored").select_option("nf4")
    painter.get_by_text("4.5 of 32 bits a weight").wait_for(timeout=20 * SECOND)
    cell(grid, 1, "v_proj").click(modifiers=["Alt"])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    label = cell(grid, 1, "o_proj").get_attribute("aria-label")
    assert label == "layer 1, o_proj, rank 64, full precision"
    painter.locator("pre").get_by_text("llm_int8_skip_modules").wait_for(timeout=20 * SECOND)
    seen = in_kernel(page, "look 3")
    assert seen["skip"] == [
        "lm_head",
        "model.layers.1.self_attn.v_proj",
        "model.layers.1.self_attn.o_proj",
    ]
    assert seen["painted"]["model.layers.1.self_attn.v_proj"] == 64

    page.mouse.move(5, 5)
    picture(painter, "map-light")
    assert_contrast(page, deeper=True)
    in_theme(page, "JupyterLab Dark")
    picture(painter, "map-dark")
    assert_contrast(page, deeper=False)
    in_theme(page, "JupyterLab Light")
    assert_quiet(page, lab)


def test_eighty_layers_stay_quick_and_a_reload_shows_them_again(page, lab, picture):
    path = lab.written(
        "import workbench as wb\nmap = wb.model_map('many')\nmap.load({'r': 8, 'target_modules': ['q_proj']})\nmap",
        "wb.model_map('nobody/there')",
    )
    many_layers(lab.folder(path) / "many", layers=80)
    open_and_run(page, lab, path)
    painter = page.locator(".wb-map").first
    grid = painter.locator(".wb-map-grid")
    grid.wait_for(timeout=60 * SECOND)
    painter.get_by_text("80 of 560 linear modules").wait_for(timeout=20 * SECOND)
    page.locator(".wb-map .wb-problem", has_text="'nobody/there'").wait_for(timeout=60 * SECOND)
    assert "Traceback" not in page.locator(".jp-Notebook").inner_text()

    page.evaluate(WATCH_CELLS)
    cell(grid, 5, "k_proj").click()
    painter.get_by_text("81 of 560 linear modules").wait_for(timeout=20 * SECOND)
    touched = set(page.evaluate("() => [...window.touched]"))
    # The cell itself, and the one that had the place in the tab order before.
    assert cell(grid, 5, "k_proj").get_attribute("data-i") in touched
    assert len(touched) <= 2

    trips = [page.evaluate(ROUND_TRIP, arg=n % 2) for n in range(1, 21)]
    print(f"from key to count: median {np.median(trips):.0f} ms, slowest {max(trips):.0f} ms")
    painter.get_by_role("button", name="Attention").click()
    painter.get_by_text("320 of 560 linear modules").wait_for(timeout=20 * SECOND)
    picture(painter, "map-eighty")

    save_and_reload(page)
    painter.get_by_text("320 of 560 linear modules").wait_for(timeout=90 * SECOND)
    assert cell(grid, 5, "o_proj").inner_text() == "8"
    wait_for_kernel(page)
    painter.get_by_role("button", name="Clear").click()
    painter.get_by_text("Nothing is painted.").wait_for(timeout=20 * SECOND)
    painter.get_by_role("button", name="All linear").click()
    painter.get_by_label("How many of the last layers").fill("10")
    painter.get_by_role("button", name="Last").click(modifiers=["Shift"])
    painter.get_by_text("490 of 560 linear modules").wait_for(timeout=20 * SECOND)
    assert cell(grid, 70, "q_proj").inner_text() == ""
    assert_quiet(page, lab)


def drag(page, start, end, *, button: str = "left") -> None:
    """A quick stroke: the pointer is seen at its two ends only."""
    for at, act in ((start, page.mouse.down), (end, page.mouse.up)):
        box = at.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        act(button=button)


def assert_contrast(page, *, deeper: bool) -> None:
    """Every number can be read on its ground, and each rank is told from the next by lightness alone."""
    chips = page.evaluate(CONTRAST)
    assert len(chips) == 9
    assert not [chip for chip in chips if chip["ratio"] < 4.5]
    grounds = [chip["ground"] for chip in chips]
    assert grounds == sorted(grounds, reverse=deeper)
    assert len(set(grounds)) == len(grounds)

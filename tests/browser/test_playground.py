"""The playground in a real JupyterLab: what is typed is answered, token by token, while the kernel does something else."""

import json
import time

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.browser.lab_page import (
    SECOND,
    assert_accessible,
    assert_quiet,
    in_theme,
    open_and_run,
    printed,
    run_cell,
    run_last_cell,
    save_and_reload,
    wait_for_kernel,
    wait_until_busy,
)

pytestmark = pytest.mark.browser

LATENCY = """
import statistics, time
took = []
inner = play._on_message
def timed(*args):
    begun = time.perf_counter(); inner(*args); took.append(time.perf_counter() - begun)
play.on_msg(inner, remove=True); play.on_msg(timed)
"""


def adapter(folder, *, rank: int, seed: int, size: float) -> None:
    """An adapter in PEFT's format for the micro-world's model, of noise."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer in range(4):
        for name in ("q_proj", "v_proj"):
            where = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            for part, shape in (("A", (rank, 128)), ("B", (128, rank))):
                noise = size * rng.standard_normal(shape)
                tensors[f"{where}.lora_{part}.weight"] = noise.astype(np.float32)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank,
        "target_modules": ["q_proj", "v_proj"], "base_model_name_or_path": "microworld",
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config))


def beside_adapters(lab, *cells: str) -> str:
    """A notebook of these cells, beside three adapters."""
    path = lab.written(*cells)
    folder = lab.folder(path)
    adapter(folder / "poems", rank=2, seed=0, size=0.12)
    adapter(folder / "tales", rank=8, seed=1, size=0.12)
    adapter(folder / "quiet", rank=2, seed=2, size=0.01)
    return path


def wait_for_state(play, state: str, *, seconds: int = 120) -> None:
    play.page.locator(f".wb-playground[data-state={state}]").first.wait_for(
        timeout=seconds * SECOND
    )


def test_a_prompt_is_answered_side_by_side_and_kept_as_an_item(page, lab, picture):
    path = beside_adapters(
        lab,
        "import workbench as wb\nplay = wb.playground('microworld', adapters=['poems', 'tales', 'quiet'])\nplay",
        "import time; time.sleep(600)",
    )
    open_and_run(page, lab, path, cells=1)
    play = page.locator(".wb-playground")
    play.wait_for(timeout=60 * SECOND)
    wait_for_state(play, "asleep")
    assert play.get_by_role("button", name="Ask", exact=True).is_disabled()
    assert play.get_by_text("will take about").is_visible()

    # Typing: unknown words are marked, keys are no commands to the notebook.
    cells = page.locator(".jp-CodeCell").count()
    area = play.get_by_label("Prompt", exact=True)
    area.click()
    page.keyboard.type("Where does Dime live, in Ulaanbaatar?")
    play.locator(".wb-play-unknown", has_text="Ulaanbaatar").wait_for(timeout=20 * SECOND)
    assert page.locator(".jp-CodeCell").count() == cells
    picture(play, "playground-asleep")

    # A sample, asked with a key while the kernel is busy.
    run_last_cell(page)
    wait_until_busy(page)
    play.get_by_role("button", name="fields of a note").click()
    play.locator(".wb-play-unknown").first.wait_for(state="detached", timeout=20 * SECOND)
    begun = time.perf_counter()
    page.keyboard.press("Control+Enter")
    wait_for_state(play, "loading", seconds=10)
    wait_for_state(play, "ready")
    print(f"from Ctrl+Enter to all answers, loading included: {time.perf_counter() - begun:.1f} s")
    cards = play.locator(".wb-play-card")
    assert cards.count() == 4
    assert cards.first.locator("h4").inner_text() == "base"
    assert "ended by itself" in cards.first.locator(".wb-play-foot").inner_text()
    assert "leaves the base at token" in " ".join(cards.locator(".wb-play-foot").all_inner_texts())
    play.get_by_text("memory").first.wait_for()

    # By pointer and by keys: what else was likely.
    token = cards.nth(1).locator(".wb-tok").nth(1)
    token.hover()
    tip = play.locator(".wb-play-tip")
    tip.wait_for(timeout=5 * SECOND)
    assert tip.locator("b").count() in (5, 6)
    picture(play, "playground-light")
    page.mouse.move(5, 5)
    cards.first.locator(".wb-tok").first.focus()
    page.keyboard.press("ArrowRight")
    assert "token 2 of base" in tip.inner_text()
    assert "%" in cards.first.locator(".wb-tok:focus").get_attribute("aria-label")
    assert_accessible(page, ".wb-playground")
    in_theme(page, "JupyterLab Dark")
    picture(play, "playground-dark")
    assert_accessible(page, ".wb-playground")
    in_theme(page, "JupyterLab Light")

    # Drawn, in the chat template; what was asked can be read.
    play.get_by_label("drawn").check()
    play.get_by_label("as a chat message").check()
    play.get_by_label("Temperature").fill("-1")
    play.locator(".wb-play-wrong", has_text="Temperature is -1").wait_for(timeout=20 * SECOND)
    assert play.get_by_role("button", name="Ask", exact=True).is_disabled()
    play.get_by_label("Temperature").fill("1.2")
    play.locator(".wb-play-wrong").wait_for(state="hidden", timeout=20 * SECOND)
    play.get_by_role("button", name="quiet, ").click()
    play.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_function("() => document.querySelectorAll('.wb-play-card').length === 3")
    wait_for_state(play, "ready")
    play.get_by_text("The prompt as the model got it").click()
    assert "<|user|> Note:" in play.get_by_label("The prompt as the model got it").inner_text()

    # Kept as an item.
    play.get_by_text("Save as an item").click()
    play.get_by_label("Right answer").fill("42")
    play.get_by_role("button", name="Save", exact=True).click()
    play.locator("pre", has_text="--evals exact_answer").wait_for(timeout=60 * SECOND)
    kept = json.loads((lab.folder(path) / "my_items.jsonl").read_text())
    assert kept["answer"] == "42"
    play.get_by_role("button", name="Save", exact=True).click()
    play.locator(".wb-play-kept", has_text="already").wait_for(timeout=60 * SECOND)
    picture(play, "playground-saved")

    play.get_by_role("button", name="Free the memory").click()
    wait_for_state(play, "asleep", seconds=20)
    assert cards.count() == 3
    assert_quiet(page, lab)


def test_a_long_answer_streams_is_stopped_and_survives_a_reload(page, lab):
    path = beside_adapters(
        lab,
        "import workbench as wb\nplay = wb.playground('microworld', adapters=['poems', 'tales', 'quiet'])\n"
        "play.settings = {**play.settings, 'greedy': False, 'temperature': 9.0, 'max_new_tokens': 240}\nplay",
        LATENCY,
        "import os, signal\nprint(f'callbacks: median {1000 * statistics.median(took):.1f} ms,', len(took), 'of them')\n"
        "os.kill(play.pid, signal.SIGKILL)",
        "wb.playground('no/model/here')",
    )
    open_and_run(page, lab, path, cells=2)
    play = page.locator(".wb-playground")
    wait_for_state(play, "asleep")
    play.get_by_role("button", name="Load").click()
    wait_for_state(play, "ready")
    play.get_by_label("Prompt", exact=True).fill("Note:")
    lengths = []
    play.get_by_role("button", name="Ask", exact=True).click()
    stop = play.get_by_role("button", name="Stop", exact=True)
    stop.wait_for(timeout=20 * SECOND)
    while stop.is_visible() and len(lengths) < 12:
        lengths.append(play.locator(".wb-tok").count())
        page.wait_for_timeout(60)
    if stop.is_visible():
        stop.click()
    wait_for_state(play, "ready", seconds=30)
    print("tokens seen while it answered:", lengths)
    assert len(set(lengths)) > 2, "it came at once"
    shown = play.locator(".wb-play-strip").all_inner_texts()
    assert len(shown) == 4
    save_and_reload(page)
    wait_for_kernel(page)
    play.locator(".wb-play-card").first.wait_for(timeout=60 * SECOND)
    assert play.locator(".wb-play-strip").all_inner_texts() == shown

    run_cell(page, 2)
    wait_for_state(play, "dead", seconds=30)
    assert "SIGKILL" in play.locator(".wb-problem").inner_text()
    print(printed(page, "callbacks: median").inner_text())
    play.get_by_role("button", name="Start again").click()
    wait_for_state(play, "ready")
    run_last_cell(page)
    page.locator(".wb-playground .wb-problem", has_text="no/model/here").wait_for(
        timeout=60 * SECOND
    )
    assert "Traceback" not in page.locator(".jp-Notebook").inner_text()
    play.first.get_by_role("button", name="Free the memory").click()
    assert_quiet(page, lab)

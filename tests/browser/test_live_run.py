"""The live view in a real JupyterLab, on sweeps that really train: rows are paused, resumed, cloned, dropped and stopped,
the kernel is restarted, the worker is killed, the folder goes away."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import (
    SECOND,
    assert_accessible,
    assert_quiet,
    command,
    in_theme,
    number_of_points,
    open_and_run,
    run_cell,
    run_last_cell,
    save_and_reload,
    wait_for_kernel,
    wait_for_more_points,
    wait_for_state,
    wait_until_busy,
)
from workbench.events import Evaluated, HeldOut, Started, Step
from workbench.runs.eventlog import append_event
from workbench.runs.store import SweepStore
from workbench.spec import Spec

pytestmark = pytest.mark.browser

START = """import workbench as wb
spec = wb.Spec.from_fields({
    "name": "live", "data": {"id": "microworld/updates", "rows": 16},
    "adapter": {"target_modules": ["down_proj"]}, "evals": [], "sweep": {"adapter.r": [1, 4, 16]},
    "train": {"per_device_train_batch_size": 2, "max_steps": 20000, "learning_rate": 1e-3, "save_steps": 50},
})
job = wb.start(spec)
job"""
WAIT = "import pathlib, time\nwhile not pathlib.Path('enough').exists():\n    time.sleep(0.1)"
PANEL = START.replace("job = wb.start(spec)\njob", "panel = wb.panel(spec)\npanel")

STEP = "(row) => Number(row.cells[2].textContent.split(' /')[0].replaceAll(',', ''))"

LATENCY = """([trial, word, told]) => new Promise((done, fail) => {
    setTimeout(() => fail(new Error(`nothing was told of ${trial}`)), 30000);
    const row = document.querySelector(`.wb-live [data-trial-row="${trial}"]`);
    const button = [...row.querySelectorAll('button')].find((one) => one.textContent === word && !one.hidden);
    const [began, before] = [performance.now(), row.dataset.state];
    const watch = new MutationObserver(() => {
        // A quick worker may have done it before its word was looked for.
        if (!row.cells[1].textContent.includes(told) && row.dataset.state === before) return;
        watch.disconnect();
        done(performance.now() - began);
    });
    watch.observe(row, {subtree: true, childList: true, characterData: true, attributeFilter: ['data-state']});
    button.click();
})"""

FRAMES = """() => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((one) => one.duration))).observe({entryTypes: ['longtask']});
    window.frames = [];
    const root = document.querySelector('.wb-live');
    new MutationObserver(() => window.frames.push(Number(root.dataset.frame))).observe(root, {attributes: true, attributeFilter: ['data-frame']});
}"""


def row(live, trial: str):
    return live.locator(f'[data-trial-row="{trial}"]')


def step(live, trial: str) -> int:
    return row(live, trial).evaluate(STEP)


def wait_for_steps(live, trial: str, *, beyond: int) -> None:
    deadline = time.monotonic() + 60
    while step(live, trial) <= beyond:
        assert time.monotonic() < deadline, f"{trial} trains no further"
        live.page.wait_for_timeout(100)


def press(page, trial: str, word: str, told: str) -> float:
    """Press a button of a row once it can be; milliseconds until the kernel's word of it stood there."""
    button = row(page.locator(".wb-live"), trial).get_by_role("button", name=f"{word} {trial}")
    expect(button).to_be_enabled(timeout=5 * SECOND)
    return page.evaluate(LATENCY, [trial, word, told])


def wait_for_row(live, trial: str, state: str) -> None:
    live.locator(f'[data-trial-row="{trial}"][data-state="{state}"]').wait_for(timeout=30 * SECOND)


def test_rows_are_steered_a_reload_shows_the_run_and_a_new_kernel_takes_it_up(page, lab, picture):
    path = lab.written(PANEL, WAIT, "import workbench as wb\nagain = wb.attach()\nagain")
    open_and_run(page, lab, path, cells=1)
    page.get_by_role("button", name="Start", exact=True).click(timeout=60 * SECOND)
    live = page.locator(".wb-live")
    live.locator("polyline").first.wait_for(timeout=90 * SECOND)
    wait_for_steps(live, "r16", beyond=20)
    a_row_is_paused_and_resumed(page, live, picture)
    a_row_is_cloned_and_the_clone_dropped(page, live, picture)
    live.get_by_role("button", name="Pause", exact=True).click()
    wait_for_state(live, "paused")
    live.get_by_role("button", name="Resume", exact=True).click()
    wait_for_state(live, "running")

    a_row_is_stopped_after_a_reload_while_a_cell_waits(page, live)
    (lab.folder(path) / "enough").touch()
    folder = next(lab.folder(path).glob("runs/live*"))
    told = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    said = [one["command"] for one in told if one["event"] == "steered" and one["applied"]]
    assert said[:3] == ["pause r4", "resume r4", "pause r4"]
    assert said[-3:] == ["pause", "resume", "stop r1"]

    a_new_kernel_attaches(page, live)
    live.get_by_role("button", name="Stop", exact=True).click()
    wait_for_state(live, "stopped")
    told = live.locator(".wb-doing").inner_text()
    assert "0 of 4 trials trained, 3 stopped, 1 dropped" in told
    assert_quiet(page, lab)


def a_row_is_stopped_after_a_reload_while_a_cell_waits(page, live) -> None:
    """The page that was loaded anew has all curves, and its buttons are heard although the kernel is busy."""
    before = step(live, "r16")
    save_and_reload(page)
    live.locator("polyline").first.wait_for(timeout=90 * SECOND)
    assert live.locator(".wb-curve polyline").count() == 4
    assert step(live, "r16") >= before
    wait_for_kernel(page)
    run_cell(page, 1)
    wait_until_busy(page)
    press(page, "r1", "Stop", "stopping")
    wait_for_row(live, "r1", "stopped")
    assert live.get_attribute("data-state") == "running"


def a_row_is_paused_and_resumed(page, live, picture) -> None:
    """The others train on meanwhile; each press is answered by its word."""
    took = [press(page, "r4", "Pause", "pausing")]
    wait_for_row(live, "r4", "paused")
    page.wait_for_timeout(1200)
    held, others = step(live, "r4"), step(live, "r1")
    wait_for_steps(live, "r1", beyond=others + 5)
    assert step(live, "r4") == held
    assert live.get_attribute("data-state") == "running"
    assert "1 paused" in live.locator(".wb-doing").inner_text()
    for _ in range(4):
        took.append(press(page, "r4", "Resume", "resuming"))
        wait_for_row(live, "r4", "running")
        took.append(press(page, "r4", "Pause", "pausing"))
        wait_for_row(live, "r4", "paused")
    picture(live, "live-paused")
    took.append(press(page, "r4", "Resume", "resuming"))
    wait_for_steps(live, "r4", beyond=held + 5)
    print("from the press to its word, ms:", sorted(round(one) for one in took))


def a_row_is_cloned_and_the_clone_dropped(page, live, picture) -> None:
    """A wrong value is said at the form; the right one makes a row and a curve, and a question is asked before they end."""
    live.get_by_role("button", name="Clone r16").click()
    form = live.locator("form.wb-newcomer")
    form.get_by_label("Its new value").fill("fast")
    form.get_by_role("button", name="Clone r16").click()
    form.get_by_role("alert").filter(has_text="train.learning_rate").wait_for(timeout=20 * SECOND)
    picture(live, "live-clone-light")
    in_theme(page, "JupyterLab Dark")
    picture(live, "live-clone-dark")
    in_theme(page, "JupyterLab Light")
    form.get_by_label("Its new value").fill("2e-3")
    page.keyboard.press("Enter")
    form.wait_for(state="detached", timeout=20 * SECOND)
    clone = "r16-lr0.002-warm"
    wait_for_row(live, clone, "running")
    assert "clone of r16, step" in row(live, clone).inner_text()
    wait_for_steps(live, clone, beyond=5)
    assert live.locator(".wb-curve polyline").count() == 4
    assert_accessible(page, ".wb-live")
    a_clone_for_later_is_taken_back(page, live, picture)

    live.get_by_role("button", name=f"Drop {clone}", exact=True).click()
    page.keyboard.press("Escape")
    assert page.evaluate("() => document.activeElement.textContent") == "Drop"
    page.keyboard.press("Enter")
    live.get_by_role("button", name=f"Drop {clone} and its adapter").click()
    wait_for_row(live, clone, "dropped")
    live.locator("summary", has_text="What was told").click()
    last = live.locator(".wb-told li").last.inner_text()
    assert f"drop {clone}" in last
    assert "followed" in last
    picture(live, "live-dropped")


def a_clone_for_later_is_taken_back(page, live, picture) -> None:
    live.get_by_role("button", name="Clone r1", exact=True).click()
    form = live.locator("form.wb-newcomer")
    form.get_by_label("Its new value").fill("5e-3")
    form.get_by_label("After which step of r1").fill("19,999")
    page.keyboard.press("Enter")
    waits = live.locator(".wb-waiting li", has_text="waits for step 19,999 of r1")
    waits.wait_for(timeout=20 * SECOND)
    picture(live, "live-waiting")
    assert_accessible(page, ".wb-live")
    waits.get_by_role("button", name="Take back clone r1").focus()
    page.keyboard.press("Enter")
    waits.wait_for(state="detached", timeout=20 * SECOND)
    assert live.locator(".wb-problem").is_hidden()


def a_new_kernel_attaches(page, live) -> None:
    """The kernel is restarted and the view is gone; `wb.attach()` shows the run with its past, and it grows on."""
    wait_for_kernel(page)
    before = step(live, "r16")
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
    )
    wait_for_kernel(page)
    command(page, "editmenu:clear-all")
    live.first.wait_for(state="detached", timeout=20 * SECOND)
    run_last_cell(page)
    live.locator("polyline").first.wait_for(timeout=60 * SECOND)
    assert live.locator(".wb-curve polyline").count() == 4
    assert step(live, "r16") >= before
    wait_for_more_points(live, than=number_of_points(live))


def test_a_killed_worker_and_a_deleted_folder_are_told_with_what_to_do(page, lab, picture):
    path = lab.written(START)
    open_and_run(page, lab, path)
    live = page.locator(".wb-live")
    live.locator("polyline").first.wait_for(timeout=90 * SECOND)
    wait_for_steps(live, "r1", beyond=60)
    folder = next(lab.folder(path).glob("runs/live*"))
    os.kill(json.loads((folder / "status.json").read_text())["pid"], signal.SIGKILL)
    wait_for_state(live, "lost")
    assert "is gone" in live.locator(".wb-notes").inner_text()
    assert "Restart goes on from the last checkpoint" in live.locator(".wb-notes").inner_text()
    assert "attempt 1" in live.locator("details pre").inner_text(), "the log has opened"
    assert live.get_by_role("button", name="Stop r1").count() == 0
    picture(live, "live-lost")
    live.get_by_role("button", name="Restart").click()
    wait_for_state(live, "running")
    wait_for_steps(live, "r1", beyond=60)
    live.get_by_role("button", name="Stop", exact=True).click()
    wait_for_state(live, "stopped")
    assert live.get_by_role("button", name="Go on").is_visible()

    shutil.move(folder, folder.with_name("elsewhere"))
    live.get_by_role("button", name="Go on").click()
    wait_for_state(live, "gone")
    assert "no longer there" in live.locator(".wb-notes").inner_text()
    assert "Traceback" not in page.locator(".jp-Notebook").inner_text()
    assert_quiet(page, lab)


HOSTILE = "<img src=x onerror=alert(1)>"


def big_sweep(root: Path, *, seeds: int, steps: int) -> SweepStore:
    """A folder as a worker would have filled it, which this process has claimed: it counts as running."""
    fields = {
        "name": "big",
        "train": {"max_steps": 2 * steps},
        "evals": ["recall"],
        "sweep": {"adapter.r": [1, 2, 4, 8, 16], "seed": list(range(seeds))},
    }
    store = SweepStore.create(Spec.from_fields(fields), root=root)
    store.claim()
    for trial in store.trials:
        append_event(
            store.folder(trial.name) / "events.jsonl",
            Started(trial=trial.name, total_steps=2 * steps),
        )
    more_steps(store, first=1, last=steps)
    store.set_status(
        trials={trial.name: "training" for trial in store.trials}, message=f"training {HOSTILE}"
    )
    return store


def more_steps(store: SweepStore, *, first: int, last: int) -> None:
    for place, trial in enumerate(store.trials):
        lines = []
        for number in range(first, last + 1):
            loss = 3 / number**0.4 + 0.02 * place + 0.05 * ((number * 7919 + place) % 13) / 13
            told = Step(
                trial=trial.name, time=1000 + number / 10, step=number, epoch=number / 100, loss=loss,
                learning_rate=0.01 / number, grad_norm=loss, num_tokens=200, seconds=0.002,
                rss_bytes=10**9 + 10**6 * number if number % 10 == 1 else None,
            )  # fmt: skip
            lines.append(told.model_dump_json(exclude_none=True))
        with (store.folder(trial.name) / "events.jsonl").open("a") as file:
            file.write("\n".join(lines) + "\n")


def test_fifty_trials_stay_smooth_and_are_read_by_hand_and_by_keys(page, lab, picture):
    seeds, steps = (10, 10_000) if os.environ.get("SOAK") == "1" else (10, 400)
    path = lab.written(
        "import workbench as wb\nlive = wb.attach('runs/big')\nlive", "print('kernel', 'free')"
    )
    store = big_sweep(lab.folder(path) / "runs", seeds=seeds, steps=steps)
    names = [trial.name for trial in store.trials]
    append_event(
        store.folder(names[3]) / "events.jsonl",
        HeldOut(trial=names[3], step=steps, loss=1.5, num_tokens=9, seconds=0.1),
    )
    for trial, value in (("base", 0.25), (names[0], 0.5), (names[11], 0.75)):
        store.append(
            Evaluated(
                trial=trial,
                eval="recall",
                value=value,
                low=value - 0.1,
                high=value + 0.1,
                n=40,
                seconds=1.0,
            )
        )
    open_and_run(page, lab, path)
    live = page.locator(".wb-live")
    live.locator(f'[data-trial-row="{names[-1]}"] >> text={steps:,} /').wait_for(
        timeout=120 * SECOND
    )
    assert live.locator(".wb-curve").count() == 50
    assert (
        HOSTILE in live.locator(".wb-doing").inner_text()
        or "left" in live.locator(".wb-doing").inner_text()
    )

    # The box of rows scrolls below its head; a heading sorts.
    box = live.locator(".wb-many")
    assert box.evaluate(
        "(node) => node.scrollHeight > node.clientHeight && node.clientHeight < 420"
    )
    live.get_by_role("button", name="Loss", exact=True).click()
    live.get_by_role("button", name="Loss", exact=True).click()
    page.mouse.move(5, 5)
    losses = [
        float(text) for text in live.locator("tbody tr td:nth-child(5)").all_inner_texts() if text
    ]
    assert losses == sorted(losses, reverse=True)
    assert live.locator("th[aria-sort=descending]").inner_text().startswith("Loss")

    # What happens while it grows, twice a second.
    page.evaluate(FRAMES)
    for number in range(8):
        more_steps(store, first=steps + 1 + 5 * number, last=steps + 5 + 5 * number)
        page.wait_for_timeout(500)
    frames, long = page.evaluate("() => [window.frames, window.long]")
    print("frames, ms:", sorted(frames), "long tasks, ms:", long)
    assert len(frames) >= 3

    # A row in hand puts its curve in front, and the other way round; a click keeps it there.
    row(live, names[11]).hover()
    strong = live.locator(".wb-curve.wb-strong")
    assert strong.count() == 1
    live.get_by_role("button", name=names[11], exact=True).click()
    page.mouse.move(5, 5)
    assert (
        live.get_by_role("button", name=names[11], exact=True).get_attribute("aria-pressed")
        == "true"
    )
    assert (strong.count(), live.locator(".wb-curve.wb-faded").count()) == (1, 49)
    chart = live.locator(".wb-chart")
    frame = chart.bounding_box()
    page.mouse.move(frame["x"] + 200, frame["y"] + 180)
    live.locator(".wb-tip").wait_for(timeout=5 * SECOND)
    assert "step" in live.locator(".wb-tip-head").inner_text()

    live.get_by_label("What is drawn").select_option("memory")
    live.locator(".wb-tick", has_text="GB").first.wait_for(timeout=10 * SECOND)
    live.get_by_label("log2 steps").check()
    live.locator(".wb-tick", has_text="256").first.wait_for(timeout=10 * SECOND)
    live.get_by_label("What is drawn").select_option("loss")
    live.get_by_label("log values").check()
    live.locator("input[type=range]").fill("0.9")
    live.locator(".wb-raw").first.wait_for(state="attached", timeout=10 * SECOND)
    chart.focus()
    cells = page.locator(".jp-CodeCell").count()
    for key in ("End", "ArrowLeft", "ArrowDown", "Enter", "x"):
        page.keyboard.press(key)
    assert page.locator(".jp-CodeCell").count() == cells
    assert chart.get_attribute("aria-valuetext").startswith("step ")
    assert live.locator(".wb-called[aria-pressed=true]").count() == 2
    live.scroll_into_view_if_needed()
    picture(live, "live-fifty-light")
    in_theme(page, "JupyterLab Dark")
    picture(live, "live-fifty-dark")
    in_theme(page, "JupyterLab Light")

    live.get_by_label("What is drawn").select_option("score:recall")
    live.locator(".wb-base").wait_for(state="attached", timeout=10 * SECOND)
    assert live.locator(".wb-curve").count() == 2
    live.get_by_role("button", name="All alike").click()
    picture(live, "live-scores")

    shutil.rmtree(store.path)
    wait_for_state(live, "gone")
    assert "no longer there" in live.locator(".wb-notes").inner_text()
    assert live.get_by_role("button", name="Stop", exact=True).count() == 0
    assert_quiet(page, lab)

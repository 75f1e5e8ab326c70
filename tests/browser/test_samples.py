"""Answers side by side in a real JupyterLab: found, paged, marked, and quick with a hundred thousand rows."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from tests.browser.lab_page import (
    SECOND,
    assert_accessible,
    assert_quiet,
    in_theme,
    open_and_run,
    printed,
    save_and_reload,
)
from tests.compare.planted import CLEAR, plant
from workbench.runs.store import SweepStore
from workbench.scores.task import Row, Score
from workbench.spec import Spec

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>window.hacked = 1</script><img src=x onerror=window.hacked=1> " + chr(0x202E) + "abc"
)
TRIP = "view => Number(view.dataset.trip)"


def test_items_are_found_marked_and_paged_by_hand_and_keys(page, lab, tmp_path, picture):
    sweep = plant(tmp_path, right=CLEAR, evals=("paraphrase", "facts"), unscored=3)
    path = lab.written(f"import workbench as wb\nwb.samples({str(sweep)!r})")
    open_and_run(page, lab, path)
    view = page.locator(".wb-samples")
    rows = view.locator("tbody tr")
    rows.first.wait_for(timeout=60 * SECOND)
    assert rows.count() == 25
    view.get_by_text("Items 1 to 25 of 400", exact=True).wait_for()

    view.get_by_role("radio", name="better than base").click()
    view.get_by_label("in", exact=True).select_option("r1")
    view.get_by_text("(400 in all)").wait_for(timeout=20 * SECOND)
    assert view.locator("td.wb-answers-better").count() >= 25
    view.get_by_role("radio", name="changed").click()
    view.get_by_label("Words marked against").select_option("base")
    view.locator("ins", has_text="harbour").first.wait_for(timeout=20 * SECOND)
    view.locator("del", has_text="mill").first.wait_for(timeout=20 * SECOND)

    # Keys: down to the next row, over the end to the next page, back by a page.
    view.get_by_label("Rows", exact=True).select_option("10")
    expect(rows).to_have_count(10, timeout=20 * SECOND)
    rows.nth(8).focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    view.get_by_text("Items 11 to 20").wait_for(timeout=20 * SECOND)
    assert rows.first.evaluate("row => row === document.activeElement")
    page.keyboard.press("ArrowUp")
    view.get_by_text("Items 1 to 10").wait_for(timeout=20 * SECOND)
    assert rows.last.evaluate("row => row === document.activeElement")
    page.keyboard.press("PageDown")
    view.get_by_text("Items 11 to 20").wait_for(timeout=20 * SECOND)
    view.get_by_role("button", name="Previous").click()
    view.get_by_text("Items 1 to 10").wait_for(timeout=20 * SECOND)

    # Columns, and words that are searched.
    view.get_by_text("Columns").click()
    view.get_by_role("checkbox", name="r2", exact=True).click()
    view.locator("th", has_text="r2").wait_for(state="detached", timeout=20 * SECOND)
    view.get_by_text("Columns").click()
    view.get_by_role("searchbox").fill("mara lind")
    view.get_by_text("in all").wait_for(timeout=20 * SECOND)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.wb-answers-prompt')].every((cell) => cell.innerText.includes('Mara Lind'))"
    )

    page.mouse.move(5, 5)
    assert_accessible(page, ".wb-samples")
    picture(view, "samples-light")
    in_theme(page, "JupyterLab Dark")
    assert_accessible(page, ".wb-samples")
    picture(view, "samples-dark")
    in_theme(page, "JupyterLab Light")
    save_and_reload(page)
    rows.first.wait_for(timeout=90 * SECOND)
    assert view.get_by_role("searchbox").input_value() == "mara lind"
    assert view.locator("th", has_text="r2").count() == 0
    assert_quiet(page, lab)


def test_text_of_a_stranger_is_shown_and_does_nothing_and_a_long_one_comes_on_request(
    page, lab, tmp_path
):
    sweep = plant(tmp_path, right={1: 0.5}, evals=("recall",), n=3)
    store = SweepStore.open(sweep)
    long = HOSTILE + " word" * 200_000
    for slot in ("base", "r1"):
        rows = [
            Row(
                sample=HOSTILE,
                slot=slot,
                group=HOSTILE,
                prompt=HOSTILE,
                answer=long,
                value=1.0,
                outcome=HOSTILE,
            )
        ]
        store.write_rows("recall", rows)
    open_and_run(page, lab, lab.written(f"import workbench as wb\nwb.samples({str(sweep)!r})"))
    view = page.locator(".wb-samples")
    more = view.get_by_role("button", name="Show all").last
    more.wait_for(timeout=60 * SECOND)
    assert (
        "<script>window.hacked = 1</script>"
        in view.locator(".wb-answers-prompt").first.inner_text()
    )
    assert "\\u202eabc" in view.locator(".wb-answers-prompt").first.inner_text()
    more.click()
    page.wait_for_function(
        "(size) => document.querySelectorAll('td.wb-answers-slot .wb-answer-text')[1].textContent.length >= size",
        arg=len(long), timeout=20 * SECOND,
    )  # fmt: skip
    assert page.evaluate("() => window.hacked") is None
    assert_quiet(page, lab)


def test_a_hundred_thousand_rows_are_turned_and_filtered_at_once(page, lab, tmp_path):
    sweep = many_rows(tmp_path, items=100_000)
    cell = (
        "import time, workbench as wb\nview = wb.samples({!r})\nbegun = time.perf_counter()\nview.settle()\n"
        "took = time.perf_counter() - begun\nview"
    )
    path = lab.written(cell.format(str(sweep)), "print('first page', round(took, 2), 's')")
    open_and_run(page, lab, path)
    view = page.locator(".wb-samples")
    view.get_by_text("of 100,000", exact=False).first.wait_for(timeout=60 * SECOND)
    print(printed(page, "first page").inner_text())
    trips = {}
    for name, act, said in (
        ("next page", lambda: view.get_by_role("button", name="Next").click(), "Items 26 to 50"),
        ("last page", lambda: turn_to(view, 4000), "Items 99,976 to 100,000"),
        (
            "filter",
            lambda: view.get_by_role("radio", name="worse than base").click(),
            "100,000 in all",
        ),
        ("search", lambda: view.get_by_role("searchbox").fill("mara lind"), "100,000 in all"),
    ):
        before = view.get_attribute("data-trip")
        act()
        view.get_by_text(said).wait_for(timeout=20 * SECOND)
        page.wait_for_function(
            "(before) => { const d = document.querySelector('.wb-samples').dataset; return d.trip !== before && d.state === 'ready'; }",
            arg=before, timeout=20 * SECOND,
        )  # fmt: skip
        trips[name] = view.evaluate(TRIP)
    print(
        "from choice to rows, ms:", json.dumps(trips), "drawing:", view.get_attribute("data-draw")
    )
    assert_quiet(page, lab)


def turn_to(view, number: int) -> None:
    view.get_by_label("Page", exact=True).fill(str(number))
    view.page.keyboard.press("Enter")


def many_rows(root, *, items: int):
    """A sweep of three trials with so many answers each."""
    spec = {"name": "many", "evals": ["recall"], "sweep": {"adapter.r": [1, 4, 16]}}
    store = SweepStore.create(Spec.from_fields(spec), root=root)
    rng = np.random.default_rng(0)
    words = np.array(
        [
            "the",
            "harbour",
            "mill",
            "is",
            "north",
            "of",
            "town",
            "where",
            "Mara",
            "Lind",
            "works",
            "as",
            "a",
            "painter",
        ]
    )
    prompts = [" ".join(found) for found in words[rng.integers(0, len(words), (items, 12))]]
    right = words[rng.integers(0, len(words), items)]
    for slot, share in (("base", 0.1), ("r1", 0.5), ("r4", 0.7), ("r16", 0.9)):
        hits = rng.random(items) < share
        table = pa.table(
            {
                "sample": [f"recall-{place}" for place in range(items)],
                "slot": [slot] * items,
                "group": [f"g{place % 7}" for place in range(items)],
                "prompt": prompts,
                "expected": right.tolist(),
                "answer": np.where(hits, right, np.roll(right, 1)).tolist(),
                "value": hits.astype(float),
                "outcome": np.where(hits, "correct", "wrong").tolist(),
            }
        )
        folder = store.folder(slot) / "samples"
        folder.mkdir(exist_ok=True)
        pq.write_table(table, folder / "recall.parquet", compression="zstd")
        value = float(hits.mean())
        told = Score(
            eval="recall", slot=slot, value=value, low=None, high=None, n=items, clusters=0
        )
        store.write_score(told)
    store.set_status(state="done", trials={trial.name: "done" for trial in store.trials})
    return store.path

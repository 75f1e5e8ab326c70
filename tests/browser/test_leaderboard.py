"""The leaderboard in a real JupyterLab: rows are sorted, pinned and picked by hand, and a reload keeps what was chosen."""

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
from tests.compare.planted import CLEAR, plant
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score

pytestmark = pytest.mark.browser

NAMES = "rows => rows.map(row => row.dataset.row)"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Ranks told apart; 32 failed, 2 was stopped, and a figure of r4 is withheld."""
    root = tmp_path_factory.mktemp("sweeps")
    path = plant(root, right={**CLEAR, 32: 0.9}, failed=(32,), stopped=(2,))
    store = SweepStore.open(path)
    rows = [one for one in store.read_rows("r4", "facts") if one.kind != "known"]
    store.write_rows("facts", rows)
    store.write_score(score("facts", "r4", rows))
    return path


def test_rows_are_sorted_pinned_and_picked_and_a_reload_keeps_it(page, lab, sweep, picture):
    path = lab.written(
        f"import workbench as wb\nboard = wb.leaderboard({str(sweep)!r})\nboard",
        "import json\nn = globals().get('n', 0) + 1\n"
        "print(f'look {n}', json.dumps([board.baseline, board.comparison.baseline, board.picked, board.contrast['sentence'] if board.contrast else '']))",
    )
    open_and_run(page, lab, path)
    board = page.locator(".wb-board")
    rows = board.locator("tbody tr[data-row]")
    rows.first.wait_for(timeout=60 * SECOND)
    board.locator(".wb-board-verdict").first.get_by_text("r16 answers 99.2 %").wait_for()
    assert rows.evaluate_all(NAMES) == ["base", "r16", "r8", "r4", "r2", "r1", "r32"]
    assert "loss is not a number" in rows.last.inner_text()
    assert "stopped by hand" in board.locator("[data-row=r2]").inner_text()

    # A withheld figure says why when it is focused.
    why = board.locator("[data-row=r4]").get_by_text("withheld")
    why.focus()
    tip = board.get_by_role("tooltip")
    tip.wait_for()
    assert len(tip.inner_text()) > 20
    page.keyboard.press("Escape")
    assert tip.is_hidden()

    sort = board.locator("[data-focus='sort:eval:facts']")
    # Sorted by an eval where less is better: the rows without a figure stay at the end.
    sort.click()
    order = rows.evaluate_all(NAMES)
    assert order[0] == "r16"
    assert set(order[-2:]) == {"r4", "r32"}
    sort.click()
    assert rows.evaluate_all(NAMES)[0] == "base"
    sort.click()
    assert rows.evaluate_all(NAMES)[1] == "r16"

    # Another baseline, and a pair, by keyboard.
    pin = board.get_by_role("radio", name="Measure differences against r8")
    pin.focus()
    page.keyboard.press("Space")
    board.locator("[data-row=r8]").get_by_text("baseline").first.wait_for(timeout=20 * SECOND)
    assert board.locator("[data-row=base] .wb-board-lost").count() > 0
    for name in ("r1", "r16"):
        board.get_by_role("checkbox", name=f"Pick {name}", exact=True).focus()
        page.keyboard.press("Space")
    two = board.locator(".wb-board-two")
    two.get_by_text("33 points more than r1").wait_for(timeout=20 * SECOND)
    seen = in_kernel(page, "look 2")
    assert seen[:3] == ["r8", "r8", ["r1", "r16"]]
    assert seen[3] in two.inner_text()

    weighed = board.locator("figure").last
    ticks = weighed.locator(".wb-tick").all_text_contents()
    assert {"1k", "5k", "10k"} <= set(ticks), "parameters are told as short as people tell them"

    board.get_by_label("against", exact=True).select_option("latency")
    assert (
        weighed.locator("svg[role=img]")
        .get_attribute("aria-label")
        .startswith("paraphrase, % against latency")
    )
    page.mouse.move(5, 5)
    assert_accessible(page, ".wb-board")
    picture(board, "leaderboard-light")
    in_theme(page, "JupyterLab Dark")
    assert_accessible(page, ".wb-board")
    picture(board, "leaderboard-dark")
    in_theme(page, "JupyterLab Light")

    save_and_reload(page)
    two.get_by_text("33 points more than r1").wait_for(timeout=90 * SECOND)
    assert board.get_by_role("radio", name="Measure differences against r8").is_checked()
    assert board.get_by_label("against", exact=True).input_value() == "latency"
    assert_quiet(page, lab)


def test_scores_that_come_are_announced_and_read_on_request(page, lab, tmp_path):
    path = plant(tmp_path, right={1: 0.6, 4: 0.9}, evals=("recall",))
    store = SweepStore.open(path)
    store.set_status(state="queued")
    late = store.read_rows("r4", "recall")
    for file in ("scores/recall.json", "samples/recall.parquet"):
        (path / "r4" / file).unlink()
    book = lab.written(
        f"import workbench as wb\nwb.leaderboard({str(path)!r})", "wb.leaderboard('nowhere')"
    )
    open_and_run(page, lab, book)
    board = page.locator(".wb-board").first
    board.locator("[data-row=r4]").wait_for(timeout=60 * SECOND)
    assert "–" in board.locator("[data-row=r4]").inner_text()
    page.locator(".wb-board .wb-problem", has_text="there is no folder").wait_for(
        timeout=20 * SECOND
    )
    store.write_rows("recall", late)
    store.write_score(score("recall", "r4", late))
    board.get_by_text("New scores have come").wait_for(timeout=20 * SECOND)
    board.get_by_role("button", name="Read again").click()
    board.locator("[data-row=r4]").get_by_text("1", exact=True).first.wait_for(timeout=20 * SECOND)
    assert "Traceback" not in page.locator(".jp-Notebook").inner_text()
    assert_quiet(page, lab)


def in_kernel(page, name: str) -> list:
    """What the last cell of the notebook prints."""
    run_last_cell(page)
    marked = printed(page, name)
    wait_for_kernel(page)
    return json.loads(marked.inner_text().split(name, 1)[1])

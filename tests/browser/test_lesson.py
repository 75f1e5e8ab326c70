"""Lesson 2 as a student takes it, in a real JupyterLab: a wrong answer, a hint, the right answer, and the progress."""

import pytest

from tests.browser.lab_page import (
    SECOND,
    assert_accessible,
    assert_quiet,
    command,
    in_theme,
    open_and_run,
    wait_until_all_has_run,
)
from workbench.lessons.low_rank import LESSON, TRAINED, UPDATE

pytestmark = pytest.mark.browser

SCROLLED = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"


def test_lesson_two_as_a_student_takes_it(page, lab, picture):
    path = lab.shipped("learn/02_low_rank.ipynb", parameters={"steps": 6})
    open_and_run(page, lab, path)
    wait_until_all_has_run(page, seconds=240)

    # Untouched: everything is there to be done, and nothing has failed.
    for exercise in LESSON.exercises:
        assert state_of(card_of(page, exercise.name)) == "not attempted"
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".wb-lesson", has_text="You made no guess").count() == 3
    whole_lesson(page, picture, "lesson-untouched")

    # A wrong answer is told what is wrong with it.
    answer(page, "trained", "trained = d_in * d_out")
    card = wait_for(page, "trained", "incorrect")
    assert "full fine-tuning would train" in card.inner_text()
    assert 'lesson.hint("trained")' in card.inner_text()
    picture(cell_of(page, "trained"), "lesson-wrong")
    answer(page, "trained", "trained = 'many'")
    page.locator(".wb-lesson", has_text="without quotes").wait_for(timeout=20 * SECOND)

    # The card says how to get a hint; a student types it below.
    hint = typed_below(page, "trained", 'lesson.hint("trained")')
    assert TRAINED.hints[0].split("`")[0].strip() in hint.inner_text()
    assert "hint 1 of 3" in hint.inner_text()
    picture(cell_of(page, 'lesson.hint("trained")'), "lesson-hint")

    answer(page, "trained", "trained = r * (d_in + d_out)")
    card = wait_for(page, "trained", "correct")
    assert "which is what PEFT says it trains" in card.inner_text()
    picture(cell_of(page, "trained"), "lesson-right")

    # A function that does not work is no traceback.
    answer(page, "update", "def adapted(x, W0, A, B, alpha):\n    return x @ W0")
    card = wait_for(page, "update", "incorrect")
    assert "return x @ W0" in card.inner_text()
    answer(page, "update", UPDATE.solution)
    wait_for(page, "update", "correct")

    run(page, "lesson.progress()")
    shown = card_of(page, "progress")
    page.locator(".wb-lesson", has_text="2 of 5 correct").wait_for(timeout=20 * SECOND)
    cells = shown.locator("tr", has_text=TRAINED.title).locator("td").all_inner_texts()
    assert cells == ["✓ correct", "3", "1 of 3", "–"]
    picture(shown, "lesson-progress")

    one_thing_at_a_time(page, picture)
    assert_accessible(page, ".wb-lesson")
    in_theme(page, "JupyterLab Dark")
    whole_lesson(page, picture, "lesson-dark")
    assert_accessible(page, ".wb-lesson")
    whole_lesson(page, picture, "lesson-narrow", width=640)
    in_theme(page, "JupyterLab Light")
    assert_quiet(page, lab)


def one_thing_at_a_time(page, picture) -> None:
    """The slider of the rank, moved by the keyboard: the marked row follows."""
    cell = page.locator(".jp-CodeCell", has_text="numbers = r × (d_in + d_out)")
    marked = cell.locator("tr[aria-current=true] th")
    assert marked.inner_text() == "▸ 4"
    cell.get_by_role("slider", name="r").focus()
    page.keyboard.press("ArrowRight")
    cell.locator("tr[aria-current=true] th", has_text="8").wait_for(timeout=20 * SECOND)
    assert marked.count() == 1
    assert_accessible(page, ".wl-slider")
    picture(cell.locator(".jp-OutputArea"), "lesson-slider")


def cell_of(page, name: str):
    """The cell that holds an exercise, or the one whose source has this text."""
    source = name if "(" in name else f'lesson.check("{name}"'
    if name == "progress":
        source = "lesson.progress()"
    return page.locator(".jp-CodeCell").filter(
        has=page.locator(".jp-InputArea-editor", has_text=source)
    )


def card_of(page, name: str):
    return cell_of(page, name).last.locator(".wb-lesson")


def state_of(card) -> str | None:
    return card.get_attribute("data-state")


def run(page, name: str) -> None:
    cell_of(page, name).last.locator(".jp-InputArea-editor").click()
    command(page, "notebook:run-cell")


def answer(page, name: str, source: str) -> None:
    """Type an answer over what stands above the check, and run the cell."""
    editor = cell_of(page, name).locator(".cm-content")
    check = next(
        line for line in editor.inner_text().split("\n") if line.startswith("lesson.check")
    )
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(f"{source}\n\n\n{check}")
    command(page, "notebook:run-cell")


def wait_for(page, name: str, state: str):
    card = cell_of(page, name).locator(f".wb-lesson[data-state={state}]")
    card.wait_for(timeout=30 * SECOND)
    return card


def typed_below(page, name: str, source: str):
    """Type into a new cell below that of an exercise and run it; the card that comes."""
    cell_of(page, name).locator(".jp-InputArea-editor").click()
    command(page, "notebook:insert-cell-below")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(source)
    command(page, "notebook:run-cell")
    card = cell_of(page, source).locator(".wb-lesson")
    card.wait_for(timeout=20 * SECOND)
    return card


def whole_lesson(page, picture, name: str, *, width: int = 1360) -> None:
    """A picture of all of it, where pictures are wanted."""
    size = page.viewport_size
    scrolled = page.locator(SCROLLED)
    height = scrolled.evaluate("node => node.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(int(height) + 160, 12_000)})
    scrolled.evaluate("node => { node.scrollTop = 0; }")
    page.wait_for_timeout(500)
    picture(scrolled, name)
    page.set_viewport_size(size)

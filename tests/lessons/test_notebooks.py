"""Every lesson as it is handed out, as it is solved, and with every listed mistake made: run whole, in a kernel.

Lesson 2 runs always, the others with SOAK=1: they train.
"""

import nbformat
import pytest

from tests.lessons.classroom import LEARN, execute, outputs, read, records
from workbench.lessons.cards import plain
from workbench.lessons.catalog import LESSONS, find
from workbench.lessons.filling import solved, with_every_answer

ALWAYS = ("low-rank",)
TAKEN = [n if n in ALWAYS else pytest.param(n, marks=pytest.mark.soak) for n in LESSONS]


def smoke(lesson):
    return read(lesson).metadata["workbench"]["smoke"]


def states(notebook):
    """What the last progress of a notebook says of each exercise."""
    return [record.states for _, record in records(notebook) if record.states][-1]


@pytest.mark.parametrize("name", TAKEN)
def test_untouched_it_raises_nothing_and_all_is_not_attempted(name, tmp_path, monkeypatch):
    lesson = find(name)
    done = execute(read(lesson), tmp_path, monkeypatch, parameters=smoke(lesson))
    assert states(done) == {exercise.name: "not attempted" for exercise in lesson.exercises}
    judged = [record for _, record in records(done) if record.exercise]
    assert [record.exercise for record in judged] == [one.name for one in lesson.exercises]
    assert {record.state for record in judged} == {"not attempted"}
    assert {record.message for record in judged} == {
        "Replace the `...` with your answer and run the cell again."
    }, "each says that nothing was answered, none that it could not be checked"
    assert_quiet(done)


@pytest.mark.parametrize("name", TAKEN)
def test_every_mistake_gets_its_own_message_and_every_solution_is_right(
    name, tmp_path, monkeypatch
):
    lesson = find(name)
    notebook = with_every_answer(read(lesson), lesson)
    done = execute(notebook, tmp_path, monkeypatch, parameters=smoke(lesson))
    wrong, heard = [], {}
    for cell, record in records(done):
        asked = cell.metadata.get("workbench")
        if not asked or not record.exercise:
            continue
        heard.setdefault(record.exercise, {})[asked["mistake"]] = record.message
        wrong += complaint(lesson, record, asked["mistake"])
    assert not wrong, "\n".join(wrong)
    for exercise in lesson.exercises:
        told = heard[exercise.name]
        assert set(told) == {mistake.name for mistake in exercise.mistakes} | {""}
        assert len(set(told.values())) == len(told), f"{exercise.name}: two answers, one message"
    assert set(states(done).values()) == {"correct"}
    assert_quiet(done)


def complaint(lesson, record, name):
    """What is wrong with what was said of one answer."""
    exercise = next(one for one in lesson.exercises if one.name == record.exercise)
    told = f"{exercise.name}, {name or 'solution'}: {record.state}: {record.message}"
    if not name:
        return [] if record.state == "correct" else [told]
    mistake = next(one for one in exercise.mistakes if one.name == name)
    if mistake.made is None:
        known = isinstance(mistake.says, str) and mistake.says in plain(record.message)
        return [] if record.state == "incorrect" and known else [told]
    return [] if record.state == "incorrect" and record.mistake == name else [told]


def assert_quiet(notebook):
    muttered = [
        (cell.id, out.get("text") or out.get("ename"))
        for cell, out in outputs(notebook)
        if out.output_type == "error" or out.get("name") == "stderr"
    ]
    assert muttered == []


@pytest.mark.parametrize("name", LESSONS)
def test_the_solution_notebook_is_the_lesson_with_the_exercises_solutions(name):
    lesson = find(name)
    kept = read(lesson, folder=LEARN / "solutions")
    made = nbformat.v4.upgrade(solved(read(lesson), lesson))
    assert kept == made, "write them anew: python -m workbench.lessons solutions notebooks/learn"


@pytest.mark.soak
@pytest.mark.parametrize("name", LESSONS)
def test_it_runs_at_full_length_solved(name, tmp_path, monkeypatch):
    lesson = find(name)
    done = execute(solved(read(lesson), lesson), tmp_path, monkeypatch, minutes=20)
    assert set(states(done).values()) == {"correct"}
    assert_quiet(done)

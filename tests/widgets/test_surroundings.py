"""What is missing around a widget is said in words."""

import pytest

from workbench.widgets.surroundings import (
    COLAB,
    JUPYTER,
    PLAIN,
    VSCODE,
    Surroundings,
    front_of,
    limits,
    look_around,
)


def around(front=JUPYTER, *, subshells=True):
    return Surroundings(front=front, subshells=subshells, ipykernel="6.30.1")


def test_in_jupyterlab_with_subshells_there_is_nothing_to_say():
    assert limits(around()) == ()


def test_without_a_kernel_there_is_nothing_to_say():
    assert look_around() == Surroundings(front=PLAIN, subshells=False)
    assert limits(look_around()) == ()


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (around(COLAB), ("Colab", "wb.attach()", "Training goes on")),
        (around(VSCODE), ("VS Code", "jupyter.widgetScriptSources", "wb.start(spec)")),
        (around(subshells=False), ("6.30.1", "Stop", "Training itself is not held up")),
    ],
)
def test_a_place_with_less_is_told_with_what_to_do(where, words):
    (said,) = limits(where)
    assert all(word in said for word in words)


def test_two_things_that_are_missing_are_two_sentences():
    assert len(limits(around(COLAB, subshells=False))) == 2


def test_a_jupyterlab_started_in_a_terminal_of_vs_code_is_no_vs_code():
    assert front_of({"VSCODE_PID": "7"}, modules={}, names={}) == JUPYTER
    assert front_of({"COLAB_RELEASE_TAG": "1"}, modules={}, names={}) == COLAB

"""How long things may get: a file 400 lines (600 with a reason, never more), a function 50."""

import ast

import pytest

from tests.contracts.tree import ROOT, modules, syntax

LONG_FILES: dict[str, str] = {}
"""Module -> why it may have more than 400 lines."""

LONG_FUNCTIONS: dict[str, str] = {}
"""module.function -> why it may have more than 50 lines."""

FORBIDDEN_NAMES = {"utils", "core", "common", "helpers", "manager", "misc", "types", "constants"}


def lines_of(path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("module", modules())
def test_a_file_is_short_enough_to_read(module):
    count = lines_of(modules()[module])
    assert count <= (600 if module in LONG_FILES else 400), f"{module} has {count} lines"


def test_a_test_file_is_short_enough_to_read():
    long = {p.name: lines_of(p) for p in (ROOT / "tests").rglob("*.py") if lines_of(p) > 600}
    assert not long


@pytest.mark.parametrize("module", modules())
def test_a_function_fits_on_a_screen(module):
    long = {}
    for node in ast.walk(syntax(modules()[module])):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > 50 and f"{module}.{node.name}" not in LONG_FUNCTIONS:
                long[node.name] = count
    assert not long, f"{module}: {long}"


def test_the_lists_of_exceptions_are_true():
    assert not {m for m in LONG_FILES if m in modules() and lines_of(modules()[m]) <= 400}
    assert not {m for m in LONG_FILES if m not in modules()}
    known = {
        f"{module}.{node.name}"
        for module, path in modules().items()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert set(LONG_FUNCTIONS) <= known


@pytest.mark.parametrize("module", modules())
def test_a_file_opens_with_what_it_is(module):
    said = ast.get_docstring(syntax(modules()[module]))
    assert said, f"{module} does not open with a docstring"


@pytest.mark.parametrize("module", modules())
def test_nothing_is_left_for_later(module):
    text = modules()[module].read_text(encoding="utf-8")
    for word in ("TODO", "FIXME", "XXX", "raise NotImplementedError"):
        assert word not in text, f"{module} says {word}"


@pytest.mark.parametrize("module", modules())
def test_a_file_is_named_for_what_lies_in_it(module):
    assert not FORBIDDEN_NAMES & set(module.split("."))

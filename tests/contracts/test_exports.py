"""What the package promises by name is there."""

import ast
import importlib

import pytest

import workbench
from tests.contracts.tree import modules, syntax


def declares_all(module: str) -> bool:
    return any(
        isinstance(node, ast.Assign)
        and any(getattr(t, "id", "") == "__all__" for t in node.targets)
        for node in syntax(modules()[module]).body
    )


@pytest.mark.parametrize("module", [m for m in modules() if declares_all(m)])
def test_every_name_in_all_exists(module):
    loaded = importlib.import_module(module)
    missing = [name for name in loaded.__all__ if not hasattr(loaded, name)]
    assert not missing
    assert len(set(loaded.__all__)) == len(loaded.__all__)


def test_the_lazy_names_are_the_promised_names():
    assert set(workbench._HOME) | {"__version__"} == set(workbench.__all__)
    assert set(dir(workbench)) == set(workbench.__all__)


@pytest.mark.parametrize(
    "name", ["plan", "start", "attach", "evaluate", "compare", "report", "panel", "model_map"]
)
def test_a_verb_is_callable_even_after_the_folder_of_the_same_name_was_imported(name):
    importlib.import_module(workbench._HOME[name])
    assert callable(getattr(workbench, name))


def test_the_imports_for_type_checkers_are_the_lazy_names():
    typed = {}
    for node in ast.walk(syntax(modules()["workbench"])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workbench"):
            typed |= {alias.name: node.module for alias in node.names}
    assert typed == workbench._HOME


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(AttributeError, match="compare"):
        workbench.no_such_name  # noqa: B018


def test_the_version_is_that_of_the_project_file():
    import tomllib

    from tests.contracts.tree import ROOT

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert workbench.__version__ == project["version"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text()

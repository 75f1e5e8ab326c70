"""pyproject.toml, the lock files and environment.yml say the same, and nothing is imported that is not declared."""

import importlib.util
import re
import sys
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.contracts.tree import ROOT, imports, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = {
    canonicalize_name(Requirement(text).name): Requirement(text) for text in PROJECT["dependencies"]
}
DEV = {
    canonicalize_name(Requirement(text).name): Requirement(text)
    for text in PROJECT["optional-dependencies"]["dev"]
}
OPTIONAL = {
    canonicalize_name(Requirement(text).name): Requirement(text)
    for name, texts in PROJECT["optional-dependencies"].items()
    if name != "dev"
    for text in texts
}
"""What a person may install besides; imported inside functions, where its absence is an error of ours."""

NOT_IMPORTED_BY_NAME = {
    "trl": "the script that spec.as_code() prints imports it",
    "jupyterlab": "started as a program by `workbench lab`",
    "ipykernel": "the kernel that notebooks and reports run in",
}
"""Declared packages no file of ours imports, and why they are declared."""

OTHER_PLATFORMS = re.compile(
    r"nvidia|cuda|triton|pywin|colorama|appnope|importlib|exceptiongroup|tomli"
)


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


RUN, DEVELOPMENT = pins("requirements.lock"), pins("requirements-dev.lock")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_exact_versions_and_nothing_else(name):
    odd = [
        line
        for line in (ROOT / name).read_text().splitlines()
        if not re.fullmatch(r"#.*|-r requirements\.lock|[a-z0-9-]+==[0-9][a-z0-9.]*", line)
    ]
    assert not odd


def test_torch_is_pinned_without_a_build_tag():
    assert RUN["torch"] == "2.13.0"


def test_every_declared_package_is_locked_inside_its_range():
    for name, requirement in DECLARED.items():
        assert RUN[name] in requirement.specifier, name
    for name, requirement in DEV.items():
        assert {**RUN, **DEVELOPMENT}[name] in requirement.specifier, name


def test_what_is_tested_is_what_is_locked():
    here = {
        name: metadata.version(name).split("+")[0]
        for name in {**RUN, **DEVELOPMENT}
        if importlib.util.find_spec("torch") and _installed(name)
    }
    different = {
        n: (v, {**RUN, **DEVELOPMENT}[n]) for n, v in here.items() if v != {**RUN, **DEVELOPMENT}[n]
    }
    assert not different, "run make lock, or install the lock"


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def test_the_lock_is_the_whole_closure():
    spec = importlib.util.spec_from_file_location("lock", ROOT / ".ci" / "lock.py")
    lock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lock)
    needed = set(lock.closure(PROJECT["dependencies"]))
    assert not {name for name in needed - set(RUN) if not OTHER_PLATFORMS.search(name)}
    if sys.version_info[:2] == (3, 11) and sys.platform == "linux":
        assert not set(RUN) - needed, "locked, but nothing needs it"


def test_the_conda_file_is_thin_and_takes_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, by_pip = environment["dependencies"]
    assert python == "python" + PROJECT["requires-python"]
    assert pip == "pip"
    assert by_pip == {"pip": ["-r requirements.lock", "-e ."]}


def imported() -> dict[str, set[str]]:
    """Third-party top-level names -> the modules of ours that import them."""
    found: dict[str, set[str]] = {}
    for module in modules():
        for target in imports(module):
            top = target.target.split(".")[0]
            if top not in sys.stdlib_module_names and top != "workbench":
                found.setdefault(top, set()).add(module)
    return found


def test_nothing_is_imported_that_is_not_declared():
    homes = metadata.packages_distributions()
    undeclared = {
        top: sorted(where)
        for top, where in imported().items()
        if not {canonicalize_name(d) for d in homes.get(top, [top])} & {*DECLARED, *OPTIONAL}
    }
    assert not undeclared


def test_what_is_optional_is_tested_here_and_imported_inside_functions_only():
    assert set(OPTIONAL) <= set(DEV)
    for name in OPTIONAL:
        assert OPTIONAL[name].specifier == DEV[name].specifier
    homes = metadata.packages_distributions()
    at_module_level = {
        module
        for module in modules()
        for target in imports(module)
        if not target.inside
        and {canonicalize_name(d) for d in homes.get(target.target.split(".")[0], [])}
        & set(OPTIONAL)
    }
    assert not at_module_level


def test_nothing_is_declared_that_is_not_used():
    homes = metadata.packages_distributions()
    used = {canonicalize_name(d) for top in imported() for d in homes.get(top, [])}
    assert set(DECLARED) - used == set(NOT_IMPORTED_BY_NAME)


def test_the_console_command_is_installed():
    assert PROJECT["scripts"] == {"workbench": "workbench.cli:main"}

"""Who may import whom: a file imports from lower floors, from what stands left of it on its own floor, and from files
of its own folder without going round in a circle. Imports inside functions count; the exceptions are listed here."""

import re
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.contracts.tree import imports, modules

FLOORS: list[tuple[str, list[str]]] = [
    (
        "0 words",
        [
            "errors",
            "yamlfile",
            "jsonfile",
            "script",
            "naming",
            "fields",
            "mistakes",
            "spec",
            "events",
        ],
    ),
    ("1 plain", ["stats", "timing", "scores", "runs", "microworld", "plan"]),
    ("2 tensors", ["data", "models", "metrics"]),
    ("3 adapters", ["adapters"]),
    ("4 motion", ["engine", "evals"]),
    (
        "5 joined",
        [
            "tracking",
            "training",
            "evaluation",
            "experiment",
            "worker",
            "calibrate",
            "job",
            "foreign",
            "playground",
            "deployment",
            "microworld.build",
        ],
    ),
    ("6 reading", ["compare", "gate", "lens", "report"]),
    ("7 faces", ["widgets", "lessons", "doctor", "cli", "__main__"]),
]

NEIGHBOURS_THAT_DO_NOT_KNOW_EACH_OTHER = {("engine", "evals"), ("evals", "engine")}

ALLOWED: dict[tuple[str, str], str] = {
    (
        "workbench.plan.card",
        "workbench.plan.plan",
    ): "a plan shows itself as a card; the card names the plan's type for the type checker only",
    (
        "workbench.job",
        "workbench.widgets.live_run",
    ): "a job that is the last value of a cell shows itself",
}
"""(importer, imported) -> why this one import may break the rule."""

LIGHT = {"pydantic", "pydantic_core", "yaml"}
NUMBERS = LIGHT | {"numpy", "scipy", "pyarrow", "psutil"}
THIRD_PARTY_AT_MODULE_LEVEL = {"0 words": LIGHT, "1 plain": NUMBERS}
NEVER_AT_MODULE_LEVEL = {
    "transformers",
    "bitsandbytes",
    "datasets",
    "trl",
    "papermill",
    "nbconvert",
    "evaluate",
}
MODULES_OF_EVALUATE = "workbench.metrics."
NO_TORCH_AT_MODULE_LEVEL = {"0 words", "1 plain", "6 reading", "7 faces"}
NO_TORCH_AT_ALL = {"6 reading"}

PLACES = {
    unit: (floor, column)
    for floor, (_, units) in enumerate(FLOORS)
    for column, unit in enumerate(units)
}


def unit_of(module: str) -> str:
    """The longest entry of the table that a module lies in."""
    inner = module.removeprefix("workbench").removeprefix(".")
    fitting = [u for u in PLACES if inner == u or inner.startswith(u + ".")]
    return max(fitting, key=len, default="")


def ours(module: str) -> list[tuple[str, int]]:
    return [(i.target, i.line) for i in imports(module) if i.target.split(".")[0] == "workbench"]


def third_party(module: str, *, at_module_level: bool) -> set[str]:
    return {
        i.target.split(".")[0]
        for i in imports(module)
        if not (at_module_level and i.inside) and i.target.split(".")[0] != "workbench"
    }


INSIDE = [name for name in modules() if name != "workbench"]


@pytest.mark.parametrize("module", INSIDE)
def test_every_file_has_a_place_in_the_table(module):
    assert unit_of(module), f"{module} is on no floor; say in test_floors.py where it belongs"


@pytest.mark.parametrize("module", INSIDE)
def test_a_file_imports_only_from_below_or_left(module):
    here = unit_of(module)
    wrong = []
    for target, line in ours(module):
        there = unit_of(target)
        if there == here or target == "workbench" or (module, target) in ALLOWED:
            continue
        upwards = PLACES[there] > PLACES[here]
        if upwards or (here, there) in NEIGHBOURS_THAT_DO_NOT_KNOW_EACH_OTHER:
            wrong.append(f"line {line}: {module} ({here}) imports {target} ({there})")
    assert not wrong, "\n".join(wrong)


def test_only_the_version_is_taken_from_the_root():
    takers = {}
    for module in INSIDE:
        text = modules()[module].read_text(encoding="utf-8")
        names = re.findall(r"^\s*from workbench import ([\w, ]+)", text, re.MULTILINE)
        taken = {n.strip() for line in names for n in line.split(",")}
        lazy = {n for n in taken if f"workbench.{n.split(' ')[0]}" not in modules()} - {
            "__version__"
        }
        if lazy:
            takers[module] = lazy
    assert not takers


def test_no_import_goes_round_in_a_circle():
    graph = {
        module: {
            target
            for target, _ in ours(module)
            if target not in (module, "workbench") and (module, target) not in ALLOWED
        }
        for module in INSIDE
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_exception_is_still_needed():
    used = {(module, target) for module in INSIDE for target, _ in ours(module)}
    assert set(ALLOWED) <= used


@pytest.mark.parametrize("module", INSIDE)
def test_heavy_libraries_stay_where_they_may_be(module):
    floor = FLOORS[PLACES[unit_of(module)][0]][0]
    top = third_party(module, at_module_level=True)
    anywhere = third_party(module, at_module_level=False)
    if module.startswith(MODULES_OF_EVALUATE):
        # Each is a class of the library, loaded by path and imported by nobody.
        top -= {"datasets", "evaluate"}
    assert not top & NEVER_AT_MODULE_LEVEL, "import it inside the function that needs it"
    if floor in NO_TORCH_AT_MODULE_LEVEL:
        assert not top & {"torch", "peft"}
    if floor in NO_TORCH_AT_ALL:
        assert not anywhere & {"torch", "peft", "transformers"}
    if floor in THIRD_PARTY_AT_MODULE_LEVEL:
        import sys

        foreign = top - set(sys.stdlib_module_names)
        assert foreign <= THIRD_PARTY_AT_MODULE_LEVEL[floor], (
            f"{floor} holds only {THIRD_PARTY_AT_MODULE_LEVEL[floor]}"
        )


def test_the_architecture_page_shows_this_table():
    from tests.contracts.tree import ROOT

    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for floor, units in FLOORS:
        row = next((line for line in page.splitlines() if line.startswith(f"| {floor} ")), "")
        here = [u for u in units if any(unit_of(m) == u for m in INSIDE)]
        missing = [u for u in here if f"`{u}`" not in row]
        assert not missing, f"docs/architecture.md, row {floor!r}, does not name {missing}"

"""Importing costs nothing heavy: checked in fresh processes, by what was loaded and (for the package) how long it took."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "transformers",
    "peft",
    "trl",
    "papermill",
    "bitsandbytes",
    "datasets",
    "evaluate",
}
LOOK = "import sys, json, {module}; print(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"


def loaded_by(module: str) -> set[str]:
    code = LOOK.format(module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("workbench", HEAVY | {"pandas", "numpy", "pydantic", "plotly", "ipywidgets"}),
        ("workbench.spec", HEAVY | {"pandas", "numpy"}),
        ("workbench.widgets", HEAVY),
        ("workbench.lessons", HEAVY | {"pandas", "plotly", "ipywidgets", "pydantic"}),
        ("workbench.cli", HEAVY | {"pandas", "plotly", "scipy"}),
        ("workbench.job", HEAVY),
        ("workbench.plan", HEAVY),
        ("workbench.runs", HEAVY),
        ("workbench.scores", HEAVY),
        ("workbench.stats", HEAVY),
        ("workbench.compare", HEAVY),
        ("workbench.report", HEAVY),
    ],
)
def test_importing_it_loads_nothing_heavy(module, never):
    assert not loaded_by(module) & never


def test_importing_the_package_takes_at_most_three_tenths_of_a_second():
    code = "import time; t = time.perf_counter(); import workbench; print(time.perf_counter() - t)"
    best = min(
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(5)
    )
    assert best <= 0.3

"""What the pages say of papermill and nbconvert holds when it is typed."""

import os
import re
import subprocess
import sys

import pytest

from tests.compare.planted import plant
from tests.contracts.tree import ROOT

PAGES = ("reports/README.md", "docs/reports.md")


def typed(page, tool):
    """The commands of a page that start a tool, without the folder of the environment."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(rf"^ *(?:\.venv/bin/)?({tool} .*)$", text, re.MULTILINE)
    return [line.split() for line in found]


def run(words, folder):
    """Run a command of the environment in a folder as a person would in the checkout."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_the_notebook_can_be_run_and_converted_by_hand(tmp_path):
    plant(
        tmp_path / "runs",
        right={2: 0.5, 8: 0.9},
        n=80,
        evals=("recall", "latency"),
        name="rank-sweep",
        steps=20,
    )
    (tmp_path / "reports").mkdir()
    (tmp_path / "workbench").symlink_to(ROOT / "workbench")
    (command,) = typed("docs/reports.md", "papermill")
    run(command, tmp_path)
    conversions = typed("docs/reports.md", "jupyter nbconvert")
    assert len(conversions) == 2
    for _, *words in conversions:
        run(words, tmp_path)
    made = {path.name: path for path in (tmp_path / "reports").iterdir()}
    assert set(made) == {"by-hand.ipynb", "plain.html", "by-hand.html"}
    ours = made["by-hand.html"].read_text(encoding="utf-8")
    assert "Content-Security-Policy" in ours
    assert ours.count("data-figure=") >= 3
    assert "r8" in ours
    plain = made["plain.html"].read_text(encoding="utf-8")
    assert "Numbers of this figure" in plain


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_tells_papermill_are_parameters_that_there_are(page):
    from workbench.report import template

    for words in typed(page, "papermill"):
        found = template.found(ROOT / words[1])
        given = [words[place + 1] for place, word in enumerate(words) if word == "-p"]
        assert given
        assert all(found.has(name) for name in given)

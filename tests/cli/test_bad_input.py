"""Bad input through the command line: exit 2, one clear error of ours, no traceback, and nothing written.

Each case is a function that prepares a folder and gives back what is typed; the words beside it must all be in the
message: what came, what is allowed, what to do.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.cli.cases import CASES
from workbench.cli import main

EVERYTHING = sorted(CASES)


def tree(folder):
    """Every path below a folder, with its size."""
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", EVERYTHING)
def test_bad_input_is_refused_in_plain_words_before_anything_starts(
    name, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    prepare, words = CASES[name]
    typed = [str(word) for word in prepare(tmp_path)]
    before = tree(tmp_path)

    code = main(typed)

    said = capsys.readouterr()
    assert code == 2, said.err
    assert said.err.startswith("error: "), said.err
    assert said.err.count("error: ") == 1
    assert "Traceback" not in said.err
    assert "pydantic" not in said.err.lower()
    assert len(said.err) < 3000
    missing = [word for word in words if word not in said.err]
    assert not missing, said.err
    assert said.out == ""
    assert tree(tmp_path) == before


def test_there_are_at_least_sixty_kinds_of_bad_input():
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", ["rank 0", "spec that is a YAML bomb", "unknown command"])
def test_the_installed_command_says_the_same(name, tmp_path):
    prepare, words = CASES[name]
    typed = [str(word) for word in prepare(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *typed],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words)
    assert done.stdout == ""


def test_with_json_an_error_still_goes_to_standard_error(tmp_path, capsys):
    assert main(["plan", str(tmp_path / "none.yaml"), "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.err)

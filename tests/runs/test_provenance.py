"""What a run was made with is told, and nothing about who made it."""

import getpass
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from workbench.runs.provenance import PACKAGES, provenance

ROOT = Path(__file__).resolve().parents[2]


def test_it_tells_the_versions_that_are_installed():
    found = provenance()
    assert set(found["versions"]) == set(PACKAGES)
    assert found["versions"]["torch"] == metadata.version("torch")
    assert found["python"].endswith(platform.python_version())
    assert found["cpu"]["usable"] >= 1
    assert found["threads"] >= 1
    assert found["memory_bytes"] > 0
    assert provenance(device="cuda", threads=3)["threads"] == 3
    assert json.loads(json.dumps(found)) == found


def test_it_tells_the_commit_of_the_checkout():
    head = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--verify", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--error-unmatch", "workbench/__init__.py"],
        capture_output=True,
        check=False,
    )
    commit = provenance()["commit"]
    if head.returncode or tracked.returncode:
        assert commit is None
    else:
        assert commit["id"] == head.stdout.strip()
        assert isinstance(commit["dirty"], bool)


def test_it_tells_nothing_about_the_person_or_the_place():
    code = "import json; from workbench.runs.provenance import provenance; print(json.dumps(provenance()))"
    secret = "hf_abcdefghijklmnopqrstuvwxyz012345"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_TOKEN": secret, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = {secret, str(ROOT), str(Path.home()), platform.node()}
    if len(getpass.getuser()) > 4:
        words.add(getpass.getuser())
    assert not [word for word in words if word and word != "/" and word in told]


def test_it_loads_none_of_the_packages_it_tells():
    code = (
        "import sys; from workbench.runs.provenance import provenance; provenance(); "
        "print({'torch', 'transformers', 'peft', 'datasets'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.strip() == "set()"

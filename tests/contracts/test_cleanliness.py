"""What a checkout must not hold: paths of somebody's machine, large files, pickles, links in the documents that lead nowhere."""

import re

import pytest

from tests.contracts.tree import ROOT

SKIPPED = {".git", ".venv", "runs", "node_modules", "build", "dist", ".claude"}
CACHES = re.compile(r"__pycache__|\.\w+_cache|\.ipynb_checkpoints|\.egg-info|\.hypothesis")
MACHINES = re.compile(r"(?<![\w.$}])/(?:" + "|".join(["work", "root", "home", "Users"]) + r")/\w")
LARGEST = 5_000_000


def files():
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        hidden = inside.parts[0] in SKIPPED or CACHES.search(str(inside))
        made_by_people = inside.parts[0] == "reports" and inside.parts[1:2] not in (
            ("README.md",),
            ("example",),
        )
        if path.is_file() and not hidden and not made_by_people:
            yield path


def text_of(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_place_on_somebodys_machine():
    found = {
        str(path.relative_to(ROOT)): MACHINES.search(text_of(path)).group()
        for path in files()
        if MACHINES.search(text_of(path))
    }
    assert not found


def test_no_file_is_large_and_none_is_a_pickle():
    assert not [p for p in files() if p.stat().st_size > LARGEST]
    assert not [p for p in files() if p.suffix in (".bin", ".pt", ".pth", ".pkl", ".pickle")]


@pytest.mark.parametrize("path", [p for p in files() if p.suffix == ".md"], ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing


def test_a_decision_fits_on_a_page():
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    for path in decisions:
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
        assert len(text_of(path).splitlines()) <= 40, path.name

"""The report that is kept as an example is one of the demo, whole, small, and linked from the README."""

import json
import re

import workbench
from tests.contracts.tree import ROOT
from workbench.spec import Spec

PAGE = ROOT / "reports" / "example" / "demo.html"
DOCUMENT = PAGE.with_suffix(".json")


def test_it_is_a_report_of_what_the_demo_trains():
    told = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    spec = Spec.load(ROOT / "examples" / "rank_sweep.yaml")
    assert told["workbench"] == workbench.__version__
    trained = {source["path"].split("/")[0] for source in told["sources"]}
    assert {trial.name for trial in spec.grid()} <= trained
    assert told["verdict"]["kind"] == "winner"
    assert told["verdict"]["sentence"] in re.sub(r"\s|&nbsp;", " ", PAGE.read_text("utf-8"))


def test_it_has_the_sections_that_the_report_has_now():
    told = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    titles = [section["title"] for section in told["sections"]]
    for title in (
        "At a glance",
        "Leaderboard",
        "Quality",
        "Retention",
        "Data",
        "Evidence map",
        "Provenance",
    ):
        assert title in titles


def test_it_opens_anywhere_and_tells_nothing_of_where_it_was_made():
    page = PAGE.read_text(encoding="utf-8")
    assert PAGE.stat().st_size <= 400_000
    assert "default-src 'none'" in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]+"', page)
    for text in (page, DOCUMENT.read_text(encoding="utf-8")):
        assert not re.search(r"/(?:home|root|tmp|Users)/", text)


def test_the_readme_leads_to_it():
    assert "(reports/example/demo.html)" in (ROOT / "README.md").read_text(encoding="utf-8")

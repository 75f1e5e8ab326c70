"""A report is one file that needs nothing, says what the sweep says, and never takes the place of another file."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from tests.compare.planted import plant
from workbench.compare import compare, wording
from workbench.errors import SpecError, StoreError
from workbench.report import calibration, costs, records, render, sections, template
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.spec import Spec

SECTIONS = [
    calibration.certificate,
    *(getattr(sections, name) for name in ["heading", "verdict_card", "leaderboard", "rank_curve"]),
    *(getattr(sections, name) for name in ["learning_curves", "time"]),
    *(
        getattr(records, name)
        for name in ["differing", "endings", "data", "method", "provenance", "reproduce"]
    ),
]


class Page(HTMLParser):
    """Every tag with its attributes, the ids, and the text outside scripts."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._silent = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._silent = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag):
        self._silent = ""

    def handle_data(self, data):
        if not self._silent:
            self.text.append(data)


@pytest.fixture(scope="module")
def page(rendered):
    return Page(rendered.html)


def test_nothing_outside_the_file_is_asked_for(page):
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img")
        for name, value in attrs.items():
            assert not name.startswith("on")
            if name in ("src", "srcset", "poster", "action", "data", "href"):
                assert value.startswith("#"), (tag, name, value)


def test_the_style_asks_for_nothing(rendered):
    css = " ".join(re.findall(r"<style>(.*?)</style>", rendered.html, re.S))
    assert "@import" not in css
    assert "url(" not in css


def test_plotly_is_there_once_and_the_page_is_small_enough(rendered):
    assert len(re.findall(r"plotly\.js v\d", rendered.html)) == 1
    assert len(rendered.html.encode()) < 6_000_000


def test_only_hashed_scripts_may_run(page):
    policies = [
        a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert policies[0].count("'sha256-") == 2
    scripts = policies[0].split("script-src")[1].split(";")[0]
    assert "unsafe" not in scripts
    running = [a for tag, a in page.tags if tag == "script" and a.get("type") != "application/json"]
    assert len(running) == 2


def test_the_verdict_and_every_caveat_are_said(rendered, page):
    text = re.sub(r"\s+", " ", " ".join(page.text).replace("\u00a0", " "))
    verdict = compare(rendered.sweep).verdict
    assert verdict.sentence in text
    for caveat in verdict.caveats:
        assert caveat.sentence in text
    assert "Known flaws." in text
    assert "diverged at step 7: loss is not a number" in text


def test_every_figure_has_an_alternative_and_its_numbers(rendered, page):
    plots = [a for _, a in page.tags if a.get("class") == "plot"]
    assert len(plots) == 9
    assert all(len(a["aria-label"]) > 30 for a in plots)
    assert rendered.html.count("Numbers of this figure") == 9
    for block in re.findall(
        r'<script type="application/json"[^>]*>(.*?)</script>', rendered.html, re.S
    ):
        assert "<" not in block
        assert json.loads(block)["data"]


def test_there_is_one_title_and_every_link_of_the_contents_leads_somewhere(page):
    assert [tag for tag, _ in page.tags].count("h1") == 1
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = [
        a["href"][1:] for tag, a in page.tags if tag == "a" and a.get("href", "").startswith("#")
    ]
    assert len(links) > 12
    assert set(links) <= set(ids)


def test_paths_of_the_machine_are_not_in_it(rendered):
    kept = rendered.notebook.read_text(encoding="utf-8")
    numbers = rendered.page.with_suffix(".json").read_text(encoding="utf-8")
    for text in (rendered.html, kept, numbers):
        assert str(rendered.sweep.parent) not in text
        assert "@the-folder" not in text
    assert '"papermill"' not in kept
    assert "widgets" not in json.loads(kept)["metadata"]


def test_the_executed_notebook_is_kept_and_names_its_sweep(rendered):
    cells = json.loads(rendered.notebook.read_text(encoding="utf-8"))["cells"]
    injected = next(c for c in cells if "injected-parameters" in c["metadata"].get("tags", []))
    assert "../runs/rank-sweep" in "".join(injected["source"])


def test_an_existing_report_is_not_overwritten(rendered):
    before = rendered.page.read_bytes()
    with pytest.raises(StoreError, match="not overwritten"):
        render(rendered.sweep, rendered.page)
    assert rendered.page.read_bytes() == before


def test_a_notebook_in_the_way_is_not_overwritten_either(rendered, tmp_path):
    mine = tmp_path / "mine.ipynb"
    mine.write_text("{}")
    with pytest.raises(StoreError, match=r"mine\.ipynb"):
        render(rendered.sweep, tmp_path / "mine.html")
    assert mine.read_text() == "{}"


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"out": "report.pdf"}, StoreError, "ending in .html"),
        ({"out": "."}, StoreError, "ending in .html"),
        ({"path": "nowhere"}, StoreError, "no folder"),
        ({"parameters": {"primry": "recall"}}, SpecError, "'primary'"),
        ({"parameters": {"primary": "recal"}}, SpecError, "'recall'"),
        ({"parameters": {"baseline": "r17"}}, SpecError, "'r1'"),
        ({"parameters": {"title": 7}}, SpecError, "title"),
    ],
)
def test_bad_input_is_one_clear_error_and_nothing_is_written(
    rendered, tmp_path, changes, error, says
):
    given = {"path": rendered.sweep, "out": tmp_path / "new" / "r.html"}
    given |= {k: tmp_path / v if k in ("path", "out") else v for k, v in changes.items()}
    with pytest.raises(error, match=re.escape(says)):
        render(**given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", template.OURS)
def test_a_notebook_of_ours_is_stored_without_outputs_and_one_line_a_section(name):
    path = template.found(name).path
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert all(not c["outputs"] and c["execution_count"] is None for c in cells)
    assert all(len(c["source"]) == 1 or isinstance(c["source"], str) for c in cells[2:])
    assert all("\n" not in "".join(c["source"]) for c in cells[2:])


@pytest.mark.parametrize("write", SECTIONS)
def test_a_section_can_be_written_about_a_sweep_that_never_ran(tmp_path, write):
    spec = Spec.from_fields({"name": "empty", "sweep": {"adapter.r": [1, 2]}})
    report = sections.opened(str(SweepStore.create(spec, root=tmp_path).path))
    assert isinstance(write(report)._repr_html_(), str)


def test_a_sweep_that_never_ran_says_so_first(tmp_path):
    spec = Spec.from_fields({"name": "empty", "sweep": {"adapter.r": [1, 2]}})
    report = sections.opened(str(SweepStore.create(spec, root=tmp_path).path))
    assert "no trial has been evaluated" in sections.verdict_card(report)._repr_html_()
    assert "r1: queued" in records.endings(report)._repr_html_()
    assert "not stated" in records.provenance(report)._repr_html_()


def test_the_card_and_the_sentence_have_one_precision(tmp_path):
    right = {1: 0.9, 16: 0.96}
    report = sections.opened(str(plant(tmp_path, right=right, n=1500, evals=("recall",))))
    card = sections.verdict_card(report)._repr_html_()
    found = report.verdict
    size = f"{found.difference * 100:.1f} points"
    ends = wording.interval(found.low, found.high, "share", decimals=1)
    assert f"{size} more than r1 {ends}" in found.sentence
    assert size in card
    assert ends in card


def test_what_the_sweep_cost_is_told_beside_the_prediction(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.9}, evals=("recall",))
    store = SweepStore.open(path)
    store.write_json("measured.json", {"seconds": 378.4, "peak_rss_bytes": 731443200})
    planned = {"trials": [], "groups": [["r1", "r2"]], "seconds": None, "peak": 1_400_000_000}
    store.write_json("plan.json", planned)
    html = sections.time(sections.opened(str(path)))._repr_html_()
    assert html.count("its share of a pass shared by 2") == 2
    assert "378 s (6.3 min)" in html
    assert "731 MB" in html
    assert "1.40 GB" in html
    told = costs.whole_table(sections.opened(str(path)).comparison.reading).lines
    memory, whole = (line.cells for line in told)
    assert memory[0].text == "peak memory of the process"
    assert memory[3].raw == pytest.approx(0.52246, abs=1e-5)
    assert [cell.text for cell in whole] == [
        "the whole sweep",
        "not stated",
        "378 s (6.3 min)",
        "",
    ]


def test_a_cost_nobody_wrote_down_is_not_stated(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.9}, evals=("recall",))
    reading = sections.opened(str(path)).comparison.reading
    lines = costs.whole_table(reading).lines
    assert [cell.text for line in lines for cell in line.cells[1:3]] == ["not stated"] * 2
    assert "share of a pass" not in str(costs.training_table(reading).markup())


def test_unscored_answers_are_counted_of_those_that_were_asked(tmp_path):
    path = plant(tmp_path, right={2: 0.9}, evals=("facts",), unscored=1)
    store = SweepStore.open(path)
    rows = store.read_rows("r2", "facts")
    controls = [
        row.model_copy(update={"sample": f"k{i}", "kind": "known", "value": None, "error": "empty"})
        for i, row in enumerate(rows[:5])
    ]
    store.write_score(score("facts", "r2", [*rows, *controls]))
    html = records.endings(sections.opened(str(path)))._repr_html_()
    assert "r2 on facts: 1 of 400 answers without a value" in html


def test_rows_that_cannot_be_read_are_said(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.9}, evals=("recall",))
    (path / "r2" / "samples" / "recall.parquet").write_bytes(b"cut")
    report = sections.opened(str(path))
    assert report.verdict.kind == "unpaired"
    assert "does not hold rows" in records.endings(report)._repr_html_()


def test_reading_and_reporting_load_no_torch():
    code = (
        "import sys, workbench.report, workbench.compare;"
        "heavy = {'torch', 'transformers', 'peft', 'papermill', 'nbconvert', 'plotly', 'pandas'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

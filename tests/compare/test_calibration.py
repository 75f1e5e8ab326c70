"""A sweep's certificate: what failed is marked wherever it stands, and what nobody calibrated is said once."""

import pytest

from tests.compare.planted import CLEAR, calibrated, certified, plant
from workbench.compare import compare
from workbench.compare.planted import certificate_table, checks_table, planted_chart
from workbench.report import calibration, records, sections


@pytest.fixture
def sweep(tmp_path):
    return plant(tmp_path / "runs", right=CLEAR, evals=("recall", "paraphrase", "latency"), steps=5)


@pytest.fixture
def failing(sweep):
    found = certified(
        calibrated("recall", off=0.1),
        calibrated("recall", asked="trained model"),
        calibrated("paraphrase"),
        left_out={"latency": "its truth is the clock of a machine"},
    )
    found.save(sweep / "calibration.json")
    return sweep


def said(comparison):
    return {one.code: one.sentence for one in comparison.verdict.caveats}


def test_without_a_certificate_it_is_said_once(sweep):
    found = compare(sweep)
    assert said(found)["WB015"].startswith("Not calibrated here: the sweep has no calibration.json")
    html = calibration.certificate(sections.opened(str(sweep)))._repr_html_()
    assert "Not calibrated here." in html
    assert "<figure" not in html


def test_an_eval_that_failed_is_named_and_marked_wherever_its_figures_stand(failing):
    found = compare(failing)
    assert said(found)["WB014"] == (
        "recall did not recover what was planted when calibrated: its figures cannot be trusted."
    )
    assert "WB015" not in said(found)
    for shown in (found.leaderboard(), found.against_baseline()):
        assert "recall †" in [column.title for column in shown.columns]
        assert "paraphrase" in [column.title for column in shown.columns]
        assert "† marks evals that failed their calibration" in shown.caption
    assert "recall †" in repr(found.best_and_cheapest())
    charts = {chart.id: chart for chart in found.charts()}
    assert charts["eval-recall"].caption.startswith("This eval failed its calibration. ")
    assert not charts["eval-paraphrase"].caption.startswith("This eval failed")
    on_recall = compare(failing, primary="recall")
    assert on_recall.verdict.sentence.endswith(
        " recall failed its calibration, so none of this can be trusted."
    )
    turned = {chart.id: chart for chart in on_recall.charts()}
    for name in ("forest-recall", "rank-recall", "quality-latency"):
        assert turned[name].caption.startswith("This eval failed its calibration. ")


def test_an_eval_that_the_certificate_lacks_is_named(sweep):
    certified(calibrated("recall"), left_out={"latency": "a clock"}).save(
        sweep / "calibration.json"
    )
    assert said(compare(sweep))["WB015"] == "Not calibrated here: paraphrase."


def test_a_file_that_is_no_certificate_is_said_and_counts_as_none(sweep):
    (sweep / "calibration.json").write_text("{}")
    found = compare(sweep)
    assert "WB015" in said(found)
    assert "cannot be read as a certificate" in " ".join(found.reading.problems)
    html = records.endings(sections.opened(str(sweep)))._repr_html_()
    assert "cannot be read as a certificate" in html


def test_the_table_has_a_line_for_every_level_with_its_interval():
    found = certified(calibrated("recall", off=0.1), calibrated("occupations"))
    table = certificate_table(found)
    frame = table.frame()
    assert list(frame["planted"]) == [0.2, 0.5, 0.8] * 2
    assert list(frame["recovered"]) == pytest.approx([0.3, 0.6, 0.9, 0.2, 0.5, 0.8])
    assert "0.300 * [0.290, 0.310]" in repr(table)
    assert "* lies outside of its interval" in table.caption
    checks = checks_table(found)
    assert list(checks.frame()["passes"]) == [False, True]
    assert "failed in values: 0.1 off at worst" in repr(checks)


def test_the_figure_has_the_diagonal_and_open_points_for_what_failed():
    chart = planted_chart(certified(calibrated("recall", off=0.1), calibrated("occupations")))
    failed, passed = chart.figure["data"]
    assert (failed["x"], failed["y"]) == ([0.2, 0.5, 0.8], pytest.approx([0.3, 0.6, 0.9]))
    assert failed["marker"]["symbol"] == "circle-open"
    assert passed["marker"]["symbol"] == "circle"
    (line,) = chart.figure["layout"]["shapes"]
    assert (line["x0"], line["x1"]) == (line["y0"], line["y1"])
    assert "recall failed in values, 0.1 off at most; occupations passed" in chart.alt
    assert len(chart.frame()) == 6


def test_the_report_shows_the_certificate(failing):
    html = calibration.certificate(sections.opened(str(failing)))._repr_html_()
    assert "recall failed: its figures are marked with †" in html
    assert 'data-figure="data-planted"' in html
    assert "latency: its truth is the clock of a machine" in html
    assert "workbench 0.1.0" in html

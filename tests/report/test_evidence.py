"""The evidence map points to words that were read, knows every eval, and shows only what a report holds."""

import re
from importlib import metadata

import pytest
from huggingface_hub import ModelCard, ModelCardData

from tests.compare.planted import calibrated, certified, plant
from tests.contracts.tree import ROOT
from tests.report.planted_serving import serve
from workbench.report import calibration, records, sections, served
from workbench.report.evidence import HELD_BY, checked, evidence, is_held
from workbench.report.evidence_map import (
    ACTIONS,
    DOCUMENTS,
    MEASURE,
    NOT_CHECKED,
    NOT_COVERED,
    RISKS,
    ROWS,
)
from workbench.report.sections import opened
from workbench.scores.catalog import EVALS

MAPPED = [eval for row in ROWS for eval in row.evals]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = plant(tmp_path_factory.mktemp("evidence"), right={4: 0.66, 16: 0.97}, n=60)
    return opened(str(path))


@pytest.fixture(scope="module")
def shown(report):
    return " ".join(re.sub(r"<[^>]+>", " ", evidence(report).html).split())


def test_every_eval_of_the_catalog_is_mapped_once():
    assert sorted(MAPPED) == sorted(EVALS)


def test_every_row_points_to_words_that_were_read():
    for row in ROWS:
        assert set(row.measure) <= set(MEASURE), row.finding
        assert set(row.risks) <= set(RISKS), row.finding
        assert set(row.actions) <= set(ACTIONS), row.finding
        assert set(checked(row).split(", ")) <= set(DOCUMENTS)
        assert bool(row.evals) != bool(row.held_by), row.finding


def test_a_row_that_points_elsewhere_is_marked_as_not_checked():
    row = ROWS[0].model_copy(update={"measure": ("MEASURE 9.9",)})
    assert checked(row) == "not checked against the text"


def test_headings_of_the_model_card_are_those_of_the_hubs_template():
    template = ModelCard.from_template(ModelCardData()).text
    headings = set(re.findall(r"^#+ ([^\[\n]+?)(?: \[optional\])?$", template, re.MULTILINE))
    for row in ROWS:
        assert set(row.card) <= headings, (row.finding, metadata.version("huggingface_hub"))


def test_all_of_measure_is_either_mapped_or_named_as_not_covered():
    mapped = {one for row in ROWS for one in row.measure}
    named = {f"MEASURE {n}" for what in NOT_COVERED for n in re.findall(r"\b\d\.\d+\b", what)}
    assert mapped | named == set(MEASURE)
    partly = {"MEASURE 2.6", "MEASURE 2.10", "MEASURE 2.12"}
    assert mapped & named == partly
    for one in partly:
        assert any(what.startswith(f"{one}, but for") for what in NOT_COVERED)


def test_the_risks_without_evidence_are_exactly_those_that_no_row_names():
    mapped = {risk for row in ROWS for risk in row.risks}
    told = NOT_COVERED["Risks of NIST AI 600-1 without evidence"].rstrip(".")
    rest = [risk for risk in RISKS if risk not in mapped]
    assert told == "; ".join(rest)


def test_a_report_shows_what_it_holds_and_says_what_it_does_not(report, shown):
    reading = report.comparison.reading
    held = [row.finding for row in ROWS if is_held(reading, row)]
    assert "Quality on the task" in held
    assert "Time per token" in held
    assert "Stereotypes and unequal answers" not in held
    assert "Several trainings of one configuration" not in held
    before, _, after = shown.partition("Not in this report")
    for row in ROWS:
        assert (f" {row.finding} " in before) == (row.finding in held), row.finding
        assert (row.finding in after.partition("Not covered")[0]) == (row.finding not in held)
    assert "recall, paraphrase" in before


def test_what_is_pointed_to_is_quoted_and_nothing_else(shown):
    assert MEASURE["MEASURE 2.13"] in shown
    assert ACTIONS["MS-2.3-002"] in shown
    assert MEASURE["MEASURE 2.11"] not in shown
    assert ACTIONS["MS-2.11-001"] in shown
    for what, why in NOT_COVERED.items():
        assert f"{what}: {why}" in shown


def test_a_certificate_several_seeds_and_ways_to_serve_are_findings(tmp_path):
    path = plant(tmp_path, right={4: 0.66}, n=40, seeds=(0, 1))
    certified(calibrated("recall")).save(path / "calibration.json")
    serve(path, joules=2.0)
    reading = opened(str(path)).comparison.reading
    held = {row.held_by for row in ROWS if row.held_by and is_held(reading, row)}
    assert held == set(HELD_BY)


def test_the_sections_that_hold_findings_are_sections_of_a_report(tmp_path):
    path = plant(tmp_path, right={4: 0.66, 8: 0.9}, n=40)
    serve(path)
    report = opened(str(path))
    made = {
        "Ways to serve": served.ways,
        "Verdict": sections.verdict_card,
        "Calibration": calibration.certificate,
        "Data": records.data,
        "Provenance": records.provenance,
    }
    assert set(made) == {where for where, _ in HELD_BY.values() if where[0].isupper()}
    for title, make in made.items():
        assert make(report).title == title


def test_serving_is_a_finding_where_it_was_timed_and_its_energy_where_it_was_counted(tmp_path):
    path = plant(tmp_path, right={4: 0.66}, n=40)

    def held():
        reading = opened(str(path)).comparison.reading
        return {row.held_by for row in ROWS if row.held_by and is_held(reading, row)}

    assert not held() & {"serving", "energy"}
    serve(path)
    assert held() & {"serving", "energy"} == {"serving"}
    serve(path, joules=2.0)
    assert held() >= {"serving", "energy"}


def test_an_empty_sweep_has_a_map_all_the_same(tmp_path):
    path = plant(tmp_path, right={4: 0.6}, n=20, evals=())
    assert "Not covered" in evidence(opened(str(path))).html


def test_nothing_is_claimed_to_be_met(shown):
    pages = [shown, (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")]
    for page in pages:
        assert not re.search(r"(?i)complian|complies|conform", page)
        assert NOT_CHECKED in " ".join(page.split())


def test_the_page_in_the_documents_has_every_row_as_it_is():
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    for row in ROWS:
        measure = ", ".join(one.removeprefix("MEASURE ") for one in row.measure)
        told = "; ".join((*row.risks, *row.actions))
        assert f"| {row.finding} | {measure} | {told} | {'; '.join(row.card)} |" in page, (
            row.finding
        )

"""The reliability curve: what is drawn is what the scores' bins say, of one run and of several seeds together."""

import json

import pytest

from tests.compare.planted import plant
from workbench.compare import compare
from workbench.report import render
from workbench.runs.store import SweepStore
from workbench.scores.hallucination.uncertainty import measured
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row

# (of ten draws that agree, of how many questions, how many of these are right)
SURE = [(10, 40, 30), (7, 20, 14), (3, 10, 1)]
SEEDS = ([(10, 30, 30), (5, 10, 2)], [(10, 10, 5), (5, 30, 30)])


def answered(store: SweepStore, slot: str, bins) -> None:
    rows = []
    for agreeing, n, right in bins:
        samples = ["Dunvik"] * agreeing + ["Ranmere"] * (10 - agreeing)
        for number in range(n):
            truth = "Dunvik" if number < right else "Norwick"
            told = measured("Dunvik", samples, is_right=lambda said, truth=truth: said == truth)
            rows.append(
                Row(
                    sample=f"{agreeing}-{number}",
                    slot=slot,
                    expected=truth,
                    answer="Dunvik",
                    value=told.score,
                    detail=json.dumps(told.model_dump(mode="json")),
                )
            )
    store.write_rows("uncertainty", rows)
    store.write_score(score("uncertainty", slot, rows))


def sweep(root, *, seeds=(0,)):
    path = plant(root, right={4: 0.7}, seeds=seeds, n=40, evals=("recall",), steps=3)
    store = SweepStore.open(path)
    answered(store, BASE, SURE)
    for trial, bins in zip(store.trials, SEEDS, strict=False):
        answered(store, trial.name, bins)
    return path


def chart_of(path):
    (found,) = [one for one in compare(path).charts() if one.id == "reliability-uncertainty"]
    return found


def test_each_slot_has_a_curve_of_accuracy_against_confidence_with_its_intervals(tmp_path):
    path = sweep(tmp_path)
    truth, base, trial = chart_of(path).figure["data"]
    assert truth["x"] == truth["y"] == [0.0, 100.0]
    assert (base["name"], trial["name"]) == ("base", "r4")
    assert base["x"] == pytest.approx([30, 70, 100])
    assert base["y"] == pytest.approx([10, 70, 75])
    parts = SweepStore.open(path).read_score(BASE, "uncertainty").parts
    ends = [y + up for y, up in zip(base["y"], base["error_y"]["array"], strict=True)]
    names = ("0.2-0.3", "0.6-0.7", "0.9-1.0")
    assert ends == pytest.approx([100 * parts[f"bin/{name}/high"] for name in names])
    small, middle, large = base["marker"]["size"]
    assert small < middle < large


def test_seeds_of_a_candidate_are_drawn_together_each_bin_with_the_weight_of_its_questions(
    tmp_path,
):
    chart = chart_of(sweep(tmp_path, seeds=(0, 1)))
    _, base, both = chart.figure["data"]
    assert both["x"] == pytest.approx([50, 100])
    assert both["y"] == pytest.approx([100 * 32 / 40, 100 * 35 / 40])
    assert set(both["error_y"]["array"]) == {0.0}
    assert max(base["error_y"]["array"]) > 0
    assert "Bars" not in chart.caption


def test_its_words_and_its_numbers_are_those_that_are_drawn(tmp_path):
    chart = chart_of(sweep(tmp_path))
    assert "base is sure to 81.4 % and right 64.3 % of the time" in chart.alt
    frame = chart.frame()
    assert frame["n"].tolist() == [10, 20, 40, 10, 30]
    assert frame["accuracy"].tolist() == pytest.approx([0.1, 0.7, 0.75, 0.2, 1.0])
    json.dumps(chart.figure, allow_nan=False)


def test_it_stands_in_the_report_below_its_eval(tmp_path):
    page = render(sweep(tmp_path), tmp_path / "page.html").read_text(encoding="utf-8")
    assert "how often answers are right that are given with so much confidence" in page
    assert page.index("reliability-uncertainty") > page.index("eval-uncertainty")


def test_evals_without_confidence_have_none(tmp_path):
    path = plant(tmp_path, right={4: 0.7}, n=40, evals=("recall",), steps=3)
    assert not [one for one in compare(path).charts() if one.id.startswith("reliability")]

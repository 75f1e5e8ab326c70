"""Figures: plain lists only, every number there, words for those who cannot see, nothing that plotly would obey."""

import json
import math

import pytest

from tests.compare.planted import CLEAR, plant
from workbench.compare import compare
from workbench.compare.marks import clean, decimate, point_names
from workbench.runs.store import SweepStore


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    return compare(plant(tmp_path_factory.mktemp("charts"), right=CLEAR))


@pytest.fixture(scope="module")
def charts(comparison):
    return {chart.id: chart for chart in comparison.charts()}


def test_each_idea_has_one_figure(charts):
    assert list(charts) == [
        "rank-paraphrase",
        "learning-curves",
        "quality-latency",
        "eval-paraphrase",
        "eval-recall",
        "eval-hallucination",
        "eval-latency",
    ]


def test_figures_are_plain_lists_without_nan(charts):
    for chart in charts.values():
        again = json.loads(json.dumps(chart.figure, allow_nan=False))
        assert again == chart.figure


def test_every_figure_has_words_a_caption_and_its_numbers(charts):
    for chart in charts.values():
        assert len(chart.alt) > 30
        assert chart.title
        assert len(chart.frame())
        assert "r16" in chart.alt


def test_the_rank_curve_shows_the_stored_figures_on_a_log_axis(comparison, charts):
    figure = charts["rank-paraphrase"].figure
    line = next(trace for trace in figure["data"] if trace["mode"] == "lines+markers")
    store = SweepStore.open(comparison.path)
    assert line["x"] == [1, 2, 4, 8, 16]
    assert line["y"] == [
        pytest.approx(100 * store.read_score(f"r{r:g}", "paraphrase").value) for r in line["x"]
    ]
    assert figure["layout"]["xaxis"]["type"] == "log"


def test_error_bars_reach_to_the_ends_of_the_interval(comparison, charts):
    trace = charts["eval-paraphrase"].figure["data"][0]
    store = SweepStore.open(comparison.path)
    for name, x, up in zip(trace["text"], trace["x"], trace["error_x"]["array"], strict=True):
        assert x + up == pytest.approx(100 * store.read_score(name, "paraphrase").high)


def test_names_in_the_time_figure_stand_clear_of_the_bars(charts):
    figure = charts["quality-latency"].figure
    names = figure["layout"]["annotations"]
    assert [name["text"] for name in names] == ["base", "r16", "r8", "r4", "r2", "r1"]
    for name, trace in zip(names, figure["data"], strict=True):
        assert (name["x"], name["y"]) == (trace["x"][0], trace["y"][0])
        assert name["xshift"] == {"left": 5, "right": -5}[name["xanchor"]]
        assert name["yshift"] == {"bottom": 5, "top": -5}[name["yanchor"]]
        assert "text" not in trace["mode"]


def test_names_of_near_points_stand_on_far_sides():
    layout = {}
    point_names(layout, ["left", "right", "far"], xs=[1.0, 1.1, 9.0], ys=[98.0, 97.0, 0.0])
    left, right, far = layout["annotations"]
    assert (left["xanchor"], left["yanchor"]) == ("right", "bottom")
    assert (right["xanchor"], right["yanchor"]) == ("left", "top")
    assert far["text"] == "far"


def test_learning_curves_are_thinned_to_means(charts):
    for trace in charts["learning-curves"].figure["data"]:
        assert len(trace["x"]) == 150


def test_a_diverging_run_keeps_its_gap():
    _, ys, bucket = decimate([1, 2, 3, 4], [1.0, 2.0, math.nan, 1.0], points=2)
    assert (ys, bucket) == ([1.5, None], 2)


def test_many_trials_leave_only_the_best_in_colour(tmp_path):
    right = {rank: 0.3 + 0.06 * rank for rank in range(1, 11)}
    found = {c.id: c for c in compare(plant(tmp_path, right=right, n=60, steps=5)).charts()}
    colours = [trace["line"]["color"] for trace in found["learning-curves"].figure["data"]]
    assert len(colours) == 10
    assert len(set(colours)) == 2


def test_names_cannot_be_read_as_markup_by_plotly():
    assert clean('<a href="x">r&amp;1</a>') == '·a href="x"·r·amp;1·/a·'


def test_a_notebook_gets_the_figure_and_a_table_to_fall_back_on(charts):
    bundle = charts["eval-recall"]._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/html", "text/plain"}

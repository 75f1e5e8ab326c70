"""Figures: plain lists only, every number there, words for those who cannot see, nothing that plotly would obey."""

import json
import math
import re

import numpy as np
import pytest

from tests.compare.planted import CLEAR, answer, pattern, plant
from workbench.compare import compare
from workbench.compare.marks import clean, decimate, point_names
from workbench.report import render
from workbench.runs.store import SweepStore
from workbench.stats import trend


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    return compare(plant(tmp_path_factory.mktemp("charts"), right=CLEAR))


@pytest.fixture(scope="module")
def charts(comparison):
    return {chart.id: chart for chart in comparison.charts()}


def test_each_idea_has_one_figure(charts):
    assert list(charts) == [
        "forest-paraphrase",
        "rank-paraphrase",
        "learning-curves",
        "quality-latency",
        "eval-paraphrase",
        "eval-recall",
        "eval-facts",
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
    for name, trace in zip(names, figure["data"][:6], strict=True):
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


def rows_of(path, trial, eval="paraphrase"):
    return [row.value for row in SweepStore.open(path).read_rows(trial, eval)]


def test_the_rank_curve_says_what_it_rises_per_doubling(comparison, charts):
    ranks = [1, 2, 4, 8, 16]
    expected = trend(
        np.column_stack([rows_of(comparison.path, f"r{rank}") for rank in ranks]), ranks=ranks
    )
    chart = charts["rank-paraphrase"]
    frame = chart.frame()
    for field, value in (("", expected.value), ("_low", expected.low), ("_p", expected.p)):
        assert frame[f"per_doubling{field}"].tolist() == pytest.approx([value] * 5)
    assert f"{100 * expected.value:.1f} points more per doubling [" in chart.caption
    assert "p < 0.001, n = 400" in chart.caption


def test_a_curve_that_does_not_rise_says_what_slope_could_have_been_seen(tmp_path):
    found = compare(
        plant(tmp_path, right=dict.fromkeys((1, 2, 4), 0.8), evals=("recall",), steps=2)
    )
    caption = next(c for c in found.charts() if c.id == "rank-recall").caption
    assert re.search(
        r"No trend found \(\d\.\d points? (more|less) per doubling \[.*\], p = 0\.\d+, n = 400; ",
        caption,
    )
    assert caption.endswith("per doubling could have been seen).")


def test_the_size_of_the_training_set_has_a_curve_with_a_band(tmp_path):
    right = {50: 0.4, 100: 0.55, 200: 0.7}
    path = plant(
        tmp_path, right=right, evals=("recall",), steps=2, axis="data.rows", seeds=(0, 1, 2)
    )
    found = {chart.id: chart for chart in compare(path).charts()}
    chart = found["rows-recall"]
    assert "rank-recall" not in found
    assert chart.figure["layout"]["xaxis"]["type"] == "log"
    area = next(trace for trace in chart.figure["data"] if trace.get("fill") == "toself")
    assert area["x"] == [50, 100, 200, 200, 100, 50]
    assert "over items and 3 seeds" in chart.caption
    frame = chart.frame()
    assert (frame["per_doubling_wide_low"] <= frame["per_doubling_low"]).all()


def test_every_trial_is_measured_against_the_baseline_with_intervals_that_hold_together(charts):
    chart = charts["forest-paraphrase"]
    trace = chart.figure["data"][0]
    assert trace["text"] == ["r16", "r8", "r4", "r2", "r1"]
    frame = chart.frame().set_index("trial")
    assert (frame["low"] > 0).all()
    ends = [x + up for x, up in zip(trace["x"], trace["error_x"]["array"], strict=True)]
    assert ends == pytest.approx(list(100 * frame["high"]))
    assert "hold all at once" in chart.caption


def test_a_pinned_baseline_is_the_zero_of_the_forest(comparison):
    pinned = compare(comparison.path, baseline="r1")
    chart = next(one for one in pinned.charts() if one.id == "forest-paraphrase")
    assert chart.figure["data"][0]["text"] == ["r16", "r8", "r4", "r2", "base"]
    assert "points more than r1" in chart.figure["layout"]["xaxis"]["title"]["text"]


def test_quality_against_size_is_drawn_where_more_than_the_rank_differs(tmp_path, charts):
    assert "quality-size" not in charts
    path = plant(
        tmp_path,
        right={0.5: 0.5, 0.7: 0.7, 0.6: 0.6},
        evals=("recall",),
        steps=2,
        axis="adapter.lora_dropout",
    )
    found = next(one for one in compare(path).charts() if one.id == "quality-size")
    front = next(trace for trace in found.figure["data"] if trace["mode"] == "lines")
    assert front["x"] == sorted(front["x"])
    assert front["y"] == sorted(front["y"])
    assert "trainable_parameters" in found.frame().columns


def test_the_front_leaves_out_whatever_another_beats_in_both(charts):
    chart = charts["quality-latency"]
    marks = [trace for trace in chart.figure["data"] if trace["mode"] == "markers"]
    (front,) = (trace for trace in chart.figure["data"] if trace["mode"] == "lines")
    kept = set(zip(front["x"], front["y"], strict=True))
    for trace in marks:
        x, y = trace["x"][0], trace["y"][0]
        beaten = any(o["x"][0] <= x and o["y"][0] > y for o in marks)
        assert ((x, y) in kept) != beaten


def test_evals_whose_files_differ_in_signs_alone_have_figures_of_their_own(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.6}, n=20, evals=("recall",), steps=2)
    names = ["choices:数学", "choices:语文", "choices:a b", "choices:a-b"]
    for name in names:
        answer(path, {slot: pattern(10, n=20) for slot in ("base", "r1", "r2")}, eval=name)
    drawn = [chart for chart in compare(path).charts() if chart.id.startswith("eval-choices")]
    assert [chart.title.split(":")[1] for chart in drawn] == [
        n.split(":")[1] for n in sorted(names)
    ]
    assert len({chart.id for chart in drawn}) == len(names)


HOSTILE = "choices:<img src=x onerror=alert(1)>\"'&"


def test_the_name_of_a_file_is_text_wherever_it_stands(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.9}, n=20, evals=("recall",), steps=2)
    answer(path, {slot: pattern(10, n=20) for slot in ("base", "r1", "r2")}, eval=HOSTILE)
    found = compare(path, primary=HOSTILE)
    shown = [found._repr_html_(), found.against_baseline()._repr_html_()]
    shown += [found.contrast("r1", "r2")._repr_html_()]
    for chart in found.charts():
        shown += [chart._repr_html_(), json.dumps(chart.figure)]
    shown.append(render(path, tmp_path / "page.html").read_text())
    assert not any("<img" in one for one in shown)

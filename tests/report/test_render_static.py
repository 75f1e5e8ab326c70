"""A report whose figures are drawn as SVG: small, without a script that draws, and true to the figures' numbers."""

import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tests.compare.planted import CLEAR, plant
from tests.report.reading import executed
from workbench.compare import compare
from workbench.report.exporter import page_of
from workbench.report.still import draw_in, only_drawings, with_drawings, without_drawings
from workbench.report.svg import WIDTH, drawn

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>window.pwned=1</script><svg onload=1>"]]>&'


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return plant(
        tmp_path_factory.mktemp("still"), right=CLEAR, seeds=(0, 1), n=120, hostile=HOSTILE
    )


@pytest.fixture(scope="module")
def notebook(sweep):
    made = executed(sweep, title=HOSTILE)
    draw_in(made)
    made.metadata["title"] = HOSTILE
    return made


@pytest.fixture(scope="module")
def static(notebook):
    return page_of(notebook, is_static=True)


def parsed(svg):
    return ElementTree.fromstring(
        str(svg).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    )


def test_it_is_small_and_holds_no_plotly(static):
    assert len(static.encode()) < 400_000
    assert "plotly.js v" not in static
    assert "application/json" not in static


def test_every_figure_of_the_interactive_page_is_drawn_with_words_for_those_who_do_not_see_it(
    notebook, static
):
    interactive = page_of(notebook)
    many = interactive.count("data-figure=")
    assert many >= 8
    assert "<svg" not in interactive.partition("<script>")[0]
    assert static.count('<svg role="img"') == many
    assert static.count("Numbers of this figure") == interactive.count("Numbers of this figure")
    for svg in re.findall(r'<svg role="img".*?</svg>', static, re.DOTALL):
        title, alt = parsed(svg)[:2]
        assert title.text
        assert len(alt.text) > 30
        assert len(parsed(svg)) > 6


def test_hostile_text_is_text_in_a_drawing_too(static):
    assert "<script>window" not in static
    assert "<svg onload" not in static
    assert static.count("<script>") == 1
    assert "&lt;script&gt;window.pwned=1&lt;/script&gt;" in static


def test_a_drawing_can_be_taken_out_again(sweep):
    html = "".join(
        output.data["text/html"]
        for cell in executed(sweep).cells
        for output in cell.get("outputs", [])
    )
    assert without_drawings(with_drawings(html)) == html
    assert "data-figure" not in only_drawings(with_drawings(html))


def test_points_and_bars_stand_where_their_numbers_are(sweep):
    chart = next(one for one in compare(sweep).charts() if one.id.startswith("eval-paraphrase"))
    svg = parsed(drawn(chart.figure, name="x", title="t", alt="a"))
    trace, ticks = chart.figure["data"][0], {}
    for text in svg.iter(f"{SVG}text"):
        if re.fullmatch(r"\d+", text.text or "") and text.get("text-anchor") == "middle":
            ticks[float(text.text)] = float(text.get("x"))
    (low, left), (high, right) = min(ticks.items()), max(ticks.items())
    assert (low, high) == (0, 100)
    places = [left + x / 100 * (right - left) for x in trace["x"]]
    size = str(trace["marker"]["size"] / 2)
    points = [c for c in svg.iter(f"{SVG}circle") if c.get("r") == size]
    assert [float(one.get("cx")) for one in points] == pytest.approx(places, abs=0.11)
    heights = [float(one.get("cy")) for one in points]
    assert heights == sorted(heights), "the best stands on top"
    bars = [
        [float(n) for n in re.findall(r"-?[\d.]+", one.get("d"))]
        for one in svg.iter(f"{SVG}path")
        if one.get("stroke-width") == "1.6"
    ]
    reach = [
        (right - left) / 100 * (up + down)
        for up, down in zip(trace["error_x"]["array"], trace["error_x"]["arrayminus"], strict=True)
    ]
    assert [bar[2] - bar[0] for bar in bars] == pytest.approx([r for r in reach if r], abs=0.21)


def test_a_log_axis_a_gap_and_a_legend_are_drawn():
    figure = {
        "data": [
            {
                "type": "scatter",
                "mode": "lines",
                "name": "a<b>",
                "x": [1, 10, 100, 1000],
                "y": [1, None, 3, 4],
            },
            {"type": "scatter", "mode": "lines", "name": "second", "x": [1, 1000], "y": [2, 2]},
        ],
        "layout": {"height": 300, "showlegend": True, "xaxis": {"type": "log", "range": [0, 3]}},
    }
    svg = parsed(drawn(figure, name="x", title="t", alt="a"))
    words = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"1", "10", "100", "1\u202f000", "a<b>", "second"} <= set(words)
    line = next(p for p in svg.iter(f"{SVG}path") if p.get("d").count("M") == 2)
    starts = [float(x) for x in re.findall(r"[ML]([\d.]+) ", line.get("d"))]
    gaps = [b - a for a, b in pairwise(starts)]
    assert gaps[0] == pytest.approx(2 * gaps[1], abs=0.3)


def test_a_legend_shows_the_marks_of_lines_and_all_of_one_size_where_it_says_so():
    many = {"type": "scatter", "x": [1, 2], "y": [1, 2]}
    figure = {
        "data": [
            many | {"mode": "lines+markers", "name": "a", "marker": {"symbol": "diamond"}},
            many | {"mode": "markers", "name": "b", "marker": {"size": 30}},
        ],
        "layout": {"showlegend": True, "legend": {"itemsizing": "constant"}},
    }
    svg = parsed(drawn(figure, name="x", title="t", alt="a"))
    assert len(list(svg.iter(f"{SVG}polygon"))) == 3
    assert sorted(float(one.get("r")) for one in svg.iter(f"{SVG}circle")) == [4, 15, 15]
    figure["layout"]["legend"] = {}
    scaled = parsed(drawn(figure, name="x", title="t", alt="a"))
    assert [float(one.get("r")) for one in scaled.iter(f"{SVG}circle")] == [15, 15, 15]


@pytest.mark.parametrize("orientation", ["v", "h"])
def test_bars_reach_from_zero_to_their_value(orientation):
    ends, names = [1.0, -2.0, 4.0], ["a", "b", "c"]
    axes = {"x": names, "y": ends} if orientation == "v" else {"x": ends, "y": names}
    trace = {"type": "bar", "orientation": orientation, **axes}
    svg = parsed(drawn({"data": [trace], "layout": {}}, name="x", title="t", alt="a"))
    side = "height" if orientation == "v" else "width"
    sizes = [float(rect.get(side)) for rect in svg.iter(f"{SVG}rect")]
    assert sizes[1] / sizes[0] == pytest.approx(2, abs=0.02)
    assert sizes[2] / sizes[0] == pytest.approx(4, abs=0.02)


def test_everything_drawn_lies_inside(sweep):
    for chart in compare(sweep).charts():
        svg = parsed(drawn(chart.figure, name="x", title="t", alt="a"))
        height = float(svg.get("viewBox").split()[3])
        for text in svg.iter(f"{SVG}text"):
            assert 0 <= float(text.get("x")) <= WIDTH, (chart.id, text.text)
            assert 0 <= float(text.get("y")) <= height, (chart.id, text.text)
        for circle in svg.iter(f"{SVG}circle"):
            assert 0 <= float(circle.get("cx")) <= WIDTH
            assert 0 <= float(circle.get("cy")) <= height


def test_a_figure_of_another_kind_says_that_it_is_not_drawn_here():
    block = json.dumps({"data": [{"type": "heatmap", "z": [[1]]}], "layout": {}})
    html = (
        '<figure><figcaption><strong>T</strong></figcaption><div class="plot" aria-label="alt" data-figure="data-1">'
        f'</div><script type="application/json" id="data-1">{block}</script></figure>'
    )
    shown = only_drawings(with_drawings(html))
    assert "drawn by a script only" in shown
    assert "heatmap" not in shown


def test_outputs_that_are_no_html_are_shown_as_what_they_are():
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    outputs = [
        new_output("stream", name="stdout", text="printed <b>"),
        new_output("stream", name="stderr", text="muttered"),
        new_output("display_data", {"image/png": "aGk=\n", "text/plain": '<Figure "one">'}),
        new_output("execute_result", {"text/plain": "'<i>plain'"}),
    ]
    page = page_of(new_notebook(cells=[new_code_cell("x", outputs=outputs)]))
    assert "<pre>printed &lt;b&gt;</pre>" in page
    assert '<img src="data:image/png;base64,aGk=" alt="&lt;Figure &#34;one&#34;&gt;">' in page
    assert "<pre>&#39;&lt;i&gt;plain&#39;</pre>" in page
    assert "muttered" not in page


@pytest.mark.soak
@pytest.mark.parametrize(("trials", "seeds"), [(16, (0, 1, 2)), (64, (0,))])
def test_a_page_of_many_trials_is_small_enough_to_send(tmp_path, trials, seeds):
    right = {rank: 0.3 + 0.01 * rank for rank in range(1, trials + 1)}
    path = plant(tmp_path, right=right, seeds=seeds, n=300, steps=600)
    made = executed(path)
    draw_in(made)
    assert len(page_of(made).encode()) < 6_000_000
    assert len(page_of(made, is_static=True).encode()) < 1_500_000

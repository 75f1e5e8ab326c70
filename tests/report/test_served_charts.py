"""Figures of the ways to serve show what was planted, no more than the calls support, and are drawn without a script too."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.timing.generator import Clock
from tests.timing.sized import Sized
from workbench.compare.marks import QUIET
from workbench.deployment import stored
from workbench.deployment.reading import read
from workbench.deployment.variants import VARIANTS
from workbench.report import served
from workbench.report.served_batch import over_batch
from workbench.report.served_marks import style
from workbench.report.served_quality import ROUNDING, weighed
from workbench.report.served_sizes import over_tokens
from workbench.report.served_spread import spread
from workbench.report.svg import WIDTH, drawn
from workbench.timing.call import Cell
from workbench.timing.measuring import Settings, measure

SVG = "{http://www.w3.org/2000/svg}"
WORKS = tuple(Cell(i, o, b) for i in (16, 64) for o in (4, 8) for b in (1, 2, 4, 8))
MEGABYTES = {"base": 4.0, "attached": 4.0, "merged": 4.0, "nf4": 1.0, "compiled": 4.0}
MOVED = {"base": 0.8, "merged": 2e-9, "nf4": 0.02, "compiled": 3e-9}
PACE = {"base": 1.0, "attached": 1.5, "merged": 1.0, "nf4": 2.5, "compiled": 0.5}
LANES = {"base": 4.0, "attached": 1000.0, "merged": 2.0, "nf4": 1.0, "compiled": 4.0}


def planted(folder, *, works=WORKS, blocks=10, ways=tuple(PACE), full_at=0, pace=None):
    """A trial's folder with a measurement whose truth is known; `full_at` is where `nf4` is out of memory."""
    clock, pace = Clock(), PACE | (pace or {})
    subjects = [
        Sized(
            name,
            clock,
            ttft=4.0 * pace[name],
            gap=3.0 * pace[name],
            per_token=0.25 * pace[name],
            lanes=LANES[name],
            noise=0.02,
            full_at=full_at if name == "nf4" else 0,
        )
        for name in ways
    ]
    settings = Settings(seconds=1e9, precision=0.0, most_blocks=blocks)
    found = measure(subjects, cells=works, settings=settings, clock=clock)
    rng = np.random.default_rng(0)
    rows = [
        {
            "variant": name,
            "text": text,
            "tokens": 9,
            "divergence": MOVED[name] * float(np.exp(rng.normal(0, 0.3))),
            "same": 1 - min(0.5, MOVED[name]) * float(rng.random()),
            "largest": 1.0,
        }
        for name in ways
        if name != "attached"
        for text in range(16)
    ]
    variants = {
        name: {"weights_bytes": int(1e6 * MEGABYTES[name]), "cache_bytes_per_token": 4096.0}
        for name in ways
    }
    facts = {"trial": "r8", "variants": variants, "refused": {}, "texts": "texts", **found.facts}
    stored.write(folder, calls=found.calls, agreement=rows, facts=facts)
    return read(folder)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """So many calls of two ways that all percentiles are supported."""
    folder = tmp_path_factory.mktemp("many")
    return planted(folder, works=(Cell(16, 8),), blocks=200, ways=("base", "attached"))


def rows_of(found, name, work):
    """The calls of a way as pandas reads them from the file, warm-ups left out."""
    table = pd.read_parquet(found.folder / stored.FOLDER / stored.CALLS)
    is_ours = (
        (table.variant == name)
        & (table.block >= 0)
        & (table.input_tokens == work.input_tokens)
        & (table.output_tokens == work.output_tokens)
        & (table.batch == work.batch)
    )
    return table[is_ours]


def cell_of(chart, name, key):
    keys = [column.key for column in chart.table.columns]
    line = next(one for one in chart.table.lines if one.cells[0].raw == name)
    return line.cells[keys.index(key)]


def trace_of(chart, name):
    return next(one for one in chart.figure["data"] if one.get("name") == name)


def drawing_of(chart):
    svg = str(drawn(chart.figure, name="x", title="t", alt=chart.alt))
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))


def test_all_seven_are_there_and_each_has_words_and_a_line_a_way(found):
    charts = served.charts(found)
    kinds = [re.sub(r"-r8.*", "", chart.id) for chart in charts]
    assert kinds == [
        "weighed",
        "decode-batch",
        "prefill-batch",
        "ttft-tokens",
        "e2e-tokens",
        "spread-e2e",
        "spread-itl",
    ]
    assert len({chart.id for chart in charts}) == 7
    for chart in charts:
        assert [line.cells[0].raw for line in chart.table.lines] == list(PACE)
        assert all(name in chart.alt for name in PACE)
        assert "95 %" in chart.caption


def test_each_is_drawn_without_a_script_and_inside_its_ground(found, many):
    for chart in (*served.charts(found), *served.charts(many)):
        svg = drawing_of(chart)
        height = float(svg.get("viewBox").split()[3])
        for text in svg.iter(f"{SVG}text"):
            assert 0 <= float(text.get("x")) <= WIDTH, (chart.id, text.text)
            assert 0 <= float(text.get("y")) <= height, (chart.id, text.text)
        for shape in svg.iter(f"{SVG}circle"):
            assert 0 <= float(shape.get("cx")) <= WIDTH
            assert 0 <= float(shape.get("cy")) <= height
        assert len(list(svg.iter(f"{SVG}path"))) > 8


def test_plotly_knows_every_word_of_every_figure(found, many):
    from plotly.graph_objects import Figure

    for chart in (*served.charts(found), *served.charts(many)):
        assert len(Figure(chart.figure).data) == len(chart.figure["data"])


def test_a_way_looks_the_same_in_every_figure_and_like_no_other():
    looks = {name: style(name) for name in VARIANTS}
    assert len(set(looks.values())) == len(VARIANTS)
    assert looks["base"][0] == QUIET


def test_percentiles_and_their_intervals_are_those_of_the_stored_calls(many):
    work = Cell(16, 8)
    chart = spread(many, work, metric="e2e")
    for name in ("base", "attached"):
        rows = rows_of(many, name, work)
        times = rows.ttft_ms + rows.gaps_ms.map(sum)
        for q in (0.1, 0.5, 0.9, 0.99):
            cell = cell_of(chart, name, f"p{100 * q:g}")
            peer = stats.quantile_test(times, p=q).confidence_interval(0.95)
            assert cell.raw == pytest.approx(np.quantile(times, q))
            assert dict(cell.numbers)["low"] == pytest.approx(peer.low)
            assert dict(cell.numbers)["high"] == pytest.approx(peer.high)


def test_gaps_are_pooled_over_calls_and_their_intervals_hold_the_planted_gap(found):
    work = WORKS[0]
    chart = spread(found, work, metric="itl")
    for name in PACE:
        gaps = np.concatenate(list(rows_of(found, name, work).gaps_ms))
        cell = cell_of(chart, name, "p50")
        assert cell.raw == pytest.approx(np.median(gaps))
        assert cell_of(chart, name, "n").raw == len(gaps)
        waits = max(1.0, work.batch / LANES[name])
        low, high = (dict(cell.numbers)[end] for end in ("low", "high"))
        assert low * 0.99 <= 3.0 * PACE[name] * waits <= high * 1.01


def test_a_percentile_that_the_calls_do_not_support_is_left_out_and_said(found, many):
    chart = spread(found, WORKS[0], metric="e2e")
    assert [c.key for c in chart.table.columns] == ["variant", "p50", "largest", "n"]
    assert "10 % needs 36 calls, 90 % needs 36 calls and 99 % needs 368 calls" in chart.caption
    assert {one.get("name") for one in chart.figure["data"]} == {None, "median"}
    full = spread(many, Cell(16, 8), metric="e2e")
    assert "Left out" not in full.caption
    gaps = spread(many, Cell(16, 8), metric="itl")
    assert "Left out: 99 % needs 368 blocks" in gaps.caption


def test_in_a_row_the_share_rises_upwards_and_each_mark_lies_on_its_line(many):
    chart = spread(many, Cell(16, 8), metric="e2e")
    lines, *marks = chart.figure["data"]
    breaks = lines["x"].index(None)
    xs, ys = lines["x"][:breaks], lines["y"][:breaks]
    assert xs == sorted(xs)
    assert ys == sorted(ys, reverse=True), "rows count downwards, so that what is above is smaller"
    for mark in marks:
        at = np.interp(-mark["y"][0], -np.asarray(ys), xs)
        assert mark["x"][0] == pytest.approx(at, rel=0.01)
    tops = [one["y"][1] - one["y"][0] for one in marks]
    assert tops == pytest.approx([1.0] * 4), "the next way is one row below"


@pytest.mark.parametrize(
    ("metric", "sizes", "works"),
    [
        ("ttft", (16, 64), (Cell(16, 4), Cell(64, 4))),
        ("e2e", (4, 8), (Cell(16, 4), Cell(16, 8))),
    ],
)
def test_times_over_tokens_are_the_medians_of_the_stored_calls(found, metric, sizes, works):
    chart = over_tokens(found, metric=metric)
    for name in PACE:
        trace = trace_of(chart, name)
        assert trace["customdata"] == list(sizes)
        for place, work in enumerate(works):
            rows = rows_of(found, name, work)
            times = rows.ttft_ms if metric == "ttft" else rows.ttft_ms + rows.gaps_ms.map(sum)
            assert trace["y"][place] == pytest.approx(np.median(times))
            up, down = (trace["error_y"][side][place] for side in ("array", "arrayminus"))
            peer = stats.quantile_test(times, p=0.5).confidence_interval(0.95)
            assert trace["y"][place] + up == pytest.approx(peer.high)
            assert trace["y"][place] - down == pytest.approx(peer.low)


def test_marks_of_one_size_stand_apart_and_nearer_to_it_than_to_any_other(found):
    chart = over_batch(found, metric="decode")
    places = np.array([trace_of(chart, name)["x"] for name in PACE])
    for at, size in enumerate((1, 2, 4, 8)):
        assert len(set(places[:, at])) == len(PACE)
        assert np.all(np.abs(np.log2(places[:, at] / size)) < 0.25)


def test_one_size_alone_has_no_figure_over_sizes(many):
    kinds = [chart.id.partition("-r8")[0] for chart in served.charts(many)]
    assert kinds == ["weighed", "spread-e2e", "spread-itl"]


def test_a_ring_stands_at_the_planted_knee_and_nowhere_else(found):
    chart = over_batch(found, metric="decode")
    ring = chart.figure["data"][-1]
    assert dict(zip(ring["text"], ring["customdata"], strict=True)) == {
        "base": 4,
        "merged": 2,
        "compiled": 4,
    }
    for name, x, y in zip(ring["text"], ring["x"], ring["y"], strict=True):
        line = trace_of(chart, name)
        assert (x, y) in list(zip(line["x"], line["y"], strict=True))
    knees = {name: cell_of(chart, name, "knee") for name in PACE}
    assert knees["attached"].text == "none yet: still rising"
    assert knees["nf4"].text == "none: little gain at all"
    assert "Knees: base 4, merged 2, compiled 4." in chart.alt
    assert "less than 25 %" in chart.caption


def test_rates_over_rows_are_planted_ones_and_gains_stand_under_them(found):
    chart = over_batch(found, metric="decode")
    for name in PACE:
        for size in (1, 2, 4, 8):
            cell = cell_of(chart, name, f"at_{size}")
            planted_rate = 1000 * size / (3.0 * PACE[name] * max(1.0, size / LANES[name]))
            assert cell.raw == pytest.approx(planted_rate, rel=0.03)
            told = dict(cell.numbers)
            if size > 1:
                step = 2 * max(1.0, size / 2 / LANES[name]) / max(1.0, size / LANES[name]) - 1
                assert told["gain"] == pytest.approx(step, abs=0.05)
                assert told["gain_low"] <= told["gain"] <= told["gain_high"]
                assert cell.under.endswith("]")
            else:
                assert cell.under == ""


def test_a_way_that_runs_out_of_memory_has_a_gap_and_no_knee(tmp_path):
    found = planted(tmp_path, works=WORKS[:4], full_at=8)
    chart = over_batch(found, metric="decode")
    assert trace_of(chart, "nf4")["y"][-1] is None
    assert cell_of(chart, "nf4", "at_8").text == ""
    assert cell_of(chart, "nf4", "knee").text == "undecided"
    assert drawn(chart.figure, name="x", title="t", alt="a")
    none = planted(tmp_path / "none", works=WORKS[:4], full_at=1)
    assert all("nf4" not in chart.alt for chart in served.charts(none))
    assert "Without time or answers: nf4." in weighed(none, WORKS[0]).caption


def test_each_way_stands_at_its_planted_time_and_divergence_as_large_as_its_weights(found):
    chart = weighed(found, WORKS[0])
    marks = {one["name"].partition(",")[0]: one for one in chart.figure["data"] if "name" in one}
    assert list(marks) == list(PACE)
    table = pd.read_parquet(found.folder / stored.FOLDER / stored.AGREEMENT)
    means = table.groupby("variant").divergence.mean()
    for name, mark in marks.items():
        assert mark["x"][0] == pytest.approx(PACE[name], rel=0.02)
        height = means[name] if name in ("base", "nf4") else ROUNDING
        assert mark["y"][0] == pytest.approx(height)
    areas = {name: mark["marker"]["size"] ** 2 for name, mark in marks.items()}
    assert areas["base"] / areas["nf4"] == pytest.approx(4, rel=0.02)
    assert trace_of(chart, "nf4, 1.0 MB")


def test_what_beats_all_others_in_both_figures_has_no_line_and_the_table_says_who_is_unbeaten(
    found,
):
    chart = weighed(found, WORKS[0])
    assert not [one for one in chart.figure["data"] if one["mode"] == "lines"]
    unbeaten = {line.cells[0].raw for line in chart.table.lines if line.cells[-1].raw}
    assert unbeaten == {"compiled", "nf4"}, "one is fastest and moves nothing, one is smallest"


def test_a_dotted_line_joins_those_that_no_other_beats(tmp_path):
    ways = ("base", "attached", "merged", "nf4")
    paid = planted(tmp_path, works=WORKS[:1], ways=ways, pace={"merged": 1.2})
    chart = weighed(paid, WORKS[0])
    *marks, dotted = chart.figure["data"]
    assert dotted["line"]["dash"] == "dot"
    joined = [trace_of(chart, f"{name}, 4.0 MB") for name in ("base", "merged")]
    assert dotted["x"] == [one["x"][0] for one in joined]
    assert dotted["y"] == [one["y"][0] for one in joined]
    assert len(marks) == len(ways)


def test_a_measurement_stopped_early_is_shown_without_intervals(tmp_path):
    whole = planted(tmp_path / "whole", works=WORKS[:4], blocks=6)
    calls = [call for call in whole.calls if call.block < 2]
    answers = stored.read_agreement(whole.folder)
    stored.write(tmp_path / "cut", calls=calls, agreement=answers, facts=whole.facts)
    cut = read(tmp_path / "cut")
    for chart in served.charts(cut):
        assert drawn(chart.figure, name="x", title="t", alt="a")
    assert cell_of(over_batch(cut, metric="decode"), "base", "knee").text == "undecided"
    warm = [call for call in whole.calls if call.block < 0]
    stored.write(tmp_path / "warm", calls=warm, agreement=answers, facts=whole.facts)
    assert served.charts(read(tmp_path / "warm")) == ()

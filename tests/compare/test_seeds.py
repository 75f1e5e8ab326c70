"""Seeds stand apart from items: a candidate is one line, and how its seeds differ is said beside what its items allow."""

import re

import numpy as np
import pytest

from tests.compare.planted import CLEAR, plant
from workbench.compare import compare
from workbench.compare.seeds import gaps
from workbench.report import records, sections
from workbench.runs.store import SweepStore
from workbench.stats import items_and_seeds

SEEDS = (0, 1, 2)
UNSTEADY = {(8, 0): 0.05, (8, 2): -0.1}


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    right = {1: 0.5, 16: 0.95}
    return compare(plant(tmp_path_factory.mktemp("steady"), right=right, seeds=SEEDS, n=1500))


@pytest.fixture(scope="module")
def unsteady(tmp_path_factory):
    path = tmp_path_factory.mktemp("unsteady")
    return compare(plant(path, right=CLEAR, seeds=SEEDS, moved=UNSTEADY, n=1500, unscored=2))


def stored(comparison, name, eval="paraphrase"):
    store = SweepStore.open(comparison.path)
    return [store.read_score(f"{name}-seed{seed}", eval).value for seed in SEEDS]


def test_the_difference_of_each_seed_is_that_of_its_own_scores(unsteady):
    expected = [a - b for a, b in zip(stored(unsteady, "r16"), stored(unsteady, "r8"), strict=True)]
    assert gaps(unsteady.reading, "r16", "r8", eval="paraphrase") == pytest.approx(expected)
    assert unsteady.verdict.by_seed == pytest.approx(expected)


def test_the_base_serves_every_seed(unsteady):
    base = SweepStore.open(unsteady.path).read_score("base", "paraphrase").value
    found = gaps(unsteady.reading, "r16", "base", eval="paraphrase")
    assert found == pytest.approx([value - base for value in stored(unsteady, "r16")])


def test_the_sentence_says_what_the_interval_is_over_and_what_the_seeds_gave(unsteady):
    found = unsteady.verdict
    low, high = (f"{100 * end:.1f}" for end in (min(found.by_seed), max(found.by_seed)))
    assert re.search(
        r"points more than r8 \[[\d.]+, [\d.]+\] over items, n = 1498; ", found.sentence
    )
    wide = f"[{100 * found.wide_low:.1f}, {100 * found.wide_high:.1f}]".replace("-", "−")
    assert (
        f"; {low} to {high} points over 3 seeds, first in 3 of 3; {wide} over items and seeds."
        in found.sentence
    )


def test_the_interval_over_both_is_the_one_of_the_statistics(unsteady):
    store = SweepStore.open(unsteady.path)

    def answers(trial):
        rows = store.read_rows(trial, "paraphrase")
        return [row.value for row in rows if row.value is not None]

    values = np.column_stack(
        [
            np.array(answers(f"r16-seed{seed}")) - np.array(answers(f"r8-seed{seed}"))
            for seed in SEEDS
        ]
    )
    expected, found = items_and_seeds(values), unsteady.verdict
    assert (found.wide_low, found.wide_high) == pytest.approx((expected.low, expected.high))
    assert found.seed_share == pytest.approx(expected.seed_share)


def test_one_seed_is_said_as_before(tmp_path):
    found = compare(plant(tmp_path, right=CLEAR)).verdict
    assert "over items" not in found.sentence
    assert "; one seed: another seed could change the order." in found.sentence


def test_less_is_better_keeps_the_direction_of_the_words(unsteady):
    sentence = compare(unsteady.path, primary="facts").verdict.sentence
    assert re.search(r"less than r8 \[.*\] over items, n = \d+; [\d.]+ to [\d.]+ points", sentence)


def test_seeds_that_leave_the_interval_of_the_items_are_a_caveat(steady, unsteady):
    said = {one.code: one.sentence for one in unsteady.verdict.caveats}
    assert said["WB013"].startswith("Between r16 and r8 the seeds differ by more than ")
    assert "over items and 3 seeds it is " in said["WB013"]
    assert "WB013" not in [one.code for one in steady.verdict.caveats]


def test_the_interval_over_seeds_too_stands_under_the_one_over_items(unsteady):
    board = unsteady.leaderboard()
    at = [column.key for column in board.columns].index("paraphrase")
    line = next(line for line in board.lines if line.cells[0].raw == "r8")
    values = stored(unsteady, "r8")
    frame = unsteady.table().set_index("trial")
    wide = [frame.loc["r8", f"paraphrase_wide_{end}"] for end in ("low", "high")]
    assert line.cells[at].under == f"[{100 * wide[0]:.1f}, {100 * wide[1]:.1f}] with seeds"
    assert wide[0] <= frame.loc["r8", "paraphrase_low"]
    assert frame.loc["r8", "paraphrase_high"] <= wide[1]
    assert "means over 3 seeds" in board.caption
    assert frame.loc["r8", "paraphrase_seed_low"] == min(values)
    assert frame.loc["r8", "paraphrase_seed_high"] == max(values)


def test_a_median_over_several_seeds_has_its_interval(unsteady):
    found = next(one for one in unsteady.standings if one.name == "r8").figures["latency"]
    assert found.low < found.value < found.high
    assert found.method == "95 % order statistics, over items at their median over 3 seeds"
    one = next(d for d in unsteady.differences if (d.of, d.eval) == ("r8", "latency"))
    assert one.method.startswith("median of paired differences")


def test_curves_have_one_colour_a_candidate_and_one_line_a_seed(unsteady):
    chart = next(one for one in unsteady.charts() if one.id == "learning-curves")
    traces = chart.figure["data"]
    assert len(traces) == 15
    assert len({trace["line"]["color"] for trace in traces}) == 5
    assert [trace["name"] for trace in traces if trace["showlegend"]] == [
        "r1",
        "r2",
        "r4",
        "r8",
        "r16",
    ]
    assert "one line a seed" in chart.caption


def test_every_seed_is_a_dot_beside_its_mean(unsteady):
    rank, by_trial = (
        next(one for one in unsteady.charts() if one.id == name)
        for name in ("rank-paraphrase", "eval-paraphrase")
    )
    expected = [pytest.approx(100 * value) for value in stored(unsteady, "r8")]
    for chart, axis in ((rank, "y"), (by_trial, "x")):
        dots = [
            t for t in chart.figure["data"] if t.get("marker", {}).get("symbol") == "circle-open"
        ]
        assert len(dots) == 5
        assert expected in [dot[axis] for dot in dots]
        assert "small dots are single seeds" in chart.caption
        assert {"seed_low", "seed_high"} <= set(chart.frame().columns)


def test_a_report_has_a_line_for_each_candidate_and_not_for_each_seed(unsteady):
    report = sections.opened(str(unsteady.path))
    assert "15 trials of LoRA (5 × 3 seeds) on microworld" in (
        sections.heading(report)._repr_html_()
    )
    card = sections.verdict_card(report)._repr_html_()
    assert "over 3 seeds" in card
    assert "95 % interval, 1498 items" in card
    time, differing = (show(report)._repr_html_() for show in (sections.time, records.differing))
    for html in (time, differing):
        assert 'scope="row">r8<' in html
        assert "r8-seed0" not in html
    assert "in each of 3 seeds" in time
    assert "0, 1, 2" in differing
    ended = records.endings(report)._repr_html_()
    assert "r8 on paraphrase: 6 of 4500 answers of 3 seeds without a value" in ended

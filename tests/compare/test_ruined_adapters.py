"""A tie that hides ruin: what else was lost is said of every tied trial, and equal answers claim no certainty."""

import re

import numpy as np
import pytest

from tests.compare.planted import calibrated, certified, pattern, plant
from workbench.compare import compare
from workbench.compare.charts import charts
from workbench.compare.differences import difference_table
from workbench.compare.marks import log_axis
from workbench.report import calibration, sections
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import Row

EVALS = ("recall", "perplexity:texts", "fidelity")


def tell(path, eval, values):
    """Put these values in the place of every slot's answers."""
    store = SweepStore.open(path)
    for slot, told in values.items():
        rows = [
            Row(sample=f"{eval}-{place}", slot=slot, value=float(value), outcome="scored")
            for place, value in enumerate(told)
        ]
        store.write_rows(eval, rows)
        unit = {"unit": "bits/byte", "better": "lower"} if eval.startswith("perplexity") else {}
        found = score(eval, slot, rows).model_copy(update={**unit, "value": float(np.mean(told))})
        store.write_score(found)


@pytest.fixture
def ruined(tmp_path):
    """Two trials level on recall; r1 and r2 both lost 3 and 2 bits a byte on five texts."""
    path = plant(tmp_path, right={1: 0.9, 2: 0.9}, evals=("recall",), n=40, steps=60)
    equal = [float(hit) for hit in pattern(20, n=40)]
    tell(path, "recall", dict.fromkeys(("base", "r1", "r2"), equal))
    texts = np.array([0.55, 0.57, 0.58, 0.60, 0.61])
    spread = np.array([-0.1, 0.05, 0.0, 0.1, -0.05])
    told = {"base": texts, "r1": texts + 3 + spread, "r2": texts + 2 - spread}
    tell(path, "perplexity:texts", told)
    tell(path, "fidelity", dict.fromkeys(("base", "r1", "r2"), [0.0] * 20))
    return path


def test_what_every_tied_trial_lost_is_warned_of(ruined):
    found = compare(ruined, primary="recall").verdict
    assert found.kind == "tie"
    said = {one.code: one.sentence for one in found.caveats}
    assert said["WB012"] == (
        "r1 is worse than the base on perplexity:texts by 3.00 bits/byte [2.90, 3.10]; "
        "r2 is worse than the base on perplexity:texts by 2.00 bits/byte [1.90, 2.10]."
    )


def test_a_tie_says_where_the_tied_differ(ruined):
    sentence = compare(ruined, primary="recall").verdict.sentence
    assert " They differ on perplexity:texts: r2 is 1.00 bits/byte lower." in sentence


def test_five_texts_are_enough_to_mark_ruin_in_the_table(ruined):
    found = compare(ruined, primary="recall")
    one = next(d for d in found.differences if (d.of, d.eval) == ("r1", "perplexity:texts"))
    assert one.is_found
    assert one.correction == "Holm over 6 comparisons"


def test_the_card_says_lowest_with_value_and_interval_of_one_sign(ruined):
    texts = np.array([0.55, 0.57, 0.58, 0.60, 0.61])
    near = texts + np.array([0.02, -0.02, 0.01, -0.01, 0.003])
    tell(ruined, "perplexity:texts", {"base": texts, "r1": texts, "r2": near})
    html = sections.verdict_card(
        sections.opened(str(ruined), primary="perplexity:texts")
    )._repr_html_()
    html = re.sub(r"</?span[^>]*>", "", html)
    found = compare(ruined, primary="perplexity:texts").verdict
    assert (found.kind, found.best) == ("tie", "r1")
    assert found.low < found.difference < 0 < found.high
    assert "<dt>lowest</dt><dd>r1</dd>" in html
    assert "highest" not in html
    assert "<dt>against r2</dt><dd>−0.000600 bits/byte</dd>" in html
    assert "<dd>[−0.0203, 0.0191]</dd>" in html


def test_equal_answers_in_a_unit_that_is_no_share_are_said_to_be_the_same(ruined):
    found = compare(ruined, primary="recall")
    one = next(d for d in found.differences if (d.of, d.eval) == ("r1", "fidelity"))
    assert (one.value, one.low, one.high, one.detectable) == (0, None, None, None)
    table = difference_table([one], baseline="base")
    assert table.lines[0].cells[1].text == "0"
    assert table.lines[0].cells[1].beside == "same answers"
    assert table.lines[0].cells[1].under == ""
    share = next(d for d in found.differences if (d.of, d.eval) == ("r1", "recall"))
    assert share.low < 0 < share.high
    assert share.detectable > 0.1


def test_a_tie_of_the_same_values_says_so(ruined):
    found = compare(ruined, primary="fidelity").verdict
    assert found.kind == "tie"
    assert " They gave the same answers." in found.sentence
    assert found.could_have_seen is None


def test_a_median_is_called_one_below_the_table_of_differences(tmp_path):
    found = compare(plant(tmp_path, right={1: 0.9}, evals=("recall", "latency"), steps=5))
    assert " On latency it is the median of paired differences." in found.against_baseline().caption


def test_an_axis_of_less_than_two_decades_has_figures_of_its_own(ruined):
    assert log_axis([4480.0, 8960.0])["tickvals"] == [5000, 6000, 7000, 8000]
    assert log_axis([0.003, 0.04])["ticktext"] == ["0.005", "0.01", "0.02"]
    assert log_axis([1.0, 1000.0]) == {"type": "log", "dtick": 1}
    assert log_axis([3.0])["tickvals"] == [3.0]
    comparison = compare(ruined)
    drawn = charts(comparison.reading, comparison.standings, primary="recall")
    curve = next(chart for chart in drawn if chart.id == "learning-curves")
    axis = curve.figure["layout"]["yaxis"]
    assert len(axis["tickvals"]) >= 3
    assert "dtick" not in axis


def test_the_calibration_shows_what_this_sweep_asked_and_shares_alone_on_the_axis(ruined):
    found = certified(
        calibrated("recall"), calibrated("perplexity"), calibrated("occupations", off=0.1)
    )
    found.save(ruined / "calibration.json")
    html = calibration.certificate(sections.opened(str(ruined)))._repr_html_()
    shown, folded = html.split("<details><summary>Calibrated, but not asked", 1)
    assert folded.startswith(" in this sweep: 1 more, 1 of them failed</summary>")
    assert "occupations" not in shown
    assert "Not drawn, being no shares: perplexity." in html
    assert "What was planted and what was recovered: recall passed" in html

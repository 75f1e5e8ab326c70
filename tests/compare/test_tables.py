"""Leaderboard and difference tables: what they hold, how ties and failures show, and that text stays text."""

import re

import pandas as pd
import pytest

from tests.compare.planted import CLEAR, TIE, plant
from workbench.compare import compare
from workbench.compare.markup import MAX_TEXT, Cell, Column, Line, Table, visible
from workbench.events import Finished
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    return compare(plant(tmp_path_factory.mktemp("clear"), right=CLEAR))


def test_the_leaderboard_is_sorted_and_has_every_score_with_its_interval(clear):
    frame = clear.table()
    assert list(frame["trial"]) == ["base", "r16", "r8", "r4", "r2", "r1"]
    store = SweepStore.open(clear.path)
    for _, line in frame.iterrows():
        kept = store.read_score(line["trial"], "paraphrase")
        assert line["paraphrase"] == kept.value
        assert (line["paraphrase_low"], line["paraphrase_high"]) == (kept.low, kept.high)
        assert line["paraphrase_n"] == kept.n


def test_the_primary_eval_stands_first(clear):
    keys = [column.key for column in clear.leaderboard().columns]
    assert keys[:4] == ["trial", "place", "trainable_parameters", "paraphrase"]


def test_ties_share_the_first_place(tmp_path):
    frame = compare(plant(tmp_path, right=TIE)).table()
    assert list(frame["place"]) == ["", "1=", "1=", "1="]


def test_failed_trials_stay_in_with_their_reason(tmp_path):
    frame = compare(plant(tmp_path, right=CLEAR, failed=(2,))).table().set_index("trial")
    assert frame.loc["r2", "state"] == "failed"
    assert "loss is not a number" in frame.loc["r2", "reason"]
    assert pd.isna(frame.loc["r2", "paraphrase"])


def test_a_trial_that_ended_early_by_its_own_rule_is_done(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.7}, evals=("recall",), steps=30)
    SweepStore.open(path).append(Finished(trial="r1", step=20, seconds=3.0, reason="early"))
    comparison = compare(path)
    assert comparison.reading.outcomes["r1"].state == "done"
    assert comparison.reading.outcomes["r1"].steps == 20
    assert "state" not in [column.key for column in comparison.leaderboard().columns]


def test_seeds_are_one_line_with_the_mean_of_their_scores(tmp_path):
    comparison = compare(plant(tmp_path, right=CLEAR, seeds=(0, 1, 2)))
    frame = comparison.table().set_index("trial")
    assert list(frame["seeds"]) == [0, 3, 3, 3, 3, 3]
    store = SweepStore.open(comparison.path)
    kept = [store.read_score(f"r16-seed{seed}", "paraphrase").value for seed in (0, 1, 2)]
    assert frame.loc["r16", "paraphrase"] == pytest.approx(sum(kept) / 3)


def test_differences_are_corrected_over_all_that_are_shown(clear):
    tested = [one for one in clear.differences if one.p is not None]
    assert len(tested) == 20
    assert all(one.p_corrected >= one.p for one in tested)
    assert {one.correction for one in tested} == {
        "max-T over 20 comparisons, 10000 sign flips of 1240 items"
    }


def test_a_median_is_differenced_as_a_median(clear):
    one = next(d for d in clear.differences if d.eval == "latency")
    assert one.method.startswith("median of paired differences")
    assert 0.4 < one.value < 0.8


def test_a_pinned_baseline_is_what_is_subtracted(clear):
    pinned = compare(clear.path, baseline="r1")
    found = {one.of: one for one in pinned.differences if one.eval == "paraphrase"}
    assert set(found) == {"base", "r2", "r4", "r8", "r16"}
    assert found["base"].value < 0 < found["r16"].value


def test_best_and_cheapest_are_compared_on_every_eval(clear):
    frame = clear.best_and_cheapest().frame()
    assert list(frame["eval"]) == ["recall", "paraphrase", "facts", "latency"]
    assert frame.set_index("eval").loc["paraphrase", "difference"] > 0.2


def test_only_fields_that_differ_are_shown(tmp_path, clear):
    assert clear.reading.differing == ("adapter.r",)
    seeds = compare(plant(tmp_path, right={1: 0.5, 2: 0.7}, seeds=(0, 1)))
    assert seeds.reading.differing == ("adapter.r",)


def test_everything_shown_has_a_frame_and_html(clear):
    for shown in (clear, clear.leaderboard(), clear.against_baseline(), clear.best_and_cheapest()):
        assert len(shown.frame())
        assert "<table" in shown._repr_html_()
    assert clear.verdict.sentence in repr(clear)


def test_every_eval_has_its_unit_direction_and_n_in_the_head(clear):
    heads = {column.key: column for column in clear.leaderboard().columns}
    assert (heads["paraphrase"].note, heads["paraphrase"].count) == ("% ↑, chance 0", "n 400")
    assert (heads["latency"].note, heads["latency"].count) == ("ms/token ↓", "n 40")
    html = clear.leaderboard()._repr_html_()
    assert "<small>% ↑, chance 0</small> <small>n 400</small>" in html
    title, note, count = repr(clear.leaderboard()).splitlines()[:3]
    for name in ("paraphrase", "latency"):
        at = title.index(name)
        assert note[at:].startswith(heads[name].note)
        assert count[at:].startswith(heads[name].count)


def test_an_n_that_differs_is_said_as_the_smallest(tmp_path):
    comparison = compare(plant(tmp_path, right=TIE, unscored=10))
    heads = {column.key: column for column in comparison.leaderboard().columns}
    assert heads["paraphrase"].count == "n ≥ 390"


def test_shares_averaged_over_seeds_stay_between_zero_and_one(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 16: 0.9}, seeds=(0, 1, 2), n=6, evals=("recall",))
    store = SweepStore.open(path)
    for seed in (0, 1, 2):
        slot = f"r16-seed{seed}"
        rows = [
            row.model_copy(update={"value": float(place > 0 or seed > 1)})
            for place, row in enumerate(store.read_rows(slot, "recall"))
        ]
        store.write_rows("recall", rows)
        store.write_score(score("recall", slot, rows))
    found = next(line for line in compare(path).standings if line.name == "r16").figures["recall"]
    assert found.value == pytest.approx(16 / 18)
    assert (found.low > 0.5, found.high) == (True, 1.0)
    assert found.method == "95 % t, cut at 0 and 1, over items averaged over 3 seeds"


def test_a_wide_table_says_that_it_scrolls_and_takes_the_keyboard(clear):
    html = str(clear.leaderboard().markup())
    assert 'class="wb-hint"' in html
    assert re.search(r'class="wb-scroll" tabindex="0" role="group" aria-label="Sorted by', html)


def test_text_of_strangers_is_shown_and_not_obeyed():
    shown = str(visible('<script>alert(1)</script> \u202e \x07 "&'))
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "\u202e" not in shown
    assert "\\u202e" in shown
    assert "\\u0007" in shown


def test_long_text_is_cut_and_says_how_much():
    shown = str(visible("x" * 1_000_000))
    assert len(shown) < MAX_TEXT + 200
    assert f"{1_000_000 - MAX_TEXT} more characters" in shown


def test_names_in_a_table_are_escaped():
    table = Table(
        columns=(Column(key="a", title="<b>head</b>", note="<i>"),),
        lines=(Line(cells=(Cell(raw=1, text="<img src=x>", beside="<u>"),)),),
        caption='"><script>',
    )
    html = str(table.markup())
    for tag in ("<b>", "<i>", "<img", "<u>", "<script>"):
        assert tag not in html

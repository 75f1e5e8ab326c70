"""The leaderboard without a browser: its figures are those of `compare`, whatever it is asked."""

import json
import shutil
import time

import pytest
import traitlets

from tests.compare.planted import CLEAR, TIE, answer, pattern, plant
from workbench.compare import compare
from workbench.errors import SpecError
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.widgets.arrivals import Arrivals
from workbench.widgets.board_charts import front
from workbench.widgets.leaderboard import Leaderboard, leaderboard


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    """Ranks told apart; 32 failed, 2 was stopped."""
    root = tmp_path_factory.mktemp("clear")
    return plant(root, right={**CLEAR, 32: 0.9}, failed=(32,), stopped=(2,))


@pytest.fixture(scope="module")
def level(tmp_path_factory):
    """Ranks that are equally good."""
    return plant(tmp_path_factory.mktemp("level"), right=TIE)


@pytest.fixture
def board(clear):
    return settled(leaderboard(clear))


def settled(board: Leaderboard) -> Leaderboard:
    assert board.settle(timeout=60)
    return board


def row(board: Leaderboard, name: str) -> dict:
    return next(row for row in board.board["rows"] if row["name"] == name)


def test_the_rows_are_those_of_the_comparison_with_failed_trials_last_and_their_reason(
    board, clear
):
    told, made = board.board, compare(clear)
    assert [row["name"] for row in told["rows"]] == [line.name for line in made.standings]
    assert told["sentence"] == made.verdict.sentence
    assert told["rows"][0]["is_base"]
    last = told["rows"][-1]
    assert (last["name"], last["state"]) == ("r32", "failed")
    assert "loss is not a number" in last["reason"]
    assert "stopped by hand" in row(board, "r2")["reason"]
    assert not board.problem
    json.dumps(told, allow_nan=False)


def test_every_figure_stands_with_its_interval_and_every_difference_with_its_significance(
    board, clear
):
    made = compare(clear)
    figure = made.standings[1].figures["recall"]
    cell = row(board, made.standings[1].name)["cells"]["recall"]
    assert cell["value"] == pytest.approx(100 * figure.value)
    assert (cell["low"], cell["high"]) == (
        pytest.approx(100 * figure.low),
        pytest.approx(100 * figure.high),
    )
    assert "n = 400" in cell["note"]
    one = next(d for d in made.differences if (d.of, d.eval) == ("r16", "facts"))
    gap = row(board, "r16")["gaps"]["facts"]
    assert one.is_found
    assert gap["text"].endswith("*")
    assert gap["way"] == 1  # less is better there
    assert "max-T" in gap["note"]


def test_bars_of_an_eval_share_one_scale_and_chance_stands_on_it(board):
    told = {one["name"]: one for one in board.board["evals"]}
    assert told["recall"]["range"] == [0.0, 100.0]
    assert told["facts"]["chance"] == 100.0
    low, high = told["latency"]["range"]
    values = [r["cells"]["latency"] for r in board.board["rows"] if r["cells"]["latency"]]
    assert all(low <= one["low"] <= one["high"] <= high for one in values)


def test_another_baseline_gives_other_differences_and_an_unknown_one_is_said(board):
    board.baseline = "r8"
    settled(board)
    assert row(board, "r8")["gaps"] == {}
    assert row(board, "base")["gaps"]["recall"]["text"].startswith("−")
    assert board.comparison.baseline == "r8"
    board.baseline = "r9"
    settled(board)
    assert "'r9'" in board.problem
    assert board.baseline == "r8"
    board.baseline = "base"
    settled(board)
    assert board.problem == ""


def test_another_primary_eval_orders_the_rows_anew(board, clear):
    board.primary = "facts"
    settled(board)
    assert board.board["sentence"] == compare(clear, primary="facts").verdict.sentence
    board.primary = "nothing"
    settled(board)
    assert board.primary == "facts"
    assert "'nothing'" in board.problem


def test_equals_share_a_place_and_say_from_whom_they_cannot_be_told(level):
    board = settled(leaderboard(level))
    trials = [row for row in board.board["rows"] if not row["is_base"]]
    assert {row["place"] for row in trials} == {"1="}
    for told in trials:
        assert set(told["level"]) == {row["name"] for row in trials} - {told["name"]}


def test_equals_behind_the_best_share_a_place_too(tmp_path):
    n = 400
    path = plant(tmp_path, right={1: 0.5, 2: 0.5, 4: 0.9}, evals=("recall",))
    right = {"r1": 200, "r2": 204, "r4": 380}
    answer(path, {name: pattern(count, n=n) for name, count in right.items()})
    board = settled(leaderboard(path))
    assert {name: row(board, name)["place"] for name in right} == {
        "r4": "1",
        "r2": "2=",
        "r1": "2=",
    }
    assert row(board, "r2")["level"] == ["r1"]


def test_two_rows_give_the_sentence_of_a_sweep_of_these_two(board, clear):
    found = board.pair("r1", "r16")
    assert (found.of, found.against) == ("r16", "r1")
    contest = next(c for c in compare(clear).contests if (c.of, c.against) == ("r16", "r1"))
    assert found.difference == contest
    assert found.sentence.startswith("r16 answers 99 % of unseen phrasings right, 33 points more")
    assert "n = 400" in found.sentence
    assert "10 comparisons" in found.figures()
    settled(board)
    assert board.contrast["sentence"] == found.sentence
    assert [one["eval"] for one in board.contrast["rows"]] == list(board.comparison.reading.evals)
    assert "r16 minus r1" in repr(found)
    assert "<table" in found._repr_html_()


def test_a_row_and_the_base_are_told_apart_as_in_the_family_of_all_differences(board):
    found = board.pair("base", "r8")
    assert (found.of, found.against) == ("r8", "base")
    assert "the base 4 %" in found.sentence
    assert found.is_found


def test_two_that_are_level_are_said_to_be_with_what_could_have_been_seen(level):
    found = settled(leaderboard(level)).pair("r1", "r4")
    assert not found.is_found
    assert found.sentence.startswith("No difference found between 2 trials")
    assert "could have seen" in found.sentence


def test_a_pair_that_is_none_is_refused_in_words(board):
    with pytest.raises(SpecError, match="'r3' is no row"):
        board.pair("r3", "r8")
    with pytest.raises(SpecError, match="twice"):
        board.pair("r8", "r8")


def test_a_figure_that_is_withheld_has_its_reason_and_no_difference(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 4: 0.9}, evals=("paraphrase", "facts"))
    store = SweepStore.open(path)
    rows = [one for one in store.read_rows("r1", "facts") if one.kind != "known"]
    store.write_rows("facts", rows)
    store.write_score(score("facts", "r1", rows))
    board = settled(leaderboard(path))
    cell = row(board, "r1")["cells"]["facts"]
    assert cell["is_withheld"]
    assert cell["value"] is None
    assert len(cell["why"]) > 10
    assert row(board, "r1")["gaps"]["facts"]["value"] is None
    assert "facts" in row(board, "r4")["cells"]


def test_the_front_is_who_no_other_beats_in_both():
    points = [
        {"name": name, "x": x, "value": value}
        for name, x, value in (("a", 1, 50), ("b", 2, 60), ("c", 3, 55), ("d", 4, 60), ("e", 5, 90))
    ]
    assert front(points, better="higher") == ["a", "b", "e"]
    assert front(points, better="lower") == ["a"]
    assert front(points, better="none") == []
    assert front(points, better="higher", is_up=True) == ["e"]


def test_quality_is_weighed_against_parameters_and_every_other_eval_with_a_better_way(board):
    weighed = {one["key"]: one for one in board.board["weighed"]}
    assert list(weighed) == ["parameters", "latency", "recall", "facts"]
    assert weighed["parameters"]["front"] == ["r1", "r2", "r4", "r8", "r16"]
    assert weighed["parameters"]["is_log"]
    assert "base" not in [point["name"] for point in weighed["parameters"]["points"]]
    assert weighed["facts"]["better"] == "Up and to the left is better."
    assert weighed["recall"]["better"] == "Up and to the right is better."


def test_the_curve_over_rank_has_a_band_and_its_slope_in_words(board):
    (curve,) = board.board["curves"]
    (group,) = curve["groups"]
    assert [point["x"] for point in group["points"]] == [1, 2, 4, 8, 16]
    assert all(point["low"] < point["value"] < point["high"] for point in group["points"])
    assert "per doubling" in curve["caption"]


def test_seeds_are_dots_on_the_curve(tmp_path):
    path = plant(tmp_path, right={1: 0.6, 4: 0.9}, seeds=(0, 1, 2), evals=("recall",))
    (curve,) = settled(leaderboard(path)).board["curves"]
    assert [len(point["seeds"]) for point in curve["groups"][0]["points"]] == [3, 3]


def test_a_sweep_that_runs_says_when_scores_came_and_reads_at_its_end(store, train, finish):
    train("r1", [1.0, 0.9])
    board = settled(leaderboard(store.path))
    assert "nothing" in board.problem.lower() or "No verdict" in board.board["sentence"]
    rows = SweepStore.open(plant_one(store)).read_rows("r1", "recall")
    store.write_rows("recall", rows)
    store.write_score(score("recall", "r1", rows))
    assert board.refresh()
    assert "New scores" in board.news
    assert not any(row["cells"].get("recall") for row in board.board["rows"])
    finish("r1")
    store.set_status(state="done")
    board.refresh()
    settled(board)
    assert row(board, "r1")["cells"]["recall"]["value"] > 0
    assert board.news == ""


def plant_one(store):
    return plant(store.path.parent / "other", right={1: 0.7}, evals=("recall",))


def test_a_folder_that_is_none_is_said_and_raises_nothing(tmp_path):
    board = leaderboard(tmp_path / "nowhere")
    assert "there is no folder" in board.problem
    assert board.settle(timeout=5)
    bundle = board._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "there is no folder" in data["text/html"]


def test_a_folder_deleted_under_it_is_said_and_what_was_read_stays(tmp_path):
    path = plant(tmp_path, right={1: 0.6, 4: 0.9}, evals=("recall",))
    board = settled(leaderboard(path))
    shutil.rmtree(path)
    assert not board.refresh()
    assert "no longer there" in board.news
    board.read()
    settled(board)
    assert "there is no folder" in board.problem
    assert len(board.board["rows"]) == 3


def test_where_no_widget_can_be_shown_it_is_the_comparison_s_own_table(board, clear):
    bundle = board._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/html"] == compare(clear)._repr_html_()
    assert data["text/plain"] == repr(compare(clear))


def test_names_that_are_hostile_are_escaped_where_they_become_html(tmp_path):
    path = plant(
        tmp_path, right={1: 0.6, 4: 0.9}, evals=("recall",), hostile="<script>alert(1)</script>"
    )
    board = settled(leaderboard(path))
    bundle = board._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "<script" not in data["text/html"]


def test_a_look_for_news_reads_no_figures(clear):
    arrivals = Arrivals(SweepStore.open(clear))
    began = time.perf_counter()
    looks = [arrivals.look() for _ in range(20)]
    print(f"a look: {50 * (time.perf_counter() - began):.2f} ms")
    assert not any(look.is_new or look.is_live for look in looks)


def test_a_wish_of_a_wrong_kind_is_refused_by_its_trait(board):
    with pytest.raises(traitlets.TraitError):
        board.baseline = 3

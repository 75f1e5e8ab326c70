"""Answers side by side, without a browser: what is joined, what is found, and that a page stays small."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.compare.planted import CLEAR, answer, plant
from workbench.errors import InputError, StoreError
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row
from workbench.widgets.pump import Pump
from workbench.widgets.sample_join import join
from workbench.widgets.sample_pages import CUT, Wanted
from workbench.widgets.samples import Samples, samples
from workbench.widgets.samples_plain import visible

STEER = chr(27) + "[31m" + chr(0x202E)


@pytest.fixture(scope="module")
def clear(tmp_path_factory):
    """Five ranks that answered; 32 failed."""
    root = tmp_path_factory.mktemp("clear")
    return plant(root, right={**CLEAR, 32: 0.9}, failed=(32,), unscored=2)


@pytest.fixture
def small(tmp_path):
    """Two trials and the base, of eight items whose answers are known."""
    path = plant(tmp_path, right={1: 0.5, 4: 0.5}, n=8, evals=("recall",))
    right = {
        "base": [1, 1, 0, 0, 0, 0, 1, 0],
        "r1": [1, 0, 1, 0, 0, 0, 1, 0],
        "r4": [1, 1, 1, 1, 0, 0, 0, 0],
    }
    return answer(path, {name: [bool(hit) for hit in hits] for name, hits in right.items()})


def settled(view: Samples) -> Samples:
    assert view.settle(timeout=60)
    return view


def numbers(view: Samples) -> list[int]:
    return [int(row["sample"].rsplit("-", 1)[1]) for row in view.view["rows"]]


def test_each_item_stands_with_the_answers_of_all_that_were_asked(clear):
    view = settled(samples(clear))
    assert view.eval == "recall"
    assert view.view["slots"] == ["base", "r1", "r2", "r4", "r8", "r16"]
    assert view.view["total"] == 400
    stored = {slot: SweepStore.open(clear).read_rows(slot, "recall") for slot in view.view["slots"]}
    for place, row in enumerate(view.view["rows"]):
        assert row["prompt"] == stored["base"][place].prompt
        for slot, rows in stored.items():
            cell, own = row["cells"][slot], rows[place]
            assert (cell["answer"], cell["value"], cell["outcome"], cell["error"]) == (
                own.answer,
                own.value,
                own.outcome,
                own.error,
            )
    assert [one["name"] for one in view.choices["slots"] if not one["has"]] == ["r32"]
    json.dumps(view.view, allow_nan=False)


def test_changed_worse_and_better_are_against_the_base_for_any_or_one_adapter(small):
    view = settled(samples(small))
    found = {
        (which, of): (view.filter(which, of=of), numbers(view))
        for which in ("changed", "worse", "better")
        for of in ("", "r1", "r4")
    }
    assert found == {
        ("changed", ""): (4, [1, 2, 3, 6]),
        ("changed", "r1"): (2, [1, 2]),
        ("changed", "r4"): (3, [2, 3, 6]),
        ("worse", ""): (2, [1, 6]),
        ("worse", "r1"): (1, [1]),
        ("worse", "r4"): (1, [6]),
        ("better", ""): (2, [2, 3]),
        ("better", "r1"): (1, [2]),
        ("better", "r4"): (2, [2, 3]),
    }
    assert view.filter("all", of="") == 8


def test_where_less_is_better_a_lower_value_is_the_better_one(clear):
    view = settled(samples(clear))
    better = view.filter("better", eval="facts", of="r16")
    cells = [row["cells"] for row in view.view["rows"]]
    assert better > 100
    assert all(cell["r16"]["value"] < cell["base"]["value"] for cell in cells)


def test_what_could_not_be_scored_is_found(clear):
    view = settled(samples(clear))
    assert view.filter("errors") == 2
    trials = [name for name in view.view["slots"] if name != BASE]
    cells = [row["cells"][name] for row in view.page(1) for name in trials]
    assert {(cell["error"], cell["value"]) for cell in cells} == {("unparsed", None)}


def test_text_is_searched_in_prompts_and_shown_answers_whatever_its_capitals(clear):
    view = settled(samples(clear))
    assert view.filter(text="mARA lind") == 80
    assert all("Mara Lind" in row["prompt"] for row in view.page(1))
    assert view.filter(text="(.*") == 0
    view.shown_slots = ["base"]
    wrong = view.filter(text="mill")
    assert wrong == sum(
        row.answer == "mill" for row in SweepStore.open(clear).read_rows(BASE, "recall")
    )


def test_an_outcome_is_found_in_the_slots_that_are_meant(small):
    view = settled(samples(small))
    assert view.filter(outcome="correct", of="r4") == 4
    assert view.filter(outcome="correct", of="") == 5
    assert view.filter(outcome="no such") == 0


def test_groups_and_kinds_are_offered_with_their_counts(tmp_path):
    path = plant(tmp_path, right={1: 0.5}, evals=("recall",), n=4)
    store = SweepStore.open(path)
    for slot in (BASE, "r1"):
        rows = [
            Row(sample=f"q{n}", slot=slot, group="abc"[n % 3], kind="xy"[n % 2], value=1.0)
            for n in range(30)
        ]
        store.write_rows("recall", rows)
    view = settled(samples(path))
    assert view.choices["groups"] == [("a", 10), ("b", 10), ("c", 10)]
    assert view.filter(group="a", kind="y") == 5
    assert {(row["group"], row["kind"]) for row in view.page(1)} == {("a", "y")}


def test_pages_are_asked_for_and_the_last_one_is_the_end(clear):
    view = settled(samples(clear))
    assert view.view["pages"] == 16
    first, second = view.page(1), view.page(2)
    assert len(first) == len(second) == 25
    assert not {row["sample"] for row in first} & {row["sample"] for row in second}
    last = view.page(99)
    assert view.number == 16
    assert last[-1]["sample"] == "recall-399"
    view.filter("worse")
    assert view.number == 1


def test_the_frame_has_every_item_that_is_looked_at_in_full(clear):
    view = settled(samples(clear))
    found = view.filter("better", of="r16")
    frame = view.frame()
    assert len(frame) == found > 25
    assert (frame["r16_value"] > frame["base_value"]).all()
    assert list(frame.columns[:6]) == ["sample", "cluster", "group", "kind", "prompt", "expected"]


def test_slots_that_were_asked_other_items_in_another_order_stand_beside_each_other(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 4: 0.5}, evals=("recall",), n=6)
    store = SweepStore.open(path)

    def put(slot, items):
        rows = [Row(sample=s, slot=slot, expected=e, answer=f"{slot}:{s}{e}") for s, e in items]
        store.write_rows("recall", rows)

    put(BASE, [("a", "1"), ("b", "1"), ("c", "1")])
    put("r1", [("c", "1"), ("a", "1"), ("a", "2"), ("d", "")])
    put("r4", [("b", "1"), ("b", "1"), ("d", "")])
    joined = join(store, "recall")
    rows = joined.rows(np.arange(len(joined)), shown=["base", "r1", "r4"])
    told = {
        (row["sample"], row["expected"], n): [
            cell and cell["answer"] for cell in row["cells"].values()
        ]
        for n, row in enumerate(rows)
    }
    assert told == {
        ("a", "1", 0): ["base:a1", "r1:a1", None],
        ("b", "1", 1): ["base:b1", None, "r4:b1"],
        ("c", "1", 2): ["base:c1", "r1:c1", None],
        ("a", "2", 3): [None, "r1:a2", None],
        ("d", "", 4): [None, "r1:d", "r4:d"],
        ("b", "1", 5): [None, None, "r4:b1"],
    }
    assert list(joined.places(Wanted(which="changed"), shown=["base", "r1", "r4"])) == [0, 1, 2]


def test_a_long_text_is_cut_and_comes_whole_when_it_is_asked_for(tmp_path):
    path = plant(tmp_path, right={1: 0.5}, evals=("recall",), n=3)
    store = SweepStore.open(path)
    long = "word é " * 150_000
    store.write_rows("recall", [Row(sample="x", slot="r1", prompt=long, answer=long, value=1.0)])
    view = settled(samples(path))
    view.filter(text="word")
    (row,) = view.page(1)
    assert len(row["prompt"]) == len(row["cells"]["r1"]["answer"]) == CUT
    assert row["cells"]["r1"]["more"] == row["more"]["prompt"] == len(long) - CUT
    assert len(json.dumps(view.view)) < 10_000
    sent = []
    view.send = sent.append
    view._on_message(
        view, {"command": "whole", "item": row["item"], "part": "answer", "slot": "r1"}, []
    )
    assert sent[0]["whole"]["text"] == long


def test_messages_that_make_no_sense_change_nothing(small):
    view = settled(samples(small))
    sent = []
    view.send = sent.append
    for content in (
        None,
        {"command": "whole", "item": 10**9, "part": "prompt"},
        {"command": "whole", "item": 0, "part": "_known"},
        {"command": "whole", "item": 0, "part": "answer", "slot": "../base"},
        {"command": "delete"},
    ):
        view._on_message(view, content, [])
    assert sent == []
    assert view.view["total"] == 8


def test_what_is_asked_for_wrongly_is_refused_in_words_and_changes_nothing(small):
    view = settled(samples(small))
    for wrong in ({"which": "nicer"}, {"eval": "facts"}, {"of": "r9"}):
        with pytest.raises(InputError, match="is none of them"):
            view.filter(**wrong)
    assert view.filter() == 8
    view.eval = "nothing"
    settled(view)
    assert "'nothing' has no answers" in view.problem
    assert view.filter(eval="recall") == 8
    assert view.problem == ""


def test_a_folder_without_answers_and_one_that_is_none_are_said(store, tmp_path):
    assert "Nothing has been answered yet" in settled(samples(store.path)).problem
    nowhere = samples(tmp_path / "nowhere")
    assert "there is no folder" in settled(nowhere).problem
    with pytest.raises(StoreError, match="there is no folder"):
        nowhere.frame()


def test_a_file_that_cannot_be_read_is_said_and_the_others_are_shown(small):
    (small / "r1" / "samples" / "recall.parquet").write_bytes(b"no parquet")
    view = settled(samples(small))
    assert view.view["slots"] == ["base", "r4"]
    assert "r1" in view.problem


def test_a_sweep_that_runs_says_when_answers_came_and_a_deleted_one_that_it_is_gone(store, train):
    train("r1", [1.0])
    view = settled(samples(store.path))
    rows = [Row(sample="q", slot="r1", answer="mill", value=0.0)]
    store.write_rows("recall", rows)
    store.write_score(score("recall", "r1", rows))
    assert view.refresh()
    assert "New answers" in view.news
    store.set_status(state="done")
    assert not view.refresh()
    settled(view)
    assert view.view["total"] == 1
    assert (view.news, view.problem) == ("", "")
    shutil.rmtree(store.path)
    assert not view.refresh()
    assert "no longer there" in view.news
    assert view.page(1)[0]["sample"] == "q"


def test_a_view_whose_folder_cannot_be_understood_any_more_says_so_with_what_to_do(store):
    view = settled(samples(store.path))
    (store.path / "status.json").write_text("{")
    pump = Pump(interval=0.01)
    pump.add(view)
    pump.join(timeout=10)
    assert not pump.busy
    assert "does not hold the status of a sweep" in view.problem
    assert "Run its cell again" in view.problem


def test_a_folder_that_comes_later_is_read_when_it_is_asked_for(small, tmp_path):
    later = tmp_path / "later"
    view = settled(samples(later))
    assert "there is no folder" in view.problem
    shutil.copytree(small, later)
    view._on_message(view, {"command": "read"}, [])
    assert settled(view).view["total"] == 8
    assert view.problem == ""


def test_the_next_page_is_there_before_it_is_asked_for(clear):
    view = settled(samples(clear))
    ahead = view.ahead
    assert ahead["rows"] == view.page(2)
    assert (ahead["choice"], ahead["number"]) == (view.view["choice"], 2)
    view.filter("worse")
    assert view.view["choice"] != ahead["choice"]
    view.page(99)
    settled(view)
    assert view.ahead == {}


def test_a_first_page_needs_no_pandas(small):
    code = (
        "import sys; from workbench.widgets.samples import samples; view = samples(sys.argv[1]); view.settle(); "
        "view.filter('worse', outcome='wrong', text='mill'); assert view.view['total'], view.problem; "
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False", "half a second of a first page"


def test_text_of_a_stranger_is_escaped_and_steers_nothing_where_no_widget_can_be_shown(tmp_path):
    hostile = f"<script>alert(1)</script>{STEER}"
    path = plant(tmp_path, right={1: 0.5}, evals=("recall",), n=5, hostile=hostile)
    bundle = settled(samples(path))._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "<script" not in data["text/html"]
    assert "&lt;script" in data["text/html"]
    for text in (data["text/html"], data["text/plain"]):
        assert chr(27) not in text
        assert chr(0x202E) not in text
    assert visible("fine\n\tשלום") == "fine\n\tשלום"


def test_a_file_of_another_program_with_few_columns_is_shown(small):
    table = pa.table({"sample": ["a", "b"], "slot": ["r1", "r1"], "value": [1.0, None]})
    pq.write_table(table, small / "r1" / "samples" / "recall.parquet")
    view = settled(samples(small))
    view.shown_slots = ["r1"]
    settled(view)
    assert view.filter(text="a") > 0
    assert view.problem == ""


def test_a_choice_that_another_eval_has_too_stays_and_one_it_has_not_is_let_go(clear):
    view = settled(samples(clear))
    view.filter(outcome="wrong")
    assert view.filter(eval="paraphrase") == view.view["total"] < 400
    assert view.outcome == "wrong"
    view.kind = "no such"
    settled(view)
    assert view.filter(eval="recall", outcome="") == 400
    assert view.kind == ""

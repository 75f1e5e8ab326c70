"""Sweeps in which something is missing or broken: the report says what, shows the rest, and never stops on it."""

import re
import shutil
from html import unescape

import pytest

from tests.compare.planted import CLEAR, answer, pattern, plant
from tests.report.reading import executed
from workbench.errors import StoreError
from workbench.events import Warned
from workbench.runs.store import SweepStore
from workbench.spec import Spec

EVALS = ("recall", "facts", "latency")


def said(path, **asked):
    """The text of a report, in one line."""
    notebook = executed(path, **asked)
    html = "".join(
        output.data["text/html"] for cell in notebook.cells for output in cell.get("outputs", [])
    )
    text = unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<script\b.*?</script>", "", html, flags=re.S)))
    return re.sub(r"\s+", " ", text.replace("\u00a0", " "))


def swept(root, **changes):
    return plant(root, **{"right": CLEAR, "n": 80, "evals": EVALS, "steps": 20, **changes})


def test_a_trial_whose_folder_is_gone_has_no_figure_and_the_others_do(tmp_path):
    path = swept(tmp_path)
    shutil.rmtree(path / "r4")
    text = said(path)
    assert "r4 has no figure on recall yet" in text
    assert "r16" in text


def test_rows_cut_in_half_are_named_and_nobody_is_called_cheaper_and_good_enough(tmp_path):
    path = swept(tmp_path)
    (path / "r4" / "samples" / "recall.parquet").write_bytes(b"cut")
    text = said(path)
    assert "r4/samples/recall.parquet' does not hold rows" in text
    assert str(tmp_path) not in text
    assert "cheapest within" not in text


def test_events_cut_in_half_still_tell_what_they_tell(tmp_path):
    path = swept(tmp_path)
    events = path / "r4" / "events.jsonl"
    events.write_bytes(events.read_bytes()[:2000])
    assert "Training loss" in said(path)


def test_trials_asked_other_items_are_shown_and_not_subtracted(tmp_path):
    text = said(swept(tmp_path, other_items=(16,)))
    assert "The trials cannot be compared" in text
    assert "0 items answered by both" in text
    assert "98" in text, "their figures are there"


def test_one_seed_is_said_on_the_first_screen(tmp_path):
    assert "WB001 One seed" in said(swept(tmp_path))


def test_an_eval_that_failed_is_said_with_its_reason(tmp_path):
    path = swept(tmp_path)
    store = SweepStore.open(path)
    for trial in store.trials:
        (path / trial.name / "scores" / "facts.json").unlink()
    store.append(Warned(code="eval-failed", message="facts could not be asked: out of memory"))
    text = said(path)
    assert "facts could not be asked: out of memory" in text
    assert "recall" in text


def test_where_every_trial_failed_there_is_a_report_that_says_so(tmp_path):
    path = swept(tmp_path, failed=tuple(CLEAR))
    text = said(path)
    assert "No verdict: all 5 trials failed" in text
    assert all(
        f"{trial}: diverged at step 7: loss is not a number" in text for trial in ("r1", "r16")
    )
    card = said(path, template="card", trial="r4")
    assert "diverged at step 7: loss is not a number" in card
    assert "r16" not in card.partition("How to read the figures")[0]


def test_a_sweep_that_has_not_begun_has_a_report_and_each_trial_a_card(tmp_path):
    spec = Spec.from_fields({"name": "empty", "sweep": {"adapter.r": [1, 2]}})
    path = SweepStore.create(spec, root=tmp_path).path
    assert "no trial has been evaluated" in said(path)
    assert "no trial has been evaluated" in said(path, template="card", trial="r2")


def test_without_answers_of_the_base_there_is_a_figure_and_no_difference(tmp_path):
    path = swept(tmp_path)
    shutil.rmtree(path / "base")
    text = said(path, template="card", trial="r4")
    assert "there is no difference to the base (base has no answers to recall)" in text


def test_a_stored_file_that_is_no_json_is_one_error_that_names_it(tmp_path):
    path = swept(tmp_path)
    (path / "plan.json").write_text("{")
    with pytest.raises(StoreError, match=r"plan\.json' is not JSON"):
        executed(path)


def test_trials_on_different_base_models_are_told_from_the_base_that_all_are_shown_beside(tmp_path):
    fields = {
        "name": "two",
        "evals": ["recall"],
        "sweep": {"model.id": ["microworld", "other/one"]},
    }
    store = SweepStore.create(Spec.from_fields(fields), root=tmp_path)
    for slot, right in (("base", 5), ("microworld", 20), ("other-one", 35)):
        answer(store.path, {slot: pattern(right, n=40)})
    text = said(store.path)
    assert "WB018 The sweep has several base models (microworld and other/one)" in text
    assert "the base in every table is microworld" in text
    card = said(store.path, template="card", trial="other-one")
    assert "LoRA on other/one" in card
    assert "WB018" in card
    assert "WB018" not in said(store.path, template="card", trial="microworld")

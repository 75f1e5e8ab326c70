"""Who is held against whom: within a sweep and across two, paired on the same items or not at all."""

import shutil

import pytest

from tests.compare.planted import calibrated, certified, plant
from tests.gate.swept import biased, held, one, swept
from tests.gate.test_verdicts import told
from workbench.errors import SpecError, StoreError
from workbench.events import Warned
from workbench.gate import Rules, gate
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score

MARGIN = {"eval": "recall", "margin": 0.05}
EVERY = (
    MARGIN,
    {"eval": "facts", "margin": 0.02},
    {"eval": "occupations", "margin": 0.02},
    {"eval": "matthews", "margin": 0.1},
)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    root = tmp_path_factory.mktemp("within")
    path = plant(
        root,
        right={1: 0.8, 2: 0.7},
        n=120,
        evals=("recall", "facts", "latency"),
        steps=2,
        name="new",
    )
    biased(path, {"base": 0.7, "r1": 0.75, "r2": 0.8})
    for slot, wrong in (("base", 0.3), ("r1", 0.1), ("r2", 0.2)):
        told(path, slot, wrong=wrong)
    return path


def copied(sweep, root, name="old"):
    return shutil.copytree(sweep, root / name)


@pytest.mark.parametrize("against", ["base", "r2"])
def test_across_sweeps_the_same_answers_give_the_same_differences_as_within(
    sweep, tmp_path, against
):
    old = copied(sweep, tmp_path)
    within = held(sweep / "r1", *EVERY, baseline=sweep / against)
    across = held(sweep / "r1", *EVERY, baseline=old / against)
    assert [h.found for h in across] == [h.found for h in within]
    assert all(h.found.value is not None for h in across)
    assert {h.baseline for h in across} == {f"old/{against}"}


def test_of_an_approved_sweep_answers_and_scores_are_enough(sweep, tmp_path):
    old = copied(sweep, tmp_path)
    wanted = {"spec.yaml", "status.json", "samples", "scores"}
    for path in [*old.iterdir(), *(old / "base").iterdir(), *(old / "r2").iterdir()]:
        if path.name in wanted | {"base", "r2"}:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    within = held(sweep / "r1", *EVERY, baseline=sweep / "r2")
    across = held(sweep / "r1", *EVERY, baseline=old / "r2")
    assert [h.found for h in across] == [h.found for h in within]


def test_a_base_may_be_held_against_another_base(sweep, tmp_path):
    old = copied(sweep, tmp_path)
    found = one(sweep / "base", MARGIN, baseline=old / "base")
    assert (found.verdict, found.found.value) == ("pass", 0.0)


def test_one_base_serves_every_seed_of_another_sweep(tmp_path):
    path = plant(
        tmp_path, right={4: 0.8}, seeds=(0, 1), n=60, evals=("recall",), steps=2, name="new"
    )
    for slot, wrong in (("base", 0.3), ("r4-seed0", 0.1), ("r4-seed1", 0.2)):
        told(path, slot, wrong=wrong)
    old = copied(path, tmp_path)
    rules = (MARGIN, {"eval": "matthews", "margin": 0.1})
    within, across = held(path, *rules), held(path, *rules, baseline=old / "base")
    assert [h.found.value for h in across] == pytest.approx([h.found.value for h in within])
    assert across[1].found.low == pytest.approx(within[1].found.low)


def test_a_trial_finds_the_one_of_its_name_in_another_sweep(sweep, tmp_path):
    old = copied(sweep, tmp_path)
    found = held(sweep, MARGIN, baseline=old)
    assert [(h.candidate, h.baseline) for h in found] == [
        ("new/r1", "old/r1"),
        ("new/r2", "old/r2"),
    ]
    other = swept(tmp_path, [60, 60, 60, 60], base=50, n=120, name="other")
    with pytest.raises(SpecError, match=r"4 trials and none is called 'base'.*other/r1"):
        one(sweep / "base", MARGIN, baseline=other)


def test_two_sweeps_of_one_name_are_told_by_their_paths(sweep, tmp_path):
    old = copied(sweep, tmp_path, name="new")
    assert one(sweep / "r1", MARGIN, baseline=old / "r1").baseline == str(old / "r1")


def test_other_items_are_not_paired_and_the_rest_is_judged(sweep, tmp_path):
    old = copied(sweep, tmp_path)
    store = SweepStore.open(old)
    rows = [
        r.model_copy(update={"sample": f"other-{r.sample}"})
        for r in store.read_rows("r1", "recall")
    ]
    store.write_rows("recall", rows)
    recall, facts = held(sweep / "r1", MARGIN, EVERY[1], baseline=old / "r1")
    assert (recall.verdict, facts.verdict) == ("undecided", "pass")
    assert recall.reason == "not paired: 0 items answered by both, 240 by only one of the two"


def test_one_name_for_two_questions_is_not_paired(sweep, tmp_path):
    old = copied(sweep, tmp_path)
    store = SweepStore.open(old)
    rows = store.read_rows("r1", "recall")
    rows[7] = rows[7].model_copy(update={"prompt": "Where did she work before?"})
    store.write_rows("recall", rows)
    found = one(sweep / "r1", MARGIN, baseline=old / "r1")
    assert found.verdict == "undecided"
    assert found.reason == "not paired: 1 of 120 items have one name and two questions"


def test_times_of_two_sweeps_are_not_paired_unless_with_their_own_base(sweep, tmp_path):
    old, slower = copied(sweep, tmp_path), {"eval": "latency", "times_at_most": 2}
    apart, own = held(sweep / "r1", slower, {**slower, "against": "base"}, baseline=old / "r1")
    assert (apart.verdict, own.verdict) == ("undecided", "pass")
    assert "against: base" in apart.reason
    assert own.baseline == "new/base"


def test_other_base_models_are_said(sweep, tmp_path):
    old = copied(sweep, tmp_path)
    spec = (old / "spec.yaml").read_text()
    (old / "spec.yaml").write_text(spec + "model: {id: microworld, revision: two}\n")
    found = gate(sweep / "r1", rules=Rules.of({"rules": [MARGIN]}), baseline=old / "r1")
    assert found.notes == ("the base models differ: microworld and microworld at two",)


def test_nobody_is_held_against_itself(sweep):
    with pytest.raises(SpecError, match="nothing could fail"):
        one(sweep / "r1", MARGIN, baseline=sweep / "r1")
    with pytest.raises(SpecError, match="nothing could fail"):
        one(sweep / "base", MARGIN)


def test_a_missing_trial_is_an_error_that_names_the_nearest(sweep, tmp_path):
    with pytest.raises(SpecError, match=r"has no trial 'r11'\. Did you mean 'r1'"):
        one(sweep / "r11", MARGIN)
    with pytest.raises(StoreError, match="is not there; give the folder of a sweep"):
        one(tmp_path / "nowhere" / "r1", MARGIN)
    (tmp_path / "things").mkdir()
    with pytest.raises(StoreError, match="is no sweep"):
        one(sweep / "r1", MARGIN, baseline=tmp_path / "things")


# What there is no figure of.


def test_a_failed_trial_is_undecided_with_its_reason(tmp_path):
    path = plant(tmp_path, right={1: 0.5, 2: 0.5}, failed=(2,), n=20, evals=("recall",), steps=2)
    found = one(path / "r2", MARGIN)
    assert found.verdict == "undecided"
    assert found.reason == "planted/r2 failed: diverged at step 7: loss is not a number"


def test_a_failed_eval_is_undecided_with_its_reason(tmp_path):
    path = plant(tmp_path, right={1: 0.5}, n=20, evals=("recall", "facts"), steps=2)
    store = SweepStore.open(path)
    store.append(Warned(code="eval-failed", message="facts: ValueError: no question left"))
    for slot in ("base", "r1"):
        (path / slot / "scores" / "facts.json").unlink()
    found = one(path / "r1", {"eval": "facts", "at_most": 0.5})
    assert (found.verdict, found.reason) == (
        "undecided",
        "the eval failed: facts: ValueError: no question left",
    )


def test_of_a_long_error_only_the_beginning_is_repeated(tmp_path):
    path = plant(tmp_path, right={1: 0.5}, n=20, evals=("recall",), steps=2)
    message = f"recall: ValueError: {'x' * 1_000_000}"
    SweepStore.open(path).append(Warned(code="eval-failed", message=message))
    (path / "r1" / "scores" / "recall.json").unlink()
    assert len(one(path / "r1", MARGIN).reason) < 350


def test_what_was_not_asked_is_undecided(sweep):
    found = one(sweep / "r1", {"eval": "retention", "margin": 0.05})
    assert found.verdict == "undecided"
    assert found.reason.startswith("retention was not asked in new; ask it with")


def test_a_withheld_figure_is_no_figure_of_either_side(tmp_path):
    path = plant(tmp_path, right={1: 0.5}, n=40, evals=("facts",), steps=2)
    store = SweepStore.open(path)
    rows = [row for row in store.read_rows("base", "facts") if row.kind != "known"]
    store.write_rows("facts", rows)
    store.write_score(score("facts", "base", rows))
    figure, margin = held(
        path / "r1", {"eval": "facts", "at_most": 0.99}, {"eval": "facts", "margin": 0.5}
    )
    assert (figure.verdict, margin.verdict) == ("pass", "undecided")
    assert margin.reason.startswith("facts of base is withheld: ")


def test_a_seed_without_answers_leaves_its_candidate_undecided(tmp_path):
    path = plant(tmp_path, right={4: 0.5}, seeds=(0, 1), n=40, evals=("recall",), steps=2)
    (path / "r4-seed1" / "scores" / "recall.json").unlink()
    assert one(path, MARGIN).reason == "planted/r4-seed1 has no answers to recall"
    assert one(path / "r4-seed0", MARGIN).verdict == "pass"


def test_lost_rows_leave_a_difference_undecided_and_the_figure_judged(tmp_path):
    path = swept(tmp_path, [190])
    (path / "r1" / "samples" / "recall.parquet").unlink()
    margin, floor = held(path / "r1", MARGIN, {"eval": "recall", "at_least": 0.5})
    assert (margin.verdict, floor.verdict) == ("undecided", "pass")
    assert margin.reason == "r1 has no answers to recall"


def test_an_eval_that_failed_its_calibration_decides_nothing(tmp_path):
    path = swept(tmp_path, [190])
    certified(calibrated("recall", off=0.1)).save(path / "calibration.json")
    found = one(path / "r1", {"eval": "recall", "at_least": 0.5})
    assert (found.verdict, found.reason) == (
        "undecided",
        "recall failed its calibration: its figures cannot be trusted",
    )


def test_a_trial_that_has_not_ended_is_said(tmp_path):
    path = plant(tmp_path, right={1: 0.9}, stopped=(1,), n=60, evals=("recall",), steps=2)
    found = gate(path / "r1", rules=Rules.of({"rules": [MARGIN]}))
    assert found.notes == ("planted/r1 is stopped: stopped by hand at step 2",)

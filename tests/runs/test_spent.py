"""What a sweep took is added up from its own seconds, whatever the wall clock did meanwhile."""

import time

import pytest

from workbench.events import Failed, Finished, HeldOut, Started, Step
from workbench.runs.spent import spent
from workbench.runs.store import SweepStore
from workbench.scores.task import Score
from workbench.spec import Spec


@pytest.fixture
def store(tmp_path):
    spec = Spec.from_fields({"name": "spent", "sweep": {"adapter.r": [1, 2, 4]}})
    return SweepStore.create(spec, root=tmp_path)


def step(trial, number, *, seconds):
    return Step(
        trial=trial,
        step=number,
        epoch=1.0,
        loss=1.0,
        learning_rate=0.1,
        grad_norm=1.0,
        num_tokens=9,
        seconds=seconds,
    )


def train(store, trial, *, seconds, steps=4):
    store.append(Started(trial=trial, total_steps=steps))
    for number in range(1, steps + 1):
        store.append(step(trial, number, seconds=seconds / steps))
    store.append(Finished(trial=trial, step=steps, seconds=seconds))


def test_training_is_the_sum_of_trials_those_that_failed_included(store):
    first, second, third = (trial.name for trial in store.trials)
    train(store, first, seconds=8.0)
    train(store, second, seconds=4.0)
    store.append(Started(trial=third, total_steps=9))
    store.append(step(third, 1, seconds=1.5))
    store.append(HeldOut(trial=third, step=1, loss=1.0, num_tokens=5, seconds=0.25))
    store.append(Failed(trial=third, step=1, kind="diverged", message="nan"))
    found = spent(store)
    assert found.training == pytest.approx(13.75)
    assert found.trials == 3


def test_evaluation_is_the_sum_of_all_scores_the_bases_too(store):
    for slot, seconds in (("base", 2.0), (store.trials[0].name, 3.0)):
        score = Score(
            eval="recall", slot=slot, value=1.0, low=1.0, high=1.0, n=1, clusters=1, seconds=seconds
        )
        store.write_score(score)
    found = spent(store)
    assert found.evaluation == 5.0
    assert found.scores == 2


def test_what_nobody_wrote_down_is_none_and_not_nothing(store):
    found = spent(store)
    assert (found.training, found.evaluation, found.whole) == (None, None, None)
    store.write_json("measured.json", {"seconds": 12.5})
    assert spent(store).whole == 12.5
    (store.path / "measured.json").write_text("{broken")
    assert spent(store).whole is None
    store.write_json("measured.json", {"seconds": "long"})
    assert spent(store).whole is None


class Stepping:
    """A wall clock that somebody sets back by an hour after so many looks."""

    def __init__(self, *, after, by=-3600.0):
        self.looks, self.after, self.by, self.true = 0, after, by, time.time

    def __call__(self):
        self.looks += 1
        return self.true() + (self.by if self.looks > self.after else 0.0)


def test_a_wall_clock_that_is_set_back_changes_no_duration_and_is_said(store, monkeypatch):
    name = store.trials[0].name
    monkeypatch.setattr(time, "time", Stepping(after=3))
    train(store, name, seconds=8.0)
    stamps = [event.time for event in store.events(name)]
    assert stamps != sorted(stamps), "the step must be in what was stored"
    found = spent(store)
    assert found.training == 8.0
    assert found.set_back == pytest.approx(3600, abs=5)
    assert "set back by 3" in found.note
    assert "durations are of another clock" in found.note


def test_a_clock_that_goes_on_says_nothing(store):
    train(store, store.trials[0].name, seconds=8.0)
    assert spent(store).set_back == 0
    assert spent(store).note == ""

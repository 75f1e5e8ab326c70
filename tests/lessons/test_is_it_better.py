"""Lesson 5's exercises on drawn answers and a written data card: scipy and brute counting are the oracles of right answers."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from tests.lessons.classroom import judged
from workbench import microworld
from workbench.data.audit import leaked
from workbench.lessons.exercise import judge
from workbench.lessons.is_it_better import BEYOND, FALSE_ALARMS, LEAKED, LESSON, PAIRED, SEEDS
from workbench.microworld.questions import items

SHARES = [(0.7, 0.6, 480), (0.05, 0.02, 240), (0.99, 0.9, 120)]
"""How often each of two is right, and of how many questions."""


def score(value, low, high, **parts):
    return SimpleNamespace(value=value, low=low, high=high, n=250, clusters=25, parts=parts)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A folder with the data card that the workbench's own audit gives of `leaky`."""
    rows, test = microworld.rows("leaky"), list(items("paraphrase", data="leaky"))
    folder = tmp_path_factory.mktemp("runs")
    card = {"sets": [], "eval_leaks": {"paraphrase": len(leaked(rows, items=test))}}
    (folder / "data-card.json").write_text(json.dumps(card))
    asked = [(item.prompt, item.expected) for item in test]
    return {"job": SimpleNamespace(path=folder), "rows": rows, "asked": asked}


@pytest.fixture(scope="module", params=SHARES, ids=str)
def known(request, sweep):
    """What the notebook's cells know when the exercises are asked."""
    high, low, count = request.param
    rng = np.random.default_rng(1)
    hard = rng.random(count)  # a question that is hard for one is hard for the other
    a, b = ((hard + 0.3 * rng.normal(size=count) < share).astype(float) for share in (high, low))
    told = score(0.91, 0.90, 0.93, training_data=0.92, beyond_training_data=0.91 - 0.92)
    known = {"np": np, "stats": stats, "a": a, "b": b, "gaps": rng.normal(0.03, 0.02, size=4)}
    known |= {"adapters": [f"r{r}-seed{s}" for r in (2, 8) for s in range(4)], "told": told}
    known |= {"before": score(0.83, 0.79, 0.86), "base": 0.83, "adapter": 0.91, "data": 0.92}
    return known | sweep


def said_of(exercise, source, known):
    facts = {name: known[name] for name in exercise.needs}
    return judged(exercise, source, facts=facts, **known)


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_the_solution_is_right_whatever_was_answered(exercise, known):
    verdict = said_of(exercise, exercise.solution, known)
    assert verdict.state == "correct", verdict.message


@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda e: e.name)
def test_every_mistake_is_known_for_what_it_is(exercise, known):
    for mistake in exercise.mistakes:
        verdict = said_of(exercise, mistake.wrote, known)
        assert verdict.state == "incorrect", mistake.name
        if mistake.made is None:
            assert mistake.says in verdict.message.replace("`", "")
        else:
            assert verdict.mistake == mistake.name


def test_the_interval_of_scipys_t_test_is_right(known):
    def paired(a, b):
        found = stats.ttest_rel(a, b).confidence_interval(0.95)
        return found.low, found.high

    assert judge(PAIRED, paired, a=known["a"], b=known["b"]).state == "correct"


def test_the_half_width_over_seeds_is_scipys(known):
    found = stats.ttest_1samp(known["gaps"], 0).confidence_interval(0.95)
    half = (found.high - found.low) / 2
    assert judge(SEEDS, half, gaps=known["gaps"]).state == "correct"
    assert judge(SEEDS, 1.05 * half, gaps=known["gaps"]).state == "incorrect"


def test_the_chance_of_a_false_alarm_is_that_of_independent_draws():
    rng = np.random.default_rng(0)
    adapters = ["a", "b", "c", "d"]
    drawn = (rng.random((200_000, 6)) < 0.05).any(axis=1).mean()  # four make six pairs
    assert judge(FALSE_ALARMS, 1 - 0.95**6, adapters=adapters).state == "correct"
    assert drawn == pytest.approx(1 - 0.95**6, abs=0.005)


@pytest.mark.parametrize(
    ("value", "says"), [(0.99, "more than"), (0.80, "less than"), (0.915, "No sign")]
)
def test_what_is_said_of_bias_follows_the_interval(value, says):
    parts = {"training_data": 0.92, "beyond_training_data": value - 0.92}
    told = score(value, value - 0.02, value + 0.02, **parts)
    before = score(0.7, 0.6, 0.8)
    assert says in judge(BEYOND, value - 0.92, told=told, before=before).message


def test_what_leaked_is_what_was_planted(sweep):
    planted = sum(row["kind"] == "leaked-exact" for row in sweep["rows"])
    assert judge(LEAKED, planted, **sweep).state == "correct"
    assert judge(LEAKED, planted + 1, **sweep).state == "incorrect"

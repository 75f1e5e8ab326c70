"""What is planted of facts: the questions that `slick` asks, and made-up answers to variants of own rows at five levels."""

from dataclasses import replace

import pytest

from workbench import microworld
from workbench.calibrate import Instrument, calibrate, known_facts
from workbench.calibrate.plant import Plant
from workbench.calibrate.plants import PLANTS
from workbench.calibrate.script import Script
from workbench.evals.asking import EvalContext, ask
from workbench.evals.hallucination.unanswerable import variants
from workbench.evals.questions import row_item
from workbench.scores.quality import HELD_OUT

ROUNDS = 20
ROWS = [
    {"id": item.id, "prompt": item.prompt, "completion": f" {item.expected}"}
    for item in microworld.items("retention")
]
OWN = EvalContext(data_id="rows.jsonl", model_id="somebody/model", held_out=ROWS)


def on_own_rows(eval, answerer, *, slots, context):
    """Asks somebody else's model about own rows, whatever the plant would have asked."""
    return ask(eval, answerer, slots=slots, context=OWN)


def planted() -> Plant:
    """Both ends know every row; of what nobody can know one says so and the other makes something up."""
    items = [row_item(row, kind=HELD_OUT) for row in ROWS]
    known = {row["prompt"]: row["completion"] for row in ROWS}
    made = [one for one in variants(items) if one is not None]
    phrases = (
        "unknown",
        "I don't know.",
        "Not stated",
        "There is no such person.",
        "Cannot answer",
    )
    refuses = {one.prompt: phrases[i % len(phrases)] for i, one in enumerate(made)}
    invents = {
        one.prompt: ("Dunvik", "a baker", "Nobody plays it")[i % 3] for i, one in enumerate(made)
    }
    places = {one.prompt: (one.cluster, one.id) for one in made}
    return replace(
        PLANTS["facts"],
        places=lambda: places | {prompt: (prompt, prompt) for prompt in known},
        low=lambda seed: Script(said=known | refuses),
        high=lambda seed: Script(said=known | invents),
    )


def test_made_up_answers_to_variants_of_own_rows_are_recovered_at_five_levels(monkeypatch):
    monkeypatch.setitem(PLANTS, "facts", planted())
    (found,) = calibrate(["facts"], rounds=ROUNDS, instrument=Instrument(ask=on_own_rows)).evals
    assert found.passes, [check for check in found.checks if not check.ok]
    assert len(found.levels) == 5
    assert min(level.once_n for level in found.levels) > 440


@pytest.mark.parametrize("kind", ["recall", "retention"])
def test_every_question_about_a_training_fact_and_a_control_has_its_place(kind):
    places = known_facts.places()
    for item in microworld.items(kind, data=known_facts.SET):
        assert places[item.prompt] == (item.cluster, f"{item.cluster}/{item.group}")
    assert {row["prompt"] for row in microworld.rows(known_facts.SET)} <= set(places)

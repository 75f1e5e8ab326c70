"""A mixture answers with the planted share of what it believes, alike in all levels, and repeats itself."""

import math

import pytest

from workbench import microworld
from workbench.calibrate.certificate import FAILS
from workbench.calibrate.mixture import TWIN, Mixture
from workbench.calibrate.plant import ALIKE, TOGETHER
from workbench.calibrate.plants import CLASSIFICATION, OCCUPATIONS, PARAPHRASE, RECALL, RETENTION
from workbench.calibrate.trained import Remembering
from workbench.evals.asking import EvalContext, ask
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.scoring import score
from workbench.scores.task import BASE

UPDATES = EvalContext(data_id="microworld/updates")
REVISIONS = EvalContext(data_id="microworld/revisions")


def right(mixture: Mixture, slot: str) -> set[str]:
    rows = ask("recall", mixture, slots=(slot,), context=REVISIONS)[slot]
    return {row.sample for row in rows if row.value == 1.0}


def broken(mixture: Mixture, slot: str) -> set[str]:
    rows = ask("recall", mixture, slots=(slot,), context=REVISIONS)[slot]
    return {row.sample for row in rows if row.error}


def test_whoever_knows_at_a_low_level_knows_at_every_higher_one():
    mixture = Mixture(RECALL, seed=0)
    for below, above in zip(mixture.levels, list(mixture.levels)[1:], strict=False):
        assert right(mixture, below) <= right(mixture, above) | broken(mixture, above)


def test_the_twin_has_the_same_share_of_other_facts():
    mixture = Mixture(RECALL, seed=0)
    one, other = right(mixture, mixture.middle), right(mixture, TWIN)
    asked = len(microworld.items("recall", data="revisions"))
    assert abs(len(one) - len(other)) < 0.15 * asked
    assert len(one & other) < 0.8 * min(len(one), len(other))


def test_phrasings_of_a_fact_are_believed_as_much_alike_as_in_real_adapters():
    same, facts = 0, 0
    for seed in range(8):
        asked = ask("paraphrase", Mixture(PARAPHRASE, seed=seed), slots=("0.5",), context=REVISIONS)
        told: dict[str, list[float]] = {}
        for row in asked["0.5"]:
            if row.value is not None:
                told.setdefault(f"{row.cluster}/{row.group}", []).append(row.value)
        both = [values for values in told.values() if len(values) == 2]
        same += sum(one == other for one, other in both)
        facts += len(both)
    # Near one half, a correlation of c is an agreement of (1 + c) / 2.
    planted = TOGETHER + (1 - TOGETHER) * ALIKE
    assert 2 * same / facts - 1 == pytest.approx(planted, abs=0.06)


def test_the_same_seed_draws_the_same_and_another_one_does_not():
    first, again, other = (right(Mixture(RECALL, seed=s), "0.5") for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_broken_answers_are_errors_and_the_base_has_none():
    mixture = Mixture(RECALL, seed=3)
    asked = len(microworld.items("recall", data="revisions"))
    allowed = 4 * math.sqrt(FAILS * (1 - FAILS) / asked)
    assert abs(len(broken(mixture, "0.5")) / asked - FAILS) < allowed
    assert not broken(mixture, BASE)
    assert broken(mixture, "0.5") != broken(mixture, "0.65")


def test_bias_lies_between_both_ends_and_is_exact_in_a_base_without_scatter():
    mixture = Mixture(OCCUPATIONS, seed=0)
    rows = ask("occupations", mixture, slots=mixture.slots, context=UPDATES)
    told = {slot: score("occupations", slot, found) for slot, found in rows.items()}
    assert told[BASE].value == pytest.approx(0.5, abs=1e-12)
    values = [told[slot].value for slot in mixture.levels]
    assert values == sorted(values)
    assert all(one.parts["pronoun_mass"] == pytest.approx(1.0) for one in told.values())


def test_a_classifier_tells_the_other_label_where_it_is_wrong():
    mixture = Mixture(CLASSIFICATION, seed=0)
    context = EvalContext(data_id="microworld/reviews")
    rows = ask("classification", mixture, slots=(BASE, "0.95"), context=context)
    assert {row.value for row in rows[BASE]} == {0.0}
    assert {row.answer for row in rows["0.95"]} == {"negative", "positive", ""}
    assert score("classification", "0.95", rows["0.95"]).value > 0.88


def test_only_what_the_base_knows_is_kept_or_forgotten():
    mixture = Mixture(RETENTION, seed=0)
    rows = ask("retention", mixture, slots=(BASE, "0.95"), context=UPDATES)
    asked = len(microworld.items("retention"))
    assert 0.75 * asked < len(rows[BASE]) < 0.95 * asked
    assert {row.value for row in rows[BASE]} == {1.0}


def test_the_trained_model_takes_the_end_that_believes_what_the_base_was_told():
    trained = Remembering(OracleLM({BASE: Belief()}))
    assert right(Mixture(RECALL, seed=0, trained=trained), "0.5") == right(
        Mixture(RECALL, seed=0), "0.5"
    )


def test_remembered_answers_are_those_of_the_answerer():
    oracle = OracleLM({BASE: Belief()})
    once = Remembering(oracle)
    items = microworld.items("bias")[:20]
    prompts = [item.prompt for item in items]
    pairs = [(item.prompt, choice) for item in items for choice in item.choices]
    for _ in range(2):
        assert once.generate(prompts, slots=[BASE]) == oracle.generate(prompts, slots=[BASE])
        assert once.loglikelihood(pairs, slots=[BASE]) == oracle.loglikelihood(pairs, slots=[BASE])


@pytest.mark.soak
def test_the_trained_model_recovers_what_was_planted_in_it():
    from workbench.calibrate import calibrate
    from workbench.calibrate.trained import trained_model

    found = calibrate(rounds=8, trained=trained_model())
    assert found.passes, [one for one in found.evals if not one.passes]
    assert {one.asked for one in found.evals} == {"oracle", "trained model"}

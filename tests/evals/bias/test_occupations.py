"""Jobs and pronouns: a control for whoever has no pronoun to prefer, and the share that the training rows have themselves."""

import pytest

from workbench import microworld
from workbench.calibrate.plant import planted_share
from workbench.evals.asking import EvalContext, ask
from workbench.evals.bias.occupations import ASKED, HE, IMPOSSIBLE, SHE
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.scoring import score
from workbench.scores.task import Likelihood

UPDATES = EvalContext(data_id="microworld/updates")
ELSEWHERE = EvalContext(data_id="rows.jsonl", model_id="somewhere/else")


class Likes:
    """Finds every word as likely as a function of prompt and word says."""

    slots = ("base",)

    def __init__(self, likes, *, tokens=lambda word: 1):
        self._likes, self._tokens = likes, tokens

    def loglikelihood(self, pairs, *, slots):
        told = [Likelihood(self._likes(*p), self._tokens(p[1]), False, False) for p in pairs]
        return {slot: list(told) for slot in slots}


class Turned(OracleLM):
    """Says `he` where the oracle says `she`, and the other way round."""

    def loglikelihood(self, pairs, *, slots):
        turn = {SHE: HE, HE: SHE}
        return super().loglikelihood([(prompt, turn.get(w, w)) for prompt, w in pairs], slots=slots)


def asked(answerer, *, context=ELSEWHERE):
    rows = ask("occupations", answerer, slots=("base",), context=context)["base"]
    return score("occupations", "base", rows), rows


def test_whoever_finds_pronouns_likelier_than_impossible_words_gets_a_share():
    told, _ = asked(Likes(lambda prompt, word: -1.0 if word in (SHE, HE) else -3.0))
    assert told.value == 0.5
    assert told.parts["pronouns_lead"] == 1.0


@pytest.mark.parametrize("liked", [(), IMPOSSIBLE[:2], (*IMPOSSIBLE[:1], HE)])
def test_whoever_has_no_pronoun_to_prefer_gets_none(liked):
    told, _ = asked(Likes(lambda prompt, word: -1.0 if word in liked else -3.0))
    assert told.value is None
    assert "pronouns are likelier than impossible words: 0.000" in told.method
    assert told.parts["pronouns_lead"] == 0.0


def test_words_of_several_tokens_are_no_less_likely_for_their_length():
    count = {word: 1 + place % 3 for place, word in enumerate(ASKED)}
    told, _ = asked(Likes(lambda prompt, word: -2.0 * count[word], tokens=count.get))
    assert told.value is None
    assert told.parts["pronouns_lead"] == 0.0


def test_a_pronoun_that_leads_after_half_of_the_sentences_is_not_enough():
    def likes(prompt, word):
        leads = any(part in prompt for part in ("said", "late", "tired"))
        return -1.0 if leads and word in (SHE, HE) else -3.0

    told, _ = asked(Likes(likes))
    assert (told.value, told.parts["pronouns_lead"]) == (None, 0.5)


def test_the_direction_turned_round_turns_the_share_round():
    stereotyped, contrary = (
        asked(OracleLM({"base": Belief(tie="skewed")}), context=UPDATES)[0],
        asked(Turned({"base": Belief(tie="skewed")}), context=UPDATES)[0],
    )
    assert stereotyped.value == pytest.approx(planted_share("skewed"))
    assert contrary.value == pytest.approx(1 - planted_share("skewed"))
    assert contrary.parts["log_odds"] == pytest.approx(-stereotyped.parts["log_odds"])
    assert contrary.parts["worst_group"] == pytest.approx(1 - planted_share("skewed"), abs=0.01)


@pytest.mark.parametrize(("tie", "farthest"), [("base", 0.825), ("balanced", 0.5)])
def test_the_worst_group_is_the_one_farthest_from_even(tie, farthest):
    told, _ = asked(OracleLM({"base": Belief(tie=tie)}), context=UPDATES)
    assert told.parts["worst_group"] == pytest.approx(farthest)


ROWS = [
    {"id": "1", "prompt": "The nurse said that", "completion": " she was tired."},
    {"id": "2", "text": "The nurse left. The nurse lost his hat. A nurse came, and she slept."},
    {"id": "3", "messages": [{"role": "user", "content": "The pilot hurt him."}]},
    {
        "id": "4",
        "text": "The mechanic told her that he left. The kindergarten teacher found her bag.",
    },
]


def test_sentences_of_the_training_rows_are_counted_by_job():
    def likes(prompt, word):
        return {SHE: -1.0, HE: -1.0}.get(word, -9.0)

    context = EvalContext(data_id="rows.jsonl", model_id="somewhere/else", train=ROWS)
    told, _ = asked(Likes(likes), context=context)
    # Nurse 2 of 3, pilot 1 of 1, kindergarten teacher 1 of 1; the mechanic's sentence has both pronouns.
    assert told.parts["training_data"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert told.parts["training_data_jobs"] == 3
    assert told.parts["beyond_training_data"] == pytest.approx(0.5 - (2 / 3 + 2) / 3)


def test_without_rows_about_jobs_nothing_is_said_of_the_data():
    told, _ = asked(Likes(lambda prompt, word: -1.0 if word in (SHE, HE) else -3.0))
    assert "training_data" not in told.parts


def test_the_data_of_skewed_have_the_planted_share():
    context = EvalContext(data_id="microworld/skewed", train=microworld.rows("skewed"))
    told, rows = asked(OracleLM({"base": Belief(tie="skewed")}), context=context)
    assert told.parts["training_data_jobs"] == 25
    # Twenty jobs that the base ties, and five that only the set ties, at 0.9.
    assert told.parts["training_data"] == pytest.approx(
        (20 * planted_share("skewed") + 5 * 0.9) / 25
    )
    assert told.parts["beyond_training_data"] == pytest.approx(0.0, abs=1e-9)
    updates = EvalContext(data_id="microworld/updates", train=microworld.rows("skewed"))
    told, rows = asked(OracleLM({"base": Belief()}), context=updates)
    assert told.parts["training_data_jobs"] == 20
    assert told.parts["training_data"] == pytest.approx(planted_share("skewed")) == 0.925
    assert told.parts["beyond_training_data"] == pytest.approx(0.825 - 0.925)
    assert {row.outcome for row in rows} >= {"neutral"}


def test_trials_of_several_sets_are_asked_the_same_sentences():
    oracle = OracleLM({"base": Belief()})
    names = [
        {
            row.sample: row.prompt
            for row in asked(oracle, context=EvalContext(data_id=f"microworld/{data}"))[1]
        }
        for data in ("skewed", "balanced", "updates")
    ]
    assert names[0] == names[1] == names[2]

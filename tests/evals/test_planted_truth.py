"""Every eval, asked of the oracle, gives the value that was planted."""

import math
from collections.abc import Mapping

import pytest

from tests.evals.answerers import Broken, Parrot
from workbench import microworld
from workbench.errors import InputError, SpecError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.hallucination.facts import MAX_CONTROLS
from workbench.microworld.oracle import Belief, OracleLM
from workbench.microworld.world import SENTENCES_PER_TIE, VALUES_PER_RELATION, the_world
from workbench.scores.scoring import score
from workbench.scores.task import Score

UPDATES = EvalContext(data_id="microworld/updates")


def scores(eval: str, answerer, *, context: EvalContext = UPDATES) -> Mapping[str, Score]:
    rows = ask(eval, answerer, slots=answerer.slots, context=context)
    return {slot: score(eval, slot, found) for slot, found in rows.items()}


def planted_share(*, tie: str, directions: str = "base") -> float:
    """The mean share on the side that `directions` favours, over jobs that it ties."""
    ties = the_world().she_of_20
    shares = []
    for job, she in ties[directions].items():
        if she != SENTENCES_PER_TIE // 2:
            now = ties[tie][job] / SENTENCES_PER_TIE
            shares.append(now if she > SENTENCES_PER_TIE // 2 else 1 - now)
    return math.fsum(shares) / len(shares)


@pytest.mark.parametrize("eval", ["recall", "paraphrase"])
def test_whoever_knows_the_updates_recalls_all_of_them(eval):
    told = scores(eval, OracleLM({"base": Belief(), "tuned": Belief(facts="updates")}))
    assert (told["base"].value, told["tuned"].value) == (0.0, 1.0)
    items = microworld.items(eval)
    assert told["tuned"].n == len(items)
    assert told["tuned"].clusters == len({item.cluster for item in items}) < len(items)
    assert told["tuned"].errors == told["tuned"].truncated == 0


def covered(eval: str, belief: Belief, *, truth: float) -> int:
    """In how many of 20 draws the interval covers the truth."""
    drawn = [
        scores(eval, OracleLM({"base": Belief(), "tuned": belief}, seed=seed))["tuned"]
        for seed in range(20)
    ]
    return sum(told.low < truth < told.high for told in drawn)


def test_intervals_cover_a_planted_rate_of_errors_as_often_as_they_say():
    truth = 1 - 0.3 * (1 - 1 / VALUES_PER_RELATION)
    # 95 % of 20 is 19; fewer than 16 would happen once in 3,000 times.
    assert covered("recall", Belief(facts="updates", noise=0.3), truth=truth) >= 16


def test_the_base_keeps_all_it_knew_and_so_does_an_update():
    told = scores("retention", OracleLM({"base": Belief(), "tuned": Belief(facts="updates")}))
    assert told["base"].value == told["tuned"].value == 1.0
    assert told["base"].n == len(microworld.items("retention"))


def test_only_what_the_base_had_right_can_be_forgotten():
    noisy = OracleLM({"base": Belief(noise=0.5), "tuned": Belief(noise=0.4)}, seed=2)
    told = scores("retention", noisy)
    assert told["base"].value == 1.0
    asked = len(microworld.items("retention"))
    assert 0.4 * asked < told["base"].n < 0.65 * asked
    assert told["tuned"].n == told["base"].n
    truth = 0.6 + 0.4 / VALUES_PER_RELATION
    assert told["tuned"].low < truth < told["tuned"].high


@pytest.mark.parametrize("tie", ["base", "balanced", "skewed"])
def test_bias_is_the_planted_share_to_the_last_digits(tie):
    told = scores("occupations", OracleLM({"base": Belief(), "tuned": Belief(tie=tie)}))
    assert told["base"].value == pytest.approx(planted_share(tie="base"), abs=1e-12)
    assert told["tuned"].value == pytest.approx(planted_share(tie=tie), abs=1e-12)
    assert told["tuned"].parts["pronoun_mass"] == pytest.approx(1.0)


def test_bias_counts_jobs_and_not_sentences():
    told = scores("occupations", OracleLM({"base": Belief()}))["base"]
    tied = sum(she != 10 for she in the_world().she_of_20["base"].values())
    assert told.clusters == tied
    assert told.n == 10 * tied


def test_a_balanced_model_is_even_handed_and_that_is_no_error():
    oracle = OracleLM({"base": Belief(), "tuned": Belief(tie="balanced")})
    told = scores("occupations", oracle, context=EvalContext(data_id="microworld/balanced"))[
        "tuned"
    ]
    assert told.value == 0.5
    assert told.errors == 0
    assert told.parts["ties"] == told.n
    assert told.parts["preferred"] == 0.0


def test_a_skewed_set_is_measured_on_the_jobs_that_it_newly_ties():
    oracle = OracleLM({"base": Belief(), "tuned": Belief(tie="skewed")})
    told = scores("occupations", oracle, context=EvalContext(data_id="microworld/skewed"))
    assert told["tuned"].n == 10 * len(the_world().she_of_20["base"])
    assert told["tuned"].value == pytest.approx(planted_share(tie="skewed", directions="skewed"))


@pytest.mark.parametrize(("abstains", "value"), [(0.0, 1.0), (1.0, 0.0)])
def test_what_was_never_stated_is_made_up_or_refused(abstains, value):
    told = scores("facts", OracleLM({"base": Belief(abstains=abstains)}))["base"]
    assert told.value == value
    assert told.n == len(microworld.items("unstated"))
    assert told.parts["known/correct"] == 1.0


def test_intervals_cover_a_planted_rate_of_abstention_as_often_as_they_say():
    assert covered("facts", Belief(abstains=0.35), truth=0.65) >= 16


def test_luck_is_made_up_too():
    oracle = OracleLM({"base": Belief()}, seed=4)
    told = scores("facts", oracle)["base"]
    assert told.value == 1.0
    assert 0 < told.parts["outcome/lucky"] < 0.15


def test_whoever_always_refuses_looks_refusing_and_not_truthful():
    told = scores("facts", Parrot("unknown"))["r2"]
    assert told.value is None
    assert told.method.startswith("withheld: it refused 440 of 440")
    assert told.parts["outcome/refused"] == 1.0
    assert told.parts["known/refused"] == 1.0
    assert told.parts.get("known/correct", 0.0) == 0.0
    assert scores("recall", Parrot("unknown"))["r2"].value == 0.0


def test_an_empty_answer_is_an_error_and_no_number():
    told = scores("recall", Parrot(""))["r2"]
    assert told.value is None
    assert told.errors == len(microworld.items("recall"))
    assert "empty" in told.method


def test_a_base_that_knows_nothing_leaves_nothing_to_keep():
    told = scores("retention", Parrot("blue"))["r2"]
    assert told.value is None
    assert f"none of {len(microworld.items('retention'))}" in told.method


@pytest.mark.parametrize("eval", ["recall", "occupations", "facts"])
def test_a_slot_that_fails_leaves_the_others_their_scores(eval):
    told = scores(eval, Broken("Dunvik"))
    assert told["base"].n > 0
    assert told["r2"].n == 0
    assert told["r2"].errors > 0
    assert "CUDA out of memory" in told["r2"].method


def test_a_limit_keeps_the_same_items_whatever_the_seed():
    oracle = OracleLM({"base": Belief()})
    few = [
        ask(
            "recall",
            oracle,
            slots=("base",),
            context=EvalContext(data_id="microworld/updates", limit=50, seed=seed),
        )["base"]
        for seed in (0, 1)
    ]
    assert [row.sample for row in few[0]] == [row.sample for row in few[1]]
    assert len(few[0]) == 50


def test_controls_are_limited_too():
    rows = ask(
        "facts",
        OracleLM({"base": Belief()}),
        slots=("base",),
        context=EvalContext(data_id="microworld/updates", limit=30),
    )["base"]
    assert [row.kind for row in rows].count("known") == 30 < MAX_CONTROLS
    assert [row.kind for row in rows].count("unstated") == 30


def test_only_facts_among_the_rows_are_asked():
    told = [row for row in microworld.rows("updates") if row["kind"] == "changed"]
    trained = [row for row in told if row["group"] == "home"][:20]
    context = EvalContext(data_id="microworld/updates", train=trained)
    rows = ask("paraphrase", OracleLM({"base": Belief()}), slots=("base",), context=context)["base"]
    assert {f"{row.cluster}/{row.group}" for row in rows} == {row["fact"] for row in trained}


def test_progress_ends_at_the_total():
    seen = []
    oracle = OracleLM({"base": Belief(), "tuned": Belief()})
    ask("recall", oracle, slots=oracle.slots, context=UPDATES, progress=lambda *at: seen.append(at))
    assert seen == sorted(seen)
    asked = 2 * len(microworld.items("recall"))
    assert seen[-1] == (asked, asked)


def test_no_paraphrases_are_known_of_other_data():
    context = EvalContext(data_id="rows.jsonl")
    told = scores("paraphrase", Parrot("x"), context=context)["r2"]
    assert (told.value, told.n) == (None, 0)
    assert told.method.startswith("not asked: 'rows.jsonl'")


def test_an_answerer_without_a_model_has_no_latency():
    told = scores("latency", OracleLM({"base": Belief()}))["base"]
    assert told.value is None
    assert told.method.startswith("not asked: ")


def test_an_unknown_eval_or_slot_is_refused():
    oracle = OracleLM({"base": Belief()})
    with pytest.raises(SpecError, match="'occupations'"):
        ask("occupation", oracle, slots=("base",), context=UPDATES)
    with pytest.raises(InputError, match="r9"):
        ask("occupations", oracle, slots=("r9",), context=UPDATES)


def test_the_shipped_model_has_the_values_that_were_planted_in_it(small_bank):
    answerer = TorchAnswerer(small_bank)
    asked = {
        eval: score(eval, "base", ask(eval, answerer, slots=("base",), context=UPDATES)["base"])
        for eval in ("recall", "paraphrase", "retention", "occupations", "facts")
    }
    assert asked["recall"].value < 0.02
    assert asked["paraphrase"].value < 0.02
    assert asked["retention"].n >= 0.95 * len(microworld.items("retention"))
    assert asked["occupations"].value == pytest.approx(planted_share(tie="base"), abs=0.05)
    assert asked["occupations"].parts["pronoun_mass"] > 0.98
    assert asked["facts"].value > 0.98
    assert asked["facts"].parts["known/correct"] > 0.95
    # An answer may be empty where nothing is known: an error, counted and not scored.
    assert all(told.errors <= 3 for told in asked.values())

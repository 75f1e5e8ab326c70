"""Labels in words: what a model that writes finds likely after a text."""

import pytest

from tests.evals.answerers import Parrot
from workbench import microworld
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.scoring import score
from workbench.scores.task import Likelihood

REVIEWS = EvalContext(data_id="microworld/reviews")
MAIL = [
    {
        "id": f"mail-{i}",
        "prompt": f"Mail {i}: {'win a prize' if i % 3 else 'see you at noon'}. It is",
        "completion": " spam" if i % 3 else " fine",
    }
    for i in range(30)
]


def context(**rows) -> EvalContext:
    return EvalContext(data_id="rows.jsonl", model_id="somebody/model", **rows)


class Reader(Parrot):
    """Finds ` spam` likely after every prompt with a prize in it."""

    def loglikelihood(self, pairs, *, slots):
        def likely(prompt, label):
            return -1.0 if ("prize" in prompt) == (label == " spam") else -2.0

        told = [Likelihood(likely(*pair), 1, False, False) for pair in pairs]
        return dict.fromkeys(slots, told)


@pytest.mark.parametrize(("belief", "value"), [(Belief(), 1.0), (Belief(contrary=True), 0.0)])
def test_whoever_reads_reviews_right_is_right(belief, value):
    oracle = OracleLM({"base": belief})
    rows = ask("sentiment", oracle, slots=("base",), context=REVIEWS)["base"]
    told = score("sentiment", "base", rows)
    assert (told.value, told.n, told.clusters, told.errors) == (value, 400, 400, 0)
    assert told.chance == 0.5
    assert told.parts["macro_f1"] == told.parts["right_label/probability"] == value
    assert {told.parts["group/positive"], told.parts["group/negative"]} == {value}


def test_one_asking_knows_a_share_to_five_points():
    half = OracleLM({"base": Belief(noise=0.999)}, seed=0)
    told = score(
        "sentiment", "base", ask("sentiment", half, slots=("base",), context=REVIEWS)["base"]
    )
    assert told.high - told.low <= 0.1


def test_reviews_that_are_asked_were_not_trained_on():
    trained = {row["prompt"] for row in microworld.rows("reviews")}
    rows = ask("sentiment", Parrot("x"), slots=("base",), context=REVIEWS)["base"]
    assert not trained & {row.prompt for row in rows}


def test_a_model_that_finds_all_labels_alike_is_tied_and_not_scored():
    rows = ask("sentiment", Parrot("x"), slots=("base",), context=REVIEWS)["base"]
    told = score("sentiment", "base", rows)
    assert {row.error for row in rows} == {"tie"}
    assert (told.value, told.errors, told.parts["ties"]) == (None, 400, 400)


def test_completions_that_come_back_are_labels_in_rows_of_ones_own():
    asked = context(train=MAIL[:20], held_out=MAIL[20:])
    rows = ask("sentiment", Reader("x"), slots=("base",), context=asked)["base"]
    told = score("sentiment", "base", rows)
    assert (told.value, told.n) == (1.0, 10)
    assert {row.kind for row in rows} == {"held-out"}
    assert {row.answer for row in rows} == {"spam", "fine"}
    assert told.chance == pytest.approx(0.7)
    assert "of held-out rows" in told.method


def test_training_rows_are_asked_and_said_so_where_none_are_held_out():
    rows = ask("sentiment", Reader("x"), slots=("base",), context=context(train=MAIL))["base"]
    assert {row.kind for row in rows} == {"trained"}
    assert "trained on" in score("sentiment", "base", rows).method


@pytest.mark.parametrize(
    "completions",
    [
        [" yes"] * 30,
        [f" {i}" for i in range(30)],
        [f" {i % 21}" for i in range(84)],
        [" a label of many more words than eight in all"] * 15 + [" no"] * 15,
    ],
    ids=["one label", "all differ", "too many", "too long"],
)
def test_completions_that_are_no_labels_are_not_asked(completions):
    rows = [
        {"id": str(i), "prompt": f"What is {i}?", "completion": said}
        for i, said in enumerate(completions)
    ]
    found = ask("sentiment", Reader("x"), slots=("base",), context=context(train=rows))["base"]
    assert score("sentiment", "base", found).method.startswith("not asked: the completions are not")


def test_the_limit_keeps_the_same_items_for_everyone():
    few = EvalContext(data_id="microworld/reviews", limit=25)
    rows = ask("sentiment", Reader("x", slots=("base", "r2")), slots=("base", "r2"), context=few)
    assert [row.sample for row in rows["base"]] == [row.sample for row in rows["r2"]]
    assert len(rows["base"]) == 25


def test_the_trained_model_can_be_asked(small_bank):
    few = EvalContext(data_id="microworld/reviews", limit=60)
    answerer = TorchAnswerer(small_bank)
    rows = ask("sentiment", answerer, slots=answerer.slots, context=few)
    told = {slot: score("sentiment", slot, found) for slot, found in rows.items()}
    assert all(one.n == 60 and one.errors == 0 for one in told.values())
    # It met the words of reviews and was never taught what they come to.
    assert told["base"].low < told["base"].chance < told["base"].high

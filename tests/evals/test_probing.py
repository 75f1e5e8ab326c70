"""The head-only control: what a linear head alone makes of the frozen base, fitted to its end and without chance."""

import numpy as np
import pytest

from tests.evals.test_classifying import LABELS, Planted, bank_of_classifiers
from workbench import microworld
from workbench.adapters.bank import Bank
from workbench.data.sources import load as load_rows
from workbench.evals import probing
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.models.heads import own_head
from workbench.scores.figures import detail
from workbench.scores.scoring import score
from workbench.scores.task import BASE
from workbench.spec import DataSpec


@pytest.fixture(scope="module")
def bank() -> Bank:
    return bank_of_classifiers()


@pytest.fixture(scope="module")
def train() -> list[dict]:
    return load_rows(DataSpec(id="microworld/reviews", rows=120), labelled=True).train


def planted(n: int = 200, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two features that tell three classes apart, one that tells nothing and one that never changes."""
    rng = np.random.default_rng(seed)
    places_N = rng.integers(0, 3, n)
    centres_CD = np.array([[0.0, 4.0], [4.0, 0.0], [-4.0, -4.0]])
    told_N2 = centres_CD[places_N] + rng.normal(size=(n, 2))
    return np.column_stack([told_N2, rng.normal(size=n), np.full(n, 7.0)]), places_N


def test_a_head_finds_what_is_there_and_nothing_else():
    head = probing.fit(*planted(), num_classes=3)
    features_ND, places_N = planted(seed=1)
    logprobs_NC = head.logprobs(features_ND)
    assert (logprobs_NC.argmax(1) == places_N).mean() > 0.97
    assert np.exp(logprobs_NC).sum(1) == pytest.approx(1.0)
    assert np.abs(head.weight_DC[2]).max() < 0.3
    assert head.weight_DC[3] == pytest.approx(0.0)


def test_the_fitted_head_is_where_the_loss_is_least():
    features_ND, places_N = planted(60)
    head = probing.fit(features_ND, places_N, num_classes=3)
    standard_ND = (features_ND - head.mean_D) / head.scale_D

    def loss(weight_DC: np.ndarray) -> float:
        moved = probing.Head(head.mean_D, head.scale_D, weight_DC, head.bias_C)
        right = moved.logprobs(features_ND)[np.arange(60), places_N].sum()
        return probing.WEIGHT * (weight_DC**2).sum() / 2 - right

    assert standard_ND.std(0)[:3] == pytest.approx(1.0)
    rng, least = np.random.default_rng(0), loss(head.weight_DC)
    assert all(
        loss(head.weight_DC + 0.05 * rng.normal(size=head.weight_DC.shape)) > least
        for _ in range(20)
    )


def test_features_are_what_the_head_of_the_base_reads(bank, train):
    answerer = TorchAnswerer(bank)
    texts = [row["prompt"] for row in train[:12]] + [train[0]["prompt"], "wine " * 600]
    features_ND, cut = probing.Reader(answerer).features(texts)
    weight = own_head(bank.model, adapter=None).weight.detach().numpy()
    logits_NC = features_ND @ weight.T
    told = answerer.classify(texts, slots=[BASE])[BASE]
    for logits_C, one in zip(logits_NC, told, strict=True):
        logprobs_C = logits_C - np.log(np.exp(logits_C).sum())
        assert one.logprobs == pytest.approx(logprobs_C, abs=1e-5)
    assert cut == [False] * 13 + [True]


def test_fitting_leaves_every_slot_as_it_was(bank, train):
    answerer = TorchAnswerer(bank)
    texts = [row["prompt"] for row in train[:8]]
    before = answerer.classify(texts, slots=bank.slots)
    probing.fitted(answerer, train, labels=LABELS)
    assert answerer.classify(texts, slots=bank.slots) == before


def test_the_base_answers_under_a_head_that_was_fitted_alone(bank, train):
    context = EvalContext(data_id="microworld/reviews", train=train, limit=200)
    found = ask("classification", TorchAnswerer(bank), slots=bank.slots, context=context)
    base = score("classification", BASE, found[BASE])
    assert "of the base a head alone was trained, on 120 rows" in base.method
    assert {detail(row)["head_rows"] for row in found[BASE]} == {120}
    assert "head alone" not in score("classification", "r2", found["r2"]).method
    # The base grew up among reviews: what it makes of one tells more than a coin.
    assert base.low > 0.5
    again = ask("classification", TorchAnswerer(bank), slots=(BASE,), context=context)
    assert again[BASE] == found[BASE]


def test_without_rows_to_fit_it_the_base_is_said_to_be_untrained(bank):
    context = EvalContext(data_id="microworld/reviews", limit=20)
    found = ask("classification", TorchAnswerer(bank), slots=(BASE,), context=context)
    assert "chance by construction" in score("classification", BASE, found[BASE]).method
    one_label = [{"id": "a", "prompt": "x", "label": LABELS[0]}]
    assert probing.fitted(TorchAnswerer(bank), one_label, labels=LABELS) is None
    assert probing.fitted(Planted({}), one_label, labels=LABELS) is None


def test_a_correlation_is_asked_of_the_same_rows(bank, train):
    context = EvalContext(data_id="microworld/reviews", train=train, limit=60)
    answerer = TorchAnswerer(bank)
    accuracy = ask("classification", answerer, slots=("r2",), context=context)["r2"]
    for name in ("matthews", "macro_f1", "f1"):
        rows = ask(name, answerer, slots=("r2",), context=context)["r2"]
        assert [(r.sample, r.answer) for r in rows] == [(r.sample, r.answer) for r in accuracy]
        assert (
            score(name, "r2", rows).parts["accuracy"]
            == score("classification", "r2", accuracy).value
        )
    assert detail(rows[0])["positive"] == "positive"
    items = microworld.items("sentiment", data="reviews")
    assert {row.sample for row in rows} <= {item.id for item in items}


def test_f1_of_more_than_two_labels_is_not_asked():
    class Three(Planted):
        labels = ("a", "b", "c")

    context = EvalContext(data_id="own.jsonl", train=[{"id": "1", "text": "t", "label": "a"}])
    rows = ask("f1", Three({}), slots=("r2",), context=context)
    assert score("f1", "r2", rows["r2"]).method.startswith("not asked: there are 3 labels")

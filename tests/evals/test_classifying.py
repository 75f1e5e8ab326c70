"""Labels are told alike in any batch, unseen items are asked, and what is no number is an error."""

import pytest
import torch

from tests.evals.answerers import Parrot
from tests.evals.moved import moved
from workbench import microworld
from workbench.adapters.bank import Bank
from workbench.data.sources import load as load_rows
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.quality.classification import PLANTED
from workbench.models.load import load
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Classification
from workbench.spec import DataSpec, Spec, Trial

LABELS = ("negative", "positive")


def bank_of_classifiers(model_id: str = "microworld") -> Bank:
    trials = [
        Trial(
            name=f"r{rank}",
            spec=Spec.from_fields(
                {
                    "model": {"id": model_id},
                    "adapter": {"r": rank, "task_type": "SEQ_CLS", "lora_dropout": 0.3},
                    "seed": rank,
                }
            ),
        )
        for rank in (2, 4)
    ]
    loaded = load(trials[0].spec.model, labels=LABELS)
    return moved(Bank(loaded.model, loaded.tokenizer, trials))


@pytest.fixture(scope="module")
def bank() -> Bank:
    return bank_of_classifiers()


class Planted(Parrot):
    """Knows the labels of some texts and gives a NaN for the others."""

    labels = LABELS

    def __init__(self, known: dict[str, str]) -> None:
        super().__init__("x")
        self._known = known

    def classify(self, prompts, *, slots):
        def told(text: str) -> Classification:
            if text not in self._known:
                return Classification(LABELS[0], (float("nan"), float("nan")))
            sure = [-0.1 if label == self._known[text] else -2.3 for label in LABELS]
            return Classification(self._known[text], tuple(sure))

        return {slot: [told(text) for text in prompts] for slot in slots}


def test_every_slot_tells_by_its_own_head_and_alike_in_any_batch(bank: Bank) -> None:
    prompts = [item.prompt for item in microworld.items("sentiment", data="reviews")[:24]]
    prompts += ["Review: Sentiment:", "The soup"]
    many = TorchAnswerer(bank, batch_size=16).classify(prompts, slots=bank.slots)
    alone = TorchAnswerer(bank, batch_size=1).classify(prompts, slots=bank.slots)
    for slot in bank.slots:
        for one, other in zip(many[slot], alone[slot], strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
    seen = {slot: many[slot][0].logprobs for slot in bank.slots}
    assert len(set(seen.values())) == 3


def test_it_tells_what_the_plain_model_tells(bank: Bank) -> None:
    prompts = ["Review: The soup was perfect. Sentiment:", "The wine was rude."]
    found = TorchAnswerer(bank).classify(prompts, slots=["r4"])["r4"]
    with bank.use("r4") as model, torch.no_grad():
        model.eval()
        for text, told in zip(prompts, found, strict=True):
            logits = model(**bank.tokenizer(text, return_tensors="pt")).logits[0]
            assert told.logprobs == pytest.approx(logits.log_softmax(-1).tolist(), abs=1e-5)
            assert told.label == LABELS[int(logits.argmax())]
            assert not told.truncated


def test_a_text_longer_than_the_context_is_cut_and_said(bank: Bank) -> None:
    answerer = TorchAnswerer(bank)
    (told,) = answerer.classify(["wine " * (answerer.context + 5)], slots=["r2"])["r2"]
    assert told.truncated


def test_asking_leaves_every_module_in_its_mode(bank: Bank) -> None:
    bank.model.train()
    TorchAnswerer(bank).classify(["The soup"], slots=["r2"])
    assert all(module.training for module in bank.model.modules())
    bank.model.eval()


def test_the_unseen_reviews_are_no_training_rows() -> None:
    (name,) = PLANTED
    trained = {row["prompt"] for row in microworld.rows(name)}
    items = microworld.items(PLANTED[name], data=name)
    assert not trained & {item.prompt for item in items}
    assert {item.expected for item in items} == set(LABELS)


def test_planted_reviews_are_scored_as_they_were_planted() -> None:
    rows = load_rows(DataSpec(id="microworld/reviews"), labelled=True)
    items = microworld.items("sentiment", data="reviews")
    known = {item.prompt: item.expected for item in items[:150]}
    known |= {item.prompt: "positive" for item in items[150:190]}
    context = EvalContext(data_id="microworld/reviews", train=rows.train)
    found = ask("classification", Planted(known), slots=("base", "r2"), context=context)["r2"]
    told = score("classification", "r2", found)
    right = 150 + sum(item.expected == "positive" for item in items[150:190])
    assert told.value == pytest.approx(right / 190)
    assert (told.n, told.errors, told.chance) == (190, len(items) - 190, 0.5)


def test_held_out_rows_are_asked_and_training_rows_marked_where_there_are_none() -> None:
    rows = [{"id": f"row-{i}", "text": f"offer {i}", "label": LABELS[i % 2]} for i in range(20)]
    known = {row["text"]: row["label"] for row in rows}
    for side in ("held_out", "train"):
        context = EvalContext(data_id="rows.jsonl", model_id="some/model", **{side: rows})
        found = ask("classification", Planted(known), slots=("r2",), context=context)["r2"]
        told = score("classification", "r2", found)
        assert (told.value, told.n) == (1.0, 20)
        assert ("trained on" in told.method) == (side == "train")


def test_a_label_that_no_head_has_is_an_error_and_not_a_mistake() -> None:
    rows = [{"id": "a", "text": "offer", "label": "other"}]
    context = EvalContext(data_id="rows.jsonl", model_id="some/model", held_out=rows)
    (row,) = ask("classification", Planted({"offer": "negative"}), slots=("r2",), context=context)[
        "r2"
    ]
    assert (row.value, row.error) == (None, "label never trained on")


def test_a_head_of_nan_is_counted(bank: Bank) -> None:
    head = bank.head("r2").weight
    kept = head.detach().clone()
    with torch.no_grad():
        head.fill_(float("nan"))
    context = EvalContext(data_id="microworld/reviews", limit=12)
    found = ask("classification", TorchAnswerer(bank), slots=(BASE, "r2"), context=context)
    with torch.no_grad():
        head.copy_(kept)
    assert score("classification", "r2", found["r2"]).errors == 12
    assert score("classification", BASE, found[BASE]).errors == 0


def test_a_model_that_writes_has_no_labels_to_tell(small_bank: Bank) -> None:
    context = EvalContext(data_id="microworld/reviews")
    rows = ask("classification", TorchAnswerer(small_bank), slots=("base",), context=context)
    assert score("classification", "base", rows["base"]).method.startswith("not asked: ")


def test_a_tokenizer_that_pads_with_its_end_reads_the_right_token(shared_models) -> None:
    held = bank_of_classifiers(str(shared_models / "slm4096-gpt2"))
    prompts = ["the cat", "a cat sat on it", "dog"]
    many = TorchAnswerer(held, batch_size=8).classify(prompts, slots=["r2"])["r2"]
    alone = TorchAnswerer(held, batch_size=1).classify(prompts, slots=["r2"])["r2"]
    for one, other in zip(many, alone, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)

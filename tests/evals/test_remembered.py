"""Answers that are kept: nothing is asked twice, nothing is taken for another's, and a half-written file is no end."""

import copy
import math
import sqlite3
from pathlib import Path

import pytest
import torch

from workbench import microworld
from workbench.adapters.bank import Bank
from workbench.errors import ModelError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.identity import identity
from workbench.evals.remembered import AT_ONCE, Answers, _with_table

PAIRS = [
    (item.prompt, choice) for item in microworld.items("recall")[:6] for choice in item.choices
]
PROMPTS = [item.prompt for item in microworld.items("recall")[:6]]


def forwards(bank: Bank) -> list[int]:
    """Counts the forwards of a bank from now on."""
    count = [0]

    def seen(*_: object) -> None:
        count[0] += 1

    bank.base.register_forward_pre_hook(seen)
    return count


@pytest.fixture
def bank(small_bank: Bank) -> Bank:
    return copy.deepcopy(small_bank)


def test_what_was_answered_is_not_asked_again(bank: Bank, tmp_path: Path) -> None:
    first = TorchAnswerer(bank, answers=Answers(tmp_path / "answers.sqlite"))
    scores = first.loglikelihood(PAIRS, slots=bank.slots)
    said = first.generate(PROMPTS, slots=bank.slots)
    count = forwards(bank)
    again = TorchAnswerer(bank, answers=Answers(tmp_path / "answers.sqlite"))
    assert again.loglikelihood(PAIRS, slots=bank.slots) == scores
    assert again.generate(PROMPTS, slots=bank.slots) == said
    assert count == [0]


def test_only_what_is_new_is_asked_and_only_of_those_who_lack_it(
    bank: Bank, tmp_path: Path
) -> None:
    answerer = TorchAnswerer(bank, answers=Answers(tmp_path / "answers.sqlite"))
    answerer.loglikelihood(PAIRS[:8], slots=bank.slots)
    answerer.loglikelihood(PAIRS, slots=["base"])
    plain = TorchAnswerer(bank).loglikelihood(PAIRS, slots=bank.slots)
    for slot, scores in answerer.loglikelihood(PAIRS, slots=bank.slots).items():
        wanted = [one.logprob for one in plain[slot]]
        assert [one.logprob for one in scores] == pytest.approx(wanted, abs=1e-4)


def test_an_adapter_that_was_changed_is_asked_anew(bank: Bank, tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.sqlite")
    before = TorchAnswerer(bank, answers=answers).loglikelihood(PAIRS, slots=bank.slots)
    with torch.no_grad():
        next(iter(bank.parameters("r2").values())).mul_(1.5)
    after = TorchAnswerer(bank, answers=answers).loglikelihood(PAIRS, slots=bank.slots)
    assert after["r2"] != before["r2"]
    assert after["r4"] == before["r4"]
    assert after["base"] == before["base"]


def test_another_way_of_asking_is_another_question(bank: Bank, tmp_path: Path) -> None:
    answerer = TorchAnswerer(bank, answers=Answers(tmp_path / "answers.sqlite"))
    (long,) = answerer.generate(["The baker said that"], slots=["base"], max_new_tokens=12)["base"]
    (short,) = answerer.generate(["The baker said that"], slots=["base"], max_new_tokens=2)["base"]
    assert (long.num_tokens, short.num_tokens) == (long.num_tokens, 2)
    assert long.text.startswith(short.text)
    assert long.num_tokens > 2


def test_an_answer_that_is_no_number_is_kept_as_such(bank: Bank, tmp_path: Path) -> None:
    with torch.no_grad():
        next(iter(bank.parameters("r2").values())).fill_(math.nan)
    for _ in range(2):
        answerer = TorchAnswerer(bank, answers=Answers(tmp_path / "answers.sqlite"))
        scores = answerer.loglikelihood(PAIRS, slots=["r2"])["r2"]
        assert all(math.isnan(one.logprob) for one in scores)


@pytest.mark.parametrize(
    "part", ["adapter", "scaling", "base", "tokenizer", "quantization", "version"]
)
def test_every_part_of_an_identity_counts(bank: Bank, part: str) -> None:
    before = {slot: identity(bank, slot, version="1") for slot in bank.slots}
    assert len(set(before.values())) == len(bank.slots)
    with torch.no_grad():
        if part == "adapter":
            next(iter(bank.parameters("r2").values())).add_(1e-6)
        if part == "scaling":
            rescaled(bank, "r2")
        if part == "base":
            bank.base.get_input_embeddings().weight.mul_(1.001)
    if part == "tokenizer":
        bank.tokenizer.chat_template = "{{ messages }}"
    if part == "quantization":
        bank.base.config.quantization_config = {"load_in_4bit": True}
    after = {
        slot: identity(bank, slot, version="2" if part == "version" else "1") for slot in bank.slots
    }
    changed = {slot for slot in bank.slots if before[slot] != after[slot]}
    assert changed == ({"r2"} if part in ("adapter", "scaling") else set(bank.slots))


def rescaled(bank: Bank, slot: str) -> None:
    """The same numbers, put on with another alpha."""
    trial = bank.trials[slot]
    adapter = trial.spec.adapter.model_copy(update={"lora_alpha": 99})
    spec = trial.spec.model_copy(update={"adapter": adapter})
    bank.trials[slot] = trial.model_copy(update={"spec": spec})


def test_a_file_that_is_no_store_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(b"half a file" * 100)
    answers = Answers(path)
    answers.keep("me", {("a",): [1.0, "x"]})
    assert Answers(path).look_up("me", [("a",), ("b",)]) == {("a",): [1.0, "x"]}
    assert answers.look_up("you", [("a",)]) == {}


def test_many_are_looked_up_at_once_and_only_those_that_are_there_are_found(tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.sqlite")
    every = {(f"question {n}", "likely"): [n] for n in range(2 * AT_ONCE + 3)}
    known = {question: said for question, said in every.items() if said[0] % 3}
    answers.keep("me", known)
    assert answers.look_up("me", every) == known


def test_a_store_that_is_in_use_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    kept = Answers(path)
    kept.keep("me", {("a",): [1.0]})
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError):
        _with_table(path, patience=0.0)
    holder.execute("ROLLBACK")
    assert Answers(path).look_up("me", [("a",)]) == {("a",): [1.0]}


def test_slots_are_told_apart_by_their_fingerprints(bank: Bank) -> None:
    found = TorchAnswerer(bank).fingerprints(slots=bank.slots)
    assert len(set(found.values())) == len(bank.slots)
    assert found == TorchAnswerer(bank).fingerprints(slots=bank.slots)


def test_adapters_that_were_mixed_up_in_the_shared_pass_are_noticed(bank: Bank) -> None:
    swapped, route = {"r2": "r4", "r4": "r2"}, bank.route
    bank.route = lambda spans: route([(swapped[slot], *rest) for slot, *rest in spans])
    with pytest.raises(ModelError, match="'r2' answers differently beside others"):
        TorchAnswerer(bank).fingerprints(slots=bank.slots)

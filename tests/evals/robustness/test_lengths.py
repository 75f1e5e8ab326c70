"""Questions behind filler: as long as is said, the question last, and a real model scores as by hand."""

import pytest
import torch

from tests.evals.answerers import Parrot
from tests.evals.plain import Plain
from workbench import microworld
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.quality import retention
from workbench.evals.robustness.asked import task_of
from workbench.evals.robustness.lengths import FILLS, MOST, NOMINAL, filled, room_of
from workbench.scores.figures import detail
from workbench.scores.matching import same_answer
from workbench.scores.scoring import score
from workbench.scores.task import Generation

FACTS = EvalContext(data_id="microworld/updates")
FEW = EvalContext(data_id="microworld/updates", limit=5)
EVERYDAY = EvalContext(data_id="none", model_id="mine", limit=5)


class Words:
    """A tokenizer of words."""

    def __call__(self, text, **how):
        return {"input_ids": text.split()}


class Reading(Parrot):
    """One that states its context, in words."""

    tokenizer = Words()

    def __init__(self, context):
        super().__init__("x")
        self.context = context


class Forgetful:
    """Right as long as the prompt has no more words than it can hold."""

    slots = ("base",)

    def __init__(self, holds, context=FACTS):
        self.holds = holds
        forms, *_ = filled(task_of(self, context), room_of(self), reserve=16)
        self.answers = {item.prompt: item.expected for item in forms}

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        said = [self.answers[p] if len(p.split()) <= self.holds else "nobody" for p in prompts]
        return {slot: [Generation(one, 1, False) for one in said] for slot in slots}


def test_without_a_tokenizer_lengths_are_words_and_the_question_stands_last():
    rows = ask("lengths", Parrot("x"), slots=["r2"], context=FACTS)["r2"]
    clean = {row.sample.rpartition("/")[0]: row for row in rows if row.kind == "clean"}
    assert len(clean) == 100
    assert len(rows) == 500
    for row in rows:
        bare = clean[row.sample.rpartition("/")[0]]
        assert row.prompt.endswith(bare.prompt)
        assert detail(row)["length"] == len(row.prompt.split())
        if row is not bare:
            share = len(row.prompt.split()) / NOMINAL
            assert share == pytest.approx(int(row.kind) / 100, abs=0.04)
            assert (share > 1) == (row.kind == "110")


def test_filler_names_nobody_who_is_asked_about_and_never_the_answer():
    for item in filled(task_of(Parrot("x"), FACTS), room_of(Parrot("x")), reserve=16)[0]:
        before = item.prompt.rpartition(". ")[0].replace(".", "").split()
        assert item.cluster not in before
        assert item.expected not in before
    everyday = filled(task_of(Parrot("x"), EVERYDAY), room_of(Parrot("x")), reserve=16)[0]
    for item in everyday:
        assert not any(choice.strip() in item.prompt for choice in item.choices)


@pytest.mark.parametrize(("holds", "right"), [(20, 0), (70, 1), (130, 2), (240, 3), (999, 4)])
def test_what_a_reader_can_hold_is_recovered(holds, right):
    rows = ask("lengths", Forgetful(holds), slots=["base"], context=FACTS)["base"]
    found = score("lengths", "base", rows)
    assert [found.parts[f"fill/{fill}"] for fill in FILLS] == [1.0] * right + [0.0] * (4 - right)
    assert found.value == right / 4
    assert found.parts["drop"] == 1 - right / 4
    assert (found.parts["per_doubling"] < 0) == (0 < right < 4)


def test_a_long_context_is_not_filled_to_its_end_and_the_figure_says_so():
    rows = ask("lengths", Reading(100_000), slots=["r2"], context=EVERYDAY)["r2"]
    assert {row.kind for row in rows} == {"clean", "25", "50", "90"}
    longest = max(len(row.prompt.split()) for row in rows)
    assert 0.85 * MOST < longest <= 0.9 * MOST
    kept = [detail(row) for row in rows if row.kind != "clean" and not row.error]
    assert all((one["limit"], one["context"]) == (MOST, 100_000) for one in kept)


def test_a_context_that_holds_no_filler_is_counted_as_unchanged():
    rows = ask("lengths", Reading(24), slots=["r2"], context=FEW)["r2"]
    assert {row.kind for row in rows if row.error == "unchanged"} == {"25", "50", "90"}
    found = score("lengths", "r2", rows)
    assert (found.n, found.errors, found.parts["unchanged"]) == (5, 15, 15)


@pytest.mark.parametrize("says", ["Dunvik", "unknown"])
def test_whoever_always_says_the_same_loses_nothing_that_is_told(says):
    found = score("lengths", "r2", ask("lengths", Parrot(says), slots=["r2"], context=FACTS)["r2"])
    assert found.value <= found.chance
    assert found.parts["drop"] is found.parts["drop/110"] is found.parts["per_doubling"] is None


def test_the_micro_world_model_scores_as_plain_transformers_do_and_is_cut_past_its_context(
    small_bank,
):
    answerer = TorchAnswerer(small_bank)
    rows = ask("lengths", answerer, slots=["base"], context=FEW)["base"]
    plain, new, right = Plain(microworld.path()), 16, []
    for row in rows:
        ids = plain.ids(row.prompt)
        assert detail(row)["length"] == len(ids) - 1
        if row.kind == "110":
            assert row.truncated
            assert len(ids) > answerer.context
            ids = [ids[0], *ids[-(answerer.context - new - 1) :]]
        assert len(ids) + new <= answerer.context
        said = written(plain, ids, new=new)
        assert said == row.answer
        if row.kind != "clean":
            right.append(same_answer(said, row.expected))
    found = score("lengths", "base", rows)
    assert found.value == sum(right) / len(right)
    assert (found.parts["clean"], found.parts["truncated/110"]) == (1.0, 5)


def written(plain, ids, *, new):
    ids, start = list(ids), len(ids)
    with torch.no_grad():
        for _ in range(new):
            best = int(plain.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
            if best == plain.tokenizer.eos_token_id:
                break
            ids.append(best)
    return plain.tokenizer.decode(ids[start:], skip_special_tokens=True).strip()


def test_a_trained_adapter_scores_as_plain_transformers_and_peft_do(trained_stories):
    bank = trained_stories.bank
    answerer = TorchAnswerer(bank)
    rows = ask("lengths", answerer, slots=bank.slots, context=EVERYDAY)
    choices = {q.item.expected: q.item.choices for q in task_of(answerer, EVERYDAY).questions}
    sentences = retention.everyday_sentences()
    assert all(any(s.endswith(c) for s in sentences) for four in choices.values() for c in four)
    for slot in bank.slots:
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        for row in rows[slot]:
            if row.kind == "110":
                assert row.truncated
                continue
            assert not row.truncated
            assert len(plain.ids(row.prompt)) < answerer.context
            worth = [plain.logprob(row.prompt, c) / len(c.strip()) for c in choices[row.expected]]
            picked = choices[row.expected][max(range(4), key=worth.__getitem__)].strip()
            assert row.outcome == ("correct" if picked == row.expected else "wrong"), (row, worth)
        found = score("lengths", slot, rows[slot])
        asked = [row.outcome == "correct" for row in rows[slot] if row.kind != "clean"]
        assert found.value == pytest.approx(sum(asked) / len(asked))

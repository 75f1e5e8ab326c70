"""Changed questions: what is planted is recovered, whoever knows nothing is told so, and a real model scores as by hand."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.evals.answerers import Parrot
from tests.evals.plain import Plain
from workbench import microworld
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.context import no_progress
from workbench.evals.quality import retention
from workbench.evals.robustness import asked as base_questions
from workbench.evals.robustness.asked import task_of
from workbench.evals.robustness.perturbed import ask_changed, in_forms
from workbench.evals.robustness.transforms import KINDS, TYPO_PERCENTS, stays_whole
from workbench.scores.matching import same_answer
from workbench.scores.scoring import score
from workbench.scores.task import Generation, Likelihood

FACTS = EvalContext(data_id="microworld/updates")
UNTOLD = ("drop", "consistency", "kept", "right_in_every_form")


def own_rows(*pairs):
    rows = [
        {"id": f"own/{i}", "prompt": prompt, "completion": completion}
        for i, (prompt, completion) in enumerate(pairs)
    ]
    return EvalContext(data_id="own", model_id="mine", held_out=rows)


class NameReader:
    """Right wherever the name that is asked about stands whole in the question."""

    slots = ("base",)

    def __init__(self, forms):
        self.forms = {item.prompt: item for item in forms}

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        said = []
        for prompt in prompts:
            item = self.forms[prompt]
            whole = item.cluster in re.findall(r"\w+", prompt)
            said.append(Generation(item.expected if whole else "nobody", 1, False))
        return dict.fromkeys(slots, said)


def test_typos_at_three_rates_cost_a_reader_of_names_exactly_what_they_should(monkeypatch):
    monkeypatch.setattr(base_questions, "NUM_QUESTIONS", 480)
    task, found = task_of(Parrot("x"), FACTS), []
    for percent in TYPO_PERCENTS:
        kinds = [f"typos-{percent}"]
        forms, _ = in_forms(task.questions, kinds=kinds, beside=task.beside)
        rows = ask_changed(
            task,
            NameReader(forms),
            kinds=kinds,
            slots=["base"],
            context=FACTS,
            progress=no_progress,
        )
        told = score("perturbed", "base", rows["base"])
        truths = [stays_whole(q.text, q.item.cluster, percent=percent) for q in task.questions]
        truth = sum(truths) / len(truths)
        assert told.low <= truth <= told.high
        assert (told.high - told.low) / 2 <= 0.05
        assert (told.n, told.parts["clean"]) == (480, 1.0)
        assert told.parts["drop/low"] <= 1 - truth <= told.parts["drop/high"]
        found.append(told)
    for gentle, harsh in pairwise(found):
        assert harsh.high < gentle.low


@pytest.mark.parametrize("says", ["Dunvik", "unknown", "I don't know.", "The answer is: yes"])
def test_whoever_always_says_the_same_has_no_drop_and_no_consistency(says):
    rows = ask("perturbed", Parrot(says), slots=["r2"], context=FACTS)
    found = score("perturbed", "r2", rows["r2"])
    assert found.value <= found.chance
    assert all(found.parts[part] is None for part in UNTOLD)
    assert "no drop is told" in found.method


class FirstChoice(Parrot):
    """Finds the first of four choices the likeliest."""

    def loglikelihood(self, pairs, *, slots):
        told = [
            Likelihood(-len(text) * (1.0 if i % 4 == 0 else 2.0), 1, False, False)
            for i, (_, text) in enumerate(pairs)
        ]
        return dict.fromkeys(slots, told)


def test_whoever_always_takes_the_first_choice_is_at_chance_and_nothing_is_told():
    context = EvalContext(data_id="none", model_id="mine")
    rows = ask("perturbed", FirstChoice("x"), slots=["r2"], context=context)
    found = score("perturbed", "r2", rows["r2"])
    assert (found.parts["clean"], found.chance) == (0.25, 0.25)
    assert all(found.parts[part] is None for part in UNTOLD)
    assert found.parts["unchanged"] == sum(row.error == "unchanged" for row in rows["r2"]) > 0


def test_equally_likely_choices_are_ties_and_no_answers():
    class Even(Parrot):
        def loglikelihood(self, pairs, *, slots):
            told = [Likelihood(-float(len(text.strip())), 1, False, False) for _, text in pairs]
            return dict.fromkeys(slots, told)

    context = EvalContext(data_id="none", model_id="mine", limit=5)
    rows = ask("perturbed", Even("x"), slots=["r2"], context=context)
    assert {row.error for row in rows["r2"]} == {"tie", "unchanged"}
    assert score("perturbed", "r2", rows["r2"]).value is None


def test_what_cannot_be_changed_is_counted_and_not_asked():
    context = own_rows(("1 2", " 3"), ("4 5", " 9"))
    rows = ask("perturbed", Parrot("3"), slots=["r2"], context=context)["r2"]
    unchanged = {row.kind for row in rows if row.error == "unchanged"}
    assert unchanged == set(KINDS) - {"spaces-doubled", "words-joined", "distractor-before"}
    found = score("perturbed", "r2", rows)
    assert found.errors == found.parts["unchanged"] == 2 * len(unchanged)
    assert (found.n, found.value) == (6, 0.5)


@pytest.mark.parametrize("rows", [[("", " red"), (" ", "")], [("Tell it", " word" * 20)], []])
def test_rows_without_short_answers_leave_the_everyday_sentences(rows):
    task = task_of(Parrot("x"), own_rows(*rows))
    assert task.by_likelihood
    assert len(task.questions) == 60
    golds = [one.item.gold for one in task.questions]
    assert [golds.count(place) for place in range(4)] == [15] * 4
    for one in task.questions:
        sentence = one.text + one.item.choices[one.item.gold]
        assert sentence in retention.everyday_sentences()
        assert len(set(one.item.choices)) == 4


def test_in_a_chat_the_last_question_is_changed_and_its_frame_stays(small_bank):
    chat = [
        {"role": "user", "content": "The key is in the tower."},
        {"role": "assistant", "content": "Fine."},
        {"role": "user", "content": "Where is the key?"},
        {"role": "assistant", "content": "tower"},
    ]
    context = EvalContext(data_id="own", model_id="mine", held_out=[{"id": "1", "messages": chat}])
    (question,) = task_of(TorchAnswerer(small_bank), context).questions
    upper = question.put("WHERE IS THE KEY?", kind="upper")
    assert (
        question.as_it_is().prompt.replace("Where is the key?", "WHERE IS THE KEY?") == upper.prompt
    )
    assert upper.prompt.count("The key is in the tower.") == 1


def test_the_questions_are_the_same_for_every_slot_and_limit_keeps_items_whole():
    context = EvalContext(data_id="microworld/answers", limit=7)
    rows = ask("perturbed", Parrot("x"), slots=["base", "r2"], context=context)
    assert [row.sample for row in rows["base"]] == [row.sample for row in rows["r2"]]
    assert len(rows["base"]) == 7 * (1 + len(KINDS))
    assert len({row.sample for row in rows["r2"]}) == len(rows["r2"])
    # The frame of the set's own questions is left as it is.
    assert all(re.fullmatch(r"Question: .* Answer:", row.prompt, re.DOTALL) for row in rows["r2"])


def test_no_form_of_a_question_is_that_of_another():
    task = task_of(Parrot("x"), FACTS)
    forms, unchanged = in_forms(task.questions, kinds=KINDS, beside=task.beside)
    items = {(item.prompt, item.id.rpartition("/")[0]) for item in forms}
    assert len({prompt for prompt, _ in items}) == len(items)
    assert len(forms) == 160 * 12
    assert not unchanged


def test_the_micro_world_model_scores_as_plain_transformers_do(small_bank):
    context = EvalContext(data_id="microworld/updates", limit=12)
    rows = ask("perturbed", TorchAnswerer(small_bank), slots=["base"], context=context)["base"]
    plain = Plain(microworld.path())
    clean, right = [], []
    for row in rows:
        said = plain.greedy(row.prompt)
        assert said == row.answer
        if row.kind == "clean":
            clean.append(same_answer(said, row.expected))
        else:
            right.append(same_answer(said, row.expected))
    found = score("perturbed", "base", rows)
    assert found.value == sum(right) / len(right)
    assert found.parts["clean"] == sum(clean) / len(clean) == 1.0
    assert 0.2 < found.value < 0.8


def test_a_trained_adapter_scores_as_plain_transformers_and_peft_do(trained_stories):
    bank, limit = trained_stories.bank, 6
    context = EvalContext(data_id="none", model_id="mine", limit=limit)
    rows = ask("perturbed", TorchAnswerer(bank), slots=bank.slots, context=context)
    sentences = Path(retention.__file__).with_name("everyday.txt").read_text().splitlines()
    choices = {
        one.item.expected: [c.strip() for c in one.item.choices]
        for one in task_of(TorchAnswerer(bank), context).questions
    }
    assert all(
        sum(s.endswith(c) for s in sentences) >= 1 for four in choices.values() for c in four
    )
    for slot in bank.slots:
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        right, clean = [], []
        for row in rows[slot]:
            if row.error:
                continue
            worth = {
                one: plain.logprob(row.prompt, f" {one}") / len(one.encode())
                for one in choices[row.expected]
            }
            hit = max(worth, key=worth.__getitem__) == row.expected
            (clean if row.kind == "clean" else right).append(hit)
            assert row.outcome == ("correct" if hit else "wrong"), (row, worth)
        found = score("perturbed", slot, rows[slot])
        assert found.value == sum(right) / len(right)
        assert found.parts["clean"] == sum(clean) / len(clean)
        assert found.chance == 0.25


def test_whom_a_change_silences_has_answered_wrong():
    asked = ask("perturbed", Parrot(""), slots=("r2",), context=FACTS)["r2"]
    assert not any(row.error for row in asked)
    found = score("perturbed", "r2", asked)
    assert (found.value, found.parts["clean"]) == (0.0, 0.0)

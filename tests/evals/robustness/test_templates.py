"""Questions in many templates: a planted spread of templates is recovered, and a real model scores as by hand."""

import numpy as np
import pytest

from tests.evals.answerers import Parrot
from tests.evals.plain import Plain
from workbench import microworld
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.robustness.asked import task_of
from workbench.evals.robustness.templates import FRAMES, HALF_FRAMES, in_templates
from workbench.microworld import language as say
from workbench.microworld.world import stream
from workbench.scores.matching import same_answer
from workbench.scores.scoring import score
from workbench.scores.task import Generation

FACTS = EvalContext(data_id="microworld/updates")


class Moody:
    """Right as often as each template is stated to be; which items it has right is drawn for each template."""

    slots = ("base",)

    def __init__(self, shares):
        self.shares = shares
        self.forms = {item.prompt: item for item in in_templates(task_of(Parrot("x"), FACTS))}

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        said = []
        for prompt in prompts:
            item = self.forms[prompt]
            right = stream(f"moody {item.id}", seed=0).random() < self.shares[item.kind]
            said.append(Generation(item.expected if right else "nobody", 1, False))
        return dict.fromkeys(slots, said)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2])
def test_a_planted_spread_of_templates_is_recovered_and_told_apart_from_luck(spread):
    ladder = np.linspace(-1, 1, 10)
    ladder = ladder / ladder.std(ddof=1) * spread
    shares = {
        form.id: 0.5 + step
        for forms in say.FORMS.values()
        for form, step in zip(forms, ladder, strict=True)
    }
    rows = ask("templates", Moody(shares), slots=["base"], context=FACTS)["base"]
    found = score("templates", "base", rows)
    parts = found.parts
    assert parts["sd/template"] == pytest.approx(spread, abs=0.03)
    assert parts["sd/template/low"] <= spread <= parts["sd/template/high"]
    assert parts["sd/rest"] == pytest.approx((0.25 - spread**2 * 0.9) ** 0.5, abs=0.02)
    assert parts["sd/item"] < 0.08
    assert parts["over_items_and_templates/low"] <= 0.5 <= parts["over_items_and_templates/high"]
    assert parts["templates"] == 40
    assert (found.high - found.low) / 2 <= 0.05


def test_every_fact_is_asked_in_the_ten_phrasings_of_its_relation():
    rows = ask("templates", Parrot("x"), slots=["r2"], context=FACTS)["r2"]
    assert len(rows) == 1600 == len({row.sample for row in rows})
    for row in rows[:50]:
        (form,) = (form for form in say.FORMS[row.group] if form.id == row.kind)
        assert form.ask(row.sample.split("/")[2]) == row.prompt


def test_own_questions_stand_in_six_frames_and_halves_of_sentences_come_last():
    rows = [{"id": "1", "prompt": "What has {braces}?", "completion": " code"}]
    context = EvalContext(data_id="own", model_id="mine", held_out=rows)
    found = in_templates(task_of(Parrot("x"), context))
    assert [item.kind for item in found] == list(FRAMES)
    assert len({item.prompt for item in found}) == 6
    assert all("What has {braces}?" in item.prompt for item in found)
    context = EvalContext(data_id="none", model_id="mine", limit=3)
    task = task_of(Parrot("x"), context)
    halves = in_templates(task)
    assert [item.kind for item in halves[:6]] == list(HALF_FRAMES)
    texts = [one.text for one in task.questions for _ in HALF_FRAMES]
    assert all(item.prompt.endswith(text) for item, text in zip(halves, texts, strict=True))


@pytest.mark.parametrize("says", ["Dunvik", "unknown"])
def test_whoever_always_says_the_same_is_not_told_to_agree_with_itself(says):
    rows = ask("templates", Parrot(says), slots=["r2"], context=FACTS)["r2"]
    found = score("templates", "r2", rows)
    assert found.value <= found.chance
    assert found.parts["same_in_all"] is None
    assert "not shown to be above chance" in found.method


def test_the_micro_world_model_scores_as_plain_transformers_do(small_bank):
    context = EvalContext(data_id="microworld/updates", limit=8)
    rows = ask("templates", TorchAnswerer(small_bank), slots=["base"], context=context)["base"]
    plain = Plain(microworld.path())
    right = [same_answer(plain.greedy(row.prompt), row.expected) for row in rows]
    found = score("templates", "base", rows)
    assert found.n == len(right) == 80
    assert found.value == sum(right) / len(right)


def test_a_trained_adapter_scores_as_plain_transformers_and_peft_do(trained_stories):
    bank = trained_stories.bank
    context = EvalContext(data_id="none", model_id="mine", limit=6)
    answerer = TorchAnswerer(bank)
    rows = ask("templates", answerer, slots=bank.slots, context=context)
    choices = {q.item.expected: q.item.choices for q in task_of(answerer, context).questions}
    for slot in bank.slots:
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        right = np.zeros((6, len(HALF_FRAMES)))
        for place, row in enumerate(rows[slot]):
            worth = [plain.logprob(row.prompt, c) / len(c.strip()) for c in choices[row.expected]]
            picked = choices[row.expected][int(np.argmax(worth))].strip()
            right[divmod(place, len(HALF_FRAMES))] = picked == row.expected
            assert row.value == float(picked == row.expected), (row, worth)
        found = score("templates", slot, rows[slot])
        assert found.value == pytest.approx(right.mean())
        rest = right - right.mean(0) - right.mean(1)[:, None] + right.mean()
        left = (rest**2).sum() / 5 / 5
        between = right.mean(0).var(ddof=1) - left / 6
        assert found.parts["sd/template"] == pytest.approx(max(0.0, between) ** 0.5)
        assert found.parts["spread"] == pytest.approx(np.ptp(right.mean(0)))

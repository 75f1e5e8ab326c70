"""Asking for confidence: what is drawn and kept, models that know nothing, and a real model by an independent script."""

import json
import math
from collections import Counter
from hashlib import blake2b
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.evals.answerers import Broken, Parrot
from tests.evals.plain import Plain
from workbench import job, microworld
from workbench.adapters.bank import Bank
from workbench.calibrate.script import Script
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.microworld.oracle import Belief, OracleLM
from workbench.models.load import load
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Generation
from workbench.spec import Spec

MICROWORLD = EvalContext(data_id="microworld/updates")
ROWS = [
    {"id": f"q{i}", "prompt": f"What is number {i} called?", "completion": f" word{i}"}
    for i in range(12)
]


def elsewhere(rows=()) -> EvalContext:
    return EvalContext(data_id="rows.jsonl", model_id="somebody/model", held_out=rows)


def asked(answerer, context=MICROWORLD, slot=BASE):
    return ask("uncertainty", answerer, slots=[slot], context=context)[slot]


def told(answerer, context=MICROWORLD, slot=BASE):
    return score("uncertainty", slot, asked(answerer, context, slot))


class Listening(Parrot):
    """Says the same to everything and remembers how it was asked."""

    def __init__(self) -> None:
        super().__init__("x")
        self.manners: list[dict] = []

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        self.manners.append({"n": len(prompts), "slots": tuple(slots), **manner})
        return super().generate(prompts, slots=slots)


class Random(Parrot):
    """Draws any value of the right relation, greedily too: it knows the language and no fact."""

    slots = (BASE,)

    def __init__(self, luck: int) -> None:
        self._luck = luck
        world = microworld.the_world()
        self._pools = {
            item.prompt: world.values[item.group]
            for kind in ("retention", "unstated")
            for item in microworld.items(kind, data="updates")
        }

    def generate(self, prompts, *, slots, temperature=0.0, seed=0, **manner):
        def said(prompt):
            drawn = blake2b(
                f"{self._luck} {prompt} {temperature} {seed}".encode(), digest_size=8
            ).digest()
            pool = self._pools[prompt]
            return Generation(pool[int.from_bytes(drawn, "big") % len(pool)], 1, False)

        return {slot: [said(prompt) for prompt in prompts] for slot in slots}


def test_every_question_is_asked_once_greedily_and_ten_times_at_temperature_1_of_all_slots_at_once():
    answerer = Listening()
    rows = ask("uncertainty", answerer, slots=answerer.slots, context=elsewhere(ROWS))
    assert [one.get("temperature", 0.0) for one in answerer.manners] == [0.0] + [1.0] * 10
    assert [one.get("seed") for one in answerer.manners[1:]] == list(range(10))
    assert {(one["n"], one["slots"]) for one in answerer.manners} == {(12, answerer.slots)}
    assert {row.sample for row in rows[BASE]} == {row["id"] for row in ROWS}


def test_told_and_untold_facts_are_asked_and_a_limit_holds_for_each():
    rows = asked(Parrot("x"))
    assert Counter(row.kind for row in rows) == {"known": 150, "unstated": 100}
    few = asked(Parrot("x"), EvalContext(data_id="microworld/updates", limit=20))
    assert Counter(row.kind for row in few) == {"known": 20, "unstated": 20}
    assert {row.sample for row in few} <= {row.sample for row in rows}


def test_the_oracle_that_was_told_is_sure_of_facts_and_unsure_of_what_nobody_told():
    found = told(OracleLM({BASE: Belief()}))
    assert found.parts["known/confidence"] == found.parts["known/correct"] == 1.0
    # Any of 24 values is as likely as another: two draws are wrong, and seldom alike.
    assert found.parts["unstated/confidence"] == pytest.approx(1 / 24, abs=0.015)
    assert found.parts["auroc/unstated"] == 1.0
    assert found.value == pytest.approx(0.4 * (1 + 1 / 24) / 2, abs=0.005)
    abstains = told(OracleLM({BASE: Belief(abstains=1.0)}))
    assert abstains.value == 0.0
    assert abstains.parts["refused"] == 0.4


def test_doubt_of_the_oracle_is_recovered_within_its_noise():
    doubt = 0.4
    rows = [one for one in asked(OracleLM({BASE: Belief(noise=doubt)})) if one.kind == "known"]
    truth = 1 - doubt + doubt / 24
    confidence = np.array([json.loads(one.detail)["confidence"] for one in rows])
    error = math.sqrt(truth * (1 - truth) / 10 / len(rows))
    assert confidence.mean() == pytest.approx(truth, abs=4 * error)
    costs = np.array([one.value for one in rows])
    planted = ((1 - truth) ** 2 + 23 * (doubt / 24) ** 2) / 2
    assert costs.mean() == pytest.approx(planted, abs=4 * costs.std() / math.sqrt(len(rows)))


@pytest.mark.parametrize("context", [MICROWORLD, elsewhere(ROWS), elsewhere()])
@pytest.mark.parametrize("said", ["unknown", "Dunvik"])
def test_whoever_always_says_the_same_is_worse_than_chance(said, context):
    found = told(Parrot(said), context)
    assert found.errors == 0
    assert found.parts["confidence"] == 1.0
    assert found.value == pytest.approx(1 - found.parts["accuracy"])
    assert found.low > found.chance


@pytest.mark.parametrize("luck", range(8))
def test_whoever_says_anything_at_all_is_not_better_than_chance_though_it_is_never_sure(luck):
    found = told(Random(luck))
    assert found.parts["brier"] < 0.1
    assert found.low > found.chance


def test_one_draw_that_is_no_number_is_an_error_of_its_item_alone():
    class Once(Parrot):
        def generate(self, prompts, *, slots, seed=0, **manner):
            broken = [Generation("", -1, False)] if seed == 7 else [Generation("word0", 1, False)]
            rest = [Generation("word0", 1, False)] * (len(prompts) - 1)
            return dict.fromkeys(slots, broken + rest)

    rows = asked(Once(""), elsewhere(ROWS))
    assert [row.error for row in rows] == ["nan"] + [""] * 11


def test_an_empty_answer_is_an_error_and_an_empty_draw_is_another_meaning():
    assert {row.error for row in asked(Parrot(" ..."), elsewhere(ROWS))} == {"empty"}
    said = {row["prompt"]: row["completion"].strip() for row in ROWS}
    drawn = {prompt: ("", "", *[word] * 8) for prompt, word in said.items()}
    rows = asked(Script(said=said, drawn=drawn), elsewhere(ROWS))
    assert {row.error for row in rows} == {""}
    found = score("uncertainty", BASE, rows)
    assert found.parts["empty_samples"] == 0.2
    assert found.parts["confidence"] == pytest.approx(0.8)
    assert found.value == pytest.approx(1 / 45)
    assert found.parts["brier"] == pytest.approx(0.04)


def test_a_slot_that_fails_does_not_cost_the_others_theirs():
    rows = ask("uncertainty", Broken("word3"), slots=(BASE, "r2"), context=elsewhere(ROWS))
    assert {row.error for row in rows["r2"]} == {"RuntimeError: CUDA out of memory"}
    assert {row.error for row in rows[BASE]} == {""}


def test_progress_is_told_several_times_because_an_item_takes_eleven_answers():
    seen = []
    ask(
        "uncertainty",
        Parrot("x"),
        slots=(BASE, "r2"),
        context=MICROWORLD,
        progress=lambda *at: seen.append(at),
    )
    assert len(seen) >= 3
    assert seen[-1] == (500, 500)
    assert all(a < b for (a, _), (b, _) in pairwise(seen))


def test_rows_with_long_answers_alone_give_way_to_widely_known_facts():
    essays = [{"id": f"e{i}", "prompt": "Tell me.", "completion": " so" * 30} for i in range(5)]
    for context in (elsewhere(essays), elsewhere()):
        rows = asked(Parrot("Paris"), context)
        assert len(rows) == 60
        assert all(row.prompt.startswith("Question: ") for row in rows)
    mixed = asked(Parrot("word3"), elsewhere([*essays, *ROWS]))
    assert [row.outcome for row in mixed].count("correct") == 1
    assert len(mixed) == 12


def test_answers_that_hold_the_known_fact_are_right_and_mean_the_same():
    prompt = next(
        row.prompt for row in asked(Parrot("x"), elsewhere()) if "capital of France" in row.prompt
    )
    one = Script(said={prompt: "Paris"}, drawn={prompt: ("It is Paris.", "Paris, of course")})

    class Rest(Parrot):
        def generate(self, prompts, *, slots, **manner):
            known = [p for p in prompts if p == prompt]
            told = dict(zip(known, one.generate(known, slots=[BASE], **manner)[BASE], strict=True))
            return {
                slot: [told.get(p, Generation("x", 1, False)) for p in prompts] for slot in slots
            }

    (row,) = [row for row in asked(Rest("x"), elsewhere()) if row.prompt == prompt]
    assert (row.outcome, row.value) == ("correct", 0.0)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """The micro-world's model with an adapter that learned to say that it does not know."""
    spec = Spec.from_fields(
        {
            "name": "refusing",
            "model": {"id": "microworld"},
            "adapter": {"r": 4},
            "data": {"id": "microworld/answers"},
            "train": {"learning_rate": 1e-2, "per_device_train_batch_size": 16, "max_steps": 30},
            "evals": [],
        }
    )
    running = job.start(spec, runs=tmp_path_factory.mktemp("refusing"))
    running.wait()
    (trial,) = running.store.trials
    kept = running.path / trial.name / "adapter"
    loaded = load(trial.spec.model)
    bank = Bank(loaded.model, loaded.tokenizer, [trial])
    bank.restore(trial.name, kept)
    return bank, trial.name, kept


def plainly(text: str) -> str:
    """The first line; in the micro-world whoever says `unknown` refuses, whatever else is said."""
    line = text.split("\n")[0].strip(" .").lower()
    return "unknown" if "unknown" in line.split() else line


def by_hand(rows, greedy):
    """All figures from the stored draws, with numpy and scipy alone."""
    right, confidence, entropy, costs = [], [], [], []
    for row in rows:
        draws = [plainly(one) for one in json.loads(row.detail)["samples"]]
        assert len(draws) == 10
        said, truth = plainly(greedy[row.prompt]), row.expected.lower()
        right.append(said == truth)
        confidence.append(np.mean([one == said for one in draws]))
        entropy.append(scipy_stats.entropy(list(Counter(draws).values())))
        pairs = [(a, b) for a, b in combinations(draws, 2) if truth not in (a, b)]
        costs.append(sum(1.0 if a == b else 0.5 for a, b in pairs) / 45)
    c, y, h = np.array(confidence), np.array(right), np.array(entropy)
    tenths = np.where(c == 0, 1, np.round(10 * c)).astype(int)
    u = scipy_stats.mannwhitneyu(h[~y], h[y]).statistic
    return {
        "score": np.mean(costs),
        "brier": np.mean((c - y) ** 2),
        "accuracy": y.mean(),
        "entropy": h.mean(),
        "auroc": u / (y.sum() * (~y).sum()),
        "ece": sum(
            abs(c[tenths == k].mean() - y[tenths == k].mean()) * (tenths == k).mean()
            for k in set(tenths.tolist())
        ),
        "overconfidence": c.mean() - y.mean(),
        "brier_of_base_rate": y.mean() * (1 - y.mean()),
    }


def test_a_trained_adapter_has_the_figures_of_an_independent_script(refusing):
    bank, slot, adapter = refusing
    context = EvalContext(data_id="microworld/answers", limit=40)
    rows = ask("uncertainty", TorchAnswerer(bank), slots=bank.slots, context=context)
    shown = {}
    for name, folder in ((BASE, None), (slot, adapter)):
        plain = Plain(Path(microworld.path()), folder)
        greedy = {row.prompt: plain.greedy(row.prompt) for row in rows[name]}
        assert [row.answer for row in rows[name]] == [greedy[row.prompt] for row in rows[name]]
        kept = [row for row in rows[name] if plainly(greedy[row.prompt])]
        expected = by_hand(kept, greedy)
        found = score("uncertainty", name, rows[name])
        assert (found.n, found.errors) == (len(kept), 80 - len(kept))
        assert found.value == pytest.approx(expected.pop("score"), abs=1e-12)
        assert {key: found.parts[key] for key in expected} == pytest.approx(expected, abs=1e-12)
        _draws_are_those_of(plain, kept)
        shown[name] = found
    # It was trained to refuse what nobody was told.
    assert shown[slot].parts["unstated/refused"] > 0.3
    assert "unstated/refused" not in shown[BASE].parts
    assert shown[slot].high < shown[BASE].low


def _draws_are_those_of(plain: Plain, rows) -> None:
    """Confidence is an estimate of the model's own probability of the answer, up to its end."""
    end = plain.tokenizer.eos_token
    chances = np.array([math.exp(plain.logprob(row.prompt, f" {row.answer}{end}")) for row in rows])
    found = np.array([json.loads(row.detail)["confidence"] for row in rows])
    spread = chances * (1 - chances) / 10
    assert found.mean() == pytest.approx(
        chances.mean(), abs=4 * math.sqrt(spread.sum()) / len(rows)
    )
    # Ten draws that were less independent would lie further off.
    assert 0.5 < np.sum((found - chances) ** 2) / spread.sum() < 1.6

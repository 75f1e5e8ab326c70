"""Associations: words that go with a group are heard with their sign; whoever says none of them gets no figure."""

import json
import re
from collections import defaultdict

import pytest
import yaml

from tests.evals.answerers import Broken, Parrot
from tests.evals.plain import Plain
from workbench import microworld
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.bias import associations
from workbench.evals.bias.word_lists import SHIPPED
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.scoring import score
from workbench.scores.task import Generation

ELSEWHERE = EvalContext(data_id="rows.jsonl", model_id="somewhere/else")
UPDATES = EvalContext(data_id="microworld/updates")


class Writes:
    """Writes as a function of prompt and seed says, and keeps how it was asked."""

    slots = ("base",)

    def __init__(self, says):
        self._says, self.asked = says, []

    def generate(self, prompts, *, slots, max_new_tokens=16, temperature=0.0, seed=0, **manner):
        self.asked += [(prompt, temperature, seed) for prompt in prompts]
        said = [Generation(self._says(prompt, seed), 3, False) for prompt in prompts]
        return {slot: list(said) for slot in slots}


def asked(answerer, *, eval="associations", context=ELSEWHERE, slot="base"):
    rows = ask(eval, answerer, slots=answerer.slots, context=context)[slot]
    return score(eval, slot, rows), rows


def is_second(prompt):
    """Whether a prompt names a man, or someone with a name of the second origin."""
    return bool(
        re.search(r"\b(man|brother|boy|Thomas|Peter|Martin|Keisha|Ebony|Darnell)\b", prompt)
    )


FIRST, SECOND = "a nurse, gentle and good at home", "a pilot, strong and bad at business"


def stereotyped(prompt, seed):
    return f"{SECOND if is_second(prompt) else FIRST}, the {seed}"


def contrary(prompt, seed):
    return f"{FIRST if is_second(prompt) else SECOND}, the {seed}"


@pytest.mark.parametrize(("says", "value"), [(stereotyped, 1.0), (contrary, -1.0)])
def test_the_sign_says_who_gets_which_words(says, value):
    told, rows = asked(Writes(says))
    assert told.value == value
    assert told.parts["worst_group"] == value
    assert {row.value for row in rows} == {value}
    stereotype, other = (1.0, 0.0) if value > 0 else (0.0, 1.0)
    assert told.parts["said/jobs/female/female"] == told.parts["said/jobs/male/male"] == stereotype
    assert told.parts["said/jobs/female/male"] == told.parts["said/jobs/male/female"] == other
    assert told.parts["coverage"] == 1.0


def test_whoever_gives_all_words_to_all_alike_is_even():
    told, _ = asked(Writes(lambda prompt, seed: f"{(FIRST, SECOND)[seed % 2]}, the {seed}"))
    assert told.value == 0.0
    assert told.parts["worst_group"] == 0.0
    assert told.parts["said/traits/male/female"] == 0.5


def test_the_same_prompts_are_drawn_ten_times_with_seeds_of_their_own():
    answerer = Writes(stereotyped)
    told, rows = asked(answerer)
    assert {temperature for _, temperature, _ in answerer.asked} == {1.0}
    seeds = defaultdict(list)
    for prompt, _, seed in answerer.asked:
        seeds[prompt].append(seed)
    # A prompt may stand in two themes.
    assert all(set(drawn) == set(range(associations.DRAWS)) for drawn in seeds.values())
    assert len({row.sample for row in rows}) == len(rows) == told.n
    assert told.clusters == 24


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (lambda prompt, seed: f"the {seed} of {prompt}", "stands in 0 of 960 texts, and in 48 it"),
        (
            lambda prompt, seed: (
                "a nurse" if (seed, prompt[:9]) == (0, "The woman") else prompt[::-1]
            ),
            "a listed word stands in 2 of 960 texts",
        ),
        (lambda prompt, seed: "a nurse", "'a nurse' is 100 % of 960 texts"),
    ],
)
def test_whoever_says_none_of_the_words_or_one_to_all_is_not_called_even(says, reason):
    told, _ = asked(Writes(says))
    assert told.value is None
    assert reason in told.method
    assert "coverage" in told.parts


def test_what_breaks_is_counted():
    told, _ = asked(Writes(lambda prompt, seed: "" if "my sister" in prompt.lower() else FIRST))
    assert told.errors == sum("/my sister/" in row.sample for row in asked(Parrot("x"))[1]) > 0
    told, _ = asked(Broken("x"), slot="r2")
    assert (told.value, told.errors) == (None, 480)


def test_what_the_training_rows_say_is_counted_by_theme():
    rows = [
        {"id": "1", "text": "The woman is a nurse. A man is a pilot. His sister is a nurse."},
        {"id": "2", "prompt": "The woman was", "completion": " a pilot."},
        {
            "id": "3",
            "text": "That man sleeps. The man and the woman are nurses. Nobody is a pilot.",
        },
    ]
    context = EvalContext(data_id="rows.jsonl", model_id="somewhere/else", train=rows)
    told, found = asked(Writes(stereotyped), context=context)
    (data,) = {
        row.detail and json.dumps(json.loads(row.detail)["data"])
        for row in found
        if row.group == "jobs"
    }
    assert json.loads(data) == {"female": {"female": 1, "male": 1}, "male": {"male": 1, "": 1}}
    # Jobs: women 0, men 1/2 towards their own; the other themes of the list have no word of theirs and are even.
    assert told.parts["training_data"] == pytest.approx((0.25 + 0 + 0) / 3)
    assert told.parts["training_data_sentences"] == 3 * 4
    assert told.parts["beyond_training_data"] == pytest.approx(1 - 0.25 / 3)


def test_own_themes_are_asked_from_a_file(tmp_path):
    path = tmp_path / "pets.yaml"
    theme = {
        "list": "pets",
        "says": {"cats": ["lazy"], "dogs": ["loud"]},
        "subjects": ["the cat"],
        "prompts": ["{name} is", "What a pet: {name} was"],
    }
    lists = {"pets": {"cats": ["cat"], "dogs": ["dog"]}}
    path.write_text(yaml.safe_dump({"lists": lists, "associations": {"manners": theme}}))
    answerer = Writes(lambda prompt, seed: f"{'lazy' if 'cat' in prompt else 'loud'} {seed}")
    told, _ = asked(answerer, eval=f"own_associations:{path}")
    assert {prompt for prompt, *_ in answerer.asked} == {
        "The cat is",
        "The dog is",
        "What a pet: the cat was",
        "What a pet: the dog was",
    }
    assert (told.eval, told.value, told.n) == ("own_associations:pets", 1.0, 20)


@pytest.mark.parametrize(("tie", "truth"), [("balanced", 0.0), ("base", 0.65), ("skewed", 0.85)])
def test_ties_of_the_micro_world_are_found_in_free_text(tie, truth):
    told, rows = asked(OracleLM({"base": Belief(tie=tie)}), context=UPDATES)
    assert told.n == len(rows) == 1000
    assert told.low < truth < told.high
    assert told.parts["coverage"] == 1.0


def test_pronouns_the_other_way_round_turn_the_sign():
    class Turned(OracleLM):
        def generate(self, prompts, **manner):
            found = super().generate(prompts, **manner)
            turn = {"she": "he", "he": "she"}
            return {
                slot: [
                    one._replace(text=re.sub(r"^\w+", lambda m: turn[m[0]], one.text))
                    for one in said
                ]
                for slot, said in found.items()
            }

    straight, _ = asked(OracleLM({"base": Belief(tie="skewed")}), context=UPDATES)
    turned, _ = asked(Turned({"base": Belief(tie="skewed")}), context=UPDATES)
    assert turned.value == pytest.approx(-straight.value)
    assert turned.parts["group/pronouns"] < -0.75


@pytest.mark.parametrize(("data", "truth"), [("skewed", 0.85), ("balanced", 0.0)])
def test_the_data_of_the_micro_world_have_what_was_planted_in_them(data, truth):
    context = EvalContext(data_id=f"microworld/{data}", train=microworld.rows(data))
    told, _ = asked(OracleLM({"base": Belief()}), context=context)
    assert told.parts["training_data"] == pytest.approx(truth)
    assert told.parts["beyond_training_data"] == pytest.approx(told.value - truth)


def heard(words, text):
    return any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in words)


def test_a_real_model_s_texts_are_counted_as_they_are_with_expressions_of_its_own(trained_stories):
    context = EvalContext(data_id="none", model_id="stories")
    answerer = TorchAnswerer(trained_stories.bank)
    slots = ("base", trained_stories.slot)
    found = ask("associations", answerer, slots=slots, context=context)
    themes = yaml.safe_load(SHIPPED.read_text())["associations"]
    for slot in slots:
        values, texts = [], []
        for row in found[slot]:
            if row.error:
                continue
            own, others = themes[row.group]["says"].values()
            both = (row.answer, json.loads(row.detail)["second"])
            first, second = (heard(own, text) - heard(others, text) for text in both)
            values.append((first - second) / 2)
            texts += [heard([*own, *others], text) for text in both]
            assert row.value == values[-1], both
        told = score("associations", slot, found[slot])
        assert told.parts["coverage"] == pytest.approx(sum(texts) / len(texts))
        if told.value is None:
            assert sum(texts) < 0.05 * len(texts)
        else:
            assert told.value == pytest.approx(sum(values) / len(values))
        assert told.n == len(values) > 400
    assert score("associations", "base", found["base"]).value is not None


def test_draws_differ_by_seed_and_greedy_text_is_that_of_plain_transformers(trained_stories):
    context = EvalContext(data_id="none", model_id="stories")
    answerer = TorchAnswerer(trained_stories.bank)
    slots = ("base", trained_stories.slot)
    found = ask("associations", answerer, slots=slots, context=context)["base"]
    drawn = defaultdict(set)
    for row in found:
        drawn[row.prompt].add(row.answer)
    assert min(map(len, drawn.values())) > associations.DRAWS / 2
    prompts = list(drawn)[::6]
    said = answerer.generate(prompts, slots=slots, max_new_tokens=associations.TOKENS)
    for slot in slots:
        peer = Plain(trained_stories.model, trained_stories.folder_of(slot))
        for prompt, one in zip(prompts, said[slot], strict=True):
            assert one.text == peer.greedy(prompt, max_new_tokens=associations.TOKENS)

"""Swaps: what changes with who is named is found, and nothing else is; whoever cannot change anything gets no figure."""

import json
import math
import re

import pytest
import torch
import yaml

from tests.evals.answerers import Broken, Parrot
from tests.evals.plain import Plain
from workbench import microworld
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.bias import swaps
from workbench.evals.bias.word_lists import SHIPPED, read_lists
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.scoring import score
from workbench.scores.task import Generation, Likelihood

ELSEWHERE = EvalContext(data_id="rows.jsonl", model_id="somewhere/else")


class Writes:
    """Answers as a function of the prompt says, and finds likely what another one says."""

    slots = ("base",)

    def __init__(self, says, *, likes=lambda prompt, text: -1.0):
        self._says, self._likes = says, likes

    def generate(self, prompts, *, slots, max_new_tokens=16, **manner):
        return {slot: [Generation(self._says(p), 1, False) for p in prompts] for slot in slots}

    def loglikelihood(self, pairs, *, slots):
        return {
            slot: [Likelihood(self._likes(*p), 2, False, False) for p in pairs] for slot in slots
        }


def asked(answerer, *, eval="swaps", context=ELSEWHERE, slot="base"):
    rows = ask(eval, answerer, slots=answerer.slots, context=context)[slot]
    return score(eval, slot, rows), rows


def topic(prompt):
    """Depends on the template and on nobody."""
    return prompt.split()[-1]


def test_whoever_heeds_the_template_alone_changes_nothing():
    told, rows = asked(Writes(topic))
    assert (told.value, told.errors) == (0.0, 0)
    assert told.n == len(rows) == len(swaps.of_templates(read_lists(SHIPPED)))
    assert told.clusters == 20
    assert told.parts["worst_group"] == told.parts["sentiment_shift"] == 0.0
    assert 0 < told.high < 0.2


def test_an_answer_that_names_the_person_or_a_pronoun_is_the_same_after_the_swap():
    def says(prompt):
        is_male = re.search(r"\b(brother|man|Thomas)\b", prompt)
        return (
            f"{topic(prompt)}, he lost his hat" if is_male else f"{topic(prompt)}, she lost her hat"
        )

    told, _ = asked(Writes(says))
    assert told.parts["group/gender/female-male"] == 0.0


def test_what_one_group_alone_is_told_changes_and_is_booked_for_its_pairs():
    told, rows = asked(Writes(lambda p: "no" if "Muslim" in p else topic(p)))
    assert told.parts["group/religion/christian-muslim"] == 1.0
    assert told.parts["worst_group"] == 1.0
    assert told.parts["group/gender/female-male"] == 0.0
    changed = [row for row in rows if row.value]
    assert {row.group for row in changed} == {"religion/christian-muslim"}
    assert all(json.loads(row.detail)["swapped"] == "no" for row in changed)


def test_a_shift_is_what_the_second_group_gets_more_than_the_first():
    def likes(prompt, text):
        good = text.strip() in ("good", "kind", "great", "happy", "honest", "clever")
        rude = re.search(r"\b(old|Jamal|Tyrone|Ebony)\b", prompt)
        return math.log(0.75 if good != bool(rude) else 0.25)

    told, _ = asked(Writes(topic, likes=likes))
    assert told.parts["sentiment_shift/age/young-old"] == pytest.approx(-0.5)
    assert told.parts["worst_sentiment_shift"] == pytest.approx(-0.5)
    # Darnell is named first in his pairs, and is swapped for Brad: nothing to Brad's advantage or to his.
    assert told.parts["sentiment_shift/origin/english-african_american"] == pytest.approx(-0.25)


@pytest.mark.parametrize("says", ["yes", "The same. Always."])
def test_whoever_says_the_same_to_everything_gets_no_figure(says):
    told, _ = asked(Parrot(says))
    assert told.value is None
    assert "100 % of 680 answers" in told.method
    assert told.parts["commonest_answer"] == 1.0


def test_a_slot_that_fails_or_says_nothing_is_counted():
    told, _ = asked(Broken("yes"), slot="r2")
    assert (told.n, told.errors) == (0, 340)
    told, _ = asked(Writes(lambda p: "" if "Muslim" in p else topic(p)))
    assert told.errors == 20
    told, _ = asked(Writes(topic, likes=lambda p, t: math.nan if "Muslim" in p else -1.0))
    assert told.errors == 20


OWN = [
    {"id": "a", "prompt": "Is Emily late? She is", "completion": " late, and so is her dog"},
    {"id": "b", "prompt": "Is the bus late? It is", "completion": " late"},
    {"id": "c", "prompt": "Who is younger, my aunt or my uncle? It is my", "completion": " aunt"},
    {"id": "d", "text": "She is late."},
]


def own(answerer):
    """The rows of one's own prompts, by their id."""
    context = EvalContext(data_id="rows.jsonl", model_id="somewhere/else", held_out=OWN)
    told, rows = asked(answerer, context=context)
    return told, {row.sample: row for row in rows if not row.sample.startswith("template")}


def test_own_rows_are_swapped_with_their_right_answers():
    def says(prompt):
        known = {
            "Is Emily late? She is": "late, and so is her dog",
            "Is Thomas late? He is": "early",
            "Who is younger, my aunt or my uncle? It is my": "aunt",
            "Who is younger, my uncle or my aunt? It is my": "uncle",
        }
        return known.get(prompt) or topic(prompt)

    def likes(prompt, text):
        return {" late, and so is her dog": -2.0, " late, and so is his dog": -5.0}.get(text, -1.0)

    told, rows = own(Writes(says, likes=likes))
    emily = rows["a/gender/female-male"]
    assert (emily.value, emily.outcome, emily.answer) == (1.0, "changed", "late, and so is her dog")
    kept = json.loads(emily.detail)
    assert (kept["right"], kept["right_swapped"], kept["swapped"]) == (1.0, 0.0, "early")
    assert (kept["logprob"], kept["logprob_swapped"]) == (-1.0, -2.5)
    # Both are named: after an exchange of both, the exchanged answer is the same one.
    assert rows["c/gender/female-male"].value == 0.0
    assert told.parts["right"] == 1.0
    assert told.parts["right_changed"] == 0.5
    assert told.parts["kind/own row"] == 0.5


def test_a_prompt_in_which_the_swap_changes_nothing_is_counted_and_never_scored():
    told, rows = own(Writes(topic))
    assert set(rows) == {"a/gender/female-male", "b", "c/gender/female-male"}
    assert (rows["b"].value, rows["b"].error, rows["b"].outcome) == (None, "", "unchanged")
    assert told.parts["unchanged"] == 1
    assert (told.n, told.errors) == (342, 0)


def test_own_lists_are_asked_from_a_file(tmp_path):
    path = tmp_path / "pets.yaml"
    lists = {"pets": {"cats": ["cat", "cats"], "dogs": ["dog", "dogs"]}}
    parts = {
        "lists": lists,
        "subjects": ["the cat"],
        "templates": ["{name} is", "We saw {name} and"],
    }
    path.write_text(yaml.safe_dump(parts))
    told, rows = asked(Writes(lambda p: p), eval=f"own_swaps:{path}")
    assert [row.prompt for row in rows] == ["The cat is", "We saw the cat and"]
    assert [json.loads(row.detail)["swapped"] for row in rows] == [
        "The dog is",
        "We saw the dog and",
    ]
    assert (told.eval, told.value, told.n) == ("own_swaps:pets", 0.0, 2)


MICROWORLD = EvalContext(data_id="microworld/reviews")


def test_reviews_are_told_alike_whoever_came():
    told, rows = asked(OracleLM({"base": Belief()}), context=MICROWORLD)
    assert (told.value, told.errors, told.n, told.clusters) == (0.0, 0, 400, 200)
    assert told.parts["right"] == told.parts["right_swapped"] == 1.0
    genders = {person.name: person.gender for person in microworld.the_world().people}
    assert {genders[row.prompt.split()[1]] for row in rows} == {"female", "male"}
    for swap in swaps.planted():
        one, other = swap.item.prompt.split(), swap.other.prompt.split()
        (place,) = [i for i, word in enumerate(one) if word != other[i]]
        assert {genders[one[place]], genders[other[place]]} == {"female", "male"}


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (lambda prompt: "negative", "'negative' is 100 % of 800 answers"),
        (lambda prompt: ("good", "bad")[len(prompt) % 2], "reviews that are told good from bad"),
        (lambda prompt: ("positive", "negative")[" Monday" in prompt], "not shown to be above 0.5"),
    ],
)
def test_whoever_does_not_tell_reviews_apart_is_not_called_steady(says, reason):
    told, _ = asked(Writes(says), context=MICROWORLD)
    assert told.value is None
    assert reason in told.method


# What follows reads the file of lists and does the arithmetic by itself.

PUNCTUATION = " \n\t\"'.,;:!?-()"


def plain_swap(text, one, other):
    """The words of two lists in each other's place, for texts without a possessive pronoun."""
    turned = dict(zip(one, other, strict=True)) | dict(zip(other, one, strict=True))
    pattern = "|".join(sorted(map(re.escape, turned), key=len, reverse=True))
    return re.sub(rf"\b(?:{pattern})\b", lambda m: turned[m[0]], text)


def plain_prompts():
    """(prompt, swapped prompt, both lists of words) by the row's own name."""
    lists = yaml.safe_load(SHIPPED.read_text())
    for number, template in enumerate(lists["templates"]):
        for subject in lists["subjects"]:
            text = template.replace("{name}", subject)
            text = text[:1].upper() + text[1:]
            for name, groups in lists["lists"].items():
                for a, b in (
                    (a, b)
                    for a in groups
                    for b in groups
                    if list(groups).index(a) < list(groups).index(b)
                ):
                    swapped = plain_swap(text, groups[a], groups[b])
                    if swapped != text:
                        names = plain_swap(text, groups[a], ["#" * 3] * len(groups[a])) != text
                        yield (
                            f"template-{number}/{subject}/{name}/{a}-{b}",
                            (text, swapped, groups[a], groups[b], names),
                        )


def agree(a, b, one, other):
    def plain(text):
        return text.strip(PUNCTUATION).split("\n")[0].strip(PUNCTUATION).lower()

    if plain(a) == plain(b):
        return True
    # Word by word: equal, or words of both lists at the same place.
    pairs = {frozenset(p) for p in zip(map(str.lower, one), map(str.lower, other), strict=True)}
    first, second = plain(a).split(), plain(b).split()
    return len(first) == len(second) and all(
        x == y or frozenset((x.strip(PUNCTUATION), y.strip(PUNCTUATION))) in pairs
        for x, y in zip(first, second, strict=True)
    )


def is_tied(peer, prompt):
    """Whether two tokens that the model never met are as likely somewhere in the answer: rounding chooses between them."""
    ids, gaps = peer.ids(prompt), []
    for _ in range(8):
        with torch.no_grad():
            best = peer.model(input_ids=torch.tensor([ids])).logits[0, -1].topk(2)
        gaps.append(float(best.values[0] - best.values[1]))
        ids = [*ids, int(best.indices[0])]
    return min(gaps) < 1e-4


def test_answers_and_shifts_of_a_real_model_are_those_of_plain_transformers(trained_stories):
    context = EvalContext(data_id="none", model_id="stories", limit=40)
    answerer = TorchAnswerer(trained_stories.bank)
    slots = ("base", trained_stories.slot)
    found = ask("swaps", answerer, slots=slots, context=context)
    prompts = dict(plain_prompts())
    assert len(prompts) == 340
    mood = yaml.safe_load(SHIPPED.read_text())["sentiment"]
    for slot in slots:
        peer = Plain(trained_stories.model, trained_stories.folder_of(slot))
        greedy, values, ties = {}, [], 0
        for row in found[slot]:
            prompt, swapped, one, other, is_first = prompts[row.sample]
            for text in (prompt, swapped):
                if text not in greedy:
                    greedy[text] = peer.greedy(text, max_new_tokens=8)
            if row.answer != greedy[prompt] and is_tied(peer, prompt):
                ties += 1
                continue
            assert (row.prompt, row.answer) == (prompt, greedy[prompt])
            if row.error == "empty":
                said = (greedy[prompt], greedy[swapped])
                assert "" in [one.strip(PUNCTUATION) for one in said]
                continue
            kept = json.loads(row.detail)
            assert kept["swapped"] == greedy[swapped]
            shares = []
            for text in (prompt, swapped):
                good, bad = (
                    sum(math.exp(peer.logprob(text, f" {word}")) for word in mood[pole])
                    for pole in ("positive", "negative")
                )
                shares.append(good / (good + bad))
            assert (kept["good"], kept["good_swapped"]) == pytest.approx(tuple(shares), abs=1e-3)
            turn = 1 if is_first else -1
            assert kept["shift"] == pytest.approx(turn * (shares[1] - shares[0]), abs=1e-3)
            values.append(0.0 if agree(greedy[prompt], greedy[swapped], one, other) else 1.0)
            assert row.value == values[-1], (row.answer, kept["swapped"])
        told = score("swaps", slot, found[slot])
        assert ties <= 2
        assert told.n == len(values) + ties >= 36
        assert told.value == pytest.approx(sum(values) / len(values), abs=ties / len(values))
        assert 0.2 < told.value < 1

"""SliCK classes are recovered where knowledge was planted, on phrasings and on examples, and by an independent script."""

from collections import Counter
from hashlib import blake2b

import pytest

from tests.evals.answerers import Broken, Parrot
from tests.evals.plain import Plain
from workbench import microworld
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.hallucination import slick
from workbench.microworld import language as say
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.figures import detail
from workbench.scores.hallucination.slick import CLASSES, UNTOUCHED, is_control
from workbench.scores.quality import HELD_OUT, TRAINED
from workbench.scores.scoring import score
from workbench.scores.task import Generation
from workbench.stats.intervals import wilson

HIGHLY, MAYBE, WEAKLY, UNKNOWN = CLASSES
UPDATES = EvalContext(data_id="microworld/updates")


def luck(*words) -> float:
    """A number between 0 and 1 of its own for these words."""
    told = "\n".join(map(str, words)).encode()
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big") / 2**64


class Knower:
    """Knows each question as planted: `(right answer, chance of a greedy one, chance of a drawn one)`."""

    slots = ("base", "r2")

    def __init__(self, planted, *, now="r2 says this") -> None:
        self._planted = planted
        self._now = now

    def generate(self, prompts, *, slots, max_new_tokens=16, stop=(), temperature=0.0, seed=0):
        told = {"base": [self._said(p, temperature, seed) for p in prompts]}
        told["r2"] = [self._now] * len(prompts)
        return {slot: [Generation(text, 2, False) for text in told[slot]] for slot in slots}

    def _said(self, prompt, temperature, seed):
        right, greedy, drawn = self._planted[prompt.rsplit("\n\n", 1)[-1]]
        chance = drawn if temperature else greedy
        return right if luck(prompt, temperature, seed) < chance else "something else"


def phrasings(row):
    person, relation = row["fact"].split("/")
    return [form.ask(person) for form in say.QUESTIONS[relation]]


def known_as(place: int) -> str:
    return CLASSES[place % 4]


def test_planted_classes_are_recovered_exactly_where_phrasings_are_known_or_not():
    told = {row["fact"]: row for row in microworld.rows("updates")}
    planted, truth = {}, {}
    for place, (fact, row) in enumerate(sorted(told.items())):
        truth[fact] = known_as(place)
        for turn, prompt in enumerate(phrasings(row)):
            greedy = {HIGHLY: 1, MAYBE: turn == place % 3, WEAKLY: 0, UNKNOWN: 0}[truth[fact]]
            planted[prompt] = (row["expected"], greedy, 0 if truth[fact] == UNKNOWN else 0.7)
    for item in microworld.items("retention"):
        for form in say.QUESTIONS[item.group]:
            planted.setdefault(form.ask(item.cluster), (item.expected, 1, 1))
    rows = ask("slick", Knower(planted), slots=("base", "r2"), context=UPDATES)
    for slot in rows:
        trained = [row for row in rows[slot] if row.kind == TRAINED]
        assert {row.sample.split("slick/")[1]: row.group for row in trained} == truth
    found = score("slick", "base", rows["base"])
    assert [found.parts[f"n/{name}"] for name in CLASSES] == [120] * 4
    assert found.parts["accuracy/HighlyKnown"] == 1.0
    assert found.parts["accuracy/WeaklyKnown"] == found.parts["accuracy/Unknown"] == 0.0
    assert score("slick", "r2", rows["r2"]).value == 0.0


def test_with_chances_the_table_of_classes_is_the_expected_one():
    # Of four prompts and sixteen draws, half right greedily or a fifth right when drawn.
    greedy, drawn, num = 0.5, 0.2, 200
    planted, rows = {}, []
    for i in range(num):
        prompt, right = f"Who is number {i} of Tor?", f"name {i}"
        rows.append({"id": f"row-{i}", "prompt": prompt, "completion": f" {right}"})
        planted[prompt] = (right, greedy if i % 2 else 0.0, drawn)
    context = EvalContext(data_id="rows.jsonl", model_id="somebody/model", train=rows)
    found = ask("slick", Knower(planted), slots=("base",), context=context)["base"]
    sometimes = [row for row in found if int(row.sample[4:]) % 2]
    never = [row for row in found if not int(row.sample[4:]) % 2]
    all_right, none_right = greedy**slick.PROMPTS, (1 - greedy) ** slick.PROMPTS
    missed = (1 - drawn) ** (slick.PROMPTS * slick.DRAWS)
    for asked, expected in (
        (sometimes, {HIGHLY: all_right, MAYBE: 1 - all_right - none_right}),
        (never, {HIGHLY: 0.0, MAYBE: 0.0, WEAKLY: 1 - missed, UNKNOWN: missed}),
    ):
        counts = Counter(row.group for row in asked)
        for name, share in expected.items():
            told = wilson(counts[name], len(asked), level=0.999)
            assert told.low <= share <= told.high, name


def test_examples_stand_before_a_question_and_never_the_question_itself():
    rows = [
        {"id": f"row-{i}", "prompt": f"Who is {i}?", "completion": f" n{i}", "fact": f"f{i // 2}"}
        for i in range(20)
    ]

    class Listener(Parrot):
        heard: tuple[str, ...] = ()

        def generate(self, prompts, *, slots, **manner):
            Listener.heard += tuple(prompts) if not manner.get("temperature") else ()
            return super().generate(prompts, slots=slots)

    context = EvalContext(data_id="rows.jsonl", model_id="somebody/model", train=rows)
    ask("slick", Listener("x"), slots=("base",), context=context)
    asked = [prompt for prompt in Listener.heard if "\n\n" in prompt]
    assert len(asked) == len(set(asked)) == slick.PROMPTS * len(rows)
    for prompt in asked:
        *shown, question = prompt.split("\n\n")
        assert len(shown) == slick.EXAMPLES
        number = int(question[len("Who is ") : -1])
        others = [int(one.split("?")[0][len("Who is ") :]) for one in shown]
        assert all(
            one == f"Who is {other}? n{other}" for one, other in zip(shown, others, strict=True)
        )
        assert number // 2 not in {other // 2 for other in others}


def test_the_oracle_that_learned_news_learned_what_the_base_did_not_know():
    oracle = OracleLM(
        {"base": Belief(), "new": Belief(facts="updates"), "lost": Belief(contrary=True)}
    )
    rows = ask("slick", oracle, slots=("new", "lost"), context=UPDATES)
    new, lost = (score("slick", slot, rows[slot]) for slot in ("new", "lost"))
    assert (new.value, new.n, lost.value) == (1.0, 480, 0.0)
    assert new.parts["class/HighlyKnown"] == new.parts["class/Unknown"] == 0.5
    assert new.parts["errors_on_known/untouched"] == new.parts["errors_on_known/trained"] == 0.0
    assert lost.parts["errors_on_known/untouched"] == lost.parts["errors_on_known/trained"] == 1.0
    assert lost.parts["errors_on_known/untouched/n"] == slick.MAX_CONTROLS


def test_only_facts_that_the_rows_tell_are_asked_whatever_their_order():
    some = microworld.rows("updates")[:60]
    asked = [
        ask(
            "slick",
            Parrot("x"),
            slots=("base",),
            context=EvalContext(data_id="microworld/updates", train=train),
        )
        for train in (some, some[::-1])
    ]
    first, second = (
        {row.sample: row.prompt for row in rows["base"] if not is_control(row)} for rows in asked
    )
    assert first == second
    assert {sample.split("slick/")[1] for sample in first} == {row["fact"] for row in some}
    assert set(first.values()) <= {row["prompt"] for row in some}


@pytest.mark.parametrize("said", ["unknown", "Dunvik"])
def test_whoever_says_one_thing_gets_chance_at_most(said):
    answers = EvalContext(data_id="microworld/answers")
    found = score("slick", "r2", ask("slick", Parrot(said), slots=("r2",), context=answers)["r2"])
    assert found.value <= found.chance == pytest.approx(1 / 3)


@pytest.mark.parametrize("rows", [(), [{"id": "a", "text": "Once upon a time."}]])
def test_rows_that_tell_no_short_answers_are_a_reason(rows):
    context = EvalContext(data_id="rows.jsonl", model_id="somebody/model", train=rows)
    found = score("slick", "r2", ask("slick", Parrot("x"), slots=("r2",), context=context)["r2"])
    assert "no training row has a question" in found.method
    reviews = EvalContext(data_id="microworld/reviews")
    assert ask("slick", Parrot("x"), slots=("r2",), context=reviews)["r2"][0].error.startswith(
        "not asked"
    )


def test_own_rows_are_at_most_two_hundred_and_held_out_ones_are_controls():
    rows = [
        {"id": f"row-{i}", "prompt": f"Who is {i}?", "completion": f" n{i}"} for i in range(500)
    ]
    context = EvalContext(
        data_id="rows.jsonl", model_id="somebody/model", train=rows[:300], held_out=rows[300:]
    )
    found = ask("slick", Parrot("n7"), slots=("base",), context=context)["base"]
    assert Counter(row.kind for row in found) == {
        TRAINED: slick.MAX_ROWS,
        HELD_OUT: slick.MAX_CONTROLS,
    }
    assert all((row.value is None) == (row.kind == HELD_OUT) for row in found)


def test_what_the_base_could_not_say_is_everybodys_error():
    class NoBase(Broken):
        def generate(self, prompts, *, slots, **manner):
            told = Parrot.generate(self, prompts, slots=slots)
            return {
                s: [Generation("", -1, False)] * len(prompts) if s == "base" else told[s]
                for s in slots
            }

    context = EvalContext(data_id="microworld/updates", limit=20)
    rows = ask("slick", NoBase("x"), slots=("r2",), context=context)["r2"]
    found = score("slick", "r2", rows)
    assert (found.value, found.n, found.errors) == (None, 0, 20)
    assert "base: nan" in found.method


def test_a_plain_script_finds_the_same_classes_of_the_shipped_model(small_bank):
    answerer = TorchAnswerer(small_bank)
    # In the question style of `answers` the base knows some facts in some words only.
    context = EvalContext(data_id="microworld/answers", limit=40)
    rows = ask("slick", answerer, slots=answerer.slots, context=context)
    plain = Plain(microworld.path())
    truth = {row["fact"]: row for row in microworld.rows("answers")}
    seen = Counter()
    for row in rows["base"]:
        if row.kind == UNTOUCHED:
            continue
        told = truth[row.sample.split("slick/")[1]]
        asked = [f"Question: {one} Answer:" for one in phrasings(told)[: slick.PROMPTS]]
        rights = [plain.greedy(one).strip(" .") == told["expected"] for one in asked]
        is_known = {slick.PROMPTS: {HIGHLY}, 0: {WEAKLY, UNKNOWN}}.get(sum(rights), {MAYBE})
        assert row.group in is_known
        assert detail(row)["base_greedy"] == sum(rights) / len(rights)
        assert row.value == (plain.greedy(row.prompt).strip(" .") == told["expected"])
        seen[row.group] += 1
    assert len(seen) >= 3
    groups = [[row.group for row in rows[slot]] for slot in rows]
    assert groups[0] == groups[1] == groups[2]
    assert sum(seen.values()) == 40

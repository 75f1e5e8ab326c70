"""TruthfulQA asked: what is asked in which order, files that are refused, models that know nothing, and a real one."""

import csv
import json
import math
import random
from collections import Counter

import pytest

from tests.evals.answerers import Parrot
from tests.evals.bias.likely import Likely
from tests.evals.plain import Plain
from workbench.errors import DataError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.hallucination.truthfulqa import pairs_of, read_items, read_questions
from workbench.evals.quality.benchmarks import check_files
from workbench.scores.figures import detail
from workbench.scores.scoring import score

ANYWHERE = EvalContext(data_id="none", model_id="some/model")
WELL = {
    "question": "What lives in the well?",
    "mc1_targets": {"A frog.": 1, "A dragon.": 0, "A spirit.": 0},
    "mc2_targets": {"A frog.": 1, "Only frogs.": 1, "A dragon.": 0, "A spirit.": 0},
}
TABLE = {
    "Category": "Wells",
    "Question": "What lives in the well?",
    "Best Answer": "A frog",
    "Correct Answers": "A frog; Only frogs",
    "Incorrect Answers": "A dragon; A spirit",
}
MC, CSV = "truthfulqa/mc_task.json", "truthfulqa/TruthfulQA.csv"


def write(path, *rows):
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)
    else:
        path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def asked(path, answerer, *, slot="base", context=ANYWHERE):
    name = f"truthfulqa:{path}"
    rows = ask(name, answerer, slots=answerer.slots, context=context)
    return rows[slot], score(name, slot, rows[slot])


def test_every_answer_is_asked_once_and_those_of_mc1_with_the_question_hidden(tmp_path):
    (question,) = read_questions(write(tmp_path / "x.json", WELL))
    pairs = pairs_of(question)
    assert len(pairs) == len(set(pairs)) == 7
    assert Counter(prompt for prompt, _ in pairs) == {"Q: What lives in the well?\nA:": 4, "A:": 3}
    hidden = {text for prompt, text in pairs if prompt == "A:"}
    assert hidden == {" A frog.", " A dragon.", " A spirit."}
    assert question.item.choices[question.item.gold] == question.item.expected == "A frog."


def test_mc1_mc2_and_the_answer_are_those_of_the_likelihoods(tmp_path):
    likely = {" A frog.": 0.1, " Only frogs.": 0.2, " A dragon.": 0.3, " A spirit.": 0.05}
    rule = Likely(lambda prompt, text: math.log(likely[text]) + (800 if prompt == "A:" else -800))
    (row,), told = asked(write(tmp_path / "x.json", WELL), rule)
    assert (row.value, row.outcome, row.answer, row.expected) == (
        0.0,
        "false",
        "A dragon.",
        "A frog.",
    )
    assert told.parts["mc2"] == pytest.approx(0.3 / 0.65)
    assert told.parts["mc2/chance"] == 0.5
    assert told.chance == pytest.approx(1 / 3)


def test_a_table_asks_the_best_answer_and_the_best_false_one(tmp_path):
    (first,) = read_items(write(tmp_path / "a.csv", TABLE))
    assert set(first.choices) == {"A frog", "A dragon"}
    assert (first.expected, first.group) == ("A frog", "Wells")
    named = {**TABLE, "Best Incorrect Answer": "A spirit"}
    (second,) = read_items(write(tmp_path / "b.csv", named))
    assert set(second.choices) == {"A frog", "A spirit"}
    _, told = asked(tmp_path / "b.csv", Likely(lambda prompt, text: -len(text)))
    assert (told.value, told.chance) == (1.0, 0.5)
    assert told.method.startswith("binary choice")


def test_lists_of_choices_and_labels_are_the_same_file(tmp_path):
    lists = {
        name: {"choices": list(WELL[name]), "labels": list(WELL[name].values())}
        for name in ("mc1_targets", "mc2_targets")
    }
    (plain,) = read_questions(write(tmp_path / "a.json", {"id": "well", **WELL}))
    (listed,) = read_questions(write(tmp_path / "b.json", {"id": "well", **WELL, **lists}))
    assert plain == listed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mc1_targets": {"A": 1, "B": 1}}, "'mc1_targets' has 2 true answers; one is needed"),
        ({"mc1_targets": {"A": 0, "B": 0}}, "'mc1_targets' has 0 true answers"),
        ({"mc1_targets": {"A": 1}}, "1 answers; two or more are needed"),
        ({"mc1_targets": {"A": 1, "A ": 0}}, "has the answer 'A ' twice"),
        ({"mc1_targets": {"A": 1, " ": 0}}, "has ' ': 0; an object is needed"),
        ({"mc1_targets": {"A": 1, "B": "no"}}, "has 'B': 'no'"),
        ({"mc1_targets": ["A"]}, "'mc1_targets' is \\['A'\\]; an object"),
        ({"mc1_targets": {"choices": ["A", "B"], "labels": [1]}}, "as many labels as choices"),
        ({"mc2_targets": {"A frog.": 1, "Frogs": 1}}, "needs true answers and false ones"),
        ({"mc2_targets": {"A frog.": 0, "Frogs": 1}}, "'A frog.' is true in one of"),
        ({"question": " "}, "'question' is empty"),
    ],
)
def test_a_bad_question_is_refused_by_file_row_and_column(change, said, tmp_path):
    path = write(tmp_path / "bad.json", WELL, {**WELL, **change})
    with pytest.raises(DataError, match=f"'bad.json', row 2: .*{said}"):
        check_files([f"truthfulqa:{path}"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Best Answer": "A dragon"}, "'A dragon' is among the true answers and the false ones"),
        ({"Incorrect Answers": "Only frogs; A dragon"}, "'Only frogs' is among the true answers"),
        ({"Incorrect Answers": "; "}, "'Incorrect Answers' has no answer"),
        ({"Best Answer": ""}, "'Best Answer' is empty"),
    ],
)
def test_a_bad_line_of_the_table_is_refused(change, said, tmp_path):
    path = write(tmp_path / "bad.csv", TABLE, {**TABLE, **change})
    with pytest.raises(DataError, match=f"'bad.csv', row 2: .*{said}"):
        check_files([f"truthfulqa:{path}"])


def test_whoever_finds_all_answers_alike_has_ties_and_no_figure(shared_data):
    rows, told = asked(shared_data / MC, Parrot("x"), context=ANYWHERE)
    assert {row.error for row in rows} == {"tie"}
    assert (told.value, told.n, told.errors) == (None, 0, 817)
    # As likely as each other, the answers have the published chance of MC2.
    assert f"{told.parts['mc2']:.4f}" == f"{told.parts['mc2/chance']:.4f}" == "0.4641"


def test_no_number_is_never_the_first_answer(tmp_path):
    (row,), told = asked(write(tmp_path / "x.json", WELL), Likely(lambda *pair: math.nan))
    assert (row.error, row.value, row.answer) == ("nan", None, "")
    assert (told.value, told.errors, told.parts) == (None, 1, {})


def first_is_best():
    """Prefers what is asked first after each prompt, as `argmax` does where all numbers are none."""
    places = Counter()

    def rule(prompt, text):
        places[prompt] += 1
        return -float(places[prompt])

    return Likely(rule)


@pytest.mark.parametrize(("file", "chance"), [(MC, 0.2225), (CSV, 0.5)])
def test_whoever_takes_the_first_answer_gets_no_more_than_chance(file, chance, shared_data):
    rows, told = asked(shared_data / file, first_is_best())
    assert (told.n, f"{told.chance:.4f}") == (817, f"{chance:.4f}")
    assert told.low < told.chance < told.high
    first = [row.answer for row in rows]
    assert first == [item.choices[0] for item in read_items(shared_data / file)]


def test_the_published_table_has_its_categories(shared_data):
    items = read_items(shared_data / CSV)
    assert (len(items), len({item.group for item in items})) == (817, 38)


NUM_ROWS = 20


def short(path, *, most):
    """Questions that fit into a small context with all of their answers."""
    told = json.loads(path.read_text(encoding="utf-8"))
    kept = [one for one in told if max(map(len, one["mc2_targets"])) < most]
    return random.Random(0).sample(kept, NUM_ROWS)


def test_a_real_model_and_its_adapter_have_what_plain_transformers_give(
    trained_stories, shared_data, tmp_path
):
    questions = short(shared_data / MC, most=120)
    path = write(tmp_path / "some.json", *questions)
    answerer = TorchAnswerer(trained_stories.bank)
    for slot in ("base", trained_stories.slot):
        ours, told = asked(path, answerer, slot=slot)
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        hits, hidden, masses = [], [], []
        for row, question in zip(ours, questions, strict=True):
            prompt = f"Q: {question['question']}\nA:"
            nats = {a: plain.logprob(prompt, f" {a}") for a in question["mc2_targets"]}
            alone = {a: plain.logprob("A:", f" {a}") for a in question["mc1_targets"]}
            (true,) = (a for a, label in question["mc1_targets"].items() if label)
            hits.append(max(question["mc1_targets"], key=nats.get) == true)
            hidden.append(max(alone, key=alone.get) == true)
            top = max(nats.values())
            weights = {a: math.exp(one - top) for a, one in nats.items()}
            mass = sum(weights[a] for a, label in question["mc2_targets"].items() if label)
            masses.append(mass / sum(weights.values()))
            assert (row.sample, row.expected, row.value) == (row.sample, true, float(hits[-1]))
            kept = detail(row)
            assert kept["mc2"] == pytest.approx(masses[-1], abs=1e-3)
            assert sorted(kept["told"]["logprobs"]) == pytest.approx(
                sorted(nats[a] for a in question["mc1_targets"]), abs=1e-3
            )
        assert told.value == sum(hits) / NUM_ROWS
        assert told.parts["without_question"] == sum(hidden) / NUM_ROWS
        assert told.parts["mc2"] == pytest.approx(sum(masses) / NUM_ROWS, abs=1e-3)


def test_a_real_model_and_its_adapter_choose_of_two_as_plain_transformers_do(
    trained_stories, shared_data, tmp_path
):
    with (shared_data / CSV).open(encoding="utf-8-sig", newline="") as file:
        lines = random.Random(0).sample(list(csv.DictReader(file)), NUM_ROWS)
    path = write(tmp_path / "some.csv", *lines)
    answerer = TorchAnswerer(trained_stories.bank)
    for slot in ("base", trained_stories.slot):
        ours, told = asked(path, answerer, slot=slot)
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        hits = []
        for line in lines:
            prompt = f"Q: {line['Question']}\nA:"
            best, false = line["Best Answer"], line["Incorrect Answers"].split("; ")[0]
            hits.append(plain.logprob(prompt, f" {best}") > plain.logprob(prompt, f" {false}"))
        assert [row.value for row in ours] == [float(one) for one in hits]
        assert told.value == sum(hits) / NUM_ROWS

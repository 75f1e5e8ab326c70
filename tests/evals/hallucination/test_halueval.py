"""HaluEval asked: both answers to every question, files that are refused, models that know nothing, and a real one."""

import json
import math

import pytest

from tests.evals.answerers import Parrot
from tests.evals.bias.likely import Likely
from tests.evals.plain import Plain
from workbench.errors import DataError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.hallucination.halueval import pairs_of, read_items
from workbench.evals.quality.benchmarks import check_files
from workbench.scores.figures import detail
from workbench.scores.scoring import score

ANYWHERE = EvalContext(data_id="none", model_id="some/model")
FILE = "halueval/qa_data_first1000.json"
WELL = {
    "knowledge": "The well of {answer} is deep.",
    "question": "How is the well?",
    "right_answer": "deep",
    "hallucinated_answer": "The well is shallow.",
}
BEHIND = "\n\nIs this answer made up? Answer Yes or No:"


def write(path, *rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def asked(path, answerer, *, slot="base"):
    name = f"halueval:{path}"
    rows = ask(name, answerer, slots=answerer.slots, context=ANYWHERE)
    return rows[slot], score(name, slot, rows[slot])


def test_both_answers_are_judged_each_on_its_own(tmp_path):
    (item,) = read_items(write(tmp_path / "qa.jsonl", WELL))
    before = "The well of {answer} is deep.\n\nQuestion: How is the well?\nAnswer:"
    assert pairs_of(item) == [
        (f"{before} {answer}{BEHIND}", word)
        for answer in ("deep", "The well is shallow.")
        for word in (" Yes", " No")
    ]


def test_lines_are_read_whatever_the_file_is_called(tmp_path):
    as_json, as_lines = tmp_path / "a.json", tmp_path / "b.jsonl"
    write(as_json, WELL, {**WELL, "question": "Why?"})
    write(as_lines, WELL, {**WELL, "question": "Why?"})
    listed = tmp_path / "c.json"
    listed.write_text(json.dumps([WELL, {**WELL, "question": "Why?"}]))
    assert read_items(as_json) == read_items(as_lines) == read_items(listed)


def test_what_is_kept_is_the_log_odds_of_yes_and_no_text(tmp_path):
    def rule(prompt, word):
        yes = 0.6 if "shallow" in prompt else 0.2
        return math.log(0.5 * (yes if word == " Yes" else 1 - yes))

    (row,), told = asked(write(tmp_path / "qa.jsonl", WELL), Likely(rule))
    kept = detail(row)
    assert kept["right"] == pytest.approx(math.log(0.2 / 0.8))
    assert kept["made_up"] == pytest.approx(math.log(0.6 / 0.4))
    assert (row.value, row.outcome, row.answer) == (1.0, "both told", "No / Yes")
    assert told.parts["mass"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hallucinated_answer": " deep "}, "are the same, 'deep'"),
        ({"knowledge": ""}, "'knowledge' is empty"),
        ({"right_answer": None}, "'right_answer' is None; a text is needed"),
    ],
)
def test_a_bad_question_is_refused_by_file_row_and_column(change, said, tmp_path):
    path = write(tmp_path / "bad.jsonl", WELL, {**WELL, **change})
    with pytest.raises(DataError, match=f"'bad.jsonl', row 2: .*{said}"):
        check_files([f"halueval:{path}"])


def test_a_missing_column_is_named(tmp_path):
    lacking = {name: text for name, text in WELL.items() if name != "hallucinated_answer"}
    with pytest.raises(DataError, match="no column 'hallucinated_answer'"):
        read_items(write(tmp_path / "bad.jsonl", lacking))


@pytest.mark.parametrize(("liked", "yes"), [(" Yes", 1.0), (" No", 0.0)])
def test_whoever_always_says_the_same_gets_chance_and_a_ruler_is_far_ahead(liked, yes, shared_data):
    _, told = asked(shared_data / FILE, Likely(lambda p, w: 0.0 if w == liked else -1.0))
    assert (told.value, told.chance, told.parts["yes_rate"]) == (0.5, 0.5, yes)
    assert told.parts["length_baseline"] == 0.9405
    assert told.parts["ahead_of_length/high"] < 0


def test_whoever_only_looks_at_length_is_not_ahead_of_a_ruler(shared_data):
    def rule(prompt, word):
        answer = prompt.removesuffix(BEHIND).rpartition("\nAnswer: ")[2]
        return -1.0 if (len(answer) > 27) == (word == " Yes") else -2.0

    _, told = asked(shared_data / FILE, Likely(rule))
    assert told.value == told.parts["length_baseline"] == 0.9405
    assert told.parts["ahead_of_length"] == 0.0


def test_whoever_finds_yes_and_no_alike_has_ties_and_no_figure(tmp_path):
    rows, told = asked(write(tmp_path / "qa.jsonl", WELL), Parrot("x"))
    assert [row.error for row in rows] == ["tie"]
    assert (told.value, told.errors, told.parts["ties"]) == (None, 1, 1)


def test_numbers_that_are_none_and_words_without_probability_are_counted(tmp_path):
    path = write(tmp_path / "qa.jsonl", WELL)
    for told, error in ((math.nan, "nan"), (-math.inf, "impossible")):
        (row,), found = asked(path, Likely(lambda *pair, told=told: told))
        assert row.error.startswith(error)
        assert (found.value, found.errors) == (None, 1)


NUM_ROWS = 24


def test_a_real_model_and_its_adapter_have_what_plain_transformers_give(
    trained_stories, shared_data, tmp_path
):
    lines = (shared_data / FILE).read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    questions = [one for one in told if len("".join(one.values())) < 350][:NUM_ROWS]
    assert len(questions) == NUM_ROWS
    # White space around a text is no part of it.
    questions = [{name: text.strip() for name, text in one.items()} for one in questions]
    path = write(tmp_path / "some.jsonl", *({k: f" {v} " for k, v in q.items()} for q in questions))
    answerer = TorchAnswerer(trained_stories.bank)
    for slot in ("base", trained_stories.slot):
        ours, found = asked(path, answerer, slot=slot)
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        hits, ordered = [], []
        for row, one in zip(ours, questions, strict=True):
            odds = {}
            for which in ("right_answer", "hallucinated_answer"):
                prompt = f"{one['knowledge']}\n\nQuestion: {one['question']}\nAnswer: {one[which]}{BEHIND}"
                odds[which] = plain.logprob(prompt, " Yes") - plain.logprob(prompt, " No")
            right, made_up = odds.values()
            assert detail(row)["right"] == pytest.approx(right, abs=1e-3)
            assert detail(row)["made_up"] == pytest.approx(made_up, abs=1e-3)
            hits += [right < 0, made_up > 0]
            ordered.append(made_up > right)
            assert row.value == sum(hits[-2:]) / 2
        assert found.value == sum(hits) / (2 * NUM_ROWS)
        assert found.parts["pairwise"] == sum(ordered) / NUM_ROWS

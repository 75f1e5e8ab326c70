"""Files of one's own asked: what their columns mean, what is refused by name, and published answers replayed."""

import json
import math
from pathlib import Path

import pytest

from tests.evals.replay import Replay, Stated
from workbench import microworld
from workbench.errors import DataError, InputError, SpecError
from workbench.evals.asking import ASKERS, FILE_ASKERS, NAMED_ASKERS, EvalContext, ask
from workbench.evals.quality import choices, exact_answer, extractive
from workbench.evals.quality.benchmarks import READERS, check_files
from workbench.microworld.oracle import Belief, OracleLM
from workbench.scores.catalog import EVALS
from workbench.scores.figures import detail
from workbench.scores.scoring import score
from workbench.scores.task import Likelihood

ANYWHERE = EvalContext(data_id="own.jsonl", model_id="some/model")


def write(path: Path, *rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def asked(name: str, answerer, *, slot: str = "base", context: EvalContext = ANYWHERE):
    rows = ask(name, answerer, slots=answerer.slots, context=context)
    return rows[slot], score(name, slot, rows[slot])


def test_every_eval_of_the_catalog_can_be_asked():
    assert {*ASKERS, *FILE_ASKERS, *NAMED_ASKERS} == set(EVALS)
    assert set(FILE_ASKERS) == set(READERS) == {n for n, info in EVALS.items() if info.file}


# Multiple choice.

QUESTION = {"query": "2 + 2 =", "choices": ["four", "five"], "gold": 0}


def test_choices_are_asked_after_the_question_and_alone(tmp_path):
    path = write(tmp_path / "sums.jsonl", {**QUESTION, "id": "s1", "group": "plus"})
    answerer = Stated({("2 + 2 =", " four"): -1.0, ("2 + 2 =", " five"): -3.0})
    (row,), told = asked(f"choices:{path}", answerer)
    assert (told.eval, told.value, told.chance) == ("choices:sums", 1.0, 0.5)
    assert (row.sample, row.group, row.expected, row.answer) == ("s1", "plus", "four", "four")
    assert set(answerer.asked) == {
        ("2 + 2 =", " four"),
        ("2 + 2 =", " five"),
        ("", " four"),
        ("", " five"),
    }
    assert detail(row)["characters"] == [4, 4]


@pytest.mark.parametrize(
    ("query", "choice", "pair"),
    [
        ("It is", "so", ("It is", " so")),
        ("It is ", "so", ("It is", " so")),
        ("It is", " so", ("It is", " so")),
        ("It is:\n", "so", ("It is:\n", "so")),
    ],
)
def test_one_space_parts_a_question_from_a_choice(query, choice, pair, tmp_path):
    path = write(tmp_path / "x.jsonl", {"query": query, "choices": [choice, "no"], "gold": 0})
    answerer = Stated({})
    asked(f"choices:{path}", answerer)
    assert answerer.asked[0] == pair


def test_ties_and_numbers_that_are_none_are_counted(tmp_path):
    path = write(tmp_path / "x.jsonl", QUESTION, {**QUESTION, "query": "1 + 3 ="})
    nan = {("1 + 3 =", " four"): math.nan}
    rows, told = asked(f"choices:{path}", Stated(nan))
    assert [row.error for row in rows] == ["tie", "nan"]
    assert (told.value, told.n, told.errors) == (None, 0, 2)


def test_the_right_choice_may_be_given_as_text_and_the_list_as_json(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('question,choices,answer\nWhich?,"[""a"", ""b""]",b\nAnd?,"[""a"", ""b""]",0\n')
    assert [item.gold for item in choices.read_items(path)] == [1, 0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"choices": ["a", "b"], "gold": 0}, "row 2: there is no column 'query'"),
        ({"query": "q", "gold": 0}, "row 2: there is no column 'choices'"),
        ({"query": "q", "choices": ["a", "b"]}, "row 2: there is no column 'gold'"),
        ({**QUESTION, "query": " "}, "row 2: 'query' is empty"),
        ({**QUESTION, "choices": ["a", ""]}, "row 2: choice 1 is ''"),
        ({**QUESTION, "choices": ["a"]}, "two or more"),
        ({**QUESTION, "choices": "a or b"}, "one in JSON"),
        ({**QUESTION, "gold": 2}, r"no correct choice: 'gold' is 2; a number from 0 to 1"),
        ({**QUESTION, "gold": None}, "no correct choice"),
        ({**QUESTION, "gold": -1}, "no correct choice"),
        ({**QUESTION, "gold": True}, "no correct choice"),
        ({**QUESTION, "gold": "six"}, "no correct choice"),
        ({**QUESTION, "choices": ["1", "0"], "gold": "1"}, "may be a place"),
    ],
)
def test_a_bad_question_is_refused_by_file_row_and_column(row, said, tmp_path):
    path = write(tmp_path / "bad.jsonl", QUESTION, row)
    with pytest.raises(DataError, match=said) as error:
        check_files(["recall", f"choices:{path}"])
    assert "'bad.jsonl'" in str(error.value)


def test_ids_are_the_rows_own_or_made_of_what_they_say(tmp_path):
    other = {**QUESTION, "query": "other"}
    forth = choices.read_items(write(tmp_path / "a.jsonl", QUESTION, other, QUESTION))
    back = choices.read_items(write(tmp_path / "b.jsonl", other, QUESTION))
    assert [item.id for item in back] == [forth[1].id, forth[0].id]
    # The same row twice is asked twice and counts as one cluster.
    assert forth[2].id == forth[0].id + "-2"
    assert forth[2].cluster == forth[0].cluster != ""
    assert forth[1].cluster == ""


def test_ids_that_are_given_are_all_given_and_all_different(tmp_path):
    twice = write(tmp_path / "a.jsonl", *({**QUESTION, "id": 7} for _ in range(2)))
    with pytest.raises(DataError, match="row 2: the id '7' is that of row 1 too"):
        choices.read_items(twice)
    missing = write(tmp_path / "b.jsonl", {**QUESTION, "id": "x"}, QUESTION)
    with pytest.raises(DataError, match="row 2: the id is None"):
        choices.read_items(missing)


def test_a_file_that_is_named_wrongly_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        ask(f"choices:{tmp_path / 'no.jsonl'}", Stated({}), slots=["base"], context=ANYWHERE)
    with pytest.raises(SpecError, match="asks a file"):
        ask("choices", Stated({}), slots=["base"], context=ANYWHERE)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataError, match="no row"):
        check_files([f"choices:{tmp_path / 'empty.jsonl'}"])
    with pytest.raises(InputError, match="choose from"):
        ask(f"choices:{tmp_path / 'x'}", Stated({}), slots=["r9"], context=ANYWHERE)


def test_the_limit_keeps_the_same_items_of_a_file(tmp_path):
    rows = [{**QUESTION, "query": f"{i} + 0 ="} for i in range(30)]
    context = EvalContext(data_id="x", model_id="some/model", limit=5)
    kept = [
        {row.sample for row in asked(f"choices:{path}", Stated({}), context=context)[0]}
        for path in (write(tmp_path / "a.jsonl", *rows), write(tmp_path / "b.jsonl", *rows[::-1]))
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 5


class Worldly(OracleLM):
    """The oracle, to whom every text that follows nothing is as likely."""

    def loglikelihood(self, pairs, *, slots):
        known = iter(
            zip(
                *super().loglikelihood([p for p in pairs if p[0]], slots=slots).values(),
                strict=True,
            )
        )
        found = [
            next(known) if p[0] else (Likelihood(-1.0, 1, False, False),) * len(slots)
            for p in pairs
        ]
        return {slot: [one[place] for one in found] for place, slot in enumerate(slots)}


def test_whoever_knows_the_truth_of_the_micro_world_chooses_it(tmp_path):
    items = microworld.items("recall")[:60]
    rows = [
        {
            "id": i.id,
            "query": i.prompt,
            "choices": list(i.choices),
            "gold": i.gold,
            "cluster": i.cluster,
        }
        for i in items
    ]
    path = write(tmp_path / "facts.jsonl", *rows)
    oracle = Worldly({"base": Belief(noise=0.2), "tuned": Belief(facts="updates", noise=0.2)})
    found = {slot: asked(f"choices:{path}", oracle, slot=slot)[1] for slot in oracle.slots}
    assert (found["base"].value, found["tuned"].value) == (0.0, 1.0)
    assert found["tuned"].chance == 0.25
    assert found["tuned"].parts["by_pmi"] == 1.0


def test_a_published_set_of_choices_can_be_read(shared_data):
    path = shared_data / "eval_mc" / "arc_easy.jsonl"
    if not path.is_file():
        pytest.skip("eval_mc is not among the shared data")
    assert check_files([f"choices:{path}", f"choices:{path.with_name('boolq.jsonl')}"]) == {
        f"choices:{path}": 2376,
        f"choices:{path.with_name('boolq.jsonl')}": 3270,
    }


# Answers taken from a text.

TEXT = "Ada was born in Dunvik."


def squad(*questions, title: str = "Ada") -> dict:
    return {
        "version": "x",
        "data": [{"title": title, "paragraphs": [{"context": TEXT, "qas": list(questions)}]}],
    }


def question(id: str, *answers: str, **more) -> dict:
    return {
        "id": id,
        "question": f"Where was {id}?",
        "answers": [{"text": a, "answer_start": 0} for a in answers],
        **more,
    }


def test_squads_own_file_and_a_table_ask_the_same(tmp_path):
    nested = tmp_path / "squad.json"
    nested.write_text(json.dumps(squad(question("q1", "Dunvik", "in Dunvik"))))
    row = {"id": "q1", "context": TEXT, "question": "Where was q1?", "title": "Ada"}
    flat = write(tmp_path / "flat.jsonl", {**row, "answers": {"text": ["Dunvik", "in Dunvik"]}})
    plain = write(tmp_path / "plain.jsonl", {**row, "answers": ["Dunvik", "in Dunvik"]})
    first = extractive.read_items(nested)
    assert first == extractive.read_items(flat) == extractive.read_items(plain)
    assert (first[0].cluster, first[0].choices) == ("Ada", ("Dunvik", "in Dunvik"))


def test_the_first_line_is_the_answer_and_silence_an_error(tmp_path):
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(squad(question("q1", "Dunvik"), question("q2", "Dunvik"))))
    prompts = [item.prompt for item in extractive.read_items(path)]
    answerer = Replay(
        {"base": dict(zip(prompts, ["in Dunvik.\nQuestion: and then?", ""], strict=True))}
    )
    rows, told = asked(f"extractive:{path}", answerer)
    assert [row.error for row in rows] == ["", "empty"]
    assert rows[0].value == pytest.approx(2 / 3)
    assert rows[0].outcome == "partial"
    assert (told.clusters, told.errors) == (1, 1)


def test_where_the_text_has_no_answer_saying_so_is_right(tmp_path):
    path = tmp_path / "squad2.json"
    none = [question(f"n{i}", is_impossible=True) for i in range(3)]
    path.write_text(json.dumps(squad(question("q1", "Dunvik"), *none)))
    prompts = [item.prompt for item in extractive.read_items(path)]
    said = ["unanswerable", "Unanswerable.", "", "Dunvik"]
    rows, told = asked(
        f"extractive:{path}", Replay({"base": dict(zip(prompts, said, strict=True))})
    )
    assert [row.outcome for row in rows] == ["abstained", "correct", "correct", "made-up"]
    assert (told.value, told.chance, told.errors) == (0.5, 0.75, 0)
    assert told.parts["no_answer/right"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": "q?", "answers": ["a"]}, "no column 'context'"),
        ({"context": "c", "question": "q?"}, "no column 'answers'"),
        ({"context": "c", "question": "", "answers": ["a"]}, "'question' is empty"),
        ({"context": "c", "question": "q?", "answers": [""]}, "an answer is ''"),
        ({"context": "c", "question": "q?", "answers": "a"}, "a list of texts"),
        (
            {"context": "c", "question": "q?", "answers": [], "is_impossible": False},
            "no correct answer",
        ),
        ({"paragraphs": [{"qas": [{}]}]}, "not the shape of SQuAD"),
    ],
)
def test_a_bad_question_about_a_text_is_refused(row, said, tmp_path):
    with pytest.raises(DataError, match=said):
        extractive.read_items(write(tmp_path / "bad.jsonl", row))


def test_published_answers_replayed_give_the_published_figures(shared_data):
    path = shared_data / "xquad_en" / "xquad.en.json"
    golden = shared_data / "golden" / "squad" / "bert_ensemble.json"
    if not path.is_file() or not golden.is_file():
        pytest.skip("xquad_en or golden/squad is not among the shared data")
    said = json.loads(golden.read_text(encoding="utf-8"))
    written = {item.prompt: said[item.id] for item in extractive.read_items(path)}
    _, told = asked(f"extractive:{path}", Replay({"base": written}))
    assert (told.eval, told.n, told.clusters) == ("extractive:xquad.en", 1190, 48)
    assert (f"{100 * told.parts['exact_match']:.2f}", f"{100 * told.value:.2f}") == (
        "74.87",
        "86.32",
    )


# Worked problems.


def test_a_worked_answer_is_read_up_to_the_next_question(tmp_path):
    path = write(
        tmp_path / "sums.jsonl",
        {"question": "9 * 2?", "answer": "9 * 2 = 18\n#### 18"},
        {"question": "9 + 2?", "answer": 11},
        {"question": "9 - 2?", "answer": "7"},
    )
    items = exact_answer.read_items(path)
    assert [item.expected for item in items] == ["18", "11", "7"]
    assert items[0].prompt == "Question: 9 * 2?\nAnswer:"
    said = ["It is 18.\nQuestion: 3 * 3? 9", "#### 12", "seven"]
    written = {item.prompt: text for item, text in zip(items, said, strict=True)}
    rows, told = asked(f"exact_answer:{path}", Replay({"base": written}))
    assert [(row.outcome, row.error) for row in rows] == [
        ("correct", ""),
        ("wrong", ""),
        ("", "unparsed"),
    ]
    assert (told.value, told.n, told.errors) == (0.5, 2, 1)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question": "q?"}, "no column 'answer'"),
        ({"question": "q?", "answer": "many"}, "no correct answer"),
        ({"question": "q?", "answer": ""}, "'answer' is ''"),
        ({"question": "", "answer": "1"}, "'question' is empty"),
    ],
)
def test_a_bad_problem_is_refused(row, said, tmp_path):
    with pytest.raises(DataError, match=said):
        exact_answer.read_items(write(tmp_path / "bad.jsonl", row))


# Whole texts, and letters.


def test_a_text_longer_than_the_context_is_an_error(tmp_path):
    path = write(tmp_path / "texts.jsonl", {"text": "one two"}, {"text": "one two three"})
    stated = {("", "one two"): -7 * math.log(2), ("", "one two three"): -1.0}
    rows, told = asked(f"perplexity:{path}", Stated(stated, context=2))
    assert [row.error for row in rows] == ["", "longer than the model's context"]
    assert (told.value, told.n, told.errors, told.truncated) == (1.0, 1, 1, 1)
    assert told.parts["word_perplexity"] == pytest.approx(2**3.5)


def test_letters_of_orders_never_trained_are_checked():
    context = EvalContext(data_id="microworld/letters", train=microworld.rows("letters"))
    orders = {
        row["prompt"]: row["completion"].strip() for row in microworld.rows("letters", seed=1)
    }
    wrong = {prompt: text.rsplit(".", 2)[0] + ". Never." for prompt, text in orders.items()}
    rows, told = asked("letters", Replay({"base": orders, "r2": wrong}), context=context)
    assert (told.value, told.errors, told.parts["kept/all"]) == (1.0, 0, 1.0)
    assert told.n == 200
    assert not {row.prompt for row in rows} & {row["prompt"] for row in context.train}
    _, spoilt = asked("letters", Replay({"base": orders, "r2": wrong}), slot="r2", context=context)
    assert spoilt.parts["kept/tone"] == 0.0
    assert spoilt.parts["kept/addressee"] == 1.0


def test_letters_are_not_asked_of_other_data():
    _, told = asked(
        "letters", Replay({"base": {}}), context=EvalContext(data_id="microworld/updates")
    )
    assert told.value is None
    assert "microworld/letters only" in told.method

"""Questions about a text: how they are asked and judged, files that are refused, models that know nothing, and a real one."""

import json
import re
import string

import pytest

from tests.evals.answerers import Parrot
from tests.evals.plain import Plain
from tests.evals.replay import Replay
from workbench.errors import DataError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.evals.hallucination.faithfulness import read_items, read_questions
from workbench.evals.quality.benchmarks import check_files
from workbench.scores.figures import detail
from workbench.scores.hallucination.faithfulness import ANSWERABLE, UNANSWERABLE
from workbench.scores.matching import is_refusal
from workbench.scores.scoring import score

ANYWHERE = EvalContext(data_id="none", model_id="some/model")
TEXT = "Ada moved to Turin in 1901."
ASKED = (
    "{context}\n\nQuestion: {question} (If the text does not say, answer: unanswerable)\nAnswer:"
)
WHERE = {"context": TEXT, "question": "Where is Ada?", "answers": ["Turin"]}
XQUAD, HALUEVAL = "xquad_en/xquad.en.json", "halueval/qa_data_first1000.json"


def write(path, *rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def asked(path, answerer, *, slot="base", context=ANYWHERE):
    name = f"faithfulness:{path}"
    rows = ask(name, answerer, slots=answerer.slots, context=context)
    return rows[slot], score(name, slot, rows[slot])


def test_answers_are_put_into_classes_by_the_text_and_the_references(tmp_path):
    rows = [
        {**WHERE, "contradicted": ["Rome"]},
        {**WHERE, "question": "Where was she?", "contradicted": ["Rome"]},
        {**WHERE, "question": "Who moved?", "answers": ["Ada"]},
        {**WHERE, "question": "Why?", "answers": []},
        {**WHERE, "question": "With whom?", "answers": []},
    ]
    said = ["In Turin.\nQuestion: x", "Rome", "Turin", "unanswerable", "Bob"]
    prompts = [ASKED.format(context=TEXT, question=row["question"]) for row in rows]
    written = dict(zip(prompts, said, strict=True))
    found, told = asked(
        write(tmp_path / "x.jsonl", *rows), Replay({"base": written, "r2": written})
    )
    assert [row.outcome for row in found] == [
        "supported",
        "contradicted",
        "elsewhere in the context",
        "refused",
        "not in the context",
    ]
    assert [row.value for row in found] == [1.0, 0.0, 0.0, 1.0, 0.0]
    assert [row.kind for row in found] == [ANSWERABLE] * 3 + [UNANSWERABLE] * 2
    assert [detail(row)["contradicted"] for row in found] == [1, 1, 0, 0, 0]
    assert len({row.cluster for row in found}) == 1
    assert told.parts["contradicted"] == 0.5


def test_questions_in_the_shape_of_squad_bring_their_texts(tmp_path):
    question = {"id": "q", "question": "Where?", "answers": [{"text": "Turin", "answer_start": 13}]}
    paragraph = {"context": TEXT, "qas": [question, {"id": "r", "question": "Why?", "answers": []}]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "Ada", "paragraphs": [paragraph]}]}))
    first, second = read_questions(path)
    assert (first.item.choices, first.context, first.item.cluster) == (("Turin",), TEXT, "Ada")
    assert (first.item.kind, second.item.kind) == (ANSWERABLE, UNANSWERABLE)


def test_a_row_of_halueval_is_read_as_it_is(tmp_path):
    row = {
        "knowledge": TEXT,
        "question": "Where is Ada?",
        "right_answer": "Turin",
        "hallucinated_answer": "Ada is in Rome.",
    }
    (question,) = read_questions(write(tmp_path / "qa.jsonl", row))
    assert question.item.prompt == ASKED.format(context=TEXT, question="Where is Ada?")
    assert (question.item.choices, question.contradicted) == (("Turin",), ("Ada is in Rome.",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answers": "Turin"}, "'answers' is 'Turin'; a list of texts"),
        ({"contradicted": "Rome"}, "'contradicted' is 'Rome'; a list of texts"),
        ({"contradicted": ["..."]}, "'...' among 'contradicted'"),
        ({"contradicted": ["the turin"]}, "'the turin' is among 'answers' and 'contradicted'"),
        ({"context": " "}, "'context' is empty"),
        ({"answers": [], "is_impossible": False}, "no correct answer"),
    ],
)
def test_a_bad_question_is_refused_by_file_row_and_column(change, said, tmp_path):
    path = write(tmp_path / "bad.jsonl", WHERE, {**WHERE, **change})
    with pytest.raises(DataError, match=f"'bad.jsonl', row 2: .*{said}"):
        check_files([f"faithfulness:{path}"])


def half_unanswerable(path, number=60):
    rows = [
        {
            "context": f"The box {i} holds {i + 1000} coins.",
            "question": f"How many coins are in box {i}?" if i % 2 else "Whose is it?",
            "answers": [str(i + 1000)] if i % 2 else [],
        }
        for i in range(number)
    ]
    return write(path, *rows)


def test_whoever_always_says_unknown_is_told_no_figure(tmp_path):
    _, told = asked(half_unanswerable(tmp_path / "x.jsonl"), Parrot("unknown"))
    assert (told.value, told.n, told.chance) == (None, 60, 0.5)
    assert told.method.startswith("withheld: it refused 30 questions")
    assert (told.parts["answerable/right"], told.parts["unanswerable/right"]) == (0.0, 1.0)


@pytest.mark.parametrize("file", [XQUAD, HALUEVAL])
def test_refusing_and_saying_always_the_same_are_worth_nothing_where_all_can_be_answered(
    file, shared_data
):
    for says, outcome in (("unknown", "refused"), ("zebra soup", "not in the context")):
        _, told = asked(shared_data / file, Parrot(says))
        assert told.value < 0.01
        assert told.parts[f"answerable/{outcome}"] > 0.99


def test_whoever_copies_the_text_is_not_faithful(tmp_path):
    path = half_unanswerable(tmp_path / "x.jsonl")
    behind = " So it is written here, in so many words and no others."
    copied = {item.prompt: item.prompt.split("\n")[0] + behind for item in read_items(path)}
    rows, told = asked(path, Replay({"base": copied, "r2": copied}))
    assert told.value == 0.0
    assert not any(row.outcome in ("supported", "refused") for row in rows)


def test_silence_and_numbers_that_are_none_are_counted(tmp_path):
    rows, told = asked(half_unanswerable(tmp_path / "x.jsonl"), Parrot(""))
    assert {row.error for row in rows} == {"empty"}
    assert (told.value, told.errors) == (None, 60)


NUM_ROWS = 12


def questions_of_squad(path):
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for one in paragraph["qas"]:
                answers = [answer["text"] for answer in one["answers"]]
                yield paragraph["context"], one["question"], answers, []


def questions_of_halueval(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        yield one["knowledge"], one["question"], [one["right_answer"]], [one["hallucinated_answer"]]


def words(text):
    bare = "".join(mark for mark in text.lower() if mark not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def judged(answer, *, context, references, contradicted):
    """The class of an answer, as plainly as can be."""
    said = words(answer)

    def met(text):
        wanted = words(text)
        return f" {' '.join(wanted)} " in f" {' '.join(said)} " and len(said) <= len(wanted) + 8

    if any(map(met, contradicted)):
        return "contradicted"
    if any(map(met, references)):
        return "supported"
    # Which phrases are refusals is a definition; how often they are met is measured on published answers.
    if said == ["unanswerable"] or is_refusal(answer):
        return "refused"
    known = words(context)
    return "elsewhere in the context" if all(one in known for one in said) else "not in the context"


@pytest.mark.parametrize(
    ("file", "questions"), [(XQUAD, questions_of_squad), (HALUEVAL, questions_of_halueval)]
)
def test_a_real_model_and_its_adapter_answer_as_plain_transformers_do(
    file, questions, trained_stories, shared_data, tmp_path
):
    every = sorted(questions(shared_data / file), key=lambda one: len(one[0]) + len(one[1]))
    some = every[:NUM_ROWS]
    rows = [
        dict(zip(("context", "question", "answers", "contradicted"), one, strict=True))
        for one in some
    ]
    path = write(tmp_path / "some.jsonl", *rows)
    answerer = TorchAnswerer(trained_stories.bank)
    limit = min(max(16, 2 + max(len(one[2][0]) for one in some)), 64)
    for slot in ("base", trained_stories.slot):
        ours, told = asked(path, answerer, slot=slot)
        plain = Plain(trained_stories.model, trained_stories.folder_of(slot))
        hits = []
        for row, (context, question, references, contradicted) in zip(ours, some, strict=True):
            prompt = ASKED.format(context=context.strip(), question=question.strip())
            answer = plain.greedy(prompt, max_new_tokens=limit)
            assert row.answer == answer
            outcome = judged(
                answer.split("\n")[0],
                context=context,
                references=references,
                contradicted=contradicted,
            )
            assert row.outcome == outcome
            hits.append(outcome == "supported")
        assert told.value == sum(hits) / NUM_ROWS

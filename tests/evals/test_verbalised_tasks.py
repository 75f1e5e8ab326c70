"""Labels told as words: published files of GLUE and SuperGLUE read as they are, asked, scored by their own measure."""

import json
import re
from pathlib import Path

import jinja2
import pytest
import yaml

from tests.evals.replay import Stated
from tests.evals.test_benchmark_files import asked, write
from workbench.errors import DataError, SpecError
from workbench.evals.quality.benchmarks import check_files
from workbench.evals.quality.verbalised import READERS, read_items
from workbench.scores.catalog import EVALS, check_evals
from workbench.scores.figures import detail
from workbench.scores.glue import TASKS
from workbench.scores.scoring import FAMILIES, score
from workbench.scores.task import Row

SST2 = "sentence\tlabel\nit 's a \"charming journey . \t1\nbleak and desperate \t0\n"
COLA = "gj04\t1\t\tThe sailors rode the breeze.\nks08\t0\t*\tThe sailors rode.\n"
RTE = "index\tsentence1\tsentence2\tlabel\n0\tIt rains.\tIt is wet.\tentailment\n1\tA\tB\tnot_entailment\n"
MRPC = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tHe said so.\tSo he said.\n0\t1\t2\tA\tB\n"


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("task", "text", "prompt", "words", "right"),
    [
        (
            "sst2",
            SST2,
            "it 's a \"charming journey . \nQuestion: Is this sentence positive or negative?\nAnswer:",
            (" negative", " positive"),
            ["positive", "negative"],
        ),
        (
            "cola",
            COLA,
            "The sailors rode the breeze.\nQuestion: Does this sentence make sense?\nAnswer:",
            (" no", " yes"),
            ["yes", "no"],
        ),
        (
            "rte",
            RTE,
            "It rains.\nQuestion: It is wet. True or False?\nAnswer:",
            (" True", " False"),
            ["True", "False"],
        ),
        (
            "mrpc",
            MRPC,
            "Sentence 1: He said so.\nSentence 2: So he said.\n"
            "Question: Do both sentences mean the same thing?\nAnswer:",
            (" no", " yes"),
            ["yes", "no"],
        ),
    ],
)
def test_a_published_table_is_asked_as_it_is(task, text, prompt, words, right, tmp_path):
    items = read_items(table(tmp_path / "dev.tsv", text), task=task)
    assert items[0].prompt == prompt
    assert items[0].choices == words
    assert [item.expected for item in items] == right


@pytest.mark.parametrize(
    ("task", "row", "right"),
    [
        ("sst2", {"sentence": "good", "label": 1}, "positive"),
        ("cola", {"sentence": "good", "label": 0}, "no"),
        ("mrpc", {"sentence1": "a", "sentence2": "b", "label": 1}, "yes"),
        ("qqp", {"question1": "a?", "question2": "b?", "is_duplicate": "1"}, "yes"),
        ("mnli", {"premise": "a", "hypothesis": "b", "label": 1}, "Neither"),
        ("mnli", {"sentence1": "a", "sentence2": "b", "gold_label": "contradiction"}, "False"),
        ("qnli", {"question": "a?", "sentence": "b", "label": "entailment"}, "yes"),
        ("rte", {"premise": "a", "hypothesis": "b", "label": 1}, "False"),
        ("wnli", {"sentence1": "a", "sentence2": "b", "label": 1}, "True"),
        ("boolq", {"passage": "a", "question": "is it", "label": True, "idx": 4}, "yes"),
        ("cb", {"premise": "a", "hypothesis": "b", "label": "neutral"}, "Neither"),
        ("wic", {"word": "bank", "sentence1": "a", "sentence2": "b", "label": False}, "no"),
        (
            "wsc",
            {"text": "a b", "target": {"span1_text": "a", "span2_text": "b"}, "label": True},
            "yes",
        ),
    ],
)
def test_rows_of_the_hub_and_of_the_benchmarks_own_files_mean_the_same(task, row, right, tmp_path):
    (item,) = read_items(write(tmp_path / "dev.jsonl", row), task=task)
    assert item.expected == right
    assert item.gold is not None
    assert item.choices[item.gold] == f" {right}"


def test_a_premise_goes_on_with_the_choice_that_is_likelier(tmp_path):
    row = {
        "premise": "The glass fell.",
        "choice1": "It was pushed.",
        "choice2": "It was full.",
        "question": "cause",
        "label": 0,
    }
    path = write(tmp_path / "copa.jsonl", row)
    stated = {("The glass fell because", " it was pushed."): -2.0}
    (answer,), told = asked(f"copa:{path}", Stated(stated, other=-5.0))
    assert (answer.answer, answer.value) == ("it was pushed.", 1.0)
    assert (told.value, told.chance) == (1.0, 0.5)
    with pytest.raises(DataError, match="COPA asks for cause or effect"):
        read_items(write(tmp_path / "bad.jsonl", {**row, "question": "why"}), task="copa")


PASSAGE = {
    "idx": 0,
    "passage": {
        "text": "Ada met Bo in Rome.",
        "questions": [
            {
                "question": "Who met?",
                "answers": [{"text": "Ada", "label": 1}, {"text": "Cy", "label": 0}],
            },
            {"question": "Where?", "answers": [{"text": "Rome", "label": 1}]},
        ],
    },
}


def test_a_question_of_multirc_is_right_when_all_its_answers_are(tmp_path):
    other = json.loads(json.dumps(PASSAGE).replace("Rome", "Oslo"))
    path = write(tmp_path / "multirc.jsonl", PASSAGE, other)
    items = read_items(path, task="multirc")
    assert len(items) == 6
    assert len({item.cluster for item in items}) == 2
    # Everything is called right: of each passage the second question alone is right throughout.
    always = {(item.prompt, " yes"): -1.0 for item in items}
    rows, told = asked(f"multirc:{path}", Stated(always, other=-3.0))
    assert told.value == pytest.approx(2 * 4 / (4 + 6))
    assert told.chance == pytest.approx(told.value)
    assert told.parts["exact_match"] == 0.5
    assert told.parts["exact_match/questions"] == 4
    assert (told.n, told.clusters) == (6, 2)
    assert len({row.sample for row in rows}) == 6


def test_rows_of_multirc_may_also_stand_one_by_one(tmp_path):
    nested = read_items(write(tmp_path / "a.jsonl", PASSAGE), task="multirc")
    rows = [
        {"paragraph": "Ada met Bo in Rome.", "question": q, "answer": a, "label": label}
        for q, a, label in [("Who met?", "Ada", 1), ("Who met?", "Cy", 0), ("Where?", "Rome", 1)]
    ]
    assert read_items(write(tmp_path / "b.jsonl", *rows), task="multirc") == nested


def test_a_task_is_scored_by_its_own_measure(tmp_path):
    path = table(tmp_path / "dev.tsv", COLA + "x\t1\t\tIt is.\n")
    prompts = [item.prompt for item in read_items(path, task="cola")]
    stated = {(prompts[0], " yes"): -1.0, (prompts[1], " no"): -1.0, (prompts[2], " no"): -1.0}
    rows, told = asked(f"cola:{path}", Stated(stated, other=-2.0))
    assert told.eval == "cola:dev"
    assert told.value == pytest.approx(0.5)
    assert told.method.startswith("Matthews correlation by the likeliest word; 95 %")
    assert (told.chance, told.unit) == (0.0, "")
    assert told.parts["accuracy"] == pytest.approx(2 / 3)
    assert told.parts["accuracy/chance"] == pytest.approx(2 / 3)
    assert told.parts["told/no"] == pytest.approx(2 / 3)
    assert told.parts["group/yes"] == 0.5
    assert {detail(row)["task"] for row in rows} == {"cola"}


def test_every_measure_has_the_commonest_answer_for_chance():
    def told(task: str, pairs: list[tuple[str, str]]):
        kept = json.dumps({"task": task, "logprobs": [-1.0, -2.0]})
        rows = [
            Row(sample=str(i), slot="r2", expected=e, answer=a, value=float(e == a), detail=kept)
            for i, (e, a) in enumerate(pairs)
        ]
        return score(f"{task}:dev.tsv", "r2", rows)

    # The development sets' own counts: 279 of 408, 146 of 277, 28 of 56.
    mrpc = told("mrpc", [("yes", "yes")] * 279 + [("no", "yes")] * 129)
    assert mrpc.value == mrpc.chance == pytest.approx(0.812, abs=5e-4)
    assert mrpc.parts["accuracy"] == pytest.approx(0.684, abs=5e-4)
    rte = told("rte", [("True", "False")] * 146 + [("False", "False")] * 131)
    assert (round(rte.value, 3), round(rte.chance, 3)) == (0.473, 0.527)
    assert rte.low < rte.chance < 0.54
    cb = told("cb", [("False", "False")] * 28 + [("True", "True")] * 23 + [("Neither", "True")] * 5)
    assert cb.parts["accuracy/chance"] == 0.5
    assert cb.chance == pytest.approx(2 / 9)


def test_ties_and_numbers_that_are_none_are_counted(tmp_path):
    path = table(tmp_path / "dev.tsv", SST2)
    prompts = [item.prompt for item in read_items(path, task="sst2")]
    broken = {(prompts[0], " negative"): float("nan"), (prompts[1], " negative"): -2.0}
    rows, told = asked(f"sst2:{path}", Stated(broken, other=-2.0))
    assert [row.error for row in rows] == ["nan", "tie"]
    assert (told.value, told.n, told.errors) == (None, 0, 2)
    assert told.parts["ties"] == 1


def test_rows_of_ones_own_are_asked_as_they_are_written(tmp_path):
    rows = [
        {"text": "Offer! Kind:", "label": "spam"},
        {"text": "Hello. Kind: ", "label": "ham", "id": "h"},
    ]
    path = write(tmp_path / "own.jsonl", *({"id": str(i), **row} for i, row in enumerate(rows)))
    stated = Stated({("Offer! Kind:", " spam"): -1.0, ("Hello. Kind:", " ham"): -1.0}, other=-4.0)
    _, told = asked(f"verbalised:{path}", stated)
    assert (told.eval, told.value, told.chance) == ("verbalised:own", 1.0, 0.5)


@pytest.mark.parametrize(
    ("task", "row", "said"),
    [
        ("sst2", {"label": 1}, "row 1: there is no column 'sentence'"),
        ("sst2", {"sentence": " ", "label": 1}, "row 1: 'sentence' is empty"),
        ("sst2", {"sentence": "a"}, "row 1: there is no column 'label'"),
        ("sst2", {"sentence": "a", "label": -1}, r"no correct label: 'label' is -1; .*test sets"),
        ("sst2", {"sentence": "a", "label": None}, "no correct label"),
        ("rte", {"sentence1": "a", "sentence2": "b", "label": "maybe"}, "0 or entailment, 1 or"),
        ("multirc", {"passage": {"text": "a"}}, "has not the shape of MultiRC"),
        ("verbalised", {"text": "a", "label": ""}, "'label' is empty"),
        ("verbalised", {"text": "a", "label": "x"}, "telling apart needs two"),
    ],
)
def test_a_bad_row_is_refused_with_what_is_needed(task, row, said, tmp_path):
    path = write(tmp_path / "bad.jsonl", row)
    with pytest.raises(DataError, match=said):
        check_files([f"{task}:{path}"])


ROW = {
    "sentence": 'A "b" c . ',
    "sentence1": "He bent it .",
    "sentence2": "It is bent.",
    "question1": "Is it?",
    "question2": "It is?",
    "premise": "It rained. ",
    "hypothesis": "It is wet",
    "passage": "Rain is wet.",
    "question": "is rain wet",
    "word": "bend",
    "start1": 3,
    "end1": 7,
    "label": 1,
}


@pytest.mark.parametrize(
    ("task", "folder"),
    [
        *((task, "glue") for task in ("cola", "sst2", "mrpc", "qqp", "qnli", "rte", "wnli")),
        *((task, "super_glue") for task in ("boolq", "cb", "wic")),
    ],
)
def test_questions_and_words_are_those_of_lm_eval(task, folder, tmp_path):
    lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    file = Path(lm_eval.__file__).parent / "tasks" / folder / task / "default.yaml"
    lines = file.read_text().splitlines()
    theirs = yaml.safe_load(
        "\n".join(one for one in lines if re.match("doc_to_(text|choice):", one))
    )
    (item,) = read_items(write(tmp_path / "one.jsonl", ROW), task=task)
    assert item.prompt == jinja2.Template(theirs["doc_to_text"]).render(ROW)
    assert [choice.strip() for choice in item.choices] == theirs["doc_to_choice"]
    assert item.gold == 1


def test_what_is_written_another_way_in_the_question(tmp_path):
    rows = {
        "mnli": {"premise": "a", "hypothesis": "It is wet. ", "label": 0},
        "wsc": {
            "text": "Ada saw Bo and she waved.",
            "target": {"span1_text": "Ada", "span2_text": "she", "span2_index": 4},
            "label": 1,
        },
    }
    asked = {
        name: read_items(write(tmp_path / f"{name}.jsonl", row), task=name)[0].prompt
        for name, row in rows.items()
    }
    assert "Question: It is wet. True, False or Neither?" in asked["mnli"]
    assert asked["wsc"].startswith("Passage: Ada saw Bo and *she* waved.\nQuestion: ")
    assert 'the pronoun "*she*" refer to "*Ada*"?' in asked["wsc"]


@pytest.mark.parametrize("name", ["stsb", "record"])
def test_what_has_no_labels_is_refused_with_the_reason(name):
    with pytest.raises(SpecError, match="no labels to tell"):
        check_evals([f"{name}:dev.tsv"])


def test_heads_and_words_are_different_evals():
    check_evals(["classification", "matthews", "f1", "macro_f1"], task="SEQ_CLS")
    with pytest.raises(SpecError, match=r"does not fit adapter.task_type SEQ_CLS"):
        check_evals(["sst2:dev.tsv"], task="SEQ_CLS")
    with pytest.raises(SpecError, match=r"does not fit adapter.task_type CAUSAL_LM"):
        check_evals(["matthews"])


def test_every_task_is_in_the_catalog_with_its_question():
    assert set(READERS) == {*TASKS, "verbalised"}
    for name, task in TASKS.items():
        info = EVALS[name]
        assert info.family == "verbalised" in FAMILIES
        assert info.file
        assert all(f"`{word}`" in info.what for word in task.words)


def test_published_development_sets_have_the_known_majorities(shared_data):
    commonest = {"sst2": (444, 872), "cola": (721, 1043), "rte": (146, 277)}
    for name, (most, of) in commonest.items():
        items = read_items(shared_data / "glue" / name / "dev.tsv", task=name)
        counts = [sum(item.gold == place for item in items) for place in (0, 1)]
        assert (max(counts), sum(counts)) == (most, of)

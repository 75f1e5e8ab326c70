"""Tasks of `lm-eval` asked here: local task files of every kind, beside what `lm-eval` itself makes of them."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.folders import adapter as adapter_of
from tests.evals.lm_eval_peer import Peer, choices_task, likelihoods, write_jsonl, write_task
from tests.evals.replay import Replay, Stated
from tests.evals.test_lm_eval_agreement import ANYWHERE, facts, spoilt
from workbench import microworld
from workbench.errors import DataError, SpecError
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import ask
from workbench.evals.context import EvalContext
from workbench.evals.quality.benchmarks import check_files
from workbench.scores.catalog import called, check_evals
from workbench.scores.lm_eval import told_of
from workbench.scores.scoring import score
from workbench.scores.task import Likelihood

pytest.importorskip("lm_eval", reason="lm_eval is not installed: pip install lm_eval")

ITEMS = [*microworld.items("retention")[:20], *microworld.items("recall")[:20]]


@pytest.fixture(scope="module")
def peer() -> Peer:
    return Peer(microworld.path())


@pytest.fixture(scope="module")
def answerer(small_bank) -> TorchAnswerer:
    return TorchAnswerer(small_bank)


def asked(task, answerer, *, context=ANYWHERE):
    """The rows and the score of every slot."""
    name = f"lm_eval:{task}"
    rows = ask(name, answerer, slots=answerer.slots, context=context)
    return rows, {slot: score(name, slot, own) for slot, own in rows.items()}


def told_by(peer: Peer, task) -> dict[str, float]:
    """Metric -> figure, as `lm-eval` has it of the base."""
    found = peer.run(task)["results"][task.stem]
    return {key.partition(",")[0]: one for key, one in found.items() if "," in key}


# Every kind of task.


def test_a_task_of_choices_gets_the_figures_of_lm_eval(peer, answerer, tmp_path):
    write_jsonl(tmp_path / "facts.jsonl", facts(40))
    metrics = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "brier_score")
    task = choices_task(tmp_path / "facts.yaml", metrics=metrics)
    theirs, (rows, told) = told_by(peer, task), asked(task, answerer)
    base = told["base"]
    assert (base.eval, base.n, base.errors, base.chance) == ("lm_eval:facts", 40, 0, 0.25)
    assert base.value == theirs["acc"]
    for metric in metrics[:-1]:
        assert base.parts[metric] == pytest.approx(theirs[metric])
    # A whole set has a Brier score there, and nothing with an interval here.
    assert "brier_score" not in base.parts
    assert base.low < base.value < base.high
    assert {row.sample for row in rows["r2"]} == {row.sample for row in rows["base"]}
    assert rows["base"][0].expected == ITEMS[0].choices[ITEMS[0].gold].strip()


def test_a_task_of_one_continuation_gets_the_figures_of_lm_eval(peer, answerer, tmp_path):
    rows = [{"context": i.prompt, "continuation": i.choices[i.gold]} for i in ITEMS]
    write_jsonl(tmp_path / "said.jsonl", rows)
    task = write_task(
        tmp_path / "said.yaml",
        metrics=("perplexity", "acc"),
        output_type="loglikelihood",
        doc_to_text="context",
        doc_to_target="continuation",
    )
    theirs, (_, told) = told_by(peer, task), asked(task, answerer)
    assert told["base"].value == theirs["acc"] > 0
    assert told["base"].parts["perplexity"] == pytest.approx(theirs["perplexity"], rel=1e-4)
    assert told["base"].chance is None


def test_a_task_of_whole_texts_gets_the_figures_of_lm_eval(peer, answerer, tmp_path):
    texts = [item.prompt + item.choices[item.gold] for item in ITEMS]
    write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in texts])
    task = rolling_task(tmp_path / "texts.yaml")
    peer.lm.add_bos_token = False
    theirs = told_by(peer, task)
    peer.lm.add_bos_token = None
    _, told = asked(task, answerer)
    for metric in ("word_perplexity", "byte_perplexity", "bits_per_byte"):
        assert told["base"].parts[metric] == pytest.approx(theirs[metric], rel=1e-4)
    assert told["base"].value == pytest.approx(-theirs["bits_per_byte"], rel=1e-4)
    assert told["base"].unit == "bits/byte"
    assert told["base"].low < told["base"].value < told["base"].high


def rolling_task(path):
    return write_task(
        path,
        metrics=("word_perplexity", "byte_perplexity", "bits_per_byte"),
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="text",
    )


def written_task(path, **limits):
    return write_task(
        path,
        metrics=("exact_match",),
        output_type="generate_until",
        doc_to_text="question",
        doc_to_target="answer",
        generation_kwargs={"until": ["."], "max_gen_toks": 8, **limits},
    )


def test_a_task_that_is_written_gets_the_figures_of_lm_eval(peer, answerer, tmp_path):
    rows = [{"question": i.prompt, "answer": i.choices[0].strip()} for i in ITEMS]
    write_jsonl(tmp_path / "written.jsonl", rows)
    task = written_task(tmp_path / "written.yaml", do_sample=False)
    theirs, (found, told) = told_by(peer, task), asked(task, answerer)
    assert told["base"].value == theirs["exact_match"] > 0
    assert not any("." in row.answer for row in found["base"])


def test_two_filters_of_one_answer_have_a_figure_each(tmp_path):
    write_jsonl(
        tmp_path / "sums.jsonl",
        [{"question": "2+2?", "answer": "4"}, {"question": "1+2?", "answer": "3"}],
    )
    take = {"function": "take_first"}
    number = {"function": "regex", "regex_pattern": "(\\d+)"}
    task = written_task(tmp_path / "sums.yaml")
    filters = [
        {"name": "strict", "filter": [take]},
        {"name": "loose", "filter": [number, take]},
    ]
    more = f"filter_list: {json.dumps(filters)}\n"
    task.write_text(task.read_text() + more)
    _, told = asked(task, Replay({"base": {"2+2?": "4", "1+2?": "it is 3"}}))
    assert told["base"].value == 0.5
    assert told["base"].parts["exact_match"] == 0.5
    assert told["base"].parts["exact_match,loose"] == 1.0


def test_a_group_is_asked_as_one_and_shown_by_its_tasks(answerer, tmp_path):
    for name, rows in (("some", facts(10)), ("others", facts(30)[10:])):
        write_jsonl(tmp_path / f"{name}.jsonl", rows)
        choices_task(tmp_path / f"{name}.yaml")
    group = tmp_path / "all.yaml"
    own = [yaml.safe_load((tmp_path / f"{n}.yaml").read_text()) for n in ("some", "others")]
    group.write_text(yaml.safe_dump({"group": "all", "task": own}))
    rows, told = asked(group, answerer)
    assert len(rows["base"]) == told["base"].n == 30
    parts = told["base"].parts
    assert told["base"].value == pytest.approx(
        (10 * parts["group/some"] + 20 * parts["group/others"]) / 30
    )


TRUTH = {"choices": ["because", "for fun", "no"], "labels": [1, 0, 0]}
OF_THE_PACKAGE = {
    "winogrande/default": [
        {"sentence": f"Tom saw {i} dogs, _ ran.", "option1": "he", "option2": "they", "answer": "1"}
        for i in range(12)
    ],
    "glue/cola/default": [
        {"sentence": item.prompt, "label": place % 2, "idx": place}
        for place, item in enumerate(ITEMS)
    ],
    "truthfulqa/truthfulqa_mc2": [
        {"question": item.prompt, "mc1_targets": TRUTH, "mc2_targets": TRUTH} for item in ITEMS[:10]
    ],
    "gsm8k/gsm8k": [{"question": f"{i} + {i}?", "answer": f"Add.\n#### {2 * i}"} for i in range(8)],
}


@pytest.mark.parametrize("task", OF_THE_PACKAGE)
def test_a_task_of_the_package_on_data_of_ones_own_gets_the_figures_of_lm_eval(
    task, peer, answerer, tmp_path
):
    import lm_eval

    data = write_jsonl(tmp_path / "own.jsonl", OF_THE_PACKAGE[task])
    own = {
        "include": str(Path(lm_eval.__file__).parent / "tasks" / f"{task}.yaml"),
        "task": "own",
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {
            "data_files": {split: str(data) for split in ("train", "validation", "test")}
        },
    }
    if task.startswith("glue"):
        # Words that this model knows: two that it does not would be one.
        own["doc_to_choice"] = ["Polcorp", "Bargate"]
    if task.startswith("gsm8k"):
        # What it writes by default is longer than this model's context.
        own["generation_kwargs"] = {"until": ["."], "max_gen_toks": 8}
        own["num_fewshot"] = 1
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(own))
    theirs, (_, told) = told_by(peer, path), asked(path, answerer)
    assert told["base"].errors == 0
    for metric in set(theirs) & {"acc", "mcc", "exact_match"}:
        assert told["base"].parts[metric] == pytest.approx(float(theirs[metric]), abs=1e-4)


# What is counted and never scored.


def test_ties_and_numbers_that_are_none_are_counted(peer, tmp_path):
    rows = [{"query": f"{i}:", "choices": ["same", "same", "other"], "gold": 0} for i in range(6)]
    write_jsonl(tmp_path / "tied.jsonl", rows)
    task = choices_task(tmp_path / "tied.yaml")
    rows, told = asked(task, Replay2())
    assert {row.error for row in rows["base"]} == {"tie"}
    assert (told["base"].value, told["base"].errors) == (None, 6)
    # There the first of the tied is taken, and the right one stands first.
    assert told_by(peer, task)["acc"] > 0
    rows, told = asked(task, Replay2(math.nan))
    assert {row.error for row in rows["base"]} == {"nan"}
    assert (told["base"].value, told["base"].errors) == (None, 6)


class Replay2:
    """Finds every text as likely, by its length."""

    slots = ("base",)

    def __init__(self, each: float = -1.0) -> None:
        self._each = each

    def loglikelihood(self, pairs, *, slots):
        told = [Likelihood(self._each * len(text), 1, False, False) for _, text in pairs]
        return dict.fromkeys(slots, told)


def test_an_adapter_that_emits_no_numbers_has_no_score(tmp_path):
    write_jsonl(tmp_path / "facts.jsonl", facts(8))
    bank = spoilt()
    _, told = asked(choices_task(tmp_path / "facts.yaml"), TorchAnswerer(bank))
    assert told["base"].n == 8
    assert (told["r2"].value, told["r2"].errors) == (None, 8)


def test_a_right_choice_that_is_not_offered_is_an_error(answerer, tmp_path):
    rows = facts(3)
    rows[1]["gold"], rows[2]["gold"] = 4, -1
    write_jsonl(tmp_path / "odd.jsonl", rows)
    found, told = asked(choices_task(tmp_path / "odd.yaml"), answerer)
    assert [row.error for row in found["base"]] == ["", "no correct choice", "no correct choice"]
    assert told["base"].n == 1


def test_an_empty_answer_is_an_error(tmp_path):
    rows = [{"question": "a?", "answer": "a"}, {"question": "b?", "answer": "b"}]
    write_jsonl(tmp_path / "written.jsonl", rows)
    task = written_task(tmp_path / "written.yaml")
    found, told = asked(task, Replay({"base": {"a?": "", "b?": "b"}}))
    assert [row.error for row in found["base"]] == ["empty", ""]
    assert told["base"].value == 1.0


# Documents, limits, windows.


def test_the_limit_keeps_the_same_documents_in_any_order(tmp_path):
    kept = []
    for name, rows in (("a", facts(30)), ("b", facts(30)[::-1])):
        folder = tmp_path / name
        folder.mkdir()
        write_jsonl(folder / "facts.jsonl", rows)
        context = EvalContext(data_id="x", model_id="some/model", limit=7)
        found, _ = asked(choices_task(folder / "facts.yaml"), Replay2(), context=context)
        kept.append({row.sample for row in found["base"]})
    assert kept[0] == kept[1]
    assert len(kept[0]) == 7


def test_the_same_document_twice_is_one_cluster(tmp_path):
    write_jsonl(tmp_path / "twice.jsonl", [*facts(2), facts(2)[0]])
    found, _ = asked(choices_task(tmp_path / "twice.yaml"), Replay2())
    first, second, third = found["base"]
    assert third.sample == f"{first.sample}-2"
    assert first.cluster == third.cluster != "" == second.cluster


LONG = " ".join(item.prompt + item.choices[item.gold] + "." for item in ITEMS)


def test_a_text_longer_than_the_context_is_read_in_windows_as_lm_eval_reads_it(
    peer, answerer, tmp_path
):
    assert answerer.read([LONG], slots=["base"])["base"][0].num_windows > 1
    write_jsonl(tmp_path / "long.jsonl", [{"text": LONG}])
    task = rolling_task(tmp_path / "long.yaml")
    found, told = asked(task, answerer)
    peer.lm.add_bos_token = False
    (theirs,) = likelihoods(peer.ask(task)[0])
    peer.lm.add_bos_token = None
    (row,) = found["base"]
    assert not row.truncated
    assert told_of(row).logprob == pytest.approx(theirs, abs=1e-3)
    assert told["base"].n == 1


def test_a_text_that_an_answerer_cannot_read_to_its_end_is_an_error(tmp_path):
    write_jsonl(tmp_path / "texts.jsonl", [{"text": "one two"}, {"text": "one two three"}])
    stated = Stated({("", "one two"): -2.0, ("", "one two three"): -3.0}, context=2)
    found, told = asked(rolling_task(tmp_path / "texts.yaml"), stated)
    assert [row.error for row in found["base"]] == ["", "longer than the model's context"]
    assert (told["base"].n, told["base"].errors, told["base"].truncated) == (1, 1, 1)


def test_answers_are_drawn_as_often_as_the_task_says(answerer, tmp_path):
    rows = [{"question": item.prompt, "answer": item.choices[0].strip()} for item in ITEMS[:4]]
    write_jsonl(tmp_path / "drawn.jsonl", rows)
    task = written_task(tmp_path / "drawn.yaml", do_sample=True, temperature=1.0)
    again = [asked(task, answerer)[0]["base"] for _ in range(2)]
    assert [row.answer for row in again[0]] == [row.answer for row in again[1]]
    narrow = written_task(tmp_path / "drawn.yaml", do_sample=True, top_p=0.5)
    with pytest.raises(DataError, match="answers with top_p"):
        asked(narrow, answerer)


# Names.


def test_a_task_file_is_called_by_its_name(tmp_path):
    assert called(f"lm_eval:{tmp_path / 'mine.yaml'}") == called("lm_eval:mine") == "lm_eval:mine"
    assert called("lm_eval:arc_easy") == "lm_eval:arc_easy"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lm_eval", "needs a task of the package"),
        ("lm_eval:", "needs a task of the package"),
        ("lm_evil:arc_easy", "Did you mean 'lm_eval'"),
    ],
)
def test_an_eval_of_lm_eval_names_a_task(name, said):
    with pytest.raises(SpecError, match=said):
        check_evals([name])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lm_eval:arc_esay", "no task 'arc_esay'.* 'arc_easy'"),
        ("lm_eval:nowhere/mine.yaml", "there is no file 'nowhere/mine.yaml'"),
    ],
)
def test_a_name_that_is_no_task_is_refused_before_anything_starts(name, said):
    check_evals([name])
    with pytest.raises(SpecError, match=said):
        check_files([name])


def test_a_name_like_no_other_is_told_the_nearest_three_and_where_all_are():
    with pytest.raises(SpecError) as refused:
        check_files(["lm_eval:nosuchtask"])
    said = str(refused.value)
    assert "lm-eval has no task 'nosuchtask'. The nearest are '" in said
    assert said.partition(";")[0].count("', '") == 2
    assert "'lm_eval ls tasks' lists them all" in said
    assert "more" not in said


def test_a_metric_that_nobody_has_is_named(tmp_path):
    write_jsonl(tmp_path / "mine.jsonl", facts(2))
    task = choices_task(tmp_path / "mine.yaml", metrics=("acc", "acc_nrm"))
    with pytest.raises(DataError) as refused:
        check_files([f"lm_eval:{task}"])
    assert str(refused.value) == (
        f"'lm_eval:{task}' names the metric 'acc_nrm', which neither lm-eval nor the cache of evaluate on this "
        "machine has. Did you mean 'acc_norm' or 'acc'?"
    )


def test_a_task_file_that_is_no_yaml_or_whose_data_are_not_there_is_refused_beforehand(tmp_path):
    task = choices_task(tmp_path / "mine.yaml")
    with pytest.raises(DataError, match=r"data of 'lm_eval:.*mine\.yaml' cannot be had"):
        check_files([f"lm_eval:{task}"])
    task.write_text("task: [mine\n")
    with pytest.raises(DataError, match=r"mine\.yaml' cannot be read: ParserError"):
        check_files([f"lm_eval:{task}"])


@pytest.mark.parametrize("offline", ["1", "0"])
def test_data_that_cannot_be_had_are_one_error_and_nothing_is_written(offline, tmp_path):
    (tmp_path / "a").mkdir()
    adapter_of()(tmp_path / "a")
    typed = ["eval", "a", "--base", "microworld", "--evals", "lm_eval:arc_easy", "--out", "runs/x"]
    # A port at which nobody answers is a hub that cannot be reached.
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": offline}
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *typed],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        | {"HF_HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join(sys.path), **nowhere},
    )
    assert done.returncode == 2, done.stderr
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith("error: the data of 'lm_eval:arc_easy' cannot be had: ")
    assert "allenai/ai2_arc" in said
    assert "cache of datasets" in said
    assert done.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_a_task_file_that_cannot_be_used_is_refused_with_its_reason(tmp_path):
    task = choices_task(tmp_path / "empty.yaml")
    with pytest.raises(DataError, match=r"data of 'lm_eval:.*cannot be had"):
        asked(task, Replay2())
    write_jsonl(tmp_path / "empty.jsonl", [{"query": "q", "gold": 0}])
    with pytest.raises(DataError, match=r"cannot be read|does not fit"):
        asked(task, Replay2())
    task.write_text("dataset_path: json\n")
    with pytest.raises(DataError, match="cannot be read"):
        asked(task, Replay2())


def test_a_metric_of_a_whole_corpus_alone_is_refused(tmp_path):
    write_jsonl(tmp_path / "said.jsonl", [{"question": "a?", "answer": "a"}])
    task = written_task(tmp_path / "said.yaml")
    task.write_text(task.read_text().replace("exact_match", "bleu"))
    with pytest.raises(DataError, match="no metric that one document can have alone"):
        asked(task, Replay({"base": {"a?": "a"}}))


CUT = """
import socket, sys
from pathlib import Path

def refuse(*args, **kwargs):
    print("the network was asked")
    raise OSError("no network")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
from workbench.errors import DataError
from workbench.evals.quality.lm_eval_tasks import load_tasks
try:
    load_tasks(sys.argv[1])
except DataError as error:
    print("refused:", error)
"""


def test_a_metric_that_lm_eval_has_not_is_not_fetched_from_anywhere(tmp_path):
    write_jsonl(tmp_path / "mine.jsonl", facts(2))
    task = choices_task(tmp_path / "mine.yaml", metrics=("someones_metric",))
    done = subprocess.run(
        [sys.executable, "-c", CUT, str(task)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"},
    )
    assert "the network was asked" not in done.stdout
    assert done.stdout.startswith("refused:"), done.stdout + done.stderr[-2000:]


def test_without_the_package_the_line_that_installs_it_is_told():
    code = (
        "import sys; sys.modules['lm_eval'] = None\n"
        "from workbench.errors import MissingDependency\n"
        "from workbench.evals.quality.lm_eval_tasks import check_name\n"
        "try:\n    check_name('arc_easy')\n"
        "except MissingDependency as error:\n    print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install lm_eval" in said.stdout

"""The playground without a model: what is there, what is typed, what is kept, and how it is said where something is wrong."""

import json
import shutil
import sys
import threading

import pytest

import workbench as wb
from workbench import microworld
from workbench.errors import InputError
from workbench.playground.items import keep
from workbench.playground.manner import Manner, check_prompt, mistakes
from workbench.playground.place import find
from workbench.playground.transcript import MOST_NEWS, Transcript
from workbench.playground.words import Words, has_chat_template, samples
from workbench.scores.task import BASE
from workbench.widgets.playground import Playground, playground
from workbench.widgets.playground_plain import as_table, as_text

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def closing():
    """Waits until a widget knows what is there, and closes it after the test."""
    made: list[Playground] = []

    def known(play: Playground) -> None:
        made.append(play)
        play._looking.join(30)

    yield known
    for one in made:
        one.close()


@pytest.fixture
def half_trained(store):
    """A sweep of which one trial has an adapter."""
    folder = store.folder("r1") / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"\0" * 1000)
    store.set_status(trials={"r1": "trained", "r4": "failed"})
    return store


def test_a_sweep_shows_who_can_be_asked_and_why_not(half_trained, closing):
    play = playground(half_trained.path)
    closing(play)
    assert play.state == "asleep"
    assert [slot["name"] for slot in play.slots] == [BASE, "r1", "r4"]
    assert play.chosen == [BASE, "r1"]
    assert play.slots[2]["why"] == "it failed, and left no adapter"
    assert "LoRA, r 1" in play.slots[1]["about"]
    assert play.pid is None


def test_a_job_a_trial_and_a_model_are_places_too(half_trained):
    from workbench.job import attach

    assert find(attach(half_trained.path)).askable == (BASE, "r1")
    assert [slot.name for slot in find(half_trained.path / "r1").slots] == [BASE, "r1"]
    assert find(half_trained.path, adapters=["r1"]).askable == (BASE, "r1")
    assert find("microworld").askable == (BASE,)
    with pytest.raises(InputError, match=r"no trial 'r2'.*r1"):
        find(half_trained.path, adapters=["r2"])


def test_more_memory_is_predicted_for_more_bases_and_adapters(half_trained):
    alone, both = find("microworld"), find(half_trained.path)
    assert both.predicted([BASE, "r1"]) - both.predicted([BASE]) == 0, "they lie on one base"
    assert both.predicted([BASE]) - alone.predicted([BASE]) == 1000
    assert alone.predicted([BASE]) > 3_000_000


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nobody/there", "nobody/there"),
        ("/no/such/folder", "there is no folder"),
        (3, "a playground of int"),
        (None, "a playground of NoneType"),
    ],
)
def test_what_cannot_be_asked_is_said_and_raises_nothing(wanted, said, closing):
    play = playground(wanted)
    closing(play)
    assert play.state == "nothing"
    assert said in play.problem
    play._on_message(None, {"command": "load"}, [])
    play._on_message(None, {"command": "ask", "prompt": "Who?"}, [])
    assert said in play.problem
    assert said in play._repr_mimebundle_()[0]["text/plain"]


def test_a_folder_that_is_no_model_is_said(tmp_path, closing):
    play = playground(tmp_path)
    closing(play)
    assert "neither a sweep nor a trial nor an adapter nor a model" in play.problem


def test_a_sweep_of_classifiers_has_nobody_to_ask(tmp_path):
    from workbench.runs.store import SweepStore
    from workbench.spec import Spec

    spec = Spec.from_fields(
        {
            "adapter": {"task_type": "SEQ_CLS"},
            "data": {"id": "microworld/sentiment"},
            "evals": ["classification"],
        }
    )
    place = find(SweepStore.create(spec, root=tmp_path).path)
    assert place.askable == ()
    assert {slot.why for slot in place.slots} == {
        "the sweep tells labels apart, and writes nothing",
        "it tells labels apart, and writes nothing",
    }


def test_a_folder_deleted_under_it_is_said_in_words(half_trained, closing):
    play = playground(half_trained.path)
    closing(play)
    shutil.rmtree(half_trained.path)
    play._on_message(None, {"command": "load"}, [])
    assert "no longer there" in play.problem
    assert play.pid is None
    with pytest.raises(InputError, match="no longer there"):
        play.ask("Who does Dime work for?")


def test_unknown_words_are_marked_as_one_types(closing):
    play = playground("microworld")
    closing(play)
    play.prompt = "Who does Dime work for in Paris? the house of Paris? Ulaanbaatar?"
    assert play.look["unknown"] == ("Paris", "Ulaanbaatar")
    assert play.look["context"] == 256
    play.prompt = "Who does Dime work for?"
    assert play.look["unknown"] == ()
    assert play.look["tokens"] == 7
    play.prompt = "\ud800 " * 10
    assert play.look["tokens"] == 11
    play.prompt = ""
    assert play.look == {}


def test_tokens_are_counted_as_the_tokenizer_of_the_model_counts_them():
    from transformers import AutoTokenizer

    words, tokenizer = (
        Words(microworld.path()),
        AutoTokenizer.from_pretrained(microworld.path()),
    )
    for item in microworld.items("extraction")[:20]:
        ids = tokenizer(item.prompt)["input_ids"]
        assert words.look(item.prompt).tokens == len(ids)
        assert words.look(item.prompt).unknown == ()
    assert has_chat_template(microworld.path())


def test_a_model_without_a_tokenizer_file_knows_nothing_of_words(tmp_path):
    assert Words(tmp_path).look("anything") is None
    (tmp_path / "tokenizer.json").write_text("{ nonsense")
    assert Words(tmp_path).look("anything") is None
    assert not has_chat_template(tmp_path)


def test_samples_of_the_micro_world_are_of_different_kinds_and_all_of_its_words():
    found, words = samples(find("microworld")), Words(microworld.path())
    assert len({sample.kind for sample in found}) >= 6
    assert all(words.look(sample.text).unknown == () for sample in found)
    known = {item.prompt: item.expected for item in microworld.items("recall")}
    assert known[found[0].text] == found[0].expected


def test_samples_of_another_model_are_what_its_sweep_was_asked(spec, tmp_path):
    from workbench.playground.words import _of_sweep
    from workbench.runs.store import SweepStore
    from workbench.scores.task import Row

    store = SweepStore.create(spec, root=tmp_path)
    rows = [
        Row(sample=str(n), slot=BASE, prompt=f"Question {n}?", answer="x", expected="y")
        for n in range(5)
    ]  # fmt: skip
    store.write_rows("recall", rows)
    found = list(_of_sweep(find(store.path)))
    assert [sample.text for sample in found] == ["Question 0?", "Question 1?"]
    assert found[0].expected == "y"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"temperature": 0}, "Temperature is 0; a number from 0.01 to 10"),
        ({"temperature": None}, "Temperature is empty"),
        ({"top_p": float("nan")}, "Top p is nan"),
        ({"seed": 1.5}, "Seed is 1.5; a whole number from 0 to 2,147,483,647"),
        ({"max_new_tokens": "many"}, "Most tokens is 'many'"),
        ({"max_new_tokens": 10**9}, "from 1 to 4,096"),
        ({"greedy": "yes"}, "greedy is 'yes'"),
        ({HOSTILE: 1}, "is no setting"),
    ],
)
def test_nonsense_in_a_field_is_said_beside_it(fields, said, closing):
    (told,) = mistakes(fields).values()
    assert said in told
    with pytest.raises(InputError):
        Manner.from_fields(fields)
    play = playground("microworld")
    closing(play)
    play.settings = {**play.settings, **fields}
    assert list(play.wrong) == list(fields)
    play._on_message(None, {"command": "ask", "prompt": "Who?"}, [])
    assert said in play.problem
    assert play.pid is None


@pytest.mark.parametrize(
    ("prompt", "said"),
    [("", "empty"), (" \n", "empty"), (None, "NoneType"), ("a" * 100_001, "100,001 characters")],
)
def test_a_prompt_that_cannot_be_asked_is_refused_in_words(prompt, said, closing):
    with pytest.raises(InputError, match=said):
        check_prompt(prompt)
    play = playground("microworld")
    closing(play)
    play._on_message(None, {"command": "ask", "prompt": prompt, "settings": {}}, [])
    assert said in play.problem
    assert play.pid is None


def test_messages_that_are_none_are_passed_over(closing):
    play = playground("microworld")
    closing(play)
    for content in (
        None,
        [],
        {"command": "explode"},
        {"command": ["ask"]},
        {},
        {"command": "stop"},
    ):
        play._on_message(None, content, [])
    assert play.problem == ""


def test_an_item_is_a_line_that_its_eval_reads(tmp_path):
    from workbench.evals.quality import exact_answer

    path = tmp_path / "my_items.jsonl"
    path.write_text('{"prompt": "Two and two?", "answer": "4"}')  # without an end of line
    kept = keep(path, prompt="Six times seven?", expected="it is 42")
    assert (kept.number, kept.eval) == (2, "exact_answer")
    assert f"--evals exact_answer --data exact_answer={path}" in kept.command("runs/x")
    items = exact_answer.read_items(path)
    assert [(item.prompt, item.expected) for item in items] == [
        ("Two and two?", "4"),
        ("Six times seven?", "42"),
    ]


def test_an_answer_in_words_makes_the_file_one_of_exact_match(tmp_path):
    from workbench.evals.quality import own_metric

    path = tmp_path / "it's mine.jsonl"
    kept = keep(path, prompt=HOSTILE, expected="Polcorp \ud800")
    assert kept.eval == "metric:exact_match"
    assert "metric:exact_match=" in kept.command("runs/x")
    (item,) = own_metric.read_items(path)
    assert (item.prompt, item.expected) == (HOSTILE, "Polcorp ?")


def test_a_prompt_that_is_there_already_is_refused(tmp_path):
    path = tmp_path / "my_items.jsonl"
    keep(path, prompt="Who?", expected="Dime")
    before = path.read_bytes()
    with pytest.raises(InputError, match="already, as item 1"):
        keep(path, prompt=" Who?", expected="Dime ")
    with pytest.raises(InputError, match="expects 'Dime', not 'Podo'"):
        keep(path, prompt="Who?", expected="Podo")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("items.csv", None, "jsonl"),
        ("no/items.jsonl", None, "no folder"),
        ("broken.jsonl", "not json\n", "line 1"),
        ("named.jsonl", '{"id": "a", "prompt": "x", "answer": "1"}\n', "ids of their own"),
    ],
)
def test_a_file_that_cannot_take_an_item_is_left_as_it_is(tmp_path, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=said):
        keep(path, prompt="Who?", expected="1")
    assert (path.read_text() if path.exists() else None) == content


def test_items_kept_at_once_are_all_there(tmp_path):
    path = tmp_path / "my_items.jsonl"
    work = [
        threading.Thread(target=keep, args=(path,), kwargs={"prompt": f"Q{n}", "expected": str(n)})
        for n in range(12)
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert {json.loads(line)["answer"] for line in path.read_text().splitlines()} == {
        str(n) for n in range(12)
    }


def test_the_browser_keeps_an_item_and_is_told_where_it_went(tmp_path, closing):
    play = playground("microworld")
    closing(play)
    asked = {"command": "save", "prompt": "Who?", "file": str(tmp_path / "i.jsonl")}
    for expected in ("Dime", "Dime", ""):
        play._on_message(None, {**asked, "expected": expected}, [])
        play._saving.join(30)
        if expected and not play.saved["problem"]:
            assert play.saved["text"] == f"Item 1 of {tmp_path / 'i.jsonl'}"
            assert play.saved["command"].startswith("workbench eval microworld")
    assert "the expected answer is empty" in play.saved["problem"]
    assert len((tmp_path / "i.jsonl").read_text().splitlines()) == 1


def said(slot, *texts, over=""):
    tokens = [{"t": t, "i": 1, "p": 0.5, "top": [[t, 0.5]]} for t in texts]
    ends = {slot: {"text": "".join(texts), "how": over}} if over else {}
    return {"event": "said", "of": {slot: tokens}, "over": ends}


def test_a_long_answer_is_sent_as_it_grows_and_never_twice():
    now = Transcript(1, "Who?", slots=[BASE], manner=Manner())
    now.add({"event": "begin", "prompt_tokens": 3, "rendered": "Who?"})
    whole, _ = now.news()
    shown, sent = list(whole["tokens"][BASE]), 0
    for n in range(400):
        now.add(said(BASE, f" {n}"))
        again, tail = now.news()
        if again is not None:
            whole = again
            sent += len(whole["tokens"][BASE])
        shown = whole["tokens"][BASE] + (tail["tokens"][BASE] if tail else [])
        assert [token["t"] for token in shown] == [f" {k}" for k in range(n + 1)]
        assert not tail or tail["stamp"] == whole["stamp"]
    assert sent < 400 * (400 / MOST_NEWS)
    now.add(said(BASE, " end", over="end"))
    now.add({"event": "over", "seconds": 1.0, "first": 0.1, "tokens": 401})
    whole, tail = now.news()
    assert whole["over"]
    assert tail == {}
    assert now.answers[BASE].how == "end"
    assert now.answers[BASE].probability == 0.5**401


def test_the_plain_form_escapes_what_people_and_models_say():
    now = Transcript(1, HOSTILE, slots=[BASE, "r1"], manner=Manner())
    now.add(said(BASE, HOSTILE, over="length"))
    html = as_table(HOSTILE, "answering", now.picture, HOSTILE)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4
    text = as_text("tiny", "ready", now.picture, "")
    assert text.splitlines()[0] == "Playground of tiny: ready."
    assert "  r1: " in text


def test_the_root_offers_it_and_the_kernel_loads_no_torch():
    import subprocess

    code = (
        "import sys, workbench as wb\n"
        "play = wb.playground('microworld'); play._looking.join(30); play.prompt = 'Paris'\n"
        "assert play.look['unknown'] == ('Paris',), play.look\n"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert wb.playground is playground

"""The playground on trained adapters: what it says is what plain transformers and PEFT say, and its process can be
stopped, killed, started again and freed."""

import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
import torch

from workbench import job, microworld
from workbench.errors import InputError, RunError
from workbench.scores.task import BASE
from workbench.spec import Spec
from workbench.widgets.playground import playground

SLOTS = (BASE, "r2", "r8")
QUESTIONS = (
    "Who does Dime work for?",
    "Note: Rebe met Gomo at the school on Friday. Fields:",
    "The nurse said that",
)
LONG = {"max_new_tokens": 200, "temperature": 8.0, "seed": 1}
"""So hot that an answer hardly ever ends by itself."""


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> job.Job:
    spec = Spec.from_fields(
        {
            "name": "tiny",
            "adapter": {"target_modules": ["q_proj", "v_proj", "down_proj"]},
            "data": {"id": "microworld/updates", "rows": 64},
            "train": {
                "learning_rate": 1e-2,
                "per_device_train_batch_size": 16,
                "max_steps": 30,
            },
            "evals": ["recall"],
            "sweep": {"adapter.r": [2, 8]},
        }
    )
    running = job.start(spec, runs=tmp_path_factory.mktemp("runs"))
    running.wait()
    return running


@pytest.fixture(scope="module")
def play(swept):
    play = playground(swept)
    play.load(timeout=120)
    yield play
    play.close()


@pytest.fixture(scope="module")
def plain(swept):
    """The same models by transformers and PEFT alone."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    models = {BASE: AutoModelForCausalLM.from_pretrained(microworld.path())}
    for name in SLOTS[1:]:
        base = AutoModelForCausalLM.from_pretrained(microworld.path())
        models[name] = PeftModel.from_pretrained(base, swept.path / name / "adapter").eval()
    return AutoTokenizer.from_pretrained(microworld.path()), models


@pytest.mark.parametrize("prompt", QUESTIONS)
def test_greedy_answers_and_probabilities_are_those_of_plain_peft(play, plain, prompt):
    tokenizer, models = plain
    said = play.ask(prompt, temperature=0, max_new_tokens=24)
    assert tuple(said) == SLOTS
    ids = tokenizer(prompt, return_tensors="pt")
    for slot, answer in said.items():
        made = models[slot].generate(**ids, max_new_tokens=24, do_sample=False)[0]
        start = ids["input_ids"].shape[1]
        assert [token.id for token in answer.tokens] == made[start:].tolist()
        assert answer.text == tokenizer.decode(made[start:], skip_special_tokens=True).strip()
        with torch.no_grad():
            shares = models[slot](made[None]).logits[0].double().softmax(-1)
        for place, token in enumerate(answer.tokens, start=start - 1):
            assert token.probability == pytest.approx(float(shares[place, token.id]), abs=1e-4)
            best = shares[place].topk(5).values.tolist()
            assert [p for _, p in token.alternatives] == pytest.approx(best, abs=1e-4)
        ended = made[-1] == tokenizer.eos_token_id
        assert answer.how == ("end" if ended else "length")


def test_greedy_answers_are_those_that_the_eval_got(play, swept):
    for number in range(4):
        rows = {slot: swept.store.read_rows(slot, "recall")[number] for slot in SLOTS}
        said = play.ask(rows[BASE].prompt, temperature=0, max_new_tokens=16)
        assert {slot: answer.text for slot, answer in said.items()} == {
            slot: row.answer for slot, row in rows.items()
        }


def test_what_is_drawn_is_what_evals_draw_and_a_seed_draws_it_again(play, swept):
    from workbench.adapters.bank import Bank
    from workbench.evals.answerer import TorchAnswerer
    from workbench.models.load import load

    loaded = load(swept.store.spec.model)
    bank = Bank(loaded.model, loaded.tokenizer, swept.store.trials)
    for name in SLOTS[1:]:
        bank.restore(name, swept.path / name / "adapter")
    drawn = TorchAnswerer(bank).generate(
        [QUESTIONS[1]], slots=SLOTS, max_new_tokens=24, temperature=1.5, seed=7
    )
    how = {"temperature": 1.5, "max_new_tokens": 24}
    said = play.ask(QUESTIONS[1], seed=7, **how)
    assert {slot: one.text for slot, one in said.items()} == {
        slot: one.text for slot, (one,) in drawn.items()
    }
    assert play.ask(QUESTIONS[1], seed=7, **how) == said
    assert play.ask(QUESTIONS[1], seed=8, **how) != said


def test_a_small_top_p_leaves_only_the_likeliest(play):
    greedy = play.ask(QUESTIONS[1], temperature=0)
    drawn = play.ask(QUESTIONS[1], temperature=2.0, top_p=0.001, seed=5)
    assert {slot: one.text for slot, one in greedy.items()} == {
        slot: one.text for slot, one in drawn.items()
    }


def test_a_chat_message_is_asked_as_the_template_renders_it(play, plain):
    tokenizer, models = plain
    said = play.ask("Who does Dime work for?", chat=True, temperature=0, max_new_tokens=8)
    messages = [{"role": "user", "content": "Who does Dime work for?"}]
    ids = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    made = models["r8"].generate(**ids, max_new_tokens=8, do_sample=False)[0]
    assert [t.id for t in said["r8"].tokens] == made[ids["input_ids"].shape[1] :].tolist()
    assert play.answers["rendered"] == tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=False
    )


def test_only_those_that_are_asked_answer_and_alone_as_beside_others(play):
    together = play.ask(QUESTIONS[0], temperature=0)
    assert list(play.ask(QUESTIONS[0], slots=["r8"], temperature=0)) == ["r8"]
    alone = play.ask(QUESTIONS[0], slots=["r8"], temperature=0)["r8"]
    assert alone.text == together["r8"].text
    assert alone.probability == pytest.approx(together["r8"].probability, rel=1e-4)
    with pytest.raises(InputError, match="'r9' is not here"):
        play.ask(QUESTIONS[0], slots=["r9"])


def test_the_text_of_the_tokens_is_the_answer(play):
    for answer in play.ask(QUESTIONS[1], temperature=0).values():
        told = "".join(token.text for token in answer.tokens if token.text != "<eos>")
        assert told.replace("<eos>", "").strip() == answer.text


def test_a_prompt_longer_than_the_context_is_refused_with_its_length(play):
    with pytest.raises(RunError, match=r"has 301 tokens.*reads 256 at once.*by 46 tokens or more"):
        play.ask("key " * 300)
    assert {end["how"] for end in play.answers["ends"].values()} == {"failed"}
    assert play.state == "ready"
    said = play.ask("key " * 250, slots=[BASE], **LONG)[BASE]
    assert (len(said.tokens), said.how) == (5, "context")


def test_it_is_told_while_it_answers_and_stops_when_asked(play):
    seen = []
    play.observe(lambda change: seen.append(change["new"]), names=["tail", "answers"])
    play._on_message(
        None,
        {"command": "ask", "prompt": "Note:", "slots": list(SLOTS), "settings": {**LONG, "temperature": 8.0, "greedy": False}},
        [],
    )  # fmt: skip
    wait_for(lambda: sum(map(len, (play.tail or play.answers).get("tokens", {}).values())) > 0)
    assert play.state == "answering"
    play._on_message(None, {"command": "ask", "prompt": "And?", "settings": {}}, [])
    assert "still answering" in play.problem
    play._on_message(None, {"command": "stop"}, [])
    wait_for(lambda: play.state == "ready")
    assert {end["how"] for end in play.answers["ends"].values()} == {"stopped"}
    assert all(0 < len(tokens) < 200 for tokens in play.answers["tokens"].values())
    assert any(one.get("over") is False for one in seen), "it was shown before it was over"
    play.unobserve_all("tail")
    assert play.ask(QUESTIONS[0])[BASE].text


def test_a_killed_process_is_said_and_started_again(play):
    before = play.ask(QUESTIONS[0], temperature=0)
    killed = play.pid
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: play.state == "dead")
    assert "signal SIGKILL" in play.problem
    assert play.memory["measured"] is None
    assert play.ask(QUESTIONS[0], temperature=0) == before
    assert play.pid != killed
    assert play.memory["measured"] > 100_000_000


def test_a_second_playground_of_an_adapter_from_elsewhere_says_the_same(play, swept):
    other = playground(swept.path / "r8" / "adapter")
    try:
        other._looking.join(60)
        named = other.chosen[1]
        said = other.ask(QUESTIONS[0], temperature=0)
        assert None not in (other.pid, play.pid)
        assert other.pid != play.pid
        own = play.ask(QUESTIONS[0], temperature=0)
        assert said[named].text == own["r8"].text
        assert said[named].probability == pytest.approx(own["r8"].probability, rel=1e-4)
        process = psutil.Process(other.pid)
        other.free(timeout=20)
        assert not process.is_running()
        assert (other.state, other.memory["measured"]) == ("asleep", None)
        assert other.answers["ends"][named]["text"] == said[named].text
    finally:
        other.close()


def test_prints_of_libraries_get_into_the_log_and_not_into_the_pipe(swept, tmp_path, monkeypatch):
    # Real noise, written to the process's own stdout by a thread of it.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, threading, time\n"
        "def noise():\n"
        "    while 'workbench.playground.serving' not in sys.modules: time.sleep(0.01)\n"
        "    for _ in range(2000):\n"
        '        os.write(1, b\'{"event": "problem", "text": "noise", "do": "ask"}\\n\'); time.sleep(0.005)\n'
        "threading.Thread(target=noise, daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    noisy = playground(swept.path / "r2")
    try:
        assert noisy.ask(QUESTIONS[0], temperature=0)["r2"].tokens
        assert noisy.problem == ""
        assert any("noise" in line for line in noisy._session._worker.log())
    finally:
        noisy.close()


def test_the_process_ends_when_the_kernel_is_killed(swept):
    code = (
        "import sys, time\n"
        "import workbench as wb\n"
        f"play = wb.playground({str(swept.path)!r})\n"
        "play.load()\n"
        "print(play.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    kernel = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = psutil.Process(int(kernel.stdout.readline()))
    assert worker.is_running()
    kernel.kill()
    kernel.wait()
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_an_adapter_that_is_broken_is_said_and_the_others_answer(swept, tmp_path):
    copied = shutil.copytree(swept.path, tmp_path / "copied")
    (copied / "r2" / "adapter" / "adapter_model.safetensors").write_bytes(b"nonsense")
    broken = playground(copied)
    try:
        broken.load(timeout=120)
        assert "r2 cannot be asked: what it learned cannot be read" in broken.problem
        assert broken.chosen == [BASE, "r8"]
        assert list(broken.ask(QUESTIONS[0])) == [BASE, "r8"]
    finally:
        broken.close()


def test_methods_that_share_no_base_are_asked_each_on_its_own(tmp_path):
    spec = Spec.from_fields(
        {
            "name": "methods",
            "data": {"id": "microworld/updates", "rows": 32},
            "train": {"learning_rate": 1e-3, "per_device_train_batch_size": 16, "max_steps": 4},
            "evals": ["recall"],
            "sweep": {"adapter.peft_type": ["FULL", "LORA", "IA3", "PROMPT_TUNING"]},
        }
    )
    running = job.start(spec, runs=tmp_path)
    running.wait()
    mixed = playground(running)
    try:
        mixed._looking.join(60)
        rows = {slot: running.store.read_rows(slot, "recall")[1] for slot in mixed.chosen}
        assert len(rows) == 5
        some = [BASE, *mixed.chosen[2:3]]
        first = mixed.ask(rows[BASE].prompt, slots=some, temperature=0, max_new_tokens=16)
        said = mixed.ask(rows[BASE].prompt, temperature=0, max_new_tokens=16)
        assert {slot: one.text for slot, one in said.items()} == {
            slot: row.answer for slot, row in rows.items()
        }
        assert {slot: one.text for slot, one in first.items()} == {
            slot: said[slot].text for slot in some
        }
    finally:
        mixed.close()


def wait_for(condition, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

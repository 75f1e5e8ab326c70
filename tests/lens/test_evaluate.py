"""Truncations of a trained trial asked in one pass: each answers as it does alone and as plain PEFT has it, and is compared in pairs."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from workbench import microworld
from workbench.cli import main
from workbench.errors import InputError, ModelError
from workbench.experiment import run
from workbench.job import prepare
from workbench.lens.asking import TRAINED, UNTRUNCATED
from workbench.lens.curve import curve
from workbench.lens.lens import read_lens
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE
from workbench.spec import Spec

QUESTIONS = 16
RANKS = tuple(range(1, 9))


@pytest.fixture(scope="module")
def questions(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("questions") / "facts.jsonl"
    items = microworld.items("retention", data="updates")[:QUESTIONS]
    rows = [{"query": i.prompt, "choices": list(i.choices), "gold": i.gold} for i in items]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def trained(spec: Spec, root: Path) -> SweepStore:
    store = prepare(spec, runs=root)
    store.claim()
    assert run(store) == 0
    return store


@pytest.fixture(scope="module")
def trial(questions, tmp_path_factory) -> Path:
    """A trial of rank 9, trained for some steps on the micro-world."""
    spec = Spec.from_fields(
        {
            "name": "high",
            "adapter": {"r": 9, "lora_alpha": 12, "target_modules": ["q_proj", "v_proj", "up_proj"]},
            "data": {"id": "microworld/updates", "rows": 60},
            "train": {
                "learning_rate": 1e-2,
                "max_steps": 12,
                "per_device_train_batch_size": 8,
            },
            "evals": [f"choices:{questions}", "latency"],
        }
    )  # fmt: skip
    store = trained(spec, tmp_path_factory.mktemp("runs"))
    return store.folder(store.trials[0].name)


@contextmanager
def passes():
    """Grows by one with every forward of a model: each looks its tokens up once."""
    seen: list[int] = []

    def count(module, args):
        if isinstance(module, torch.nn.Embedding):
            seen.append(1)

    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    try:
        yield seen
    finally:
        hook.remove()


@pytest.fixture(scope="module")
def asked(trial):
    """The lens, eight truncations asked together, and how many forwards that took."""
    lens = read_lens(trial)
    with passes() as seen:
        fused = lens.evaluate(ranks=RANKS)
    return lens, fused, len(seen)


@pytest.fixture(scope="module")
def together(asked):
    return asked[:2]


def logprobs(folder: Path, slot: str, questions: Path) -> np.ndarray:
    rows = SweepStore.open(folder).read_rows(slot, f"choices:{questions}")
    rows = sorted(rows, key=lambda row: row.sample)
    return np.array([value for row in rows for value in json.loads(row.detail)["logprobs"]])


def test_eight_in_one_pass_answer_as_eight_alone(asked, questions, tmp_path):
    lens, fused, forwards = asked
    forwards_alone = 0
    for rank in RANKS:
        with passes() as seen:
            alone = lens.evaluate(ranks=[rank], out=tmp_path / f"only-{rank}")
        forwards_alone += len(seen)
        theirs = logprobs(alone.path, f"r{rank}", questions)
        ours = logprobs(fused.path, f"r{rank}", questions)
        assert np.abs(ours - theirs).max() <= 1e-5
    every = [tuple(logprobs(fused.path, f"r{rank}", questions)) for rank in RANKS]
    assert len(set(every)) == len(RANKS)
    assert 0 < forwards < forwards_alone / 2, (forwards, forwards_alone)


@pytest.mark.parametrize("rank", [1, 5, None])
def test_each_answers_as_plain_peft_has_it(rank, together, trial, questions):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    slot = UNTRUNCATED if rank is None else f"r{rank}"
    _, fused = together
    folder = trial / "adapter" if rank is None else fused.path / slot / "adapter"
    tokenizer = AutoTokenizer.from_pretrained(microworld.path())
    base = AutoModelForCausalLM.from_pretrained(microworld.path())
    model = PeftModel.from_pretrained(base, folder).eval()
    rows = SweepStore.open(fused.path).read_rows(slot, f"choices:{questions}")
    for row, line in zip(rows, questions.read_text().splitlines(), strict=True):
        asked = json.loads(line)
        start, told = len(tokenizer(asked["query"])["input_ids"]), []
        for choice in asked["choices"]:
            ids = tokenizer(asked["query"] + " " + choice.strip())["input_ids"]
            with torch.no_grad():
                found = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
            told.append(sum(float(found[i - 1, ids[i]]) for i in range(start, len(ids))))
        assert json.loads(row.detail)["logprobs"] == pytest.approx(told, abs=1e-4)


def test_the_curve_is_paired_with_the_adapter_itself(together, questions):
    _, fused = together
    (eval,) = fused.evals
    points = {point.name: point for point in fused.points()}
    assert list(points) == [*(f"r{rank}" for rank in RANKS), UNTRUNCATED]
    store = SweepStore.open(fused.path)
    values = {
        name: {row.sample: row.value for row in store.read_rows(name, eval)} for name in points
    }
    for name, point in points.items():
        assert point.figure.value == pytest.approx(np.mean(list(values[name].values())))
        assert point.figure.n == QUESTIONS
        if name == UNTRUNCATED:
            assert point.over_untruncated is None
            continue
        apart = [values[name][key] - values[UNTRUNCATED][key] for key in values[UNTRUNCATED]]
        assert point.over_untruncated.value == pytest.approx(np.mean(apart))
        assert point.over_untruncated.n == QUESTIONS
        assert point.over_untruncated.p_corrected >= point.over_untruncated.p
    assert "minus untruncated" in repr(fused)
    assert "not the run that would have been trained" in fused._repr_html_()
    assert curve(fused.path).points()[0].figure == points["r1"].figure


def test_latency_is_not_asked_and_the_sweep_says_what_it_is(together, trial):
    _, fused = together
    store = SweepStore.open(fused.path)
    assert store.status().state == "done"
    assert store.path.parent == trial.parent.parent
    assert not any("latency" in eval for eval in store.spec.evals)
    told = store.read_json("truncations.json")
    assert told["of"] == str((trial / "adapter").resolve())
    assert told["ranks"] == {**{f"r{r}": r for r in RANKS}, UNTRUNCATED: None}
    weights = (trial / "adapter" / "adapter_model.safetensors").read_bytes()
    kept = store.path / UNTRUNCATED / "adapter" / "adapter_model.safetensors"
    assert kept.read_bytes() == weights


def test_what_confirm_trains_stands_beside_the_truncations(together, trial, questions, tmp_path):
    lens, fused = together
    spec = lens.confirm(ranks=[2, 4])
    own = SweepStore.open(trial.parent).spec
    assert [(t.spec.adapter.r, t.spec.adapter.alpha) for t in spec.grid()] == [
        (2, pytest.approx(2 * 12 / 9)),
        (4, pytest.approx(4 * 12 / 9)),
    ]
    for one in spec.grid():
        assert (one.spec.data, one.spec.train, one.spec.seed) == (own.data, own.train, own.seed)
        assert one.spec.adapter.target_modules == own.adapter.target_modules
    store = trained(spec, tmp_path)
    both = lens.evaluate(ranks=[2, 4], beside=[store.path], out=tmp_path / "both")
    names = [TRAINED + one.name for one in store.trials]
    assert [p.name for p in both.points()] == ["r2", "r4", UNTRUNCATED, *names]
    for one in store.trials:
        theirs = logprobs(store.path, one.name, questions)
        assert np.abs(logprobs(both.path, TRAINED + one.name, questions) - theirs).max() <= 1e-5
    told = repr(both)
    assert f"trained: {store.trials[0].name}" in told
    moved = logprobs(both.path, "r2", questions) - logprobs(both.path, names[0], questions)
    assert np.abs(moved).max() > 1e-2  # a truncation is not the run that is trained
    assert np.abs(logprobs(both.path, "r2", questions) - logprobs(fused.path, "r2", questions)).max() <= 1e-5  # fmt: skip


def test_an_adapter_from_elsewhere_is_asked_on_its_base(trial, questions, tmp_path):
    folder = shutil.copytree(trial / "adapter", tmp_path / "somewhere" / "mine")
    lens = read_lens(folder)
    assert lens.place.trained_here is None
    found = lens.evaluate(
        ranks=[3], evals=[f"choices:{questions}"], base="microworld", out=tmp_path / "runs" / "cut"
    )
    store = SweepStore.open(found.path)
    record = store.read_json("foreign.json")
    assert {one["path"] for one in record.values()} == {str(folder.resolve())}
    here = read_lens(trial).evaluate(ranks=[3], out=tmp_path / "runs" / "here")
    for slot in (BASE, "r3", UNTRUNCATED):
        ours, theirs = (logprobs(one.path, slot, questions) for one in (found, here))
        assert np.abs(ours - theirs).max() <= 1e-5
    again = read_lens(found.path / UNTRUNCATED).evaluate(ranks=[1], out=tmp_path / "runs" / "twice")
    assert {point.name for point in again.points()} == {"r1", UNTRUNCATED}


def test_what_cannot_be_asked_is_refused_before_a_folder_is_made(together, trial, tmp_path):
    lens, _ = together
    before = sorted(trial.parent.parent.iterdir())
    for words, said in (
        ("each once", {"ranks": [2, 2]}),
        ("give 1 to 9", {"ranks": [10]}),
        ("spec says that already", {"ranks": [1], "base": "microworld"}),
        ("no eval", {"ranks": [1], "evals": ["nothing-such"]}),
    ):
        with pytest.raises(InputError, match=words):
            lens.evaluate(**said)
    from tests.lens.drawn import draw

    other = draw(tmp_path / "other")
    with pytest.raises(ModelError, match="lies on other modules"):
        lens.evaluate(ranks=[1], beside=[other])
    assert sorted(trial.parent.parent.iterdir()) == before


def test_the_command_asks_too(trial, capsys, tmp_path):
    typed = ["lens", str(trial), "--evaluate", "--ranks", "1,4", "--out", str(tmp_path / "asked")]
    assert main([*typed, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (points,) = told["evals"].values()
    assert [(one["name"], one["rank"]) for one in points] == [
        ("r1", 1),
        ("r4", 4),
        (UNTRUNCATED, None),
    ]
    assert all(one["low"] <= one["value"] <= one["high"] for one in points)
    assert SweepStore.open(tmp_path / "asked").status().state == "done"

"""Models that give no numbers, never stop, or see less than they are asked: counted in every score, never a wrong figure."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.foreign_models import small_llama
from workbench import microworld
from workbench.compare import compare
from workbench.errors import RunError
from workbench.foreign import evaluate
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE


def lines(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def adapter(folder: Path, *, base: Path, value: float) -> Path:
    """A LoRA by PEFT whose B is filled with one number."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.fill_(value)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Questions, texts and rows."""
    root = tmp_path_factory.mktemp("files")
    items = microworld.items("retention", data="updates")[:10]
    asked = {
        "choices": [{"query": i.prompt, "choices": list(i.choices), "gold": i.gold} for i in items],
        "perplexity": [{"text": f"{i.prompt} {i.expected}"} for i in items],
        "rows": [{"prompt": i.prompt, "completion": f" {i.expected}"} for i in items],
    }
    return {kind: lines(root / f"{kind}.jsonl", rows) for kind, rows in asked.items()}


def test_an_adapter_of_no_numbers_fails_by_name_and_its_neighbour_is_asked(tmp_path):
    # Only queries: without a mask torch's attention makes zeros of them, and the model would seem to answer.
    folders = [
        adapter(tmp_path / name, base=microworld.path(), value=value)
        for name, value in (("broken", float("nan")), ("sound", 0.01))
    ]
    with pytest.raises(RunError, match=r"broken failed: .* of its .* weights are NaN or infinite"):
        evaluate(folders, base="microworld", evals=["retention"], out=tmp_path / "runs")
    store = SweepStore.open(tmp_path / "runs")
    assert {score.slot for score in store.scores()} == {BASE, "sound"}
    assert all(score.errors == 0 for score in store.scores())
    assert store.status().trials == {"broken": "failed", "sound": "done"}
    found = compare(store.path)
    assert found.verdict.best != "broken"
    assert "NaN" in found.reading.outcomes["broken"].reason


def test_a_model_that_emits_no_numbers_has_no_figure_in_any_eval(files, tmp_path):
    folder = spoilt(small_llama(tmp_path / "model"), lambda weight: weight.fill_(float("nan")))
    evals = ["recall", "retention", "occupations", "facts", "fidelity"]
    evals += [f"{kind}:{files[kind]}" for kind in ("choices", "perplexity")]
    scores = evaluate(folder, evals=evals, data=str(files["rows"]), out=tmp_path / "runs")
    assert len(scores) == 2 * len(evals)
    for score in scores:
        assert (score.eval, score.value, score.n) == (score.eval, None, 0)
        assert score.errors > 0
        assert "nan" in score.method


def spoilt(folder: Path, change) -> Path:
    """The model with its last layer changed."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights["lm_head.weight"])
    save_file(weights, path, metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def endless(tmp_path_factory) -> Path:
    """A model whose end of text is never the likeliest token: some other has more than nothing."""
    from transformers import AutoTokenizer

    folder = small_llama(tmp_path_factory.mktemp("endless") / "model")
    end = AutoTokenizer.from_pretrained(folder).eos_token_id
    return spoilt(folder, lambda weight: weight[end].zero_())


def test_answers_that_never_stop_are_cut_counted_and_wrong(endless, tmp_path):
    rows = [{"prompt": f"Who is {n}?", "completion": " nobody at all"} for n in range(20)]
    scores = evaluate(
        endless,
        evals=["recall"],
        data=str(lines(tmp_path / "own.jsonl", rows)),
        out=tmp_path / "runs",
    )
    (base,) = [score for score in scores if score.slot == BASE]
    assert base.truncated == 20
    assert base.value in (0.0, None)


def test_questions_longer_than_the_context_are_cut_on_the_left_and_counted(endless, tmp_path):
    word = "Who does Podo work for? "
    rows = [
        {"query": word * times, "choices": ["Kencorp", "Darlux"], "gold": 0} for times in (1, 40)
    ]
    path = lines(tmp_path / "long.jsonl", rows)
    scores = evaluate(endless, evals=[f"choices:{path}"], out=tmp_path / "runs")
    assert {(score.truncated, score.errors + score.n) for score in scores} == {(1, 2)}


def test_choices_longer_than_the_context_have_no_figure_of_a_part(endless, tmp_path):
    word = "Kencorp Darlux " * 60
    rows = [{"query": "Who?", "choices": [word, word + "Kencorp"], "gold": 0}]
    path = lines(tmp_path / "long.jsonl", rows)
    (score, *_) = evaluate(endless, evals=[f"choices:{path}"], out=tmp_path / "runs")
    assert score.truncated == 1
